"""Requests that were charged when their exchange had ended: recovered, or replayed from the spool.

Nobody was there to let the after-sales plugins look at them. What the audit says of them is how the
next server knows, whichever process brought them to their end.
"""

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from ..charge import Charge
from ..exchange import Evidence, PriceFacts, RequestRecord
from ..usage import Usage
from .codec import decode
from .database import connect_reader
from .operations import NoteChecked, Posted
from .sqlite_batch import Batch

RECOVERED = "request.recovered"
REPLAYED = "request.replayed"
_CHECKED = "request.checked"
"""What the audit calls it."""

_UNCHECKED = f"""
    SELECT l.request_id, r.facts, l.channel, l.model_sent, l.model_returned, l.usage, l.evidence, l.trace, l.outcome,
           l.duration_ms, l.first_output_ms, l.overrun_nano, l.charge_nano - IFNULL(t.amount_nano, 0) AS charge_nano
    FROM audit a JOIN request_log l ON l.request_id = a.subject JOIN reservation r ON r.request_id = a.subject
    LEFT JOIN transfer t ON t.id = 'undelivered:' || a.subject
    WHERE a.action IN ('{RECOVERED}', '{REPLAYED}') AND r.state = 'posted' AND l.charge_nano > IFNULL(t.amount_nano, 0)
      AND NOT EXISTS (SELECT 1 FROM audit done WHERE done.subject = a.subject AND done.action = '{_CHECKED}')
    ORDER BY a.id
"""


def find_unchecked(database: Path) -> list[tuple[RequestRecord, Posted]]:
    """Return the requests that after-sales plugins have yet to look at; see `Ledger.unchecked`.

    What was given back of a charge already is no part of it any more.
    """
    with contextlib.closing(connect_reader(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [(_record(row), _posted(row)) for row in connection.execute(_UNCHECKED)]


def _record(row: sqlite3.Row) -> RequestRecord:
    facts = msgspec.structs.replace(
        decode(row["facts"], PriceFacts),
        channel=row["channel"],
        model_sent=row["model_sent"],
        model_returned=row["model_returned"],
    )
    return RequestRecord(
        request_id=row["request_id"],
        facts=facts,
        usage=decode(row["usage"], Usage),
        outcome=row["outcome"],
        evidence=decode(row["evidence"], Evidence),
        charge=decode(row["trace"], Charge),
        attempts=(),
        duration_ms=row["duration_ms"],
        first_output_ms=row["first_output_ms"],
    )


def _posted(row: sqlite3.Row) -> Posted:
    return Posted(request_id=row["request_id"], charge_nano=row["charge_nano"], overrun_nano=row["overrun_nano"])


def note_checked(batch: Batch, operation: NoteChecked) -> None:
    """Note that a request was looked at; see `Ledger.note_checked`."""
    batch.audit("after_sales", _CHECKED, operation.request_id, {})

"""Finds charges that no after-sales plugin has looked at, though their exchanges have ended.

A process shows its own charges to the plugins when their answers have ended. Charges that it did not get to before
its death, that recovery made, or that came from the spool, are left to the next server that starts.
"""

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from ..charge import Charge
from ..exchange import Evidence, PriceFacts, RequestRecord
from ..usage import Usage
from . import boots
from .codec import decode
from .database import connect_reader
from .operations import Mark, Posted
from .recovery import INDEXED

UNCHECKED = f"""
    SELECT r.boot, l.request_id, r.facts, l.channel, l.model_sent, l.model_returned, l.usage, l.evidence, l.trace,
           l.outcome, l.duration_ms, l.first_output_ms, l.overrun_nano,
           CASE WHEN t.id IS NOT NULL AND l.outcome = 'complete' THEN r.mark END AS mark,
           l.charge_nano - IFNULL(t.amount_nano, 0) AS charge_nano
    FROM reservation r JOIN request_log l ON l.request_id = r.request_id
    LEFT JOIN transfer t ON t.id = 'undelivered:' || r.request_id
    WHERE {INDEXED} AND r.state = 'posted' AND NOT r.is_checked
    ORDER BY l.closed_at
"""


def find_unchecked(database: Path) -> list[tuple[RequestRecord, Posted]]:
    """Return the requests that after-sales plugins have yet to look at; see `Ledger.unchecked`.

    What has been given back of a charge is subtracted from it.
    """
    with contextlib.closing(connect_reader(database)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(UNCHECKED).fetchall()
    # Looked at after the rows were read: a living boot made its file before its first row, and looks itself.
    present = set(boots.known(database.parent))
    return [(_record(row), _posted(row)) for row in rows if row["boot"] not in present]


def _record(row: sqlite3.Row) -> RequestRecord:
    facts = msgspec.structs.replace(
        decode(row["facts"], PriceFacts),
        channel=row["channel"],
        model_sent=row["model_sent"],
        model_returned=row["model_returned"],
    )
    record = RequestRecord(
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
    return record if row["mark"] is None else _as_delivered(record, decode(row["mark"], Mark))


def _as_delivered(record: RequestRecord, mark: Mark) -> RequestRecord:
    """Return *record*, of an answer that was whole upstream, as one cut short: its customer got only what *mark* says."""
    return msgspec.structs.replace(
        record, outcome="truncated", usage=mark.usage, evidence=mark.evidence, charge=mark.charge
    )


def _posted(row: sqlite3.Row) -> Posted:
    return Posted(request_id=row["request_id"], charge_nano=row["charge_nano"], overrun_nano=row["overrun_nano"])

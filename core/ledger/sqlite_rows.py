"""The statements that write the collected rows of a transaction, many in one step.

Python's sqlite3 releases the interpreter's lock at every step and has to win it back from the event
loop; compared with that, a row costs little.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain

from ..usage import TokenCounts

Row = tuple[str | int | bytes | None, ...]

_SIZES = (256, 32, *range(16, 0, -1))
"""Numbers of rows in a step.

Small groups take one step, and there are few sizes, so that each statement stays prepared.
"""


class RowStatement:
    """A statement over many rows: *row* is the pattern of one, between *head* and *tail*.

    *single* is an equivalent for one row, if that costs less. With *may_miss*, a row may change nothing.
    """

    def __init__(
        self, head: str, row: str, tail: str = "", *, single: str | None = None, may_miss: bool = False
    ) -> None:
        self._may_miss = may_miss
        self._texts = {size: f"{head} {', '.join([row] * size)} {tail}" for size in _SIZES}
        if single is not None:
            self._texts[1] = single

    def write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Write *rows* in order, each to one row of the database."""
        if len(rows) == 1:
            written = connection.execute(self._texts[1], rows[0])
            assert written.rowcount == 1 or self._may_miss, self._texts[1]
            return
        index = 0
        for size in _SIZES:
            while len(rows) - index >= size:
                values = tuple(chain.from_iterable(rows[index : index + size]))
                written = connection.execute(self._texts[size], values)
                assert written.rowcount == size or self._may_miss, self._texts[1]
                index += size


INSERT_RESERVATION = RowStatement(
    """
    INSERT INTO reservation (request_id, account_id, key_id, boot, state, held_nano, price_version, at, facts,
                             is_recovered, is_checked)
    VALUES
    """,
    "(?, ?, ?, ?, 'open', ?, ?, ?, ?, 0, 0)",
)
RAISE_HOLD = RowStatement(
    "UPDATE reservation SET held_nano = raised.column1 FROM (VALUES",
    "(?, ?)",
    ") AS raised WHERE request_id = raised.column2",
    single="UPDATE reservation SET held_nano = ? WHERE request_id = ?",
)
MARK = RowStatement(
    "UPDATE reservation SET mark = marked.column1 FROM (VALUES",
    "(?, ?)",
    ") AS marked WHERE request_id = marked.column2 AND state = 'open'",
    single="UPDATE reservation SET mark = ? WHERE request_id = ? AND state = 'open'",
    may_miss=True,
)
ADD_TO_LOT = RowStatement(
    "INSERT INTO reservation_lot VALUES",
    "(?, ?, ?)",
    "ON CONFLICT (request_id, lot_id) DO UPDATE SET held_nano = held_nano + excluded.held_nano",
)
MOVE_BOOK = RowStatement(
    """
    UPDATE book SET debit_nano = debit_nano + moved.column1, credit_nano = credit_nano + moved.column2,
                    pending_nano = pending_nano + moved.column3
    FROM (VALUES
    """,
    "(?, ?, ?, ?)",
    ") AS moved WHERE id = moved.column4",
    single="""
    UPDATE book SET debit_nano = debit_nano + ?, credit_nano = credit_nano + ?, pending_nano = pending_nano + ?
    WHERE id = ?
    """,
)
INSERT_TRANSFER = RowStatement("INSERT INTO transfer VALUES", "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
SETTLE_KEY = RowStatement(
    """
    UPDATE api_key SET spent_nano = spent_nano + settled.column1, held_nano = held_nano + settled.column2
    FROM (VALUES
    """,
    "(?, ?, ?)",
    ") AS settled WHERE id = settled.column3",
    single="UPDATE api_key SET spent_nano = spent_nano + ?, held_nano = held_nano + ? WHERE id = ?",
)
FACTS_LOGGED = (
    "account_id", "key_id", "group", "membership", "channel", "model", "model_sent", "model_returned", "dialect",
    "operation", "stream",
)  # fmt: skip
"""Members of `PriceFacts` that have a column of the log each."""
COUNTS_LOGGED = TokenCounts.__struct_fields__
_LOG_COLUMNS = (
    "request_id", "at", "closed_at", *FACTS_LOGGED, *COUNTS_LOGGED, "charge_nano", "overrun_nano", "outcome",
    "usage_source", "attempt_count", "duration_ms", "first_output_ms", "price_version", "usage", "evidence", "trace",
)  # fmt: skip
INSERT_LOG = RowStatement(
    'INSERT INTO request_log ("' + '", "'.join(_LOG_COLUMNS) + '") VALUES',
    f"({', '.join('?' * len(_LOG_COLUMNS))})",
)
INSERT_ATTEMPT = RowStatement(
    """
    INSERT INTO attempt (request_id, attempt_index, channel, key_id, model_sent, started_at, duration_ms, status,
                         failure)
    VALUES
    """,
    "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
)
KEEP_ANSWER = RowStatement(
    "INSERT INTO kept_answer (digest, account_id, channel, key_id, model, at) VALUES",
    "(?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (digest, account_id)"
    " DO UPDATE SET channel = excluded.channel, key_id = excluded.key_id, model = excluded.model, at = excluded.at",
)
NAME_REQUEST = RowStatement(
    "INSERT INTO idempotency_key (account_id, digest, request_id, at) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (account_id, digest) DO UPDATE SET request_id = excluded.request_id, at = excluded.at",
)
COLLECTED = (
    INSERT_RESERVATION,
    NAME_REQUEST,
    RAISE_HOLD,
    ADD_TO_LOT,
    MOVE_BOOK,
    INSERT_TRANSFER,
    SETTLE_KEY,
    INSERT_LOG,
    INSERT_ATTEMPT,
    KEEP_ANSWER,
)
"""What operations collect, in the order it is written: a row comes after those it refers to."""

"""What stands in the books of a shop, read as an auditor would: from the tables, without relay's code."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec


class Reservation(msgspec.Struct, frozen=True):
    """A hold that was taken, and what became of it."""

    request_id: str
    key_id: str
    at_ms: int
    state: str
    held_nano: int
    is_recovered: int
    """1 where recovery closed it."""
    marked_input_tokens: int
    marked_output_tokens: int
    """What its last mark says was handed over."""


class Bill(msgspec.Struct, frozen=True):
    """A row of the request log."""

    account_id: str
    key_id: str
    charge_nano: int
    overrun_nano: int
    input_tokens: int
    output_tokens: int
    outcome: str

    @property
    def total_nano(self) -> int:
        """What was charged, with what the shop swallowed of it."""
        return self.charge_nano + self.overrun_nano


class Books(msgspec.Struct, frozen=True):
    """Everything the judge asks of the books, of one moment."""

    reservations: list[Reservation]
    """By key, oldest first."""
    bills: dict[str, Bill]
    paid: dict[str, int]
    """What left the customers' lots, by request."""
    refunded: dict[str, int]
    """What came back from the shop because an answer was not delivered, by request."""
    top_ups: dict[str, int]
    """By reference."""
    balances: dict[str, int]
    """What an account's lots hold, by account id."""
    keys: dict[str, tuple[int | None, int, int]]
    """Cap, spent and held of each key."""


def read_books(data: Path) -> Books:
    """Read the database of a data folder beside whoever writes it."""
    with closing(sqlite3.connect(f"file:{data / 'relay.db'}?mode=ro", uri=True, isolation_level=None)) as database:
        database.execute("BEGIN")
        ask = database.execute
        return Books(
            reservations=[
                Reservation(*row)
                for row in ask(
                    "SELECT request_id, key_id, at, state, held_nano, is_recovered,"
                    " IFNULL(mark ->> '$.usage.input_tokens', 0), IFNULL(mark ->> '$.usage.output_tokens', 0)"
                    " FROM reservation ORDER BY key_id, at"
                )
            ],
            bills={
                row[0]: Bill(*row[1:])
                for row in ask(
                    "SELECT request_id, account_id, key_id, charge_nano, overrun_nano, input_tokens, output_tokens, outcome"
                    " FROM request_log"
                )
            },
            paid=dict(ask("SELECT request_id, SUM(amount_nano) FROM transfer WHERE kind = 'post' GROUP BY request_id")),
            refunded=dict(
                ask("SELECT request_id, SUM(amount_nano) FROM transfer WHERE kind = 'undelivered' GROUP BY request_id")
            ),
            top_ups={
                row[0].removeprefix("top_up:manual:"): row[1]
                for row in ask("SELECT id, amount_nano FROM transfer WHERE kind = 'top_up'")
            },
            balances=dict(
                ask(
                    "SELECT account_id, SUM(credit_nano - debit_nano) FROM book"
                    " WHERE account_id IS NOT NULL GROUP BY account_id"
                )
            ),
            keys={row[0]: row[1:] for row in ask("SELECT id, cap_nano, spent_nano, held_nano FROM api_key")},
        )

"""Many rows in a step: all of them, once each, in their order."""

import sqlite3
from collections.abc import Iterator

import pytest

from relay.core.ledger.sqlite_rows import RowStatement

INSERT = RowStatement("INSERT INTO fact VALUES", "(?, ?)")
RAISE = RowStatement(
    "UPDATE fact SET nano = nano + raised.column1 FROM (VALUES",
    "(?, ?)",
    ") AS raised WHERE id = raised.column2",
    single="UPDATE fact SET nano = nano + ? WHERE id = ?",
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY, nano INTEGER CHECK (nano >= 0))")
    yield connection
    connection.close()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 43, 64, 107, 256, 300])
def test_every_row_is_written_once(connection: sqlite3.Connection, count: int) -> None:
    """However many rows there are, each is inserted, and then changed by its own amount."""
    INSERT.write(connection, [(index, 10) for index in range(count)])
    RAISE.write(connection, [(index, index) for index in range(count)])
    rows = connection.execute("SELECT id, nano FROM fact ORDER BY id").fetchall()
    assert rows == [(index, 10 + index) for index in range(count)]


@pytest.mark.parametrize("count", [1, 40])
def test_the_database_still_refuses_a_row(connection: sqlite3.Connection, count: int) -> None:
    """A check that holds for one row at a time holds for many in a step."""
    INSERT.write(connection, [(index, 10) for index in range(count)])
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
        RAISE.write(connection, [(-11, index) for index in range(count)])


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_that_is_not_there_is_noticed(connection: sqlite3.Connection, count: int) -> None:
    """A change that finds fewer rows than it was given breaks off."""
    INSERT.write(connection, [(0, 10)])
    with pytest.raises(AssertionError):
        RAISE.write(connection, [(1, index + 1) for index in range(count)])


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_row_that_may_be_gone_is_passed_over(connection: sqlite3.Connection, count: int) -> None:
    """The others of its step are written."""
    note = RowStatement(
        "UPDATE fact SET nano = noted.column1 FROM (VALUES",
        "(?, ?)",
        ") AS noted WHERE id = noted.column2",
        single="UPDATE fact SET nano = ? WHERE id = ?",
        may_miss=True,
    )
    INSERT.write(connection, [(index, 0) for index in range(count)])
    note.write(connection, [(7, index + 1) for index in range(count)])
    assert connection.execute("SELECT id FROM fact WHERE nano = 7").fetchall() == [
        (index,) for index in range(1, count)
    ]

"""Reading the database: balances out of lots, keys, the log, one bill."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from relay import Charge
from relay.core.ledger.database import database_path
from relay.core.ledger.operations import TopUp
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.storage import Account, Bill, Key, LogEntry, Storage
from tests.books import CHARGE, CREDIT, account, key, record, reserve
from tests.services import NOW, SetClock


class Books:
    """A ledger to write with and a storage to read with, on one data folder."""

    def __init__(self, ledger: SqliteLedger, storage: Storage) -> None:
        self.ledger = ledger
        self.storage = storage

    async def open_account(self, name: str, **fields: Any) -> None:
        await self.ledger.create_account(account(name, **fields))

    async def open_key(self, key_id: str, of: str = "alice", **fields: Any) -> None:
        await self.ledger.create_key(key(key_id, of, **fields))


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with SqliteLedger.open(tmp_path, clock=SetClock()) as ledger, Storage.open(tmp_path) as storage:
        yield Books(ledger, storage)


async def test_a_balance_is_the_sum_of_lots_that_have_not_lapsed(books: Books) -> None:
    """A gift of 2 and cash of 10, of which 3 are held; what a hold took of a gift outlives the gift."""
    await books.open_account("alice", gift_nano=2 * CREDIT, gift_expires_at=NOW + timedelta(days=3))
    await books.open_account("bob", gift_nano=50 * CREDIT)
    await books.open_key("key_1")
    await books.ledger.top_up(TopUp(account="alice", amount_nano=10 * CREDIT, reference="r1", actor="test"))
    await books.ledger.reserve(reserve("req_1", 3 * CREDIT))

    assert await books.storage.find_account("alice", NOW) == Account(
        id="acct_alice",
        name="alice",
        membership="default",
        balance_nano=12 * CREDIT,
        held_nano=3 * CREDIT,
        available_nano=9 * CREDIT,
    )
    lapsed = await books.storage.find_account("alice", NOW + timedelta(days=3))
    assert lapsed is not None
    # The hold took the gift's 2 first, and those stay held; 1 of the cash is held as well.
    assert (lapsed.balance_nano, lapsed.held_nano, lapsed.available_nano) == (12 * CREDIT, 3 * CREDIT, 9 * CREDIT)
    await books.ledger.void(record("req_1", outcome="upstream_error", charge=Charge()))


async def test_a_lapsed_gift_is_not_counted(books: Books) -> None:
    """Nothing of it is held, so nothing of it is left."""
    await books.open_account("alice", gift_nano=2 * CREDIT, gift_expires_at=NOW + timedelta(days=3))
    found = await books.storage.find_account("alice", NOW + timedelta(days=3))
    assert found is not None
    assert (found.balance_nano, found.held_nano, found.available_nano) == (0, 0, 0)


async def test_an_account_without_lots_holds_nothing(books: Books) -> None:
    """No lots: zero, not unknown."""
    await books.open_account("alice", membership="vip")
    assert await books.storage.find_account("alice", NOW) == Account(
        id="acct_alice", name="alice", membership="vip", balance_nano=0, held_nano=0, available_nano=0
    )


async def test_unknown_names_are_none(books: Books) -> None:
    """Nothing is made up for what does not exist."""
    assert await books.storage.find_account("nobody", NOW) is None
    assert await books.storage.find_bill("req_0") is None
    assert await books.storage.find_key("key_0") is None
    assert await books.storage.list_keys("nobody") == []
    assert [entry async for entry in books.storage.list_log()] == []


async def test_keys_are_listed_for_one_account_or_all(books: Books) -> None:
    """By the account's name, oldest first."""
    await books.open_account("alice")
    await books.open_account("bob")
    await books.open_key("key_1")
    await books.open_key("key_2", "bob", cap_nano=7)

    assert [found.id for found in await books.storage.list_keys()] == ["key_1", "key_2"]
    assert await books.storage.list_keys("bob") == [
        Key(
            id="key_2",
            name="first",
            account="bob",
            group="plain",
            cap_nano=7,
            spent_nano=0,
            expires_at=None,
            is_revoked=False,
            last4="4f2a",
        )
    ]


async def test_a_log_is_read_page_by_page(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request once; between pages nothing is open that would keep the write-ahead log from being tidied."""
    monkeypatch.setattr("relay.core.storage.LOG_PAGE", 2)
    # The ledger tidies as well, at rest, and two can't at once.
    monkeypatch.setattr("relay.core.ledger.sqlite_store.SqliteStore.rest", lambda _: None)
    await books.open_account("alice", gift_nano=10 * CREDIT)
    await books.open_key("key_1")
    for request_id in ("req_5", "req_2", "req_4", "req_3", "req_1"):
        await books.ledger.reserve(reserve(request_id, CREDIT))
        await books.ledger.post(record(request_id))

    found, busy = [], []
    async for entry in books.storage.list_log():
        found.append(entry.request_id)
        with closing(sqlite3.connect(database_path(tmp_path))) as connection:
            busy.append(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    assert found == ["req_1", "req_2", "req_3", "req_4", "req_5"]
    assert busy == [(0, 0, 0)] * 5


async def test_a_posted_request_is_in_the_log_with_its_bill(books: Books) -> None:
    """The row's facts and counts, and the trace it was priced by."""
    await books.open_account("alice", gift_nano=2 * CREDIT)
    await books.open_key("key_1")
    await books.ledger.reserve(reserve("req_1", CREDIT))
    await books.ledger.post(record("req_1"))

    assert [entry async for entry in books.storage.list_log()] == [
        LogEntry(
            request_id="req_1",
            at=NOW,
            account="alice",
            key_id="key_1",
            group="plain",
            channel="one",
            model="gpt-4o",
            model_sent="gpt-4o-2024",
            model_returned="gpt-4o-2024-08-06",
            dialect="openai_chat",
            stream=True,
            input_tokens=3,
            cache_read_tokens=2,
            cache_write_5m_tokens=0,
            cache_write_1h_tokens=0,
            output_tokens=1,
            charge_nano=1_250_000_000,
            outcome="complete",
            usage_source="upstream",
            attempt_count=1,
            duration_ms=12,
        )
    ]
    assert await books.storage.find_bill("req_1") == Bill(
        request_id="req_1",
        charge_nano=1_250_000_000,
        overrun_nano=0,
        charge=CHARGE,
        returned_nano=0,
        upstream_cost_nano=None,
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["req_1"]),
        ({"account_name": "alice", "key_id": "key_1", "since": NOW}, ["req_1"]),
        ({"account_name": "bob"}, []),
        ({"key_id": "key_2"}, []),
        ({"since": NOW + timedelta(milliseconds=1)}, []),
    ],
)
async def test_the_log_is_filtered_by_all_that_is_given(
    books: Books, filters: dict[str, Any], found: list[str]
) -> None:
    """Account by name, key by id, and a moment that is still included."""
    await books.open_account("alice", gift_nano=2 * CREDIT)
    await books.open_key("key_1")
    await books.ledger.reserve(reserve("req_1", CREDIT))
    await books.ledger.post(record("req_1"))
    assert [entry.request_id async for entry in books.storage.list_log(**filters)] == found


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "ix_request_log_at"),
        ({"since": NOW}, "ix_request_log_at (at>?)"),
        ({"account_name": "alice"}, "ix_request_log_account_id_at (account_id=?)"),
        ({"account_name": "alice", "since": NOW}, "ix_request_log_account_id_at (account_id=? AND at>?)"),
        ({"key_id": "key_1"}, "ix_request_log_account_id_at (account_id=?)"),
        ({"key_id": "key_1", "since": NOW}, "ix_request_log_account_id_at (account_id=? AND at>?)"),
    ],
)
async def test_the_log_is_looked_through_by_an_index(
    books: Books, tmp_path: Path, filters: dict[str, Any], index: str
) -> None:
    """Of other accounts, and of earlier times, nothing is read, however long the log is."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(books.storage._engine.sync_engine, "before_cursor_execute", note)
    assert [entry async for entry in books.storage.list_log(**filters)] == []
    with closing(sqlite3.connect(database_path(tmp_path))) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}", [None] * asked[0].count("?"))]
    assert any(step.endswith(f"request_log USING INDEX {index}") for step in plan)


async def test_it_reads_a_database_that_nobody_else_has_open(tmp_path: Path) -> None:
    """Whatever characters the folder's name has."""
    data = tmp_path / "my shop? #1 %41"
    async with SqliteLedger.open(data, clock=SetClock()) as ledger:
        await ledger.create_account(account("alice"))
    async with Storage.open(data) as storage:
        assert await storage.account_names() == ["alice"]


async def test_it_cannot_write(books: Books) -> None:
    """The ledger is the only writer; the database itself says so."""
    async with books.storage._engine.connect() as connection:
        with pytest.raises(OperationalError, match="readonly database"):
            await connection.execute(sa.text("DELETE FROM account"))

"""What a request asks the database: whose key is this, and what is left of its credit?"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from relay import ApiKeyRecord
from relay.core import key_store
from relay.core.key_store import KeyBalance, KeyStore
from relay.core.ledger.operations import RevokeKey
from relay.core.ledger.sqlite import SqliteLedger
from tests.books import account, key
from tests.services import NOW, SetClock


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a ledger in which alice is a vip with one revoked key and one in use."""
    async with SqliteLedger.open(tmp_path, clock=SetClock()) as opened:
        await opened.create_account(account("alice", membership="vip"))
        expires_at = NOW + timedelta(hours=1)
        fields = {"expires_at": expires_at, "models": ("b", "a"), "ips": ("10.0.0.0/8",)}
        await opened.create_key(key("key_1", "alice", cap_nano=5, digest=b"d" * 32, **fields))
        await opened.create_key(key("key_2", "alice", digest=b"e" * 32))
        await opened.revoke_key(RevokeKey(key_id="key_1", actor="test"))
        yield opened


async def test_a_key_is_found_by_its_digest(ledger: SqliteLedger, tmp_path: Path) -> None:
    """With all that authentication asks for, revoked keys included."""
    async with KeyStore.open(tmp_path) as store:
        assert await store.find_api_key(b"d" * 32) == ApiKeyRecord(
            id="key_1",
            account_id="acct_alice",
            membership="vip",
            group="plain",
            version=2,
            digest=b"d" * 32,
            expires_at=NOW + timedelta(hours=1),
            is_revoked=True,
            cap_nano=5,
            spent_nano=0,
            models=frozenset({"a", "b"}),
            ips=("10.0.0.0/8",),
        )


async def test_an_unknown_key_is_none(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Nothing is made up for what does not exist."""
    async with KeyStore.open(tmp_path) as store:
        assert await store.find_api_key(b"nothing") is None


async def test_keys_in_use_leave_out_the_revoked(ledger: SqliteLedger, tmp_path: Path) -> None:
    """By the account's name."""
    async with KeyStore.open(tmp_path) as store:
        assert await store.keys_in_use("alice", "first") == ["key_2"]
        assert await store.keys_in_use("alice", "other") == []


async def test_a_balance_is_looked_for_by_the_index_of_what_can_be_spent(ledger: SqliteLedger, tmp_path: Path) -> None:
    """However many lots the shop has: no table is read from end to end."""
    with closing(sqlite3.connect(tmp_path / "relay.db")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {key_store._BALANCE}", (0, "key_1"))]
    assert [step for step in plan if "SCAN" in step] == []
    assert any("ix_book_spendable" in step for step in plan)


async def test_lots_that_lapsed_are_not_left(ledger: SqliteLedger, tmp_path: Path) -> None:
    """What the account can spend now, and of the key's cap no more than is left."""
    trial = account("carol", gift_nano=7, gift_expires_at=NOW + timedelta(hours=1))
    await ledger.create_account(trial)
    await ledger.create_key(key("key_3", "carol", digest=b"f" * 32))
    async with KeyStore.open(tmp_path) as store:
        before = await store.find_balance("key_3", NOW)
        after = await store.find_balance("key_3", NOW + timedelta(hours=2))
        unknown = await store.find_balance("key_9", NOW)
    assert (before, after, unknown) == (
        KeyBalance(spent_nano=0, left_nano=7, expires_at=None),
        KeyBalance(spent_nano=0, left_nano=0, expires_at=None),
        None,
    )

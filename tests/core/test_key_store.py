"""The one question a request asks the database: whose key is this?"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay import ApiKeyRecord
from relay.core.key_store import KeyStore
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
        assert await store.keys_in_use("alice") == ["key_2"]

"""Reads customers' keys while the ledger's writer works: whose a key is, and what is left of its credit.

Plain SQL on aiosqlite: SQLAlchemy, which `storage` uses, would add a third to the memory and the
starting time of a server, for three statements.
"""

from datetime import datetime

import msgspec

from .clock import from_ms, to_ms
from .ledger.database import AsyncReader
from .plugin import ApiKeyRecord

_KEY = """
    SELECT k.id, k.account_id, a.membership, k."group", k.version, k.digest, k.expires_at, k.is_revoked,
           k.cap_nano, k.spent_nano, k.models, k.ips
    FROM api_key k JOIN account a ON a.id = k.account_id WHERE k.digest = ?
"""
# The conditions on lots are those of the index over lots with something to spend.
_BALANCE = """
    SELECT k.cap_nano, k.spent_nano, k.held_nano, k.expires_at, (
        SELECT coalesce(sum(b.credit_nano - b.debit_nano - b.pending_nano), 0) FROM book b
        WHERE b.account_id = k.account_id AND b.credit_nano - b.debit_nano - b.pending_nano > 0
        AND (b.expires_at IS NULL OR b.expires_at > ?)
    )
    FROM api_key k WHERE k.id = ?
"""
_KEYS_IN_USE = """
    SELECT k.id FROM api_key k JOIN account a ON a.id = k.account_id
    WHERE a.name = ? AND k.name = ? AND NOT k.is_revoked
"""


class KeyBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What a key has spent and what it has left, in nano-credits.

    ``left_nano`` is what the account has available plus what the key's own running requests hold, or
    what is left of the key's cap if that is less. It is never negative.
    """

    spent_nano: int
    left_nano: int
    expires_at: datetime | None


class KeyStore(AsyncReader):
    """The reader of one data folder's keys; made by `open`."""

    async def find_api_key(self, digest: bytes) -> ApiKeyRecord | None:
        """Return the key whose secret has the SHA-256 *digest*, even if revoked; None if there is none."""
        async with self._connection.execute(_KEY, (digest,)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            return None
        key_id, account_id, membership, group, version, stored, expires_at, is_revoked, cap, spent, models, ips = row
        return ApiKeyRecord(
            id=key_id,
            account_id=account_id,
            membership=membership,
            group=group,
            version=version,
            digest=stored,
            expires_at=None if expires_at is None else from_ms(expires_at),
            is_revoked=bool(is_revoked),
            cap_nano=cap,
            spent_nano=spent,
            models=None if models is None else frozenset(msgspec.json.decode(models, type=tuple[str, ...])),
            ips=msgspec.json.decode(ips, type=tuple[str, ...]),
        )

    async def find_balance(self, key_id: str, now: datetime) -> KeyBalance | None:
        """Return what the key *key_id* has spent and what it has left at *now*; None if there is no such key."""
        async with self._connection.execute(_BALANCE, (to_ms(now), key_id)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            return None
        cap_nano, spent_nano, held_nano, expires_at, available_nano = row
        left_nano = available_nano + held_nano
        if cap_nano is not None:
            left_nano = max(0, min(left_nano, cap_nano - spent_nano))
        return KeyBalance(
            spent_nano=spent_nano,
            left_nano=left_nano,
            expires_at=None if expires_at is None else from_ms(expires_at),
        )

    async def keys_in_use(self, account: str, name: str) -> list[str]:
        """Return the ids of the keys called *name* of the account named *account* that are not revoked."""
        async with self._connection.execute(_KEYS_IN_USE, (account, name)) as cursor:
            return [key_id for (key_id,) in await cursor.fetchall()]

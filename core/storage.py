"""Reads accounts, keys, the request log and bills from the database, outside the hot path.

It only reads, through SQLAlchemy Core, while the ledger's writer and other processes work; changes to
money or keys go through the ledger.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .charge import Charge
from .clock import from_ms, to_ms
from .exchange import Dialect, Outcome
from .ledger.codec import decode
from .ledger.database import BUSY_TIMEOUT_MS, database_path
from .ledger.schema import account, api_key, book, request_log, transfer
from .usage import Usage, UsageSource

LOG_PAGE = 500
"""Rows of the log that are read at once."""
CONNECTION_COUNT_MAX = 4


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's account. ``balance_nano`` is the sum of what is available and what is held."""

    id: str
    name: str
    membership: str
    balance_nano: int
    held_nano: int
    available_nano: int


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's key as it may be shown, without its secret. ``account`` is the account's name."""

    id: str
    name: str
    account: str
    group: str
    cap_nano: int | None
    spent_nano: int
    expires_at: datetime | None
    is_revoked: bool
    last4: str


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the log.

    ``account`` is the account's name; ``model_returned`` is None if no answer named a model.
    """

    request_id: str
    at: datetime
    account: str
    key_id: str
    group: str
    channel: str
    model: str
    model_sent: str
    model_returned: str | None
    dialect: Dialect
    stream: bool
    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    charge_nano: int
    outcome: Outcome
    usage_source: UsageSource
    attempt_count: int
    duration_ms: int


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What a request cost and why; ``charge_nano`` and ``overrun_nano`` add up to ``charge``."""

    request_id: str
    charge_nano: int
    overrun_nano: int
    charge: Charge
    returned_nano: int
    """What recovery gave back of it, because the answer may not have reached the customer."""
    upstream_cost_nano: int | None
    """What the answer cost the shop according to the upstream, in nano-USD, or None."""


class Storage:
    """The reader of one data folder's database; made by `open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path) -> AsyncIterator["Storage"]:
        """Open the database of the data folder *data*, which the ledger has prepared."""
        address = sa.URL.create(
            "sqlite+aiosqlite",
            database=f"file:{quote(str(database_path(data)))}",
            query={"mode": "ro", "uri": "true"},
        )
        engine = create_async_engine(
            address,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
            pool_size=CONNECTION_COUNT_MAX,
            max_overflow=0,
        )
        try:
            yield cls(engine)
        finally:
            await engine.dispose()

    async def find_account(self, name: str, now: datetime) -> Account | None:
        """Return the account *name* with its balances as of *now*, or None."""
        rows = await self._rows(_account_with_balances(to_ms(now)).where(account.c.name == name))
        return _account(rows[0]) if rows else None

    async def list_accounts(self, now: datetime) -> list[Account]:
        """Return all accounts with their balances as of *now*, by name."""
        return [_account(row) for row in await self._rows(_account_with_balances(to_ms(now)).order_by(account.c.name))]

    async def account_names(self) -> list[str]:
        """Return the names of all accounts."""
        return [name for (name,) in await self._rows(sa.select(account.c.name).order_by(account.c.name))]

    async def find_key(self, key_id: str) -> Key | None:
        """Return the key of that id, or None."""
        rows = await self._rows(_KEY.where(api_key.c.id == key_id))
        return _key(rows[0]) if rows else None

    async def list_keys(self, account_name: str | None = None) -> list[Key]:
        """Return the keys of one account, or all keys, oldest first."""
        query = _KEY.order_by(api_key.c.created_at, api_key.c.id)
        if account_name is not None:
            query = query.where(account.c.name == account_name)
        return [_key(row) for row in await self._rows(query)]

    async def list_log(
        self, *, account_name: str | None = None, key_id: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogEntry]:
        """Yield the requests that match all given arguments, oldest first; a page of them is in memory at once.

        No query is open while the caller has an entry: somebody who pages through a log for hours would otherwise
        keep the write-ahead log from being reset.
        """
        query = _LOG.order_by(*_LOG_ORDER).limit(LOG_PAGE)
        if account_name is not None:
            query = query.where(account.c.name == account_name)
        if key_id is not None:
            # The key's account is named too, because the log is indexed by account and not by key.
            owner = sa.select(api_key.c.account_id).where(api_key.c.id == key_id).scalar_subquery()
            query = query.where(request_log.c.account_id == owner, request_log.c.key_id == key_id)
        if since is not None:
            query = query.where(request_log.c.at >= to_ms(since))
        rows = await self._rows(query)
        while rows:
            for row in rows:
                yield LogEntry(**{**row._mapping, "at": from_ms(row.at)})
            behind = sa.tuple_(*_LOG_ORDER) > sa.tuple_(rows[-1].at, rows[-1].request_id)
            rows = await self._rows(query.where(behind)) if len(rows) == LOG_PAGE else ()

    async def find_bill(self, request_id: str) -> Bill | None:
        """Return the bill of the request *request_id*, or None if the log has no such request."""
        rows = await self._rows(_BILL.where(request_log.c.request_id == request_id))
        if not rows:
            return None
        row = rows[0]
        return Bill(
            request_id=request_id,
            charge_nano=row.charge_nano,
            overrun_nano=row.overrun_nano,
            charge=decode(row.trace, Charge),
            returned_nano=row.returned_nano,
            upstream_cost_nano=decode(row.usage, Usage).upstream_cost_nano,
        )

    # The driver types rows as tuples of anything: the border where Any is allowed.
    async def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with self._engine.connect() as connection:
            return tuple(await connection.execute(query))


def _with_owner(kind: type[msgspec.Struct], table: sa.Table) -> sa.Select[Any]:
    """Select the members of *kind* from the columns of *table*, and the name of the account that it belongs to."""
    columns = [table.c[name] for name in kind.__struct_fields__ if name != "account"]
    return sa.select(account.c.name.label("account"), *columns).join(account, account.c.id == table.c.account_id)


_KEY = _with_owner(Key, api_key)
_LOG = _with_owner(LogEntry, request_log)
_LOG_ORDER = (request_log.c.at, request_log.c.request_id)

_BILL = sa.select(
    request_log.c.charge_nano,
    request_log.c.overrun_nano,
    request_log.c.trace,
    request_log.c.usage,
    sa.func.coalesce(transfer.c.amount_nano, 0).label("returned_nano"),
).outerjoin_from(request_log, transfer, transfer.c.id == sa.literal("undelivered:") + request_log.c.request_id)


def _account_with_balances(now_ms: int) -> sa.Select[Any]:
    """Select id, name, membership, what is available in lots that have not expired, and what is held in any lot."""
    spendable = sa.or_(book.c.expires_at.is_(None), book.c.expires_at > now_ms)
    rest_nano = book.c.credit_nano - book.c.debit_nano - book.c.pending_nano
    available_nano = sa.func.coalesce(sa.func.sum(sa.case((spendable, rest_nano), else_=0)), 0)
    held_nano = sa.func.coalesce(sa.func.sum(book.c.pending_nano), 0)
    return (
        sa.select(
            account.c.id,
            account.c.name,
            account.c.membership,
            available_nano.label("available_nano"),
            held_nano.label("held_nano"),
        )
        .select_from(account.outerjoin(book, book.c.account_id == account.c.id))
        .group_by(account.c.id, account.c.name, account.c.membership)
    )


def _account(row: sa.Row[Any]) -> Account:
    return Account(**row._mapping, balance_nano=row.available_nano + row.held_nano)


def _key(row: sa.Row[Any]) -> Key:
    expires_at = None if row.expires_at is None else from_ms(row.expires_at)
    return Key(**{**row._mapping, "expires_at": expires_at})

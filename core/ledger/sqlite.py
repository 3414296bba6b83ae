"""The ledger on SQLite, as the rest of relay uses it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import msgspec

from ..clock import Clock, SystemClock
from ..errors import LedgerError, LedgerUnavailableError, StorageFullError
from ..exchange import Claim, RequestRecord
from ..observe import emit, emit_exception
from .boots import Boot
from .database import prepare_database
from .operations import (
    Adjust,
    Checked,
    CreateAccount,
    CreateKey,
    Delivered,
    Extend,
    FileClaim,
    ForgetAnswer,
    Mark,
    Operation,
    Post,
    Posted,
    PublishPrices,
    Recover,
    Reservation,
    Reserve,
    Result,
    RevokeKey,
    SetKeyGroup,
    TopUp,
    Void,
)
from .recovery import find_abandoned, has_unfinished
from .spool import Spool
from .sqlite_store import SqliteStore
from .unchecked import find_unchecked
from .writer import GROUP_COUNT_MAX, Ticket, Writer

COMMIT_DEADLINE_S = 5.0
WATCH_PERIOD_S = 0.25
REPLAY_PERIOD_S = 1.0
ROOM_PERIOD_S = 2.0
"""How often a server checks the free space of the disk."""
RECOVERY_NOTICE_S = 5.0
"""How often a start that recovers many requests says how many are left."""
WAITING_COUNT_MAX = 10_000
"""While this many operations wait, reserves and extensions are refused; posts never are."""
WAITING_S_MAX = 2.0
"""The same while the oldest operation has been waiting for longer (field/reliability.md 3, row 54)."""


class SqliteLedger:
    """Implements `Ledger`, and does what operators do to accounts and keys; made by `open`.

    The latter is durable, repeatable and audited. Each such call raises `LedgerConflictError` if its id has been used
    for something else, and `LedgerUnknownError` if the account or key does not exist.
    """

    def __init__(self, database: Path, store: SqliteStore, spool: Spool) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._spool = spool
        self._store = store
        self._writer = Writer(store, self._loop)
        self._waiting: dict[Ticket, None] = {}
        self._has_spooled = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        data: Path,
        *,
        is_demo: bool | None = None,
        clock: Clock | None = None,
        timezone: str = "UTC",
    ) -> AsyncIterator["SqliteLedger"]:
        """Open the ledger of a data folder, and close what dead processes left open.

        Args:
            data: The data folder; created if missing.
            is_demo: See `prepare_database`.
            clock: Where the ledger reads the time; the machine's clock by default.
            timezone: Zone in which the shop's days, and so its revenue books, begin.

        Raises:
            DatabaseRefusedError: The database is of a newer relay, or a demo's and not asked for as such.
        """
        database = await asyncio.to_thread(prepare_database, data, is_demo=is_demo)
        boot = Boot(data)
        store = SqliteStore(database, boot=boot.id, clock=clock or SystemClock(), zone=ZoneInfo(timezone))
        ledger = cls(database, store, Spool(data))
        try:
            async with ledger._running():
                await ledger.replay()
                await ledger.recover(data)
                yield ledger
        finally:
            # A hold that is still open is a bug somewhere; a charge without a delivered answer was booked late,
            # after its customer had been told of a failure. The boot file stays behind for recovery to find.
            if await asyncio.to_thread(has_unfinished, database, boot.id):
                boot.abandon()
            else:
                boot.end()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._writer.start()
        # Two tasks, because the second waits for operations that the first may have to give up on. Not a
        # task group, which would wrap what the caller's own block raises.
        chores = [asyncio.create_task(self._watch()), asyncio.create_task(self._replay_later())]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            self._writer.stop()
            await asyncio.to_thread(self._writer.join)
            await self._keep_what_is_left()

    @asynccontextmanager
    async def minding_room(self) -> AsyncIterator[None]:
        """Refuse new holds while the disk is nearly full, and keep ballast on it. For servers, not for commands."""
        room = self._store.room
        await asyncio.to_thread(room.look)
        watch = asyncio.create_task(self._watch_room())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await asyncio.to_thread(room.remove)

    async def reserve(self, operation: Reserve) -> Reservation:
        """Hold an amount; see `Ledger.reserve`. A caller that is cancelled while waiting holds nothing.

        Raises:
            StorageFullError: The disk is nearly full.
        """
        self._refuse_if_full()
        if self._store.room.is_short:
            raise StorageFullError
        return cast(Reservation, await self._do(operation, abandoned_after=asyncio.CancelledError))

    async def extend(self, request_id: str, held_nano: int) -> Reservation:
        """Raise an open hold; see `Ledger.extend`."""
        self._refuse_if_full()
        return cast(Reservation, await self._do(Extend(request_id=request_id, held_nano=held_nano)))

    async def post(self, record: RequestRecord) -> Posted:
        """Book a charge; see `Ledger.post`.

        A post that can't be committed within `COMMIT_DEADLINE_S` goes durably to the spool, and is booked when the
        database takes writes again; the result is then the whole charge, as if the balance had covered it. The same
        happens to a post that broke a rule of the ledger, or shared a group with an operation that did: it is tried
        once more from the spool, and set aside for the operator if it is refused again.

        A caller that is cancelled meanwhile still gets the result, once: a customer who is charged must
        also get the end of the answer.

        Raises:
            LedgerUnavailableError: The spool failed too.
        """
        try:
            return await self._book(Post(record=record))
        except LedgerError:
            await self._keep(record)
            return Posted(request_id=record.request_id, charge_nano=record.charge.nano, overrun_nano=0)
        finally:
            self._store.revoked.discard(record.request_id)

    async def _book(self, post: Post) -> Posted:
        try:
            return cast(Posted, await self._do(post))
        except asyncio.CancelledError:
            # The wait was cancelled, the operation was not: posted again, it moves nothing and returns what was booked.
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            return cast(Posted, await self._do(post))

    async def void(self, record: RequestRecord) -> None:
        """Release a hold; see `Ledger.void`.

        Raises:
            LedgerUnavailableError: It could not be committed in time; the writer keeps trying.
        """
        await self._do(Void(record=record))
        self._store.revoked.discard(record.request_id)

    def mark(self, mark: Mark) -> None:
        """Note what is delivered so far; see `Ledger.mark`."""
        self._writer.note(mark)

    @property
    def is_stopped(self) -> bool:
        """The disk failed to sync: nothing is booked until the process is restarted."""
        return self._store.is_stopped

    def is_revoked(self, request_id: str) -> bool:
        """Say whether the key of a marked request was revoked; see `Ledger.is_revoked`."""
        return request_id in self._store.revoked

    def delivered(self, request_id: str) -> None:
        """Note that the end of the answer reached the customer; see `Ledger.delivered`."""
        self._writer.note(Delivered(request_id=request_id))

    async def claim(self, request_id: str, claim: Claim, amount_nano: int) -> None:
        """Write a claim; see `Ledger.claim`."""
        await self._do(FileClaim(request_id=request_id, claim=claim, amount_nano=amount_nano))

    async def unchecked(self) -> Sequence[tuple[RequestRecord, Posted]]:
        """Return the requests that after-sales plugins have yet to look at; see `Ledger.unchecked`."""
        return await asyncio.to_thread(find_unchecked, self._database)

    def checked(self, request_id: str) -> None:
        """Note that after-sales plugins have looked at a request; see `Ledger.checked`."""
        self._writer.note(Checked(request_id=request_id))

    async def forget_answer(self, account_id: str, answer_id: str) -> None:
        """Forget who a kept answer belongs to; see `Ledger.forget_answer`."""
        await self._do(ForgetAnswer(account_id=account_id, answer_id=answer_id))

    async def create_account(self, operation: CreateAccount) -> None:
        """Open an account; the same id and name again change nothing."""
        await self._do(operation)

    async def top_up(self, operation: TopUp) -> None:
        """Book money in; the same provider and reference again move nothing."""
        await self._do(operation)

    async def create_key(self, operation: CreateKey) -> None:
        """Store a key's digest; the same id again changes nothing."""
        await self._do(operation)

    async def revoke_key(self, operation: RevokeKey) -> None:
        """Revoke a key, with effect from the next request."""
        await self._do(operation)

    async def set_key_group(self, operation: SetKeyGroup) -> None:
        """Switch a key's group, with effect from the next request."""
        await self._do(operation)

    async def adjust(self, operation: Adjust) -> None:
        """Correct a balance.

        Raises:
            InsufficientBalanceError: Less is available than is to be taken.
        """
        await self._do(operation)

    async def publish_prices(self, operation: PublishPrices) -> None:
        """Store a price document, so that every charge made under it can be explained."""
        await self._do(operation)

    async def recover(self, data: Path) -> None:
        """Close the open requests of dead processes; those of living ones are left alone."""
        with contextlib.ExitStack() as claims:
            recoveries = await asyncio.to_thread(find_abandoned, data, claims)
            noticed_s = self._loop.time()
            # One commit at a time, so that each has its own deadline, however many there are.
            for start in range(0, len(recoveries), GROUP_COUNT_MAX):
                if self._loop.time() - noticed_s >= RECOVERY_NOTICE_S:
                    noticed_s = self._loop.time()
                    emit("recovery.awaited", request_count=len(recoveries) - start)
                await self._recover_group(recoveries[start : start + GROUP_COUNT_MAX])

    async def _recover_group(self, recoveries: Sequence[Recover]) -> None:
        results = await asyncio.gather(*[self._do(recovery) for recovery in recoveries], return_exceptions=True)
        for recovery, result in zip(recoveries, results, strict=True):
            if isinstance(result, LedgerUnavailableError):
                raise result
            if isinstance(result, BaseException):
                # It stays open, and `verify` reports it; one request must not keep the shop closed.
                emit_exception("recovery.failed", result, request_id=recovery.request_id)

    async def replay(self) -> None:
        """Book what waits in the spool; stops at the first record that can't be committed.

        Raises:
            OSError: A file can't be read; the others were booked.
        """
        self._has_spooled = False  # whatever is spooled from now on waits for the next call
        unreadable: OSError | None = None
        for path in await asyncio.to_thread(self._spool.paths):
            try:
                await self._book_again(await asyncio.to_thread(self._spool.read, path))
                await asyncio.to_thread(self._spool.forget, path)
            except FileNotFoundError:
                continue  # another process was faster
            except OSError as exc:
                unreadable = exc
            except LedgerUnavailableError:
                self._has_spooled = True
                return
            except (LedgerError, msgspec.DecodeError) as exc:
                emit_exception("spool.refused", exc, file=path.name)
                await asyncio.to_thread(self._spool.set_aside, path)
        if unreadable is not None:
            raise unreadable

    async def _book_again(self, record: RequestRecord) -> None:
        """Try once to book a record of the spool.

        The next try is the spool's: the writer must not repeat it as well.
        """
        await self._do(Post(record=record, is_replayed=True), abandoned_after=LedgerUnavailableError)

    async def _do(
        self, operation: Operation, *, abandoned_after: type[BaseException] | tuple[type[BaseException], ...] = ()
    ) -> Result:
        """Return the result of *operation*; nobody waits for it any more after an exception of *abandoned_after*."""
        ticket = Ticket(operation, self._loop.create_future(), self._loop.time())
        self._waiting[ticket] = None
        self._writer.put(ticket)
        try:
            return await ticket.future
        except abandoned_after:
            ticket.is_abandoned = True
            raise
        finally:
            del self._waiting[ticket]
            del ticket  # its future keeps a refusal, whose frames would keep it in turn, and the request

    def _refuse_if_full(self) -> None:
        if len(self._waiting) >= WAITING_COUNT_MAX:
            raise LedgerUnavailableError(f"{WAITING_COUNT_MAX} operations wait for the ledger already; ask again")
        first = next(iter(self._waiting), None)
        if first is not None and self._loop.time() - first.since_s > WAITING_S_MAX:
            raise LedgerUnavailableError(f"an operation has been waiting for {WAITING_S_MAX:g} s already; ask again")

    async def _keep(self, record: RequestRecord) -> None:
        try:
            await asyncio.to_thread(self._spool.put, record)
        except OSError as exc:
            raise LedgerUnavailableError("neither the ledger nor its spool could keep the charge") from exc
        self._has_spooled = True

    async def _keep_what_is_left(self) -> None:
        """Spool the posts that the writer could not commit before it stopped; their callers go on."""
        for ticket in tuple(self._waiting):
            if isinstance(ticket.operation, Post) and not ticket.future.done():
                record = ticket.operation.record
                await self._keep(record)
                ticket.future.set_result(
                    Posted(request_id=record.request_id, charge_nano=record.charge.nano, overrun_nano=0)
                )

    async def _watch(self) -> None:
        """Give up on operations that wait too long."""
        while True:
            await asyncio.sleep(WATCH_PERIOD_S)
            self._give_up_overdue()

    async def _watch_room(self) -> None:
        """Notice when the disk fills up, and when it has room again."""
        while True:
            await asyncio.sleep(ROOM_PERIOD_S)
            await asyncio.to_thread(self._store.room.look)

    async def _replay_later(self) -> None:
        """Book what was spooled, as soon as that works again."""
        while True:
            await asyncio.sleep(REPLAY_PERIOD_S)
            if self._has_spooled:
                try:
                    await self.replay()
                except OSError as exc:  # such as that no more files may be open
                    emit_exception("spool.failed", exc)
                    self._has_spooled = True

    def _give_up_overdue(self) -> None:
        """End the wait for overdue operations.

        Posts, voids and claims stay with the writer, which repeats them until they are done. Everything
        else is withdrawn if the writer has not begun it, and waited for if it has: a hold must never come
        into being after its caller was told that it does not exist.
        """
        overdue_s = self._loop.time() - COMMIT_DEADLINE_S
        for ticket in tuple(self._waiting):
            if ticket.since_s > overdue_s:
                break
            is_closing = isinstance(ticket.operation, Post | Void | Recover | FileClaim)
            ticket.is_abandoned = not is_closing
            if (is_closing or not ticket.is_taken) and not ticket.future.done():
                ticket.future.set_exception(self._writer.gave_up())

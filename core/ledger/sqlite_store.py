"""The SQLite engine of the ledger: a list of operations becomes one durable transaction."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock, to_ms
from ..errors import CommitFailedError, LedgerError, RelayError
from ..observe import emit_exception
from . import sqlite_accounts, sqlite_log, sqlite_recovery, sqlite_requests
from .chain import GENESIS
from .database import connect
from .operations import (
    Adjust,
    CreateAccount,
    CreateKey,
    Extend,
    FileClaim,
    ForgetAnswer,
    Note,
    Operation,
    Post,
    PublishPrices,
    Recover,
    Reserve,
    Result,
    RevokeKey,
    SetKeyGroup,
    TopUp,
    Void,
    Withdraw,
)
from .room import Room, is_want_of_room
from .rules import shop_day
from .sqlite_batch import Batch
from .sqlite_view import View

# Each handler takes the operation that is its key here, which the type of a mapping can't express.
Handler = Callable[[Batch, Any], Result]

_HANDLERS: Mapping[type, Handler] = {
    Reserve: sqlite_requests.reserve,
    Extend: sqlite_requests.extend,
    Post: sqlite_requests.post,
    Void: sqlite_requests.void,
    Withdraw: sqlite_requests.withdraw,
    FileClaim: sqlite_requests.file_claim,
    ForgetAnswer: sqlite_log.forget_answer,
    Recover: sqlite_recovery.recover,
    CreateAccount: sqlite_accounts.create_account,
    TopUp: sqlite_accounts.top_up,
    CreateKey: sqlite_accounts.create_key,
    RevokeKey: sqlite_accounts.revoke_key,
    SetKeyGroup: sqlite_accounts.set_key_group,
    Adjust: sqlite_accounts.adjust,
    PublishPrices: sqlite_accounts.publish_prices,
}
_NO_SYNC = frozenset({"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"})
"""SQLite's error codes for a disk that failed to sync.

The kernel may have dropped what it could not write, and report the next sync as a success. So nothing
more is committed until the process is restarted. Source: field/reliability.md 3, row 55, read 2026-11-29.
"""
_DECIDE_FIRST = (Reserve, Extend, Post, Void)
"""Operations that raise, if at all, before they change anything, and so need no savepoint of their own."""


class SqliteStore:
    """One connection, used by one thread at a time; see `Store`.

    Processes that share a file take turns by a lock on ``DATA/ledger.turn``, which the kernel
    grants in order; see `database.take_turn`.
    """

    def __init__(self, database: Path, *, boot: str, clock: Clock, zone: ZoneInfo) -> None:
        self.connection = connect(database)
        self._turn = os.open(database.parent / "ledger.turn", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._boot = boot
        self._clock = clock
        self._zone = zone
        self._link: tuple[int, str] = (0, GENESIS)
        self._shop_books: dict[str, int] = {}
        self.view = View(self.connection)
        self.room = Room(database.parent)
        self._has_written = False
        self.is_stopped = False
        """The disk failed to sync: nothing is written any more. Set in the writer's thread."""
        self.revoked: set[str] = set()
        """Open requests whose last mark found their key revoked. The writer's thread only adds to it."""

    def commit(self, notes: Sequence[Note], operations: Sequence[Operation]) -> list[Result]:
        """Do all of *operations* in one transaction; see `Store.commit`."""
        if self.is_stopped:
            raise CommitFailedError("nothing was committed: the disk failed to sync before")
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            return self._commit(notes, operations)
        except (sqlite3.Error, OSError) as exc:
            self._stop_if_unsynced(exc)
            remedy = ""
            if is_want_of_room(exc):
                self.room.release()
                remedy = "; free some space"
            raise CommitFailedError(f"nothing was committed: {exc}{remedy}") from exc
        finally:
            # SQLite itself ends the transaction when the disk is full; in all other cases it is left to us.
            if self.connection.in_transaction:
                self.connection.rollback()
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _commit(self, notes: Sequence[Note], operations: Sequence[Operation]) -> list[Result]:
        """Write a group together; if the database or an assertion objects, one by one, to find out which is at fault."""
        try:
            return self._write(notes, operations, self._do_together)
        except (sqlite3.OperationalError, OSError):
            # The storage failed, not an operation: full disk, I/O, memory.
            raise
        except Exception as exc:
            emit_exception("group.refused", exc)
            if self.connection.in_transaction:
                self.connection.rollback()
        return self._write(notes, operations, self._do_one_by_one)

    def _write(
        self,
        notes: Sequence[Note],
        operations: Sequence[Operation],
        do: Callable[[Batch, Sequence[Operation]], list[Result]],
    ) -> list[Result]:
        self.connection.execute("BEGIN IMMEDIATE")
        # The time is read once the lock is held: waiting for it may have taken long.
        now = self._clock.now()
        try:
            batch = Batch(
                self.connection,
                boot=self._boot,
                now_ms=to_ms(now),
                day=shop_day(now, self._zone),
                view=self.view,
                link_before=self._link,
                shop_books=self._shop_books,
            )
            revoked = sqlite_requests.note(batch, notes)
            results = do(batch, operations)
            link = batch.close()
            self.connection.execute("COMMIT")
        except BaseException:
            self.view.forget()
            raise
        self._link, self._shop_books, self._has_written = link, batch.shop_books, True
        self.revoked.update(revoked)
        return results

    def _do_together(self, batch: Batch, operations: Sequence[Operation]) -> list[Result]:
        sqlite_requests.foresee(batch, operations)
        return [
            self._decide(batch, operation) if isinstance(operation, _DECIDE_FIRST) else self._do(batch, operation)
            for operation in operations
        ]

    def _do_one_by_one(self, batch: Batch, operations: Sequence[Operation]) -> list[Result]:
        return [self._do(batch, operation) for operation in operations]

    def _decide(self, batch: Batch, operation: Operation) -> Result:
        """Do an operation whose rows are written together with those of its group."""
        try:
            return _HANDLERS[type(operation)](batch, operation)
        except RelayError as exc:
            return exc

    def _do(self, batch: Batch, operation: Operation) -> Result:
        """Do an operation in a savepoint of its own."""
        savepoint = batch.savepoint()
        try:
            result = _HANDLERS[type(operation)](batch, operation)
            batch.release()
        except RelayError as exc:
            batch.roll_back(savepoint)
            return exc
        except (sqlite3.OperationalError, OSError):
            # The storage failed, not the operation: full disk, I/O, memory.
            raise
        except Exception as exc:
            if not self.connection.in_transaction:
                raise
            batch.roll_back(savepoint)
            emit_exception("operation.refused", exc, operation=type(operation).__name__)
            return LedgerError(f"{type(operation).__name__} broke a rule of the ledger: {type(exc).__name__}")
        return result

    def rest(self) -> None:
        """Move the write-ahead log into the database while nobody waits; readers may make it stop early."""
        if self._has_written and not self.is_stopped:
            self._has_written = False
            try:
                self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as exc:
                self._stop_if_unsynced(exc)
                raise

    def _stop_if_unsynced(self, exc: Exception) -> None:
        if getattr(exc, "sqlite_errorname", None) in _NO_SYNC:
            self.is_stopped = True
            emit_exception("ledger.stopped", exc)

    def close(self) -> None:
        """Close the connection and the turn's lock file."""
        self.connection.close()
        os.close(self._turn)

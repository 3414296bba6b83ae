"""The writer: one thread per process that commits everything to the ledger, in groups.

Whatever was queued while the last commit ran makes up the next group; there is no timer. An operation
is acknowledged after its COMMIT, and one call into the event loop acknowledges the whole group.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence

from ..errors import CommitFailedError, LedgerError, LedgerUnavailableError
from ..observe import emit_exception
from .operations import Checked, Delivered, Extend, Note, Operation, Reservation, Reserve, Result, Store, Withdraw

GROUP_COUNT_MAX = 512
NOTES_AGE_S_MAX = 0.25
"""With the heartbeat's 0.75 s, a mark is on disk within a second of what it marks."""
REPEAT_PAUSE_S = 0.1
STOP_TRIES_MAX = 20


class Ticket:
    """An operation on its way, and the future that its caller awaits.

    The loop sets ``is_abandoned`` and the writer ``is_taken``, each before it looks at the other one:
    so an operation that nobody waits for is either never begun, or known to have been begun.
    """

    __slots__ = ("future", "is_abandoned", "is_taken", "operation", "since_s")

    def __init__(self, operation: Operation, future: asyncio.Future[Result], since_s: float) -> None:
        self.operation = operation
        self.future = future
        self.since_s = since_s
        self.is_abandoned = False
        self.is_taken = False


class Writer(threading.Thread):
    """Feeds a store from a queue until it is told to stop."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="relay-ledger", daemon=True)
        self._store = store
        self._loop = loop
        self._queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._notes: deque[Note] = deque()
        self._repeats: list[Ticket] = []
        self._is_stopping = False
        self._failure = ""
        """Why the last commit failed; a reason is logged when it first occurs, not at every repetition."""

    def put(self, ticket: Ticket) -> None:
        """Take an operation, without waiting."""
        self._queue.put(ticket)

    def note(self, note: Note) -> None:
        """Take a note for the next commit, without waking anyone."""
        self._notes.append(note)

    def gave_up(self) -> LedgerUnavailableError:
        """Return the error for a caller who has waited too long."""
        reason = f" ({self._failure})" if self._failure else ""
        return LedgerUnavailableError(f"the ledger took too long; nothing was acknowledged{reason}")

    def stop(self) -> None:
        """Commit what is queued, then end."""
        self._queue.put(None)

    def run(self) -> None:
        """Write until stopped."""
        try:
            while not self._is_stopping:
                self._write(self._collect())
            for _ in range(STOP_TRIES_MAX):
                if not (self._repeats or self._notes):
                    break
                time.sleep(REPEAT_PAUSE_S)
                self._write(self._take(self._drain()))
        finally:
            self._store.close()

    def _collect(self) -> list[Ticket]:
        """Wait for work, at most until notes or repeats are due, and take all there is."""
        pause_s = REPEAT_PAUSE_S if self._repeats else NOTES_AGE_S_MAX
        with contextlib.suppress(queue.Empty):
            first = self._queue.get(timeout=pause_s)
            if first is not None:
                return self._take([first, *self._drain()])
            self._is_stopping = True
        if not (self._notes or self._repeats):
            self._rest()
        return self._take(self._drain())

    def _drain(self) -> list[Ticket]:
        tickets: list[Ticket] = []
        with contextlib.suppress(queue.Empty):
            while len(tickets) < GROUP_COUNT_MAX:
                ticket = self._queue.get_nowait()
                if ticket is None:
                    self._is_stopping = True
                else:
                    tickets.append(ticket)
        return tickets

    def _take(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Return *tickets* after those that failed before, without those that nobody waits for any more."""
        tickets, self._repeats = [*self._repeats, *tickets], []
        for ticket in tickets:
            ticket.is_taken = True
        self._tell([(ticket, self.gave_up()) for ticket in tickets if ticket.is_abandoned])
        return [ticket for ticket in tickets if not ticket.is_abandoned]

    def _write(self, tickets: Sequence[Ticket]) -> None:
        notes = [self._notes.popleft() for _ in range(len(self._notes))]
        if not (tickets or notes):
            return
        try:
            results = self._store.commit(notes, [ticket.operation for ticket in tickets])
        except CommitFailedError as exc:
            if self._failure != str(exc):
                self._failure = str(exc)
                emit_exception("commit.failed", exc)
            self._notes.extendleft(reversed(_last_of_each(notes)))
            self._refuse_or_repeat(tickets)
        except Exception as exc:
            emit_exception("ledger.broken", exc)
            broken = LedgerError("the ledger broke one of its own rules; nothing was committed")
            self._notes.extendleft(note for note in reversed(notes) if isinstance(note, Delivered | Checked))
            self._tell([(ticket, broken) for ticket in tickets])
        else:
            self._failure = ""
            self._tell(list(zip(tickets, results, strict=True)))

    def _refuse_or_repeat(self, tickets: Sequence[Ticket]) -> None:
        """Refuse holds, which have cost nothing yet; keep all else, which must not be lost, until it is done."""
        refused: list[tuple[Ticket, Result]] = []
        for ticket in tickets:
            if isinstance(ticket.operation, Reserve | Extend):
                refused.append((ticket, LedgerUnavailableError("the hold could not be committed; ask again")))
            else:
                ticket.is_taken = False
                self._repeats.append(ticket)
        self._tell(refused)

    def _tell(self, results: Sequence[tuple[Ticket, Result]]) -> None:
        if not results:
            return
        # In a closed loop nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._acknowledge, results)

    def _acknowledge(self, results: Sequence[tuple[Ticket, Result]]) -> None:
        for ticket, result in results:
            future = ticket.future
            if future.done():
                self._give_back(ticket, result)
            elif isinstance(result, Exception):
                future.set_exception(result.with_traceback(None))  # its frames hold *results*, and so would keep it
            else:
                future.set_result(result)

    def _give_back(self, ticket: Ticket, result: Result) -> None:
        """Release a hold whose caller has left: nobody else would."""
        operation = ticket.operation
        if isinstance(operation, Reserve) and isinstance(result, Reservation) and ticket.future.cancelled():
            self.put(Ticket(Withdraw(request_id=operation.request_id), self._loop.create_future(), self._loop.time()))

    def _rest(self) -> None:
        try:
            self._store.rest()
        except Exception as exc:
            emit_exception("checkpoint.failed", exc)


def _last_of_each(notes: Sequence[Note]) -> list[Note]:
    """Return the last note of each kind and request: streams go on, and mark, while nothing can be committed."""
    return list({(type(note), note.request_id): note for note in notes}.values())

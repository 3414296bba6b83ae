"""The writer's thread: in groups, in order, to the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from relay.core.errors import CommitFailedError, LedgerConflictError, LedgerUnavailableError
from relay.core.exchange import Evidence
from relay.core.ledger.database import take_turn
from relay.core.ledger.operations import Delivered, Mark, Note, Operation, Reservation, Result
from relay.core.ledger.writer import Ticket, Writer
from relay.core.money import NANO
from relay.core.usage import Usage

from .books import Books, charge, reservation, top_up


class Desk:
    """Hands operations to a writer over the store of a test's books."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.loop = asyncio.get_running_loop()
        self.writer = Writer(books.store, self.loop)

    def put(self, operation: Operation) -> Ticket:
        ticket = Ticket(operation, self.loop.create_future(), self.loop.time())
        self.writer.put(ticket)
        return ticket


async def taken(ticket: Ticket) -> None:
    """Wait until the writer has begun *ticket*."""
    # The flag belongs to another thread, which tells nobody of it.
    while not ticket.is_taken:  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    books = Books(tmp_path / "data")
    books.play("account alice gift=5")
    desk = Desk(books)
    desk.writer.start()
    yield desk
    desk.writer.stop()
    await asyncio.to_thread(desk.writer.join, 10)
    assert not desk.writer.is_alive()
    books.boot.end()


async def test_what_queues_while_a_commit_runs_goes_in_one_group(desk: Desk) -> None:
    """Of 50 top-ups that queue behind one, all go in the second transaction."""
    with take_turn(desk.books.data):
        first = desk.put(top_up("alice", NANO, "first"))
        await taken(first)
        rest = [desk.put(top_up("alice", NANO, f"order-{index}")) for index in range(50)]
    await asyncio.gather(first.future, *[ticket.future for ticket in rest])
    groups = desk.books.ask("SELECT COUNT(*) FROM transfer WHERE kind = 'top_up' GROUP BY seq ORDER BY seq")
    assert groups == [(1,), (50,)]


async def test_each_of_a_group_gets_its_own_answer(desk: Desk) -> None:
    """A conflict in the middle of a group is told to its caller alone."""
    tickets = [desk.put(top_up("alice", nano, "order-1")) for nano in (NANO, 2 * NANO, NANO)]
    results = await asyncio.gather(*[ticket.future for ticket in tickets], return_exceptions=True)
    assert [type(result) for result in results] == [type(None), LedgerConflictError, type(None)]


async def test_what_nobody_waits_for_is_not_begun(desk: Desk) -> None:
    """A ticket abandoned before the writer takes it is refused, and holds nothing."""
    with take_turn(desk.books.data):
        first = desk.put(top_up("alice", NANO, "first"))
        await taken(first)
        abandoned = desk.put(reservation("r1", "alice", NANO))
        abandoned.is_abandoned = True
    with pytest.raises(LedgerUnavailableError):
        await abandoned.future
    await first.future
    assert desk.books.ask("SELECT COUNT(*) FROM reservation") == [(0,)]


async def test_what_is_queued_at_the_end_is_done(desk: Desk) -> None:
    """Stopping waits for everything that was put before."""
    tickets = [desk.put(reservation(f"r{index}", "alice", 1)) for index in range(2000)]
    desk.writer.stop()
    results = await asyncio.gather(*[ticket.future for ticket in tickets])
    assert results[-1] == Reservation(request_id="r1999", held_nano=1)


class FailingStore:
    """Commits at the third try, and keeps what notes each brought."""

    def __init__(self) -> None:
        self.seen: list[list[Note]] = []

    def commit(self, notes: Sequence[Note], operations: Sequence[Operation]) -> Sequence[Result]:
        self.seen.append(list(notes))
        if len(self.seen) < 3:
            raise CommitFailedError("nothing was committed")
        return []

    def rest(self) -> None: ...
    def close(self) -> None: ...


async def test_while_commits_fail_a_request_keeps_one_mark(caplog: pytest.LogCaptureFixture) -> None:
    """The last: a stream that goes on for an hour must fill neither the memory with what it was worth before, nor the log."""
    store = FailingStore()
    writer = Writer(store, asyncio.get_running_loop())
    marks = [
        Mark(request_id=request_id, charge=charge(amount), usage=Usage(), evidence=Evidence())
        for request_id, amount in (("r1", "1"), ("r2", "1"), ("r1", "2"), ("r1", "3"))
    ]
    notes: list[Note] = [*marks, Delivered(request_id="r1")]
    for note in notes:
        writer.note(note)
    writer.stop()
    await asyncio.to_thread(writer.run)
    assert store.seen == [notes, *[[marks[3], marks[1], notes[4]]] * 2]
    assert [logged.msg for logged in caplog.records] == ["commit.failed"]

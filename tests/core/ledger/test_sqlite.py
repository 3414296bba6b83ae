"""The ledger as the pipeline uses it: over the loop, with a disk that fails and siblings that wait."""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from relay.core.errors import CommitFailedError, InsufficientBalanceError, LedgerUnavailableError
from relay.core.exchange import Claim, Evidence
from relay.core.ledger import sqlite as sqlite_ledger
from relay.core.ledger import writer as ledger_writer
from relay.core.ledger.boots import Boot, known
from relay.core.ledger.database import connect_reader, database_path, take_turn
from relay.core.ledger.operations import Mark, Note, Operation, Posted, Result
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.ledger.sqlite_store import SqliteStore
from relay.core.ledger.verify import verify
from relay.core.money import NANO
from relay.core.usage import Usage
from tests.services import SetClock

from .books import Books, account, charge, key, record, reservation, top_up


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    async with SqliteLedger.open(tmp_path, clock=SetClock(), timezone="Asia/Shanghai") as ledger:
        await ledger.create_account(account("alice"))
        await ledger.create_key(key("alice"))
        await ledger.top_up(top_up("alice", 10 * NANO, "order-1"))
        yield ledger
    assert verify(tmp_path) == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a moment."""
    monkeypatch.setattr(sqlite_ledger, "COMMIT_DEADLINE_S", 0.2)
    monkeypatch.setattr(sqlite_ledger, "WATCH_PERIOD_S", 0.05)
    monkeypatch.setattr(sqlite_ledger, "REPLAY_PERIOD_S", 0.05)


def ask(data: Path, question: str) -> list[tuple[object, ...]]:
    with contextlib.closing(connect_reader(database_path(data))) as connection:
        return connection.execute(question).fetchall()


async def until(data: Path, question: str, expected: list[tuple[object, ...]]) -> None:
    """Wait until the database says what is expected; the test's own deadline bounds it."""
    await until_true(lambda: ask(data, question) == expected)


async def until_true(is_there: Callable[[], bool]) -> None:
    # Nothing tells of a commit but the file itself.
    while not is_there():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def limit_pages(ledger: SqliteLedger, page_count: int) -> None:
    """Let the database grow no further than *page_count*: SQLite then reports a full disk."""
    store = ledger._writer._store
    assert isinstance(store, SqliteStore)
    store.connection.execute(f"PRAGMA max_page_count={page_count}")


async def test_what_is_acknowledged_is_in_the_file(ledger: SqliteLedger, tmp_path: Path) -> None:
    """When a post returns, another connection reads its row."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    posted = await ledger.post(record("r1", "alice", "2"))
    assert posted == Posted(request_id="r1", charge_nano=2 * NANO, overrun_nano=0)
    assert ask(tmp_path, "SELECT charge_nano FROM request_log") == [(2 * NANO,)]


async def test_of_many_at_once_exactly_what_is_funded_is_granted(ledger: SqliteLedger) -> None:
    """Of 32 reservations of one credit on ten, ten are granted."""
    results = await asyncio.gather(
        *[ledger.reserve(reservation(f"r{index}", "alice", NANO)) for index in range(32)], return_exceptions=True
    )
    assert sum(isinstance(result, InsufficientBalanceError) for result in results) == 22
    await asyncio.gather(*[ledger.post(record(f"r{index}", "alice", "1")) for index in range(10)])


async def test_an_extension_and_a_void_return_the_hold(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A hold of 1 extended to 4 and voided leaves nothing held."""
    await ledger.reserve(reservation("r1", "alice", NANO))
    extended = await ledger.extend("r1", 4 * NANO)
    assert extended.held_nano == 4 * NANO
    await ledger.void(record("r1", "alice", "0", "upstream_error"))
    assert ask(tmp_path, "SELECT SUM(pending_nano) FROM book") == [(0,)]


async def test_notes_are_durable_within_a_second(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A mark is in the file though no other operation came after it."""
    await ledger.reserve(reservation("r1", "alice", NANO))
    ledger.mark(Mark(request_id="r1", charge=charge("0.5"), usage=Usage(), evidence=Evidence()))
    async with asyncio.timeout(1.5):
        await until(tmp_path, "SELECT mark IS NOT NULL FROM reservation", [(1,)])
    await ledger.post(record("r1", "alice", "1"))


async def test_notes_are_durable_when_the_ledger_is_closed(tmp_path: Path) -> None:
    """What was noted last is in the file after the end."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice", gift_nano=NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", NANO))
        await ledger.post(record("r1", "alice", "1"))
        ledger.delivered("r1")
    assert ask(tmp_path, "SELECT delivered_at IS NOT NULL FROM reservation") == [(1,)]


async def test_a_caller_cancelled_while_waiting_holds_nothing(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A hold that was granted after its caller left is released by itself."""
    with take_turn(tmp_path):
        task = asyncio.create_task(ledger.reserve(reservation("r1", "alice", NANO)))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT state FROM reservation", [("voided",)])
    await ledger.reserve(reservation("r2", "alice", 10 * NANO))
    await ledger.post(record("r2", "alice", "10"))


async def test_a_post_that_can_not_commit_is_spooled_and_booked_later(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """While a sibling keeps the turn the charge goes to the spool; afterwards it is booked, once."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    with take_turn(tmp_path):
        posted = await ledger.post(record("r1", "alice", "2"))
        await ledger.replay()
        assert [path.name for path in (tmp_path / "spool").iterdir()] == ["r1.json"]
    assert posted == Posted(request_id="r1", charge_nano=2 * NANO, overrun_nano=0)
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT charge_nano FROM request_log", [(2 * NANO,)])
        await until_true(lambda: not list((tmp_path / "spool").iterdir()))


async def test_what_is_spooled_while_the_spool_is_booked_is_booked_too(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """The look at the spool that was under way then has not seen it; the next one does."""
    for index in range(5):
        await ledger.reserve(reservation(f"r{index}", "alice", NANO))
    with take_turn(tmp_path):
        for index in range(5):
            await ledger.post(record(f"r{index}", "alice", "1"))
    async with asyncio.timeout(5):
        await until_true(lambda: not list((tmp_path / "spool").iterdir()))
    assert ask(tmp_path, "SELECT COUNT(*), SUM(charge_nano) FROM request_log") == [(5, 5 * NANO)]


async def test_a_spooled_charge_that_can_not_be_read_for_a_while_keeps_no_other_waiting(
    hasty: None, ledger: SqliteLedger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Those before and behind it are booked, and it is tried again."""
    unreadable = tmp_path / "spool" / "r1.json"
    for request_id in ("r0", "r2"):
        await ledger.reserve(reservation(request_id, "alice", NANO))
    with take_turn(tmp_path):
        unreadable.mkdir()
        for request_id in ("r0", "r2"):
            await ledger.post(record(request_id, "alice", "1"))
    async with asyncio.timeout(5):
        await until_true(lambda: os.listdir(tmp_path / "spool") == ["r1.json"])
        await until_true(lambda: "spool.failed" in caplog.text)
    assert ask(tmp_path, "SELECT request_id, charge_nano FROM request_log") == [("r0", NANO), ("r2", NANO)]
    await ledger.reserve(reservation("r1", "alice", NANO))
    unreadable.rmdir()
    await ledger._keep(record("r1", "alice", "1"))
    async with asyncio.timeout(5):
        await until_true(lambda: not os.listdir(tmp_path / "spool"))
    assert ask(tmp_path, "SELECT charge_nano FROM request_log WHERE request_id = 'r1'") == [(NANO,)]


async def test_a_spooled_charge_that_can_not_be_read_stops_a_start(tmp_path: Path) -> None:
    """Recovery would close the request at its mark, without what only the file knows."""
    async with SqliteLedger.open(tmp_path):
        pass
    unreadable = tmp_path / "spool" / "r1.json"
    unreadable.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        async with SqliteLedger.open(tmp_path):
            pass
    assert caught.value.filename == str(unreadable)


async def test_what_is_spooled_does_not_pile_up_in_the_writer(hasty: None, ledger: SqliteLedger) -> None:
    """While nothing can be committed each look at the spool asks once more; the writer repeats none of these for long."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    counts: list[int] = []
    commit = ledger._store.commit

    def failing(notes: Sequence[Note], operations: Sequence[Operation]) -> list[Result]:
        counts.append(len(operations))
        raise CommitFailedError("nothing was committed")

    ledger._store.commit = failing  # type: ignore[method-assign] # a disk that takes nothing
    await ledger.post(record("r1", "alice", "2"))
    await until_true(lambda: len(counts) >= 20)
    ledger._store.commit = commit  # type: ignore[method-assign] # it is well again
    assert max(counts) == 2


async def test_a_post_that_nothing_can_keep_is_an_error_and_is_booked_later(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """Where the spool fails too the caller is told; the writer goes on trying all the same."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    (tmp_path / "spool").rmdir()
    with take_turn(tmp_path), pytest.raises(LedgerUnavailableError, match="neither the ledger nor its spool"):
        await ledger.post(record("r1", "alice", "2"))
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT charge_nano FROM request_log", [(2 * NANO,)])


async def test_what_is_booked_after_the_customer_was_told_of_a_failure_is_given_back(
    hasty: None, tmp_path: Path
) -> None:
    """At the next start, also where this process ends in order."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice"))
        await ledger.create_key(key("alice"))
        await ledger.top_up(top_up("alice", 10 * NANO, "order-1"))
        await ledger.reserve(reservation("r1", "alice", 3 * NANO))
        (tmp_path / "spool").rmdir()
        with take_turn(tmp_path), pytest.raises(LedgerUnavailableError):
            await ledger.post(record("r1", "alice", "2"))
    async with SqliteLedger.open(tmp_path):
        given_back = "SELECT id, amount_nano FROM transfer WHERE kind = 'undelivered'"
        assert ask(tmp_path, given_back) == [("undelivered:r1", 2 * NANO)]
    assert known(tmp_path) == []
    assert verify(tmp_path) == []


async def test_a_group_that_breaks_a_rule_takes_no_delivery_along(ledger: SqliteLedger, tmp_path: Path) -> None:
    """What reached its customer must not be given back, nor what was looked at be shown once more."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    await ledger.post(record("r1", "alice", "2"))
    commit = ledger._store.commit

    def broken(notes: Sequence[Note], operations: Sequence[Operation]) -> list[Result]:
        ledger._store.commit = commit  # type: ignore[method-assign] # it works again
        raise AssertionError

    ledger._store.commit = broken  # type: ignore[method-assign] # a bug, once
    ledger.delivered("r1")
    ledger.checked("r1")
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT delivered_at IS NOT NULL, is_checked FROM reservation", [(1, 1)])


async def test_a_claim_that_can_not_be_written_in_time_is_written_later(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """Nobody would ask for it again."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    await ledger.post(record("r1", "alice", "2", "empty"))
    claim = Claim(rule="rule", kind="empty_reply", share=Fraction(1, 2))
    with take_turn(tmp_path), pytest.raises(LedgerUnavailableError):
        await ledger.claim("r1", claim, NANO)
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT request_id, rule, amount_nano FROM claim", [("r1", "rule", NANO)])


async def test_a_full_disk_refuses_holds_and_loses_no_charge(hasty: None, ledger: SqliteLedger, tmp_path: Path) -> None:
    """On a full disk a reserve is refused at once and a post is kept; with room again it is booked."""
    for index in range(8):
        await ledger.reserve(reservation(f"r{index}", "alice", NANO))
    limit_pages(ledger, 1)
    posts = await asyncio.gather(*[ledger.post(record(f"r{index}", "alice", "0.5")) for index in range(8)])
    refused = await asyncio.gather(
        *[ledger.reserve(reservation(f"s{index}", "alice", 1)) for index in range(64)], return_exceptions=True
    )
    limit_pages(ledger, 1_000_000)
    assert sum(posted.charge_nano for posted in posts) == 4 * NANO
    assert {type(result) for result in refused} == {LedgerUnavailableError}
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT COUNT(*), SUM(charge_nano) FROM request_log", [(8, 4 * NANO)])
    assert ask(tmp_path, "SELECT COUNT(*) FROM reservation WHERE request_id LIKE 's%'") == [(0,)]


async def test_a_reserve_that_waits_too_long_is_refused_and_never_granted(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """A reserve still queued at its deadline is withdrawn; the one being written is waited for."""
    with take_turn(tmp_path):
        taken = asyncio.create_task(ledger.reserve(reservation("r1", "alice", NANO)))
        await until_true(lambda: any(ticket.is_taken for ticket in ledger._waiting))
        with pytest.raises(LedgerUnavailableError, match="took too long"):
            await ledger.reserve(reservation("r2", "alice", NANO))
        assert not taken.done()
    assert (await taken).held_nano == NANO
    await ledger.void(record("r1", "alice", "0"))
    assert ask(tmp_path, "SELECT request_id FROM reservation") == [("r1",)]


async def test_a_full_queue_refuses_holds_but_takes_posts(
    ledger: SqliteLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the queue's bound new work is refused; what closes old work is not."""
    await ledger.reserve(reservation("r1", "alice", NANO))
    monkeypatch.setattr(sqlite_ledger, "WAITING_COUNT_MAX", 0)
    with pytest.raises(LedgerUnavailableError, match="wait for the ledger already"):
        await ledger.reserve(reservation("r2", "alice", NANO))
    with pytest.raises(LedgerUnavailableError, match="wait for the ledger already"):
        await ledger.extend("r1", 2 * NANO)
    await ledger.post(record("r1", "alice", "1"))


async def test_while_the_first_waits_too_long_the_next_is_refused_at_once(
    ledger: SqliteLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a slow disk or a foreign lock nobody queues up for a 503 of five seconds later; a post still does."""
    monkeypatch.setattr(sqlite_ledger, "WAITING_S_MAX", -1.0)
    await ledger.reserve(reservation("r1", "alice", NANO))
    with take_turn(tmp_path):
        first = asyncio.create_task(ledger.reserve(reservation("r2", "alice", NANO)))
        await asyncio.sleep(0)
        with pytest.raises(LedgerUnavailableError, match="waiting"):
            await ledger.reserve(reservation("r3", "alice", NANO))
        post = asyncio.create_task(ledger.post(record("r1", "alice", "1")))
        await asyncio.sleep(0)
    assert (await first).held_nano == NANO
    assert (await post).charge_nano == NANO
    await ledger.void(record("r2", "alice", "0", "upstream_error"))


async def test_a_start_books_the_spool_before_it_recovers(tmp_path: Path) -> None:
    """What a dead process spooled is its true usage, and wins over its mark."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice", gift_nano=5 * NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", 3 * NANO))
        ledger.mark(Mark(request_id="r1", charge=charge("0.5"), usage=Usage(), evidence=Evidence()))
        await ledger._keep(record("r1", "alice", "2"))
    async with SqliteLedger.open(tmp_path):
        assert ask(tmp_path, "SELECT charge_nano, outcome FROM request_log") == [(2 * NANO, "complete")]
    assert (known(tmp_path), list((tmp_path / "spool").iterdir())) == ([], [])


def left_by_the_dead(folder: Path, count: int) -> Path:
    """Return the data folder of a process that died holding for *count* requests."""
    books = Books(folder / "data")
    books.play("account alice gift=10")
    books.store.commit([], [reservation(f"r{index}", "alice", 1) for index in range(count)])
    books.store.close()
    books.boot.abandon()
    return books.data


async def test_a_start_recovers_however_many_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All together take longer than one commit may; none of them has to wait for all."""

    def commit_slowly(store: SqliteStore, notes: Sequence[Note], operations: Sequence[Operation]) -> list[Result]:
        time.sleep(0.25)
        return commit(store, notes, operations)

    commit = SqliteStore.commit
    data = left_by_the_dead(tmp_path, 40)
    monkeypatch.setattr(SqliteStore, "commit", commit_slowly)
    monkeypatch.setattr(sqlite_ledger, "COMMIT_DEADLINE_S", 1.5)
    monkeypatch.setattr(sqlite_ledger, "WATCH_PERIOD_S", 0.05)
    monkeypatch.setattr(sqlite_ledger, "GROUP_COUNT_MAX", 4)
    monkeypatch.setattr(ledger_writer, "GROUP_COUNT_MAX", 4)
    async with SqliteLedger.open(data):
        states = ask(data, "SELECT state, COUNT(*) FROM reservation GROUP BY state")
    assert states == [("voided", 40)]


async def test_a_start_that_recovers_for_long_says_how_many_are_left(
    monkeypatch: pytest.MonkeyPatch, ledger: SqliteLedger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once every five seconds, where two requests take two: the operator can tell how long it will take."""
    now_s = 0

    async def recover_slowly(recoveries: object) -> None:
        nonlocal now_s
        now_s += 2

    monkeypatch.setattr(sqlite_ledger, "GROUP_COUNT_MAX", 2)
    monkeypatch.setattr(ledger, "_loop", SimpleNamespace(time=lambda: now_s))
    monkeypatch.setattr(ledger, "_recover_group", recover_slowly)
    with caplog.at_level("INFO", logger="relay"):
        await ledger.recover(left_by_the_dead(tmp_path, 15))
    said = [(line.getMessage(), vars(line)["fields"]) for line in caplog.records]
    assert said == [("recovery.awaited", {"request_count": left}) for left in (9, 3)]


async def test_a_spooled_record_the_ledger_refuses_is_set_aside(tmp_path: Path) -> None:
    """A charge without a reservation, or half a file, is kept for the operator and stops nobody."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger._keep(record("r9", "alice", "2"))
        (tmp_path / "spool" / "r8.json").write_text("{")
    async with SqliteLedger.open(tmp_path):
        assert sorted(os.listdir(tmp_path / "spool")) == ["r8.refused", "r9.refused"]


@pytest.mark.breaks_a_rule
async def test_a_post_that_breaks_a_rule_is_kept_for_the_operator(hasty: None, tmp_path: Path) -> None:
    """A charge that nobody can book is asked again alone, then set aside; its file is all that is left of it."""
    async with SqliteLedger.open(tmp_path, clock=SetClock()) as ledger:
        await ledger.create_account(account("alice", gift_nano=5 * NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", NANO))
        await ledger.post(record("r1", "alice", "-1"))
        await until_true(lambda: os.listdir(tmp_path / "spool") == ["r1.refused"])
        assert ask(tmp_path, "SELECT state FROM reservation") == [("open",)]


async def test_a_post_whose_caller_is_told_to_end_is_waited_for(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Once: the customer, who pays, still gets the end of the answer."""
    await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    with take_turn(tmp_path):
        post = asyncio.create_task(ledger.post(record("r1", "alice", "2")))
        await asyncio.sleep(0)
        post.cancel()
        await asyncio.sleep(0)
    assert await post == Posted(request_id="r1", charge_nano=2 * NANO, overrun_nano=0)
    assert ask(tmp_path, "SELECT charge_nano FROM request_log") == [(2 * NANO,)]
    assert not post.cancelling()


async def test_a_post_under_way_at_the_end_goes_to_the_spool(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A disk that takes nothing while the shop shuts down loses no charge."""
    async with SqliteLedger.open(tmp_path, clock=SetClock()) as ending:
        await ending.reserve(reservation("r1", "alice", 3 * NANO))
        limit_pages(ending, 1)
        large = msgspec.structs.replace(record("r1", "alice", "2"), evidence=Evidence(stop_reason="x" * 100_000))
        post = asyncio.create_task(ending.post(large))
        await asyncio.sleep(0)
    assert (await post).charge_nano == 2 * NANO
    assert os.listdir(tmp_path / "spool") == ["r1.json"]
    await ledger.replay()
    assert ask(tmp_path, "SELECT charge_nano FROM request_log") == [(2 * NANO,)]


async def test_a_start_leaves_a_living_sibling_s_holds_alone(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A second process that starts voids nothing of the first."""
    await ledger.reserve(reservation("r1", "alice", NANO))
    async with SqliteLedger.open(tmp_path):
        assert ask(tmp_path, "SELECT state FROM reservation") == [("open",)]
    await ledger.post(record("r1", "alice", "1"))


async def test_an_end_with_open_holds_leaves_them_to_recovery(tmp_path: Path) -> None:
    """A ledger closed over an open hold is recovered by the next start."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice", gift_nano=5 * NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    assert len(known(tmp_path)) == 1
    async with SqliteLedger.open(tmp_path):
        assert ask(tmp_path, "SELECT state, is_recovered FROM reservation") == [("voided", 1)]


async def test_holds_of_a_boot_that_left_no_file_are_recovered(tmp_path: Path) -> None:
    """A data folder restored without its boots has no living holds."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice", gift_nano=5 * NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", 3 * NANO))
    (tmp_path / "boots" / known(tmp_path)[0]).unlink()
    async with SqliteLedger.open(tmp_path):
        assert ask(tmp_path, "SELECT state FROM reservation") == [("voided",)]


async def test_a_sibling_s_writes_are_waited_for(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A transaction of another program delays the ledger, and breaks nothing."""
    with contextlib.closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(ledger.reserve(reservation("r1", "alice", NANO)))
        await asyncio.sleep(0.1)
        assert not task.done()
        stranger.execute("ROLLBACK")
    assert (await task).held_nano == NANO
    await ledger.void(record("r1", "alice", "0"))


async def test_a_request_that_can_not_be_recovered_does_not_keep_the_shop_shut(tmp_path: Path) -> None:
    """A hold whose facts can't be read stays open, is named by `verify`, and stops nobody else's."""
    async with SqliteLedger.open(tmp_path) as ledger:
        await ledger.create_account(account("alice", gift_nano=5 * NANO))
        await ledger.create_key(key("alice"))
        await ledger.reserve(reservation("r1", "alice", NANO))
        await ledger.reserve(reservation("r2", "alice", NANO))
    with contextlib.closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as stranger:
        stranger.execute("UPDATE reservation SET facts = '{' WHERE request_id = 'r1'")
    async with SqliteLedger.open(tmp_path):
        assert ask(tmp_path, "SELECT state FROM reservation ORDER BY request_id") == [("open",), ("voided",)]
        (problem,) = verify(tmp_path)
    assert problem.endswith("is dead and still holds; start relay to recover it")


async def test_while_a_replay_waits_others_are_still_told_of_their_deadlines(
    hasty: None, ledger: SqliteLedger, tmp_path: Path
) -> None:
    """A stuck replay does not stop the watch over everyone else."""
    await ledger.reserve(reservation("r1", "alice", NANO))
    await ledger.reserve(reservation("r2", "alice", NANO))
    with take_turn(tmp_path):
        await ledger.post(record("r1", "alice", "1"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            await ledger.post(record("r2", "alice", "1"))
    async with asyncio.timeout(5):
        await until(tmp_path, "SELECT COUNT(*) FROM request_log", [(2,)])


async def test_an_ended_ledger_leaves_no_boot(tmp_path: Path) -> None:
    """After an end in order only the living are known."""
    sibling = Boot(tmp_path)
    async with SqliteLedger.open(tmp_path):
        assert len(known(tmp_path)) == 2
    assert known(tmp_path) == [sibling.id]
    sibling.end()

"""A transaction of many operations: each refused alone, all of them lost or none."""

import sqlite3

import pytest

from relay.core.errors import CommitFailedError, LedgerError
from relay.core.exchange import Evidence
from relay.core.ledger.codec import decode
from relay.core.ledger.operations import Mark, Post, RevokeKey, SetKeyGroup, TopUp
from relay.core.usage import Usage

from .books import Books, charge, key, record, reservation, top_up


@pytest.fixture
def funded(books: Books) -> Books:
    books.play("account alice gift=5")
    return books


def test_a_group_that_can_not_be_committed_leaves_nothing(funded: Books) -> None:
    """On a full disk the whole group is gone, and the same group goes through later."""
    group = [top_up("alice", 10**9, f"order-{index}") for index in range(200)]
    funded.store.connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(CommitFailedError, match="database or disk is full; free some space"):
        funded.store.commit([], group)
    funded.store.connection.execute("PRAGMA max_page_count=1000000")
    funded.play("balance alice 5")
    assert funded.store.commit([], group) == [None] * 200
    funded.play("balance alice 205")


def test_books_opened_in_a_lost_group_are_opened_again(funded: Books) -> None:
    """A book that was rolled back with its group is not remembered."""
    group: list[TopUp | Post] = [top_up("alice", 10**9, f"order-{index}") for index in range(200)]
    funded.store.connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(CommitFailedError):
        funded.store.commit([], group)
    funded.store.connection.execute("PRAGMA max_page_count=1000000")
    funded.play("""
        top_up alice 1
        book clearing -1
    """)


@pytest.mark.breaks_a_rule
def test_a_broken_rule_refuses_one_operation_and_names_no_contents(funded: Books) -> None:
    """A charge below nothing is refused with an error of the ledger; its neighbour goes through."""
    funded.do(reservation("r1", "alice", 10**9))
    bad = Post(record=record("r1", "alice", "-1"))
    refused, done = funded.store.commit([], [bad, reservation("r2", "alice", 10**9)])
    assert isinstance(refused, LedgerError)
    assert str(refused) == "Post broke a rule of the ledger: AssertionError"
    assert not isinstance(done, Exception)
    funded.play("held alice 2")


@pytest.mark.breaks_a_rule
def test_an_operation_refused_halfway_takes_its_money_back(funded: Books) -> None:
    """A post whose log row can't be written moves nothing, and can be done again."""
    funded.do(reservation("r1", "alice", 10**9))
    funded.store.connection.execute(
        "CREATE TEMP TRIGGER full_log BEFORE INSERT ON request_log BEGIN SELECT RAISE(ABORT, 'no room'); END"
    )
    (refused,) = funded.store.commit([], [Post(record=record("r1", "alice", "1"))])
    assert isinstance(refused, LedgerError)
    funded.play("balance alice 4\n held alice 1")
    funded.store.connection.execute("DROP TRIGGER full_log")
    funded.play("""
        top_up alice 1
        reserve r2 alice 1
    """)
    funded.do(Post(record=record("r1", "alice", "1")))
    funded.play("balance alice 4\n held alice 1\n book revenue 1")


def test_a_group_takes_few_steps(funded: Books) -> None:
    """Thirty-two reservations are written in 8 steps and posted in 9: each step gives the other threads a turn.

    Neither reads keys, lots or what is held: all of it is remembered.
    """
    steps: list[str] = []
    reserves = [reservation(f"r{index}", "alice", 10**6) for index in range(32)]
    posts = [Post(record=record(f"r{index}", "alice", "0.001")) for index in range(32)]
    for request_id in ("first", "second"):
        funded.do(reservation(request_id, "alice", 0))
        funded.do(Post(record=record(request_id, "alice", "0.001")))
    funded.store.connection.set_trace_callback(steps.append)
    funded.store.commit([], reserves)
    assert len(steps) == 8
    steps.clear()
    funded.store.commit([], posts)
    assert len(steps) == 9


def test_what_another_process_has_done_is_not_overlooked(funded: Books) -> None:
    """What a key's account has, and its version, are read again once a sibling or the command line has written."""
    funded.play("reserve r1 alice 1")
    sibling = Books(funded.data)
    sibling.do(reservation("r2", "alice", 3 * 10**9))
    sibling.do(SetKeyGroup(key_id="alice", group="agave", actor="operator"))
    funded.play("reserve r3 alice 1 -> stale_key")
    funded.play("""
        authenticate alice
        reserve r3 alice 2 -> insufficient_user_quota
        reserve r3 alice 1
    """)
    sibling.close()
    funded.check_view()


def test_a_hold_of_a_lost_group_is_not_remembered(funded: Books) -> None:
    """What the disk had no room for can't be posted, and is available again."""
    group = [reservation(f"r{index}", "alice", 10**6) for index in range(1000)]
    funded.store.connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(CommitFailedError):
        funded.store.commit([], group)
    funded.store.connection.execute("PRAGMA max_page_count=1000000")
    funded.check_view()
    (refused,) = funded.store.commit([], [Post(record=record("r1", "alice", "0.001"))])
    assert str(refused) == "request 'r1' was never reserved"
    funded.play("reserve r1 alice 5")


def test_the_chain_goes_on_after_a_lost_group(funded: Books) -> None:
    """A link of a group that was lost is written again by the next."""
    funded.store.connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(CommitFailedError):
        funded.store.commit([], [top_up("alice", 10**9, f"order-{index}") for index in range(200)])
    funded.store.connection.execute("PRAGMA max_page_count=1000000")
    funded.play("top_up alice 1")
    assert funded.ask("SELECT seq FROM batch ORDER BY seq") == [(1,), (2,)]


def test_a_commit_without_money_adds_no_link(funded: Books) -> None:
    """Holds and keys change no balance, so the chain stays as it was."""
    funded.do(reservation("r1", "alice", 10**9))
    funded.do(key("alice"))
    assert funded.ask("SELECT COUNT(*) FROM batch") == [(1,)]


def test_rest_moves_the_log_into_the_database(funded: Books) -> None:
    """After a checkpoint the file alone holds everything."""
    funded.store.rest()
    copy = sqlite3.connect(f"file:{funded.database}?immutable=1", uri=True)
    assert copy.execute("SELECT COUNT(*) FROM account").fetchone() == (1,)
    copy.close()


def test_a_trace_is_stored_exactly(funded: Books) -> None:
    """The lines of a charge are in the log as they were computed."""
    funded.do(reservation("r1", "alice", 10**9))
    funded.do(Post(record=record("r1", "alice", "1/3")))
    (line,) = charge("1/3").lines
    assert line.amount == line.factors[0][1]
    assert funded.ask("SELECT charge_nano, trace FROM request_log") == [
        (
            333_333_333,
            '{"lines":[{"rule":"billing.test","item":"request","count":1,"factors":[["price","1/3"]]}]}',
        )
    ]


def test_a_mark_finds_that_its_key_was_revoked(funded: Books) -> None:
    """While the request is open; another key's requests go on, and so does one that is closed already."""
    funded.play("account bob gift=5")
    for request_id, name in (("r1", "alice"), ("r2", "bob"), ("r3", "alice")):
        funded.do(reservation(request_id, name, 10**9))
    marks = [
        Mark(request_id=request_id, charge=charge("1"), usage=Usage(), evidence=Evidence())
        for request_id in ("r1", "r2", "r3", "unknown")
    ]
    funded.store.commit(marks, [])
    assert funded.store.revoked == set()
    funded.do(Post(record=record("r3", "alice", "1")))
    funded.do(RevokeKey(key_id="alice", actor="test"))
    funded.store.commit(marks, [])
    assert funded.store.revoked == {"r1"}


def test_of_marks_that_wait_together_each_request_keeps_its_last(funded: Books) -> None:
    """Two of one request, one of another, and one of a request that is closed: two rows change."""
    for request_id in ("r1", "r2", "r3"):
        funded.do(reservation(request_id, "alice", 10**9))
    funded.do(Post(record=record("r3", "alice", "1")))
    marks = [
        Mark(request_id=request_id, charge=charge(amount), usage=Usage(), evidence=Evidence())
        for request_id, amount in (("r1", "0.25"), ("r2", "0.5"), ("r3", "0.5"), ("r1", "0.75"))
    ]
    funded.store.commit(marks, [])
    rows = funded.ask("SELECT request_id, mark FROM reservation ORDER BY request_id")
    assert [(request_id, decode(str(mark), Mark) if mark else None) for request_id, mark in rows] == [
        ("r1", marks[3]),
        ("r2", marks[1]),
        ("r3", None),
    ]

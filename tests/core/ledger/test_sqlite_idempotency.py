"""Requests that a client names: each key is paid for once in a day."""

import pytest

from relay.core.errors import RepeatedRequestError
from relay.core.ledger.operations import Reservation

from .books import Books, reservation


def refusal(books: Books, line: str) -> dict[str, str]:
    """Reserve as *line* says, and return what the refusal tells."""
    request_id, name, amount, named = line.split()
    with pytest.raises(RepeatedRequestError) as caught:
        books._reserve(request_id, name, amount, named)
    return caught.value.params


def test_a_key_that_was_paid_for_is_refused_with_what_it_cost(books: Books) -> None:
    """The second request of the name holds nothing, leaves no row, and learns of the first."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        post r1 2
        reserve r2 alice 3 named=a -> idempotency_key_used
        balance alice 8
        held alice 0
        no_log r2
    """)
    assert refusal(books, "r2 alice 3 named=a") == {"request_id": "r1", "state": "posted", "charge": "2"}
    assert books.ask("SELECT request_id FROM reservation") == [("r1",)]


def test_a_key_whose_request_is_under_way_is_refused(books: Books) -> None:
    """Nothing is known of the charge yet."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        reserve r2 alice 3 named=a -> idempotency_key_used
    """)
    assert refusal(books, "r2 alice 3 named=a") == {"request_id": "r1", "state": "open"}


def test_a_repeat_is_told_so_whatever_the_balance(books: Books) -> None:
    """A customer whose last credit the first request took learns of that, not of an empty account."""
    books.play("""
        account alice
        top_up alice 3
        reserve r1 alice 3 named=a
        reserve r2 alice 3 named=a -> idempotency_key_used
    """)


@pytest.mark.parametrize("ending", ["void r1", "withdraw r1", "crash"])
def test_a_request_that_cost_nothing_may_be_asked_again(books: Books, ending: str) -> None:
    """What was voided, by whomever, frees its name for the next, which takes it."""
    books.play(f"""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        {ending}
        reserve r2 alice 3 named=a
        reserve r3 alice 3 named=a -> idempotency_key_used
        post r2 2
    """)
    assert refusal(books, "r3 alice 3 named=a")["request_id"] == "r2"


def test_a_marked_request_of_a_dead_process_was_paid_for(books: Books) -> None:
    """Recovery posts what was delivered; the name stays taken."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        mark r1 0.5
        crash
        reserve r2 alice 3 named=a -> idempotency_key_used
    """)
    assert refusal(books, "r2 alice 3 named=a") == {"request_id": "r1", "state": "posted", "charge": "0.5"}


def test_a_charge_that_was_given_back_frees_the_name(books: Books) -> None:
    """Posted, but lost with the process before its end went out: it cost nothing in the end."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        post r1 2
        crash
        balance alice 10
        reserve r2 alice 3 named=a
        post r2 2
    """)


def test_names_are_an_account_s_own(books: Books) -> None:
    """Two customers may choose the same name."""
    books.play("""
        account alice
        account bob
        top_up alice 10 order-1
        top_up bob 10 order-2
        reserve r1 alice 3 named=a
        reserve r2 bob 3 named=a
        reserve r3 alice 3 named=b
        reserve r4 alice 3
        held alice 9
        held bob 3
    """)


def test_a_name_is_free_after_a_day(books: Books) -> None:
    """Until a moment before 24 hours it is refused."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        post r1 2
        wait_h 23.9
        reserve r2 alice 3 named=a -> idempotency_key_used
        wait_h 0.1
        reserve r2 alice 3 named=a
        post r2 2
        balance alice 6
    """)


def test_a_name_stays_taken_while_its_request_is_under_way(books: Books) -> None:
    """A clock that was set forward by a day in the midst of it lets nobody ask twice, nor others take the name away."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        wait_h 30
        reserve r2 alice 3 named=b
        reserve r3 alice 3 named=a -> idempotency_key_used
        post r1 2
        reserve r3 alice 3 named=a
    """)


def test_old_names_go_as_new_ones_come(books: Books) -> None:
    """Each request that is named takes two along that are older than a day."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 1 named=a
        wait_h 1
        reserve r2 alice 1 named=b
        wait_h 1
        reserve r3 alice 1 named=c
        post r1 1
        post r2 1
        post r3 1
        wait_h 24
        reserve r4 alice 1 named=d
    """)
    assert books.ask("SELECT request_id FROM idempotency_key ORDER BY at, request_id") == [("r3",), ("r4",)]


def test_a_refused_request_takes_no_name(books: Books) -> None:
    """Who could not pay may top up and ask again."""
    books.play("""
        account alice
        top_up alice 1
        reserve r1 alice 3 named=a -> insufficient_user_quota
        top_up alice 9 order-2
        reserve r2 alice 3 named=a
    """)


def test_of_two_in_one_group_exactly_one_is_granted(books: Books) -> None:
    """Requests that are committed together see each other."""
    books.play("account alice\ntop_up alice 10")
    first, second = (reservation(name, "alice", 3, idempotency_digest=b"a") for name in ("r1", "r2"))
    granted, refused = books.store.commit([], [first, second])
    assert granted == Reservation(request_id="r1", held_nano=3)
    assert isinstance(refused, RepeatedRequestError)
    assert books.ask("SELECT request_id FROM reservation") == [("r1",)]


def test_the_same_request_twice_is_no_repeat(books: Books) -> None:
    """An operation that is repeated by its id returns the hold it made."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3 named=a
        reserve r1 alice 3 named=a
        held alice 3
    """)

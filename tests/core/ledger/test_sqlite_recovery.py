"""What is done with the requests of a process that died, with every amount written out."""

import pytest

from relay.core.ledger.operations import Post, Posted

from .books import Books, record, reservation


def test_an_end_that_was_delivered_before_its_post_was_booked_is_not_given_back(books: Books) -> None:
    """A charge that went to the spool is booked after the customer has had the whole answer."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3
        delivered r1
        post r1 2
        crash
        balance alice 8
        log r1 complete 2
    """)


def test_nothing_delivered_is_voided(books: Books) -> None:
    """A hold without a mark is released, and the customer pays nothing."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        crash
        balance alice 5
        held alice 0
        log r1 upstream_error 0
    """)


def test_what_was_marked_is_posted(books: Books) -> None:
    """A hold of 3 with a mark of 0.75 costs 0.75."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        mark r1 0.25
        mark r1 0.75
        crash
        balance alice 4.25
        spent alice 0.75
        log r1 truncated 0.75
    """)


def test_what_was_posted_but_not_delivered_is_given_back(books: Books) -> None:
    """A customer who never saw the end gets its price back as compensation."""
    books.play("""
        account alice
        top_up alice 5
        reserve r1 alice 3
        post r1 2
        crash
        balance alice 5
        lots alice cash=3 compensation=2
        spent alice 0
        book compensation_pool -2
        log r1 complete 2
    """)


def test_what_was_handed_over_before_the_end_stays_paid(books: Books) -> None:
    """Of a stream that cost 2, 1.5 were marked; the rest, and its end, may never have gone out."""
    books.play("""
        account alice
        top_up alice 5
        reserve r1 alice 3
        mark r1 1.5
        post r1 2
        crash
        balance alice 3.5
        lots alice cash=3 compensation=0.5
        spent alice 1.5
        book compensation_pool -0.5
        log r1 complete 2
    """)


def test_a_mark_above_the_charge_gives_nothing_back(books: Books) -> None:
    """It was an estimate."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        mark r1 2.5
        post r1 2
        crash
        balance alice 3
        spent alice 2
    """)


def test_what_was_delivered_stays_paid(books: Books) -> None:
    """A post whose end reached the customer is left alone."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        post r1 2
        delivered r1
        crash
        balance alice 3
    """)


@pytest.mark.parametrize("outcome", ["empty", "refused"])
def test_an_empty_answer_and_a_refusal_have_an_end_that_is_awaited(books: Books, outcome: str) -> None:
    """They are charged, so they are given back like others."""
    books.play(f"""
        account alice
        top_up alice 5
        reserve r1 alice 3
        post r1 2 {outcome}
        crash
        balance alice 5
    """)
    [undelivered] = books.ask("SELECT id, amount_nano, request_id, actor FROM transfer WHERE kind = 'undelivered'")
    assert undelivered == ("undelivered:r1", 2_000_000_000, "r1", "recovery")


def test_one_delivered_answer_says_nothing_of_another(books: Books) -> None:
    """Of two posted answers one was delivered: the other is given back."""
    books.play("""
        account alice
        top_up alice 5
        reserve r1 alice 1
        reserve r2 alice 2
        post r1 1
        post r2 2
        delivered r1
        crash
        balance alice 4
        lots alice cash=2 compensation=2
    """)


def test_an_answer_without_an_awaited_end_stays_paid(books: Books) -> None:
    """A truncated answer, and one whose customer left, had nothing more to deliver."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        post r1 1 truncated
        reserve r2 alice 1
        post r2 1 customer_gone
        crash
        balance alice 3
        lots alice gift=3
    """)


def test_recovery_done_twice_changes_nothing(books: Books) -> None:
    """Recovering the same boot again moves nothing."""
    books.play("""
        account alice gift=9
        reserve r1 alice 3
        reserve r2 alice 2
        mark r2 1
        reserve r3 alice 1
        post r3 1
    """)
    dead = books.die()
    books.recover(dead)
    books.recover(dead)
    books.play("""
        balance alice 8
        lots alice gift=7 compensation=1
        log r1 upstream_error 0
        log r2 truncated 1
        log r3 complete 1
    """)


def test_a_second_crash_does_not_post_the_recovered_again(books: Books) -> None:
    """What recovery posted is not taken for undelivered at the next crash."""
    books.play("""
        account alice gift=5
        reserve r1 alice 2
        mark r1 1
        crash
        crash
        balance alice 4
        lots alice gift=4
    """)


def test_a_late_post_of_what_was_voided_costs_the_customer_nothing(books: Books) -> None:
    """A post that comes after recovery goes to the shop's overrun, once."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        crash
        post r1 2
        post r1 2
        balance alice 5
        spent alice 0
        book overrun -2
        book revenue 2
        log r1 upstream_error 0
    """)
    assert books.ask("SELECT id, reason FROM transfer WHERE kind = 'overrun'") == [("late_post:r1", "late_post")]
    assert books.ask("SELECT actor, subject FROM audit WHERE action = 'late_post'") == [("ledger", "r1")]


def test_a_late_post_of_what_was_marked_books_the_difference(books: Books) -> None:
    """Of a charge of 2 whose mark of 0.5 was posted, 1.5 is the shop's overrun."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        mark r1 0.5
        crash
        post r1 2
        balance alice 4.5
        book overrun -1.5
        log r1 truncated 0.5
    """)


def test_a_late_post_counts_what_the_mark_overran(books: Books) -> None:
    """Of a charge of 4, a mark of 3 was posted: 1 that there was, and 2 of overrun. One more is the shop's."""
    books.play("""
        account alice gift=1
        reserve r1 alice 1
        mark r1 3
        crash
        log r1 truncated 1 2
    """)
    late = Posted(request_id="r1", charge_nano=1_000_000_000, overrun_nano=3_000_000_000)
    assert books.do(Post(record=record("r1", "alice", "4"))) == late
    assert books.do(Post(record=record("r1", "alice", "4"))) == late
    books.play("""
        balance alice 0
        book overrun -3
        book revenue 4
    """)


def test_a_late_post_of_no_more_than_was_marked_moves_nothing(books: Books) -> None:
    """The mark was an estimate, and stays what is paid."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        mark r1 2
        crash
        post r1 2
        post r1 1
        balance alice 3
        book revenue 2
        log r1 truncated 2
    """)
    assert books.ask("SELECT id FROM transfer WHERE id LIKE 'late_post:%'") == []


def test_a_late_post_of_what_was_withdrawn_costs_the_customer_nothing(books: Books) -> None:
    """A hold of which nobody was told has no row in the log either."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        withdraw r1
    """)
    assert books.do(Post(record=record("r1", "alice", "2"))) == Posted(
        request_id="r1", charge_nano=0, overrun_nano=2_000_000_000
    )
    books.play("""
        balance alice 5
        book overrun -2
        no_log r1
    """)


def test_recovery_leaves_the_requests_of_others_alone(books: Books) -> None:
    """What another process holds stays held."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
    """)
    dead = books.die()
    books.do(reservation("r2", "alice", 1_000_000_000))
    books.recover(dead)
    books.play("""
        held alice 1
        no_log r2
    """)

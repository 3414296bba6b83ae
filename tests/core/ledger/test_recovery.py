"""What is found to recover: all of the dead, nothing of the living."""

import contextlib

from relay.core.ledger import recovery
from relay.core.ledger.operations import Recover
from relay.core.ledger.recovery import find_abandoned, has_unfinished

from .books import Books


def found(books: Books) -> list[Recover]:
    with contextlib.ExitStack() as claims:
        return find_abandoned(books.data, claims)


def test_a_living_process_has_nothing_to_recover(books: Books) -> None:
    """Open holds of this very process are not found."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
    """)
    assert found(books) == []


def test_a_dead_process_leaves_open_holds_and_undelivered_posts(books: Books) -> None:
    """Found are the open and the posted without delivery; not the voided, nor the delivered."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
        reserve r2 alice 1
        post r2 1
        reserve r3 alice 1
        post r3 1
        delivered r3
        reserve r4 alice 1
        void r4
    """)
    dead = books.die()
    assert found(books) == [Recover(request_id="r1", boot=dead), Recover(request_id="r2", boot=dead)]


def test_an_open_hold_is_found_though_its_end_was_delivered(books: Books) -> None:
    """A charge that went to the spool and was refused there: nobody else would give the hold back."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
        delivered r1
    """)
    dead = books.die()
    assert found(books) == [Recover(request_id="r1", boot=dead)]


def test_a_search_reads_no_more_than_there_is_to_recover(books: Books) -> None:
    """Every command begins with one; the requests of years must not be read for it."""
    plan = books.ask(f"EXPLAIN QUERY PLAN {recovery.UNFINISHED}")
    assert "SCAN reservation USING INDEX ix_reservation_unfinished" in str(plan)


def test_of_a_boot_without_a_file_only_open_holds_are_found(books: Books) -> None:
    """A boot that ended in order owes nobody a delivery."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
        reserve r2 alice 1
        post r2 1
    """)
    dead = books.die()
    (books.data / "boots" / dead).unlink()
    assert found(books) == [Recover(request_id="r1", boot=dead)]


def test_what_one_process_recovers_another_leaves_alone(books: Books) -> None:
    """While a boot is claimed a second search finds nothing of it."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
    """)
    books.die()
    with contextlib.ExitStack() as claims:
        assert len(find_abandoned(books.data, claims)) == 1
        assert found(books) == []


def test_a_boot_with_an_open_hold_is_told_from_one_without(books: Books) -> None:
    """A process that ends looks whether it still holds something."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
    """)
    assert has_unfinished(books.database, books.boot.id)
    books.play("void r1")
    assert not has_unfinished(books.database, books.boot.id)


def test_a_boot_that_booked_what_it_did_not_deliver_is_told_from_one_that_did(books: Books) -> None:
    """A charge that was booked after its customer had been told of a failure must be given back."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
        post r1 1
    """)
    assert has_unfinished(books.database, books.boot.id)
    books.play("delivered r1")
    assert not has_unfinished(books.database, books.boot.id)


def test_a_database_that_can_not_be_read_may_hold_something(books: Books) -> None:
    """Where nothing can be found out, recovery must look again."""
    assert has_unfinished(books.data / "missing.db", books.boot.id)

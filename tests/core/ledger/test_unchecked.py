"""What died before the after-sales plugins saw it is handed to them at the next start, until they have looked."""

import msgspec

from relay.core.ledger.operations import Mark, Post, Posted
from relay.core.ledger.unchecked import UNCHECKED, find_unchecked
from relay.core.money import NANO
from relay.core.usage import Usage

from .books import Books, charge, facts, record, reservation

MARKED = Usage(input_tokens=3, output_tokens=5, source="estimated")


def marked(request_id: str) -> Mark:
    evidence = msgspec.structs.replace(record(request_id, "alice", "1").evidence, is_end_seen=False)
    return Mark(request_id=request_id, charge=charge("0.75"), usage=MARKED, evidence=evidence)


def found(books: Books) -> list[tuple[str, int]]:
    return [(record.request_id, posted.charge_nano) for record, posted in find_unchecked(books.database)]


def test_what_recovery_posted_is_found_until_it_was_looked_at(books: Books) -> None:
    """Its record says what the mark said; what recovery voided cost nothing, so there is nothing to look at."""
    books.play("account alice gift=5")
    for request_id in ("r1", "r2"):
        books.do(reservation(request_id, "alice", NANO))
    mark = marked("r1")
    books.note(mark)
    books.play("crash")
    [(found, posted)] = find_unchecked(books.database)
    assert (found.request_id, found.outcome, found.attempts) == ("r1", "truncated", ())
    assert (found.facts, found.usage, found.evidence) == (facts("alice", "alice"), MARKED, mark.evidence)
    assert (found.charge, posted) == (mark.charge, Posted(request_id="r1", charge_nano=750_000_000, overrun_nano=0))
    books.play("checked r1")
    assert find_unchecked(books.database) == []


def test_what_was_posted_by_a_process_that_died_before_it_looked_is_found(books: Books) -> None:
    """Of what it looked at nothing is, nor of what the living are about to look at."""
    books.play("""
        account alice gift=9
        reserve r1 alice 1
        post r1 1 truncated
        checked r1
        reserve r2 alice 1
        post r2 0.5 truncated
        reserve r3 alice 1
        post r3 0.25 empty
        delivered r3
    """)
    assert found(books) == []
    books.play("""
        crash
        reserve r4 alice 1
        post r4 1 truncated
    """)
    assert found(books) == [("r2", 500_000_000), ("r3", 250_000_000)]


def test_what_came_from_the_spool_is_found_once(books: Books) -> None:
    """Booked again it stays one, with what its record says."""
    books.play("account alice gift=5")
    replayed = msgspec.structs.replace(record("r1", "alice", "1", "empty"), first_output_ms=7)
    replayed = msgspec.structs.replace(
        replayed, facts=msgspec.structs.replace(replayed.facts, channel="second", model_sent="m2", model_returned="m3")
    )
    books.do(reservation("r1", "alice", NANO))
    for _ in range(2):
        books.do(Post(record=replayed, is_replayed=True))
    books.play("""
        delivered r1
        crash
    """)
    [(found, posted)] = find_unchecked(books.database)
    assert found == msgspec.structs.replace(replayed, attempts=())
    assert (posted.charge_nano, posted.overrun_nano) == (NANO, 0)


def test_what_was_given_back_is_owed_no_more(books: Books) -> None:
    """A charge whose end may never have gone out: all of it is back, or what was not marked."""
    books.play("account alice gift=9")
    for request_id in ("r1", "r2"):
        books.do(reservation(request_id, "alice", NANO))
    books.note(marked("r2"))
    for request_id in ("r1", "r2"):
        books.do(Post(record=record(request_id, "alice", "1"), is_replayed=True))
    books.play("crash")
    assert found(books) == [("r2", 750_000_000)]


def test_a_whole_answer_of_which_some_was_given_back_was_cut_short(books: Books) -> None:
    """Its customer got what was marked and paid for that; one who had left before was cut short by nobody."""
    books.play("account alice gift=9")
    for request_id in ("r1", "r2"):
        books.do(reservation(request_id, "alice", NANO))
        books.note(marked(request_id))
    books.do(Post(record=record("r1", "alice", "1"), is_replayed=True))
    books.do(Post(record=record("r2", "alice", "1", "customer_gone"), is_replayed=True))
    books.play("crash")
    (cut, _), (left, _) = find_unchecked(books.database)
    mark = marked("r1")
    assert cut == msgspec.structs.replace(
        record("r1", "alice", "1"), outcome="truncated", usage=MARKED, evidence=mark.evidence, charge=mark.charge
    )
    assert left == record("r2", "alice", "1", "customer_gone")


def test_a_search_reads_no_more_than_there_is_to_look_at(books: Books) -> None:
    """Every server begins with one; the requests of years must not be read for it."""
    plan = books.ask(f"EXPLAIN QUERY PLAN {UNCHECKED}")
    assert "SCAN r USING INDEX ix_reservation_unfinished" in str(plan)

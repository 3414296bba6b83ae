"""What was charged when its exchange had ended is handed to the after-sales plugins, until they have looked."""

import msgspec

from relay.core.ledger.operations import Mark, NoteChecked, Post, Posted
from relay.core.ledger.unchecked import find_unchecked
from relay.core.money import NANO
from relay.core.usage import Usage

from .books import Books, charge, facts, record, reservation

MARKED = Usage(input_tokens=3, output_tokens=5, source="estimated")


def marked(request_id: str) -> Mark:
    evidence = msgspec.structs.replace(record(request_id, "alice", "1").evidence, is_end_seen=False)
    return Mark(request_id=request_id, charge=charge("0.75"), usage=MARKED, evidence=evidence)


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
    books.do(NoteChecked(request_id="r1"))
    assert find_unchecked(books.database) == []


def test_what_came_from_the_spool_is_found_once(books: Books) -> None:
    """Booked again it stays one; a post of a running exchange is none, for the exchange itself asks the plugins."""
    books.play("account alice gift=5")
    replayed = msgspec.structs.replace(record("r1", "alice", "1", "empty"), first_output_ms=7)
    replayed = msgspec.structs.replace(
        replayed, facts=msgspec.structs.replace(replayed.facts, channel="second", model_sent="m2", model_returned="m3")
    )
    for request_id in ("r1", "r2"):
        books.do(reservation(request_id, "alice", NANO))
    for _ in range(2):
        books.do(Post(record=replayed, is_replayed=True))
    books.do(Post(record=record("r2", "alice", "1")))
    [(found, posted)] = find_unchecked(books.database)
    assert found == msgspec.structs.replace(replayed, attempts=())
    assert (posted.charge_nano, posted.overrun_nano) == (NANO, 0)


def test_what_was_given_back_is_owed_no_more(books: Books) -> None:
    """A charge from the spool whose end may never have gone out: all of it is back, or what was not marked."""
    books.play("account alice gift=9")
    for request_id in ("r1", "r2"):
        books.do(reservation(request_id, "alice", NANO))
    books.note(marked("r2"))
    for request_id in ("r1", "r2"):
        books.do(Post(record=record(request_id, "alice", "1"), is_replayed=True))
    books.play("crash")
    [(found, posted)] = find_unchecked(books.database)
    assert (found.request_id, posted.charge_nano) == ("r2", 750_000_000)

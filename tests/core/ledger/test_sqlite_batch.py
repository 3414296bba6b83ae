"""One transaction: what its savepoints take back, and what its end writes."""

import sqlite3
from collections.abc import Iterator

import pytest

from relay.core.errors import KeyCapError
from relay.core.ledger.chain import GENESIS
from relay.core.ledger.operations import Extend, Post
from relay.core.ledger.rules import Lot
from relay.core.ledger.sqlite_batch import Batch
from relay.core.ledger.sqlite_view import View

from .books import Books, account, record, reservation

HOUR_MS = 3_600_000


@pytest.fixture
def batch(books: Books) -> Iterator[Batch]:
    """A transaction at noon, in a database with one account and no money."""
    books.do(account("alice"))
    books.store.connection.execute("BEGIN IMMEDIATE")
    now_ms = round(books.clock.time.timestamp() * 1000)
    yield Batch(
        books.store.connection,
        boot="boot_a",
        now_ms=now_ms,
        day="2026-11-23",
        view=View(books.store.connection),
        link_before=(0, GENESIS),
        shop_books={},
    )
    books.store.connection.execute("ROLLBACK")


def fund(batch: Batch, name: str, amount_nano: int, expires_at_ms: int | None = None) -> int:
    lot_id = batch.open_lot(name, "alice", "gift", expires_at_ms)
    batch.fund(name, batch.shop_book("promo"), lot_id, amount_nano, kind="gift", actor="operator")
    return lot_id


def test_what_is_rolled_back_is_in_no_link(batch: Batch) -> None:
    """A refused operation leaves neither lot nor transfer, nor a part of the shop's books."""
    fund(batch, "a", 5)
    savepoint = batch.savepoint()
    fund(batch, "b", 7)
    batch.roll_back(savepoint)
    seq, hash_now = batch.close()
    assert batch.execute("SELECT debit_nano FROM book WHERE name = 'promo'").fetchall() == [(5,)]
    assert batch.execute("SELECT id, seq FROM transfer").fetchall() == [("a", 1)]
    assert batch.execute("SELECT * FROM batch").fetchall() == [("boot_a", 1, "", hash_now)]
    assert seq == 1


def test_a_book_opened_in_vain_is_forgotten(batch: Batch) -> None:
    """A shop's book whose opening was rolled back is opened anew at its next use."""
    savepoint = batch.savepoint()
    fund(batch, "a", 5)
    batch.roll_back(savepoint)
    fund(batch, "b", 7)
    batch.close()
    assert batch.execute("SELECT debit_nano FROM book WHERE name = 'promo'").fetchall() == [(7,)]


def test_an_empty_transaction_adds_no_link(batch: Batch) -> None:
    """Where no money moved the chain stays where it was."""
    assert batch.close() == (0, "")


def test_only_what_is_free_and_has_not_lapsed_is_spendable(batch: Batch) -> None:
    """A lapsed lot and one that is wholly held are not offered; a lot that lapses later is."""
    fund(batch, "lapsed", 5, batch.now_ms)
    held = fund(batch, "held", 5)
    batch.hold([(held, 5)])
    free = fund(batch, "free", 5, batch.now_ms + HOUR_MS)
    batch.hold([(free, 2)])
    assert batch.spendable("alice") == [Lot(free, "gift", batch.now_ms + HOUR_MS, 3)]


def test_the_database_refuses_to_spend_what_is_not_there(batch: Batch) -> None:
    """A lot of 5 can't give 6, whatever the rules above it say."""
    lot_id = fund(batch, "a", 5)
    with pytest.raises(sqlite3.IntegrityError, match="ck_book_overdraft"):
        batch.spend("b", lot_id, batch.shop_book("breakage"), 6, kind="breakage", actor="ledger")


def test_an_id_is_booked_once(batch: Batch) -> None:
    """A second transfer of one id is refused by its primary key."""
    lot_id = fund(batch, "a", 5)
    batch.fund("a", batch.shop_book("promo"), lot_id, 5, kind="gift", actor="operator")
    with pytest.raises(sqlite3.IntegrityError, match=r"transfer\.id"):
        batch.flush()


def test_an_extension_counts_what_its_neighbours_spent_before_their_key_was_read(books: Books) -> None:
    """Of a cap of 10, a post of 9 leaves nothing to a hold of 4, which was to grow to 5."""
    books.play("""
        account alice gift=20 cap=10
        reserve r1 alice 4
        reserve r2 alice 4
        account bob gift=1
    """)
    dead = books.die()
    books.do(reservation("r3", "bob", 10**9))
    books.do(Post(record=record("r3", "bob", "1", "truncated")))
    posted, extended = books.store.commit(
        [], [Post(record=record("r1", "alice", "9", "truncated")), Extend(request_id="r2", held_nano=5 * 10**9)]
    )
    assert not isinstance(posted, Exception)
    assert isinstance(extended, KeyCapError)
    books.recover(dead)
    books.play("held alice 0\n spent alice 9")

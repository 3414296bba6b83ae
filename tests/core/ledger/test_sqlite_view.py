"""What a transaction has read, and how its own operations show in it."""

import contextlib
from collections.abc import Callable

import pytest

from relay.core.ledger import sqlite_view
from relay.core.ledger.database import connect
from relay.core.ledger.rules import Lot
from relay.core.ledger.sqlite_view import Hold, KeyState, View

from .books import Books, reservation


@pytest.fixture
def view(books: Books) -> View:
    """A view on alice, who has 5 and holds 3 of them for r1."""
    books.play("account alice gift=5")
    books.do(reservation("r1", "alice", 3))
    view = View(books.store.connection)
    view.begin("2026-11-23")
    return view


def lot_id(books: Books) -> int:
    ((lot,),) = books.ask("SELECT id FROM book WHERE account_id = 'alice'")
    return int(str(lot))


def test_a_key_is_read_with_what_its_account_has_available(view: View, books: Books) -> None:
    """One question reads the key and the lots of its account."""
    view.read_keys(["alice", "nobody"])
    key = KeyState(
        account_id="alice",
        version=1,
        is_revoked=False,
        expires_at_ms=None,
        cap_nano=None,
        spent_nano=0,
        held_nano=3,
        overrun_nano=0,
    )
    assert view.keys == {"alice": key}
    assert view.lots_of("alice") == [Lot(lot_id(books), "gift", None, 4_999_999_997)]


def test_a_reservation_is_read_with_its_lots(view: View, books: Books) -> None:
    """A request without a reservation is known to have none."""
    view.read_holds(["r1", "r2"])
    lots = (Lot(lot_id(books), "gift", None, 3),)
    assert view.holds == {"r1": Hold("r1", "open", "alice", "alice", 3, "v1", False, lots), "r2": None}


def test_what_was_freed_is_available_before_it_is_written(view: View, books: Books) -> None:
    """A lot known from a reservation keeps what was changed of it when the rest of the account is read."""
    view.read_holds(["r1"])
    assert view.free(lot_id(books), 3)
    assert view.lots_of("alice") == [Lot(lot_id(books), "gift", None, 5_000_000_000)]


def test_a_lot_that_was_not_read_is_not_freed(view: View, books: Books) -> None:
    """Whoever frees what nobody has read is told so."""
    assert not view.free(lot_id(books), 3)


def test_what_was_forgotten_is_read_anew(view: View, books: Books) -> None:
    """After forgetting, a lot is as its row says."""
    view.read_holds(["r1"])
    view.free(lot_id(books), 3)
    view.forget()
    assert view.lots_of("alice") == [Lot(lot_id(books), "gift", None, 4_999_999_997)]


def test_what_another_process_wrote_is_read_at_the_next_beginning(view: View, books: Books) -> None:
    """What it had read of an account is not what there is any more."""
    with contextlib.closing(connect(books.database)) as connection:
        other = View(connection)
        other.begin("2026-11-23")
        other.read_keys(["alice"])
        books.do(reservation("r2", "alice", 4))
        other.begin("2026-11-23")
        assert other.lots_of("alice") == [Lot(lot_id(books), "gift", None, 4_999_999_993)]


def test_a_days_overruns_are_forgotten_with_the_day(view: View) -> None:
    """A key that was read yesterday bears yesterday's."""
    view.read_keys(["alice"])
    view.begin("2026-11-23")
    assert list(view.keys) == ["alice"]
    view.begin("2026-11-24")
    assert view.keys == {}


@pytest.mark.parametrize("read", [lambda view: view.read_keys(["alice"]), lambda view: view.read_holds(["r1"])])
def test_no_more_is_remembered_than_there_is_room_for(
    view: View, read: Callable[[View], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is keys or reservations that are many."""
    read(view)
    monkeypatch.setattr(sqlite_view, "REMEMBERED_COUNT_MAX", 1)
    view.begin("2026-11-23")
    assert len(view.keys) + len(view.holds) == 1
    monkeypatch.setattr(sqlite_view, "REMEMBERED_COUNT_MAX", 0)
    view.begin("2026-11-23")
    assert len(view.keys) + len(view.holds) == 0

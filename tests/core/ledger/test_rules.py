"""The rules without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.errors import InsufficientBalanceError, KeyCapError, LedgerFullError, RevokedKeyError, StaleKeyError
from relay.core.ledger.rules import (
    BOOK_NANO_MAX,
    Lot,
    check_amount,
    check_cap,
    check_key,
    check_room,
    hold,
    spend_order,
    take,
    total,
)
from relay.core.money import AMOUNT_NANO_MAX

LOTS = st.lists(
    st.builds(
        Lot,
        id=st.integers(1, 50),
        kind=st.sampled_from(("cash", "gift", "trial", "compensation")),
        expires_at_ms=st.one_of(st.none(), st.integers(0, 5)),
        amount_nano=st.integers(1, 10**18),
    ),
    max_size=8,
    unique_by=lambda lot: lot.id,
)


def test_lots_are_spent_in_the_order_the_docstring_says() -> None:
    """Sooner expiry, then trial, gift, compensation, cash, then the older lot."""
    lots = [
        Lot(1, "cash", None, 1),
        Lot(2, "compensation", None, 1),
        Lot(3, "gift", None, 1),
        Lot(4, "trial", None, 1),
        Lot(5, "gift", None, 1),
        Lot(6, "cash", 200, 1),
        Lot(7, "trial", 300, 1),
        Lot(8, "gift", 200, 1),
    ]
    assert [lot.id for lot in sorted(lots, key=spend_order)] == [8, 6, 7, 4, 3, 5, 2, 1]


@given(lots=LOTS, amount_nano=st.integers(0, 10**18))
def test_what_is_taken_is_the_amount_or_all_there_is(lots: list[Lot], amount_nano: int) -> None:
    """The parts come to the smaller of the amount and the lots, and no lot gives more than it has."""
    parts = take(amount_nano, lots)
    offers = {lot.id: lot.amount_nano for lot in lots}
    assert total(parts) == min(amount_nano, sum(offers.values()))
    assert all(0 < part_nano <= offers[lot_id] for lot_id, part_nano in parts)


@given(lots=LOTS, amount_nano=st.integers(1, 10**18))
def test_a_lot_is_touched_only_when_those_before_it_are_empty(lots: list[Lot], amount_nano: int) -> None:
    """All parts but the last are whole lots."""
    offers = {lot.id: lot.amount_nano for lot in lots}
    assert all(part_nano == offers[lot_id] for lot_id, part_nano in take(amount_nano, lots)[:-1])


def test_a_hold_of_nothing_needs_no_lot() -> None:
    """A request that is free can be reserved on an empty account."""
    assert hold(0, []) == []


def test_a_hold_is_all_or_nothing() -> None:
    """Lots of 3 together do not hold 4."""
    with pytest.raises(InsufficientBalanceError):
        hold(4, [Lot(1, "cash", None, 1), Lot(2, "gift", None, 2)])


@pytest.mark.parametrize("lots", [[Lot(1, "cash", None, 5), Lot(2, "gift", None, 5)], [Lot(2, "gift", None, 5)]])
def test_a_lot_or_two_are_spent_in_order_as_many_are(lots: list[Lot]) -> None:
    """However few there are, and however they come."""
    assert take(3, lots) == [(2, 3)]


@pytest.mark.parametrize("amount_nano", [1, AMOUNT_NANO_MAX])
def test_the_least_and_the_greatest_amount_may_be_moved(amount_nano: int) -> None:
    """One nano-credit, and as much as is believed of any entry."""
    check_amount(amount_nano)


@pytest.mark.parametrize("amount_nano", [-1, 0, AMOUNT_NANO_MAX + 1])
def test_nothing_and_too_much_may_not_be_moved(amount_nano: int) -> None:
    """An amount has no sign: the direction is in the name."""
    with pytest.raises(ValueError, match="expected an amount above 0"):
        check_amount(amount_nano)


def test_a_book_of_the_shops_is_filled_to_its_end_and_no_further() -> None:
    """What it has moved and the amount come to `BOOK_NANO_MAX` together."""
    check_room(2, moved_nano=BOOK_NANO_MAX - 2)
    with pytest.raises(LedgerFullError):
        check_room(3, moved_nano=BOOK_NANO_MAX - 2)


@pytest.mark.parametrize("expires_at_ms", [None, 101])
def test_a_key_that_is_as_it_was_authenticated_may_spend(expires_at_ms: int | None) -> None:
    """Until the millisecond at which it expires."""
    check_key(version=3, version_expected=3, is_revoked=False, expires_at_ms=expires_at_ms, now_ms=100)


@pytest.mark.parametrize(("version", "expires_at_ms"), [(4, None), (4, 101), (3, 100), (3, 99)])
def test_a_key_that_changed_or_expired_is_stale(version: int, expires_at_ms: int | None) -> None:
    """Each alone suffices."""
    with pytest.raises(StaleKeyError):
        check_key(version=version, version_expected=3, is_revoked=False, expires_at_ms=expires_at_ms, now_ms=100)


def test_a_revoked_key_is_told_so_though_it_changed_with_it() -> None:
    """Authenticating afresh would be of no use."""
    with pytest.raises(RevokedKeyError):
        check_key(version=4, version_expected=3, is_revoked=True, expires_at_ms=99, now_ms=100)


def test_a_cap_is_used_to_its_end() -> None:
    """Of 10 there are 5 spent and 2 held: 3 are left."""
    check_cap(3, cap_nano=10, spent_nano=5, held_nano=2)
    check_cap(10**18, cap_nano=None, spent_nano=5, held_nano=2)


@pytest.mark.parametrize(("needed_nano", "spent_nano", "remaining"), [(4, 5, "0.000000003"), (1, 8, "0"), (1, 12, "0")])
def test_beyond_a_cap_nothing_is_held_and_what_is_left_is_told(
    needed_nano: int, spent_nano: int, remaining: str
) -> None:
    """Never less than nothing, though a charge may have gone beyond the cap."""
    with pytest.raises(KeyCapError) as refused:
        check_cap(needed_nano, cap_nano=10, spent_nano=spent_nano, held_nano=2)
    assert refused.value.params["remaining"] == remaining

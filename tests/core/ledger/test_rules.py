"""The rules without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.errors import InsufficientBalanceError
from relay.core.ledger.rules import Lot, hold, spend_order, take, total

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

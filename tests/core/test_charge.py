"""Charges: exact sums."""

from decimal import Decimal
from fractions import Fraction

import pytest

from relay.core.charge import Charge, ChargeLine


def charge(*amounts: str) -> Charge:
    """Return a charge with a line for each amount."""
    return Charge(
        lines=tuple(ChargeLine(rule="r", item="i", count=1, factors=(("price", Fraction(a)),)) for a in amounts)
    )


def test_a_charge_is_rounded_once_over_all_its_lines() -> None:
    """Three lines of 0.4 nano-credits are one nano-credit together."""
    assert charge("0.0000000004", "0.0000000004", "0.0000000004").nano == 1


def test_a_factor_multiplies_every_line_and_shows_in_each() -> None:
    """Half price halves the sum and leaves its name in the trace."""
    halved = charge("2", "4").times("night", Fraction(1, 2))
    assert halved.nano == 3_000_000_000
    assert [line.factors[-1] for line in halved.lines] == [("night", Fraction(1, 2))] * 2


@pytest.mark.parametrize("factor", [0.9, Decimal("0.9"), "0.9", None, True])
def test_a_factor_that_is_not_exact_is_refused_where_it_is_written(factor: Fraction) -> None:
    """Its author reads what to write instead."""
    with pytest.raises(TypeError, match=r'^expected an exact number such as Exact\("0.9"\), found '):
        charge("2").times("night", factor)

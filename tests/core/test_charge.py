"""Charges: exact sums."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
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
    """Half price halves the sum and leaves its name in the trace; what each line counts stays as it was."""
    halved = charge("2", "4").times("night", Fraction(1, 2))
    assert halved.nano == 3_000_000_000
    assert halved.lines == tuple(
        ChargeLine(rule="r", item="i", count=1, factors=(("price", Fraction(price)), ("night", Fraction(1, 2))))
        for price in (2, 4)
    )
    assert [line.amount for line in halved.lines] == [1, 2]


def test_lines_are_added_behind_those_that_are_there() -> None:
    """The charge before stays as it was: another policy may still hold it."""
    before, [fee] = charge("1"), charge("0.25").lines
    both = before.plus(fee)
    assert (before.nano, both.nano) == (1_000_000_000, 1_250_000_000)
    assert both.lines == (*before.lines, fee)


@pytest.mark.parametrize("factor", [0.9, Decimal("0.9"), "0.9", None, True])
def test_a_factor_that_is_not_exact_is_refused_where_it_is_written(factor: Fraction) -> None:
    """Its author reads what to write instead."""
    with pytest.raises(TypeError, match=r'^expected an exact number such as Exact\("0.9"\), found '):
        charge("2").times("night", factor)


def test_lines_of_different_denominators_add_up() -> None:
    """A third, a sixth and a seventh of a credit, and as much again: 9 / 7 in all."""
    assert charge("1/3", "1/6", "1/7", "1/7", "1/6", "1/3").nano == 1_285_714_286


LONGEST = Fraction(2**4096 - 1, 2**4095)
RIGHT = ChargeLine(rule="夜", item="i", count=2**63 - 1, factors=(("夜", LONGEST), ("n", 2)))  # type: ignore[arg-type]


def test_the_longest_numbers_and_any_text_can_be_kept() -> None:
    """A whole number is as exact as a fraction, and names are not English alone."""
    assert Charge(lines=(RIGHT, RIGHT)).flaw() is None


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"count": True}, "expected a whole count of 63 bits, found bool"),
        ({"count": 1.0}, "expected a whole count of 63 bits, found float"),
        ({"count": 2**63}, "expected a whole count of 63 bits, found int"),
        ({"rule": b"r"}, "expected texts for rule and item, and a tuple of factors"),
        ({"rule": "\ud800"}, "expected texts for rule and item, and a tuple of factors"),
        ({"item": None}, "expected texts for rule and item, and a tuple of factors"),
        ({"factors": [("price", Fraction(1))]}, "expected texts for rule and item, and a tuple of factors"),
        ({"factors": (["price", Fraction(1)],)}, "expected pairs of a name and a number for factors"),
        ({"factors": (("price",),)}, "expected pairs of a name and a number for factors"),
        ({"factors": (("price", Fraction(1), 2),)}, "expected pairs of a name and a number for factors"),
        ({"factors": ((b"price", Fraction(1)),)}, "expected texts for the names of factors"),
        ({"factors": (("\ud800", Fraction(1)),)}, "expected texts for the names of factors"),
        ({"factors": (("price", 0.5),)}, "expected an exact number for a factor, found float"),
        ({"factors": (("price", True),)}, "expected an exact number for a factor, found bool"),
        ({"factors": (("price", Fraction(-(2**4096))),)}, "expected a factor of at most 4096 bits"),
        ({"factors": (("price", Fraction(1, 2**4096)),)}, "expected a factor of at most 4096 bits"),
    ],
)
def test_what_the_books_can_not_keep_of_a_line_is_named(changed: dict[str, Any], flaw: str) -> None:
    """Whatever type a plugin has written there, and behind a line that is right."""
    wrong = msgspec.structs.replace(RIGHT, **changed)
    assert Charge(lines=(RIGHT, wrong)).flaw() == flaw


def test_a_charge_has_lines_in_a_tuple() -> None:
    """A list could be changed behind the books' back."""
    assert Charge(lines=[RIGHT]).flaw() == "expected a tuple of lines, found list"  # type: ignore[arg-type]
    assert Charge(lines=("r",)).flaw() == "expected ChargeLines, found str among them"  # type: ignore[arg-type]

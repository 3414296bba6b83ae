"""Amounts: what is read, what is written, what is rounded."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.money import AMOUNT_NANO_MAX, format_exact, format_nano, parse_amount, parse_exact, to_nano


@given(st.integers(-AMOUNT_NANO_MAX + 1, AMOUNT_NANO_MAX - 1))
def test_an_amount_written_is_read_back(nano: int) -> None:
    """Writing and reading nano-credits loses nothing."""
    assert parse_amount(format_nano(nano)) == nano


@given(st.fractions(-(10**17), 10**17, max_denominator=10**12))
def test_an_exact_number_written_is_read_back(number: Fraction) -> None:
    """Writing and reading a fraction loses nothing; both its numbers have at most 30 digits."""
    assert parse_exact(format_exact(number)) == number


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0.0000000004", 0),
        ("0.0000000005", 0),
        ("0.0000000006", 1),
        ("0.0000000015", 2),
        ("0.0000000025", 2),
        ("-0.0000000015", -2),
        ("2.789457", 2_789_457_000),
    ],
)
def test_rounding_is_half_to_even(text: str, nano: int) -> None:
    """A half goes to the even neighbour, on either side of zero."""
    assert to_nano(Fraction(text)) == nano


@pytest.mark.parametrize("text", ["", "1e3", "1.0000000001", "1,5", " 1", "１", "1/2", "+1", ".5", "1."])
def test_an_amount_that_is_no_plain_decimal_is_refused(text: str) -> None:
    """Anything but digits and one point with at most nine decimals is refused."""
    with pytest.raises(ValueError, match="expected an amount"):
        parse_amount(text)


@pytest.mark.parametrize("text", ["", "1e3", "4/0", "1//2", "½", "0x10", "1_000", "nan"])
def test_an_exact_number_that_is_none_is_refused(text: str) -> None:
    """Anything but a plain decimal or a quotient is refused."""
    with pytest.raises(ValueError, match="expected an exact number"):
        parse_exact(text)


def test_an_amount_beyond_the_bound_is_refused() -> None:
    """More than a billion credits is an error, never clamped."""
    with pytest.raises(OverflowError):
        to_nano(Fraction(10**9 + 1))

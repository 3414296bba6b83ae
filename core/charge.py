"""What an exchange costs, line by line."""

from fractions import Fraction
from functools import cached_property
from math import lcm

import msgspec

from .money import ratio_to_nano

COUNT_BITS_MAX = 63
NUMBER_BITS_MAX = 4096
"""Bits of the longest numerator or denominator.

As decimal text it stays far below the 4300 digits that Python parses.
"""


NUMBERS = (Fraction, int)
"""The types that count as exact; their subclasses, such as bool, do not."""


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a charge: a count times its factors, in credits, exact.

    Attributes:
        rule: Id of the plugin that wrote the line.
        item: What is counted: ``input_tokens``, ``web_search`` ...
        count: How many.
        factors: Named exact numbers; their product is the price of one.
    """

    rule: str
    item: str
    count: int
    factors: tuple[tuple[str, Fraction], ...]

    @property
    def amount(self) -> Fraction:
        """Credits, not rounded."""
        return Fraction(*self.as_integer_ratio())

    def as_integer_ratio(self) -> tuple[int, int]:
        """Return the amount as numerator and denominator, not in lowest terms."""
        # Whole numbers until the end: a fraction in between costs ten times as much.
        numerator, denominator = self.count, 1
        for _, factor in self.factors:
            above, below = factor.as_integer_ratio()
            numerator *= above
            denominator *= below
        return numerator, denominator

    def flaw(self) -> str | None:
        """Return what is wrong with the line, naming types and never values; None if the books can keep it."""
        count, factors = self.count, self.factors
        if type(count) is not int or count.bit_length() > COUNT_BITS_MAX:
            return f"expected a whole count of {COUNT_BITS_MAX} bits, found {type(count).__name__}"
        if not (is_text(self.rule) and is_text(self.item) and type(factors) is tuple):
            return "expected texts for rule and item, and a tuple of factors"
        for factor in factors:
            if type(factor) is not tuple or len(factor) != 2:
                return "expected pairs of a name and a number for factors"
            name, number = factor
            if not ((type(name) is str and name.isascii()) or is_text(name)):
                return "expected texts for the names of factors"
            if type(number) not in NUMBERS:
                return f"expected an exact number for a factor, found {type(number).__name__}"
            if is_too_long(number):
                return f"expected a factor of at most {NUMBER_BITS_MAX} bits"
        return None


def is_text(text: object) -> bool:
    """Say whether *text* is text that can be written as UTF-8, which a lone surrogate can't."""
    if not isinstance(text, str):
        return False
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


def is_too_long(number: Fraction) -> bool:
    """Say whether *number* is too long for the books to read back."""
    return (abs(number.numerator) | number.denominator).bit_length() > NUMBER_BITS_MAX


class Charge(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What an exchange costs, line by line: its own price trace."""

    lines: tuple[ChargeLine, ...] = ()

    @cached_property
    def nano(self) -> int:
        """Nano-credits, rounded once over all lines.

        Raises:
            OverflowError: More than the ledger holds.
        """
        numerator, denominator = 0, 1
        for line in self.lines:
            above, below = line.as_integer_ratio()
            if below != denominator:
                common = lcm(denominator, below)
                numerator, above, denominator = numerator * (common // denominator), above * (common // below), common
            numerator += above
        return ratio_to_nano(numerator, denominator)

    def flaw(self) -> str | None:
        """Return what is wrong with a charge that a plugin made; None if the books can keep it."""
        if type(self.lines) is not tuple:
            return f"expected a tuple of lines, found {type(self.lines).__name__}"
        for line in self.lines:
            if type(line) is not ChargeLine:
                return f"expected ChargeLines, found {type(line).__name__} among them"
            if (flaw := line.flaw()) is not None:
                return flaw
        return None

    def plus(self, *lines: ChargeLine) -> "Charge":
        """Return this charge with *lines* added."""
        return Charge(lines=(*self.lines, *lines))

    def times(self, name: str, factor: Fraction) -> "Charge":
        """Return this charge with every line multiplied by *factor*, the factor named *name*.

        Raises:
            TypeError: The factor is no exact number.
        """
        if type(factor) not in NUMBERS:
            raise TypeError(f'expected an exact number such as Exact("0.9"), found {type(factor).__name__}')
        return Charge(
            lines=tuple(
                ChargeLine(rule=line.rule, item=line.item, count=line.count, factors=(*line.factors, (name, factor)))
                for line in self.lines
            )
        )

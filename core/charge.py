"""What an exchange costs, line by line."""

from fractions import Fraction
from functools import cached_property
from math import lcm

import msgspec

from .money import ratio_to_nano


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

    def plus(self, *lines: ChargeLine) -> "Charge":
        """Return this charge with *lines* added."""
        return Charge(lines=(*self.lines, *lines))

    def times(self, name: str, factor: Fraction) -> "Charge":
        """Return this charge with every line multiplied by *factor*, the factor named *name*."""
        return Charge(
            lines=tuple(
                ChargeLine(rule=line.rule, item=line.item, count=line.count, factors=(*line.factors, (name, factor)))
                for line in self.lines
            )
        )

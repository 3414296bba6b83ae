"""Exact amounts: nano-credits for what is stored, fractions for what is computed.

A *nano-credit* is 10^-9 of the shop's credit, kept in a signed 64-bit integer. Prices, ratios
and shares are `Exact` fractions read from the profile's text; each charge is rounded once, half to
even, to nano-credits. No amount is ever a float.
"""

import re
from fractions import Fraction

NANO = 10**9
AMOUNT_NANO_MAX = 10**18
"""The largest amount that one entry may move: a billion credits, far below the limit of 64 bits."""

Exact = Fraction
"""An exact number of the profile: written as quoted text, ``"1.5"`` or ``"4/3"``."""

_EXACT = re.compile(r"-?\d{1,30}(\.\d{1,30})?(/[1-9]\d{0,29})?", re.ASCII)
_AMOUNT = re.compile(r"(-?)(\d{1,9})(?:\.(\d{1,9}))?", re.ASCII)


def parse_exact(text: str) -> Fraction:
    """Return the number that *text* names, exactly.

    >>> parse_exact("4/3"), parse_exact("7.535")
    (Fraction(4, 3), Fraction(1507, 200))

    Raises:
        ValueError: *text* is neither a plain decimal nor a quotient of two.
    """
    if not _EXACT.fullmatch(text):
        raise ValueError(f'expected an exact number such as "1.5" or "4/3", found "{text[:40]}"')
    numerator, _, denominator = text.partition("/")
    return Fraction(numerator) / Fraction(denominator or 1)


def format_exact(number: Fraction) -> str:
    """Return text that `parse_exact` reads back: a decimal where one exists, else a quotient.

    >>> format_exact(Fraction(4, 3)), format_exact(Fraction(3, 2)), format_exact(Fraction(5))
    ('4/3', '1.5', '5')
    """
    denominator, places = number.denominator, 0
    while denominator % 10 == 0:
        denominator, places = denominator // 10, places + 1
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    places += max(twos, fives)
    if denominator != 1 or places > 30:
        return f"{number.numerator}/{number.denominator}"
    if places == 0:
        return str(number.numerator)
    digits = f"{abs(number.numerator) * 10**places // number.denominator:0{places + 1}d}"
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def to_nano(amount: Fraction) -> int:
    """Round *amount* credits to nano-credits, half to even. Nothing else rounds amounts but this and `ratio_to_nano`.

    >>> to_nano(Fraction("0.0000000005")), to_nano(Fraction("0.0000000015"))
    (0, 2)

    Raises:
        OverflowError: The amount is beyond `AMOUNT_NANO_MAX`.
    """
    return ratio_to_nano(amount.numerator, amount.denominator)


def ratio_to_nano(numerator: int, denominator: int) -> int:
    """Round *numerator* / *denominator* credits as `to_nano` does, for sums kept in whole numbers.

    >>> ratio_to_nano(1, 2_000_000_000), ratio_to_nano(3, 2_000_000_000), ratio_to_nano(-1, 2_000_000_000)
    (0, 2, 0)

    Raises:
        OverflowError: The amount is beyond `AMOUNT_NANO_MAX`.
    """
    nano, rest = divmod(numerator * NANO, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and nano % 2):
        nano += 1
    if abs(nano) > AMOUNT_NANO_MAX:
        raise OverflowError(f"amount beyond {AMOUNT_NANO_MAX} nano-credits")
    return nano


def parse_amount(text: str) -> int:
    """Return the nano-credits of an amount written as a plain decimal of credits.

    >>> parse_amount("10"), parse_amount("0.000002")
    (10000000000, 2000)

    Raises:
        ValueError: Not a plain decimal, or finer than a nano-credit.
    """
    match = _AMOUNT.fullmatch(text)
    if not match:
        expected = 'an amount such as "10" or "0.5" with at most 9 digits before the point and 9 after it'
        raise ValueError(f'expected {expected}, found "{text[:40]}"')
    sign, whole, decimals = match.groups()
    nano = int(whole) * NANO + int((decimals or "").ljust(9, "0"))
    return -nano if sign else nano


def format_nano(nano: int) -> str:
    """Return *nano* nano-credits as a plain decimal of credits, without trailing zeros.

    >>> format_nano(2_500_000_000), format_nano(-1), format_nano(0)
    ('2.5', '-0.000000001', '0')
    """
    whole, rest = divmod(abs(nano), NANO)
    decimals = f"{rest:09d}".rstrip("0")
    return f"{'-' if nano < 0 else ''}{whole}{'.' + decimals if decimals else ''}"

"""Reading the figures of an upstream's usage, none of which is taken on trust."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

FIGURE_MAX = 2**40
"""No honest count is larger; keeps every sum of figures inside what the ledger can store."""


class UntrueFigureError(ValueError):
    """A figure that can't be true: negative, broken, text, or beyond any count."""


Figures = Mapping[str, object]


def read_number(text: str) -> Decimal:
    """Return a number of a document that is not whole; infinity where its exponent is beyond any decimal.

    >>> read_number("0.00006"), read_number("1e-99999999999999999999")
    (Decimal('0.00006'), Decimal('Infinity'))
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def read_figures(value: object) -> Figures:
    """Return the members of a usage object; empty for null.

    Raises:
        UntrueFigureError: It is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UntrueFigureError("usage is no object")
    return value


def read_figure(figures: Figures, name: str) -> int:
    """Return one count; 0 where absent or null.

    Raises:
        UntrueFigureError: It is no count.
    """
    value = figures.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= FIGURE_MAX:
        raise UntrueFigureError(f"{name} is no count")
    return value


def is_other_total(figures: Figures, name: str, expected: int) -> bool:
    """Say whether the total under *name* is another than *expected*; whatever is no count says nothing."""
    total = figures.get(name)
    return isinstance(total, int) and total != expected

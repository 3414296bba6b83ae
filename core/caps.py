"""Upper bounds on numbers in a request, for upstreams that refuse larger ones."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import msgspec

from .exchange import ChannelRequest
from .money import format_exact


def check_caps(at_most: Mapping[str, Fraction]) -> None:
    """Refuse a bound that can't be written as a JSON number.

    Raises:
        ValueError: It is not a plain decimal; names the field.
    """
    for name, limit in at_most.items():
        if "/" in format_exact(limit):
            raise ValueError(f"at_most of '{name}' must be a plain decimal, got {limit}")


def cap_numbers(request: ChannelRequest, at_most: Mapping[str, Fraction]) -> None:
    """Lower each field of *request* that exceeds its bound in *at_most*; all others stay byte for byte."""
    for name, limit in at_most.items():
        text = format_exact(limit)
        number = _number(request.fields.get(name))
        if number is not None and number > Decimal(text):
            request.fields[name] = msgspec.Raw(text.encode())


def _number(raw: msgspec.Raw | None) -> Decimal | None:
    """Return *raw* as a number, or None if it is none: then the upstream may refuse it.

    It is a decimal, so that ``1e999999999`` costs no more to compare than it did to send.
    """
    if raw is None or bytes(raw).startswith(b'"'):
        return None
    try:
        return msgspec.json.decode(raw, type=Decimal)
    except msgspec.MsgspecError:
        return None

"""Bounds on numbers of a request, for what an upstream insists on."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import msgspec

from .exchange import ChannelRequest
from .money import format_exact


def check_caps(at_most: Mapping[str, Fraction]) -> None:
    """Refuse a bound that no JSON number can say.

    Raises:
        ValueError: It is no plain decimal; names the field.
    """
    for name, limit in at_most.items():
        if "/" in format_exact(limit):
            raise ValueError(f"at_most of '{name}' must be a plain decimal, got {limit}")


def cap_numbers(request: ChannelRequest, at_most: Mapping[str, Fraction]) -> None:
    """Lower each field of *request* that is larger than *at_most* says; less, or none, stays byte for byte."""
    for name, limit in at_most.items():
        text = format_exact(limit)
        number = _number(request.fields.get(name))
        if number is not None and number > Decimal(text):
            request.fields[name] = msgspec.Raw(text.encode())


def _number(raw: msgspec.Raw | None) -> Decimal | None:
    """Return the number that *raw* is, or None for anything else, which is the upstream's to refuse.

    A decimal, because ``1e999999999`` must cost no more to compare than it did to send.
    """
    if raw is None or bytes(raw).startswith(b'"'):
        return None
    try:
        return msgspec.json.decode(raw, type=Decimal)
    except msgspec.MsgspecError:
        return None

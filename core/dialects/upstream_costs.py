"""The cost of an answer to the shop, as the upstream reports it: a check on its price, never shown to customers.

OpenRouter, Vercel's gateway and Perplexity report it in dollars, xAI in ten-thousandths of a millionth of one, each
beside the counts of ``usage``. Source: wire/DIALECTS.md 2.6 and 3.3; of xAI's ticks the sum of w:xai/plain at its
prices, 9 x 0.20 + 156 x 0.05 + 127 x 0.50 = 73.1 millionths, told as 731 000; read 2026-11-29.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from ..sse import event_name_and_data
from .figures import Figures

COST_NAMES = ("cost", "cost_details", "is_byok", "cost_in_usd_ticks", "market_cost")
"""Members of ``usage`` that reveal what the shop pays, and with whose key."""

COST_USD_MAX = 1_000_000
"""No honest answer costs more."""
TICKS_PER_USD = 10**10
_NANO_PER_USD = 10**9


class _Holder(msgspec.Struct):
    """What may hold usage: a document or an event, the response of its last one, the message of its first."""

    usage: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


_read_holder = msgspec.json.Decoder(_Holder).decode
_read_usage = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NAME = re.compile(rb'[{,\s]*+"(?:[^"\\]++|\\.)*+"\s*+:\s*+')
"""A member's name, with everything between the previous value and its own; looks at no byte twice."""


def without_costs(document: bytes) -> bytes:
    """Return *document* without the shop's costs in its usage; every other byte stays as it came.

    Only a document that may contain any is decoded.

    >>> without_costs(b'{"id": "a", "usage": {"prompt_tokens": 9, "cost": 0.1}}')
    b'{"id": "a", "usage": {"prompt_tokens": 9}}'
    """
    if not _may_tell_costs(document):
        return document
    for usage in _usages(document):
        # An object with members is equal to no piece of a string, in which its quotes would be escaped.
        document = document.replace(usage, _without_members(usage))
    return document


def event_without_costs(event: bytes) -> bytes:
    """Return one event of a stream without the shop's costs in its usage; see `without_costs`."""
    if not _may_tell_costs(event):
        return event
    name, data = event_name_and_data(event)
    shown = without_costs(data)
    if shown == data:
        return event
    if data in event:
        return event.replace(data, shown)
    # Data of several lines is joined into one: between the tokens of JSON, line breaks mean nothing.
    named = b"event: " + name + b"\n" if name else b""
    return named + b"data: " + shown.replace(b"\n", b" ") + b"\n\n"


def _may_tell_costs(data: bytes) -> bool:
    # Runs for every decoded event; ``in`` is slower, as it first tries to read the bytes as a number.
    return data.find(b"cost") >= 0 or data.find(b"is_byok") >= 0


def read_upstream_cost(figures: Figures) -> int | None:
    """Return the cost of the answer to the shop in a usage object, in nano-USD; None if it has none, or an absurd one.

    >>> read_upstream_cost({"cost": Decimal("0.00006")}), read_upstream_cost({"cost_in_usd_ticks": 731_000})
    (60000, 73100)
    """
    cost, units_per_usd = figures.get("cost_in_usd_ticks"), TICKS_PER_USD
    if cost is None:
        cost, units_per_usd = figures.get("cost"), 1
    if isinstance(cost, dict):  # Perplexity's, by its parts
        cost = cost.get("total_cost")
    if not isinstance(cost, int | Decimal) or isinstance(cost, bool) or not 0 <= cost <= COST_USD_MAX * units_per_usd:
        return None
    return int((Decimal(cost) * _NANO_PER_USD / units_per_usd).to_integral_value())


def _usages(document: bytes) -> Iterator[bytes]:
    """Yield the usage objects from the places where upstreams put them; deeper levels are not searched."""
    outer = _held(document)
    inner = [_held(held) for held in (bytes(outer.response), bytes(outer.message)) if held.startswith(b"{")]
    for holder in (outer, *inner):
        if bytes(holder.usage):
            yield bytes(holder.usage)


def _held(document: bytes) -> _Holder:
    try:
        return _read_holder(document)
    except (ValueError, RecursionError):
        return _Holder()


def _without_members(usage: bytes) -> bytes:
    try:
        members = _read_usage(usage)
    except (ValueError, RecursionError):
        return usage
    if members.keys().isdisjoint(COST_NAMES):
        return usage
    kept = {name: value for name, value in members.items() if name not in COST_NAMES}
    return _cut(usage, members) or msgspec.json.encode(kept)


def _cut(usage: bytes, members: Mapping[str, msgspec.Raw]) -> bytes:
    """Return *usage* without its costs; empty if it has a member twice, of which *members* has only the last."""
    kept, end = [], 0
    for name, raw in members.items():
        value, named = bytes(raw), _NAME.match(usage, end)
        if named is None or not usage.startswith(value, named.end()):
            return b""
        start, end = end, named.end() + len(value)
        if name not in COST_NAMES:
            kept.append(usage[start:end])
    if usage[end:].strip() != b"}":
        return b""
    return usage[: usage.index(b'"')] + b"".join(kept).lstrip(b"{, \t\r\n") + usage[end:]

"""What an upstream says an answer cost the shop: a check on its own price, shown to no customer.

OpenRouter, Vercel's gateway and Perplexity tell it in dollars, xAI in ten thousand millionths of one, each beside the
counts of ``usage``. Source: wire/DIALECTS.md 2.6 and 3.3, read 2026-11-29.
"""

import re
from collections.abc import Iterator

import msgspec

from ..sse import event_name_and_data

COST_NAMES = ("cost", "cost_details", "is_byok", "cost_in_usd_ticks", "market_cost")
"""Members of ``usage`` that tell what the shop pays, and with whose key."""


class _Holder(msgspec.Struct):
    """What may hold usage: a document or an event, the response of its last one, the message of its first."""

    usage: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


_read_holder = msgspec.json.Decoder(_Holder).decode
_read_usage = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def without_costs(document: bytes) -> bytes:
    """Return *document* without what its usage says of the shop's costs; every other byte stays as it came.

    Only a document that may tell any is decoded.

    >>> without_costs(b'{"id": "a", "usage": {"prompt_tokens": 9, "cost": 0.1}}')
    b'{"id": "a", "usage": {"prompt_tokens": 9}}'
    """
    if b"cost" not in document and b"is_byok" not in document:
        return document
    for usage in set(_usages(document)):
        # An object with members is equal to no piece of a string, in which its quotes would be escaped.
        document = document.replace(usage, _without_members(usage))
    return document


def event_without_costs(event: bytes) -> bytes:
    """Return one event of a stream without what its usage says of the shop's costs; see `without_costs`."""
    if b"cost" not in event and b"is_byok" not in event:
        return event
    name, data = event_name_and_data(event)
    shown = without_costs(data)
    if shown == data:
        return event
    if data in event:
        return event.replace(data, shown)
    # Written in several lines, it is told in one: between what JSON is made of, they mean nothing.
    named = b"event: " + name + b"\n" if name else b""
    return named + b"data: " + shown.replace(b"\n", b" ") + b"\n\n"


def _usages(document: bytes) -> Iterator[bytes]:
    try:
        holder = _read_holder(document)
    except (ValueError, RecursionError):
        return
    if bytes(holder.usage):
        yield bytes(holder.usage)
    for inner in (holder.response, holder.message):
        yield from _usages(bytes(inner)) if bytes(inner).startswith(b"{") else ()


def _without_members(usage: bytes) -> bytes:
    try:
        members = _read_usage(usage)
    except (ValueError, RecursionError):
        return usage
    for name in COST_NAMES:
        if name in members:
            member = rb'"%s"\s*:\s*%s(?=\s*[,}])' % (name.encode(), re.escape(bytes(members[name])))
            usage = re.sub(rb"\s*,\s*%s|%s\s*,?\s*" % (member, member), b"", usage)
    return usage

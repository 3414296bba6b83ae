"""Rejoins characters that an upstream cut in two: half of an emoji in one event, the other half in the next.

JSON can escape each half of a character beyond U+FFFF, a surrogate, by itself, and programs that count in UTF-16 cut
between the two. No string can hold a half, so such events can't be decoded until the halves are together again.
Source: RFC 8259, 7 and 8.2.
"""

import re
from collections.abc import Iterator

_FIRST = re.compile(rb'\\u[dD][89abAB][0-9a-fA-F]{2}"')
"""A first half at the end of a string; `_is_escaped` sorts out those that are escaped, as in a call's arguments."""
_SECOND = re.compile(rb'"(?<!\\")(\\u[dD][c-fC-F][0-9a-fA-F]{2})')
_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
_REPEATS = re.compile(rb'"type"\s*:\s*"response\.(?:[a-z_.]+\.done|completed|incomplete)"')
"""Events of Responses that repeat what came in deltas. Source: wire/DIALECTS.md 2.3, read 2026-11-24."""
_BACKSLASH = ord("\\")
_HALF_LENGTH = len(rb"\ud83d")


def has_halves(data: bytes) -> bool:
    r"""Return whether *data* has escaped halves of characters, paired or not.

    >>> has_halves(rb'"\ud83d"'), has_halves(b"[DONE]")
    (True, False)
    """
    return _ESCAPED.search(data) is not None


class Rejoiner:
    r"""Moves the first half of a character from the end of one event's string to its other half in a later one.

    At the end of a stream, a half without its other half is dropped: an answer cut by its limit may end so.

    >>> rejoiner = Rejoiner()
    >>> rejoiner.join(rb'{"text":"Hi \ud83d"}'), rejoiner.join(rb'{"text":"\ude00!"}')
    (b'{"text":"Hi "}', b'{"text":"\\ud83d\\ude00!"}')
    """

    __slots__ = ("half",)

    def __init__(self) -> None:
        self.half = b""
        """The half that waits for its other half. If empty, events without escapes need no `join`."""

    def join(self, event: bytes) -> bytes:
        """Return *event* with its halves rejoined or moved; unchanged, and unreadable, if one fits nowhere."""
        if self.half and (found := _SECOND.search(event)):
            event = event[: found.start(1)] + self.half + event[found.start(1) :]
            self.half = b""
        if b"\\ud" not in event and b"\\uD" not in event:
            return event
        if not self.half and (at := next(_first_halves(event), -1)) >= 0:
            self.half = event[at : at + _HALF_LENGTH]
            return event[:at] + event[at + _HALF_LENGTH :]
        return _without_half(event, self.half) if self.half and _REPEATS.search(event) else event


def _first_halves(event: bytes) -> Iterator[int]:
    """Yield the positions in *event* of first halves at the end of a string."""
    return (found.start() for found in _FIRST.finditer(event) if not _is_escaped(event, found.start()))


def _without_half(event: bytes, half: bytes) -> bytes:
    """Return *event* without *half* at the end of any of its strings."""
    for at in reversed([at for at in _first_halves(event) if event.startswith(half, at)]):
        event = event[:at] + event[at + len(half) :]
    return event


def _is_escaped(event: bytes, at: int) -> bool:
    """Return whether an odd number of backslashes precedes the position *at*."""
    before = at
    while before and event[before - 1] == _BACKSLASH:
        before -= 1
    return (at - before) % 2 == 1

"""Characters that an upstream cut in two: half of an emoji in one event, the other in the next.

JSON can escape each half of a character beyond U+FFFF, a surrogate, by itself, and programs that count in UTF-16 cut between
the two. No text can hold a half, so such events can't be read before their halves are together again.
Source: RFC 8259, 7 and 8.2.
"""

import re

_FIRST = re.compile(rb'(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})"')
"""A first half at the end of a string; what is itself escaped, as in the arguments of a call, is none."""
_SECOND = re.compile(rb'(?<!\\)"(\\u[dD][c-fC-F][0-9a-fA-F]{2})')
_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")


def has_halves(data: bytes) -> bool:
    r"""Return whether halves of characters are escaped in *data*, paired or not.

    >>> has_halves(rb'"\ud83d"'), has_halves(b"[DONE]")
    (True, False)
    """
    return _ESCAPED.search(data) is not None


class Rejoiner:
    r"""Moves the first half of a character from the end of one event's string to its other half in a later one.

    At the end of a stream a half that none followed is dropped: an answer cut by its limit may end so.

    >>> rejoiner = Rejoiner()
    >>> rejoiner.join(rb'{"text":"Hi \ud83d"}'), rejoiner.join(rb'{"text":"\ude00!"}')
    (b'{"text":"Hi "}', b'{"text":"\\ud83d\\ude00!"}')
    """

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = b""

    def join(self, event: bytes) -> bytes:
        """Return *event* as it can be read; as it is where a half has no place, which nobody can read then."""
        if self._half and (found := _SECOND.search(event)):
            event = event[: found.start(1)] + self._half + event[found.start(1) :]
            self._half = b""
        if not self._half and (b"\\ud" in event or b"\\uD" in event) and (found := _FIRST.search(event)):
            self._half = found[1]
            event = event[: found.start(1)] + event[found.end(1) :]
        return event

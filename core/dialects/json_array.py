"""Splits a JSON array that comes bit by bit into whole members, the same for every cut.

Gemini streams such an array if a client does not ask for server-sent events (wire/DIALECTS.md 2.5).
Each member comes with the bytes before it, so that joining them gives the input back.
"""

import re

from ..errors import UpstreamBrokenError
from ..sse import EVENT_BYTES_MAX

_STRUCTURE = re.compile(rb'["\\{}\[\]]')
_IN_TEXT = re.compile(rb'["\\]')


class ArraySplitter:
    """Is fed with bytes as they come, and returns whole members; the closing bracket is returned by itself.

    >>> splitter = ArraySplitter()
    >>> splitter.feed(b'[{"a": "}"'), splitter.feed(b'},\\n{"b":1}]')
    ([], [b'[{"a": "}"}', b',\\n{"b":1}', b']'])
    """

    __slots__ = ("_depth", "_is_in_text", "_pending", "_scanned")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._depth = 0
        self._is_in_text = False

    @property
    def rest(self) -> bytes:
        """Nothing: what follows the last member is not a member."""
        return b""

    @property
    def is_between_events(self) -> bool:
        """Whether no member has begun."""
        return not self._pending

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the members that they complete.

        Raises:
            UpstreamBrokenError: A member is larger than the largest event that is passed on.
        """
        self._pending += data
        members: list[bytes] = []
        while (end := self._end_of_member()) is not None:
            members.append(bytes(self._pending[:end]))
            del self._pending[:end]
            self._scanned = 0
        if len(self._pending) > EVENT_BYTES_MAX:
            raise UpstreamBrokenError(f"a member of more than {EVENT_BYTES_MAX} bytes")
        return members

    def finish(self) -> list[bytes]:
        """Take the end of the input; a member that was cut off is dropped."""
        return []

    def _end_of_member(self) -> int | None:
        """Return where the first member ends, or the array; None if that is not known yet."""
        pending = self._pending
        while match := (_IN_TEXT if self._is_in_text else _STRUCTURE).search(pending, self._scanned):
            mark, at = match[0], match.end()
            if mark == b"\\":
                if at >= len(pending):
                    return None
                self._scanned = at + 1
                continue
            self._scanned = at
            if mark == b'"':
                self._is_in_text = not self._is_in_text
            elif mark in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 1:
                    return at
        self._scanned = len(pending)
        return None

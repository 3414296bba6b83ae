"""Server-sent events as raw bytes: whole events out of pieces in, the same for every cut.

Events keep their own bytes, terminator included, so that joining them gives the input back.
Only line ends of the standard count (LF, CR LF, CR): U+2028 inside JSON is no line end.
Source: WHATWG HTML, 9.2 "Server-sent events"; wire/DIALECTS.md 2.1, read 2026-11-23.
"""

import re

from .errors import UpstreamBrokenError

EVENT_BYTES_MAX = 64 * 1024 * 1024
"""As much as a whole answer may have, since one event can hold all of its pictures: 4K from Gemini are some 30 MiB.

What is larger breaks the stream instead of filling memory.
"""

BOM = b"\xef\xbb\xbf"
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Fed with bytes as they come, gives whole events.

    >>> splitter = Splitter()
    >>> splitter.feed(b"data: 1\\n\\ndata: 2\\n")
    [b'data: 1\\n\\n']
    >>> splitter.feed(b"\\n"), splitter.rest
    ([b'data: 2\\n\\n'], b'')
    """

    __slots__ = ("_event_bytes_max", "_has_cr", "_pending", "_scanned")

    def __init__(self, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        self._event_bytes_max = event_bytes_max
        self._pending = bytearray()
        self._scanned = 0
        self._has_cr = False

    @property
    def rest(self) -> bytes:
        """The bytes of an event that has not ended yet."""
        return bytes(self._pending)

    @property
    def is_between_events(self) -> bool:
        """No event has been begun: the next byte is the first of one."""
        return not self._pending

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the events that they complete.

        Raises:
            UpstreamBrokenError: An event is larger than any honest one.
        """
        if not self._has_cr and data.find(b"\r") >= 0:
            self._has_cr = True
        if self._pending or self._has_cr:
            return self._feed_pending(data)
        *bodies, rest = data.split(b"\n\n")
        if rest:
            self._pending += rest
        events = [body + b"\n\n" for body in bodies]
        self._check(events, len(data))
        return events

    def _feed_pending(self, data: bytes) -> list[bytes]:
        pending = self._pending
        pending += data
        events: list[bytes] = []
        start = 0
        # A blank line is at most four bytes long: what was looked at before can hold its first three.
        position = max(0, self._scanned - 3)
        while True:
            end = self._end_of_event(position)
            if not end:
                break
            events.append(bytes(pending[start:end]))
            start = position = end
        del pending[:start]
        self._scanned = len(pending)
        self._check(events, len(pending) + len(data))
        return events

    def _end_of_event(self, position: int) -> int:
        """Return where the event ends whose blank line stands at or after *position*; 0 if not known yet."""
        if not self._has_cr:
            found = self._pending.find(b"\n\n", position)
            return found + 2 if found >= 0 else 0
        match = _BLANK_LINE.search(self._pending, position)
        if match is None or (match.end() == len(self._pending) and match[0].endswith(b"\r")):
            # After a last CR, the LF that belongs to it may still be on its way.
            return 0
        return match.end()

    def finish(self) -> list[bytes]:
        """Take the end of the input; return the event that only a following LF kept open, if any."""
        if self._has_cr and (match := _BLANK_LINE.search(self._pending)) is not None:
            assert match.end() == len(self._pending), "only a blank line at the very end was left undecided"
            event = self.rest
            self._pending.clear()
            return [event]
        return []

    def _check(self, events: list[bytes], bytes_seen: int) -> None:
        bytes_max = self._event_bytes_max
        if bytes_seen <= bytes_max:
            return
        if len(self._pending) > bytes_max or any(len(event) > bytes_max for event in events):
            raise UpstreamBrokenError(f"an event of more than {bytes_max} bytes")


def event_name_and_data(raw: bytes) -> tuple[bytes, bytes]:
    """Return the name and the data of one whole event; each empty where it has none.

    >>> event_name_and_data(b": note\\nevent: ping\\ndata: {\\ndata:}\\n\\n")
    (b'ping', b'{\\n}')
    """
    if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and raw.find(b"\r") < 0:
        return b"", raw[6:-2]
    name = b""
    data: list[bytes] = []
    for line in _LINE_END.split(raw.removeprefix(BOM)):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return name, b"\n".join(data)

"""The frame of a stream's events: what stays the same when only their text differs.

Most events of a stream are the same frame around another piece of text. Once one of them has
been decoded, the next only needs to be compared: a quarter of the cost (benchmarks/meter.py),
and just as safe, because the same bytes around another string are the same document but for it.
"""

import re

_LINE_END = b"\n\n"
_PADDED_KEYS = (b'"obfuscation":"', b'"p":"')
"""Strings of random length that OpenAI and Mistral add at the end of an event (wire/DIALECTS.md 2.1)."""
_LETTERS = b" ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_find_special = re.compile(rb'["\\\r\n]').search
_is_simply_escaped = re.compile(rb'(?:[^"\\\r\n]|\\["/bfnrt])+').fullmatch


class Frame:
    """Remembers the frame of the last event that was only text, and measures the text of events that fit it.

    An event that fits has the prefix, the text, `_head`, which begins with the text's closing quote, and if it is
    padded, padding and `_close`. The padding is OpenAI's and Mistral's random string or Anthropic's random blanks.
    """

    __slots__ = ("_close", "_head", "_head_length", "_padding", "_prefix", "_start", "is_thinking")

    def __init__(self) -> None:
        self._prefix = self._head = self._padding = self._close = b""
        self._start = self._head_length = 0
        self.is_thinking = False

    def text_bytes(self, event: bytes) -> int:
        """Return the bytes of text in *event*, one event or a whole read; 0 if it must be decoded."""
        start = self._start
        if not start or not event.startswith(self._prefix):
            return 0
        if self._close:
            end = event.rfind(self._head, start)
            fits = event[end + self._head_length :].lstrip(self._padding) == self._close
        else:
            end = len(event) - self._head_length
            fits = event.endswith(self._head)
        return text_length(event, start, end) if fits and end > start else 0

    def learn(self, event: bytes, key: bytes, text: str, *, is_thinking: bool = False) -> None:
        """Take *event* as the frame, if the string under *key* is *text*, written without escapes.

        The caller has decoded *event* and found nothing in it besides *text* that matters.
        """
        if (place := find_text(event, key, text)) is None:
            return
        start, end = place
        self._prefix, self._start = event[:start], start
        self._head, self._padding, self._close = _split_padding(event[end:])
        self._head_length = len(self._head)
        self.is_thinking = is_thinking


def find_text(event: bytes, key: bytes, text: str) -> tuple[int, int] | None:
    """Return where *text* begins and ends in *event*, if it is the string under *key* and has no escapes, else None."""
    at = event.find(key)
    start = event.find(b'"', at + len(key)) + 1
    end = event.find(b'"', start)
    is_found = at >= 0 and event[at + len(key) : start].strip() == b'"' and event[start:end] == text.encode()
    return (start, end) if is_found and event.endswith(_LINE_END) and b"\r" not in event else None


def text_length(event: bytes, start: int, end: int) -> int:
    """Return how many bytes the inside of a JSON string stands for; 0 if it must be decoded."""
    if _find_special(event, start, end) is None:
        return end - start
    text = event[start:end]
    return len(text) - text.count(b"\\") if _is_simply_escaped(text) else 0


def _split_padding(tail: bytes) -> tuple[bytes, bytes, bytes]:
    """Split *tail*, which begins with a text's closing quote: what precedes the padding, its alphabet, and the rest."""
    for key in _PADDED_KEYS:
        at = tail.find(key)
        if at >= 0:
            head = tail[: at + len(key)]
            return head, _LETTERS, tail[tail.find(b'"', len(head)) :]
    if tail.startswith(b'"}') and tail[2:].lstrip(b" ") == b"}\n\n":
        return tail[:2], b" ", b"}\n\n"
    return tail, b"", b""

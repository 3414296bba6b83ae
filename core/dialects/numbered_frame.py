"""The frame of a stream's events if the events are numbered.

Responses numbers its events, so besides the text a number differs in each, and from OpenAI itself
also a random string; their places differ from upstream to upstream. What is between them is compared
as in `Frame`.
"""

import re

from .frame import Frame, find_text, text_length

_find_varying = re.compile(rb'(?<="sequence_number":)(?P<number>\d+)|(?<="obfuscation":")(?P<padding>\w*)').finditer

_NUMBER, _PADDING, _TEXT = "number", "padding", "text"


class NumberedFrame(Frame):
    """Remembers the last event that was only text: its fixed pieces, and the kinds of what varies between them."""

    __slots__ = ("_first", "_rest")

    def __init__(self) -> None:
        super().__init__()
        self._first = b""
        self._rest: tuple[tuple[str, bytes], ...] = ()

    def text_bytes(self, event: bytes) -> int:
        """Return the bytes of text in *event*, one event or a whole read; 0 if it must be decoded."""
        first = self._first
        if not first or not event.startswith(first):
            return 0
        at, bytes_count = len(first), 0
        for kind, fixed in self._rest:
            end = event.find(fixed, at)
            if end < 0:
                return 0
            if kind is _TEXT:
                bytes_count = text_length(event, at, end)
            elif not (event[at:end].isdigit() if kind is _NUMBER else end == at or event[at:end].isalnum()):
                return 0
            at = end + len(fixed)
        return bytes_count if at == len(event) else 0

    def learn(self, event: bytes, key: bytes, text: str, *, is_thinking: bool = False) -> None:
        """Take *event* as the frame, if the string under *key* is *text*, written without escapes.

        The caller has decoded *event* and found nothing in it besides *text* that matters.
        """
        if (place := find_text(event, key, text)) is None:
            return
        start, end = place
        # Inside the text a quote would be escaped, so all that is found is outside it.
        found = [(_NUMBER if each["number"] else _PADDING, *each.span()) for each in _find_varying(event)]
        varying = sorted([(_TEXT, start, end), *found], key=lambda each: each[1])
        ends = [each[1] for each in varying[1:]] + [len(event)]
        self._first = event[: varying[0][1]]
        self._rest = tuple((kind, event[after:until]) for (kind, _, after), until in zip(varying, ends, strict=True))
        self.is_thinking = is_thinking

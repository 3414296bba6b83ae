"""Reading along in all dialects whose streams are server-sent events."""

from abc import abstractmethod
from collections.abc import Iterable

import msgspec

from ..estimate import input_bound
from ..exchange import Evidence, Exchange
from ..sse import Splitter, event_name_and_data
from ..usage import Usage
from .dialect import NativeReader
from .disguised import disguised_error
from .figures import UntrueFigureError
from .frame import Frame
from .json_array import ArraySplitter
from .upstream_costs import event_without_costs

_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class EventReader(NativeReader):
    """A `NativeReader` that splits a stream into events, which each dialect reads, and holds back the end."""

    __slots__ = (
        "_exchange",
        "_frame",
        "_is_between_events",
        "_is_finished",
        "_is_marked",
        "_request_bound_tokens",
        "_splitter",
        "_thinking_asked",
    )

    def __init__(self, exchange: Exchange, thinking_asked: bool) -> None:
        super().__init__()
        self._exchange = exchange
        self._request_bound_tokens: int | None = None
        self._thinking_asked = thinking_asked
        self._splitter: Splitter | ArraySplitter = Splitter()
        self._frame = Frame()
        self._is_between_events = True
        self._is_finished = False
        self._is_marked = False
        """A ``[DONE]`` was added to the end."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the events that go to the customer now."""
        if self.is_ended or self.error is not None:
            self._look_behind(self._splitter.feed(data))
            return b""
        if self._is_between_events and self._count_framed(data):
            return data
        passed = self._pass(self._splitter.feed(data))
        self._is_between_events = self._splitter.is_between_events
        return passed

    def finish(self) -> bytes:
        """Take the end of the body; an event that was cut is never passed on.

        Some upstreams leave out the blank line after their last event. The event passes as it came, and gets
        the line only if something is to be written after it.
        """
        if self.is_ended or self.error is not None or self._is_finished:
            return b""
        self._is_finished = True
        if self._is_document():
            self._fail(self._splitter.rest)
            return b""
        events = self._splitter.finish()
        unended = self._unended() if not events else b""
        passed = self._pass([unended] if unended else events)
        self._conclude()
        if unended and passed and (self.end or not self.is_ended):
            passed += b"\n" if unended.endswith(b"\n") else b"\n\n"
        return passed

    def _is_document(self) -> bool:
        """Say whether a JSON document came instead of a stream.

        Other relays send errors like this, with a stream's content type.
        """
        rest = self._splitter.rest
        if self.is_output_seen or not rest.lstrip().startswith(b"{"):
            return False
        try:
            return bool(_read_object(rest))
        except (ValueError, RecursionError):
            return False

    def _unended(self) -> bytes:
        """Return the last event if only the blank line after it is missing; a document that was cut off is no event."""
        rest = self._splitter.rest
        data = event_name_and_data(rest)[1]
        if data.strip() == b"[DONE]":
            return rest
        try:
            return rest if _read_object(data) else b""
        except (ValueError, RecursionError):
            return b""

    def _conclude(self) -> None:
        """End the answer with the body, in dialects that need no end mark."""

    def _pass(self, events: list[bytes]) -> bytes:
        passed = []
        coming = iter(events)
        for event in coming:
            if self._count_framed(event):
                passed.append(event)
            elif self._take(event):
                passed.append(self._dressed(event_without_costs(event)))
            elif self.is_ended or self.error is not None:
                self._look_behind(coming)
                break
        return b"".join(passed)

    def _count_framed(self, event: bytes) -> bool:
        """Count an event that fits the frame; say whether it does. This runs for every chunk.

        It repeats the work of `Tally.add` inline. The kind of output was noted when the frame was learnt.
        """
        frame = self._frame
        bytes_count = frame.text_bytes(event)
        if not bytes_count:
            return False
        self._has_answered = not frame.is_thinking
        self._output_bytes = total = self._output_bytes + bytes_count
        self.output_bound_tokens += 1 + (bytes_count >> 2) if bytes_count < 12 else 1 + (bytes_count >> 1)
        self.output_counted_tokens = -(-total * 10 // 36) + self._untexted_tokens
        return True

    def _look_behind(self, events: Iterable[bytes]) -> None:
        """Look at what follows the end.

        Of that, only a ``[DONE]`` that some add although their dialect has none goes to the customer,
        with the end: OpenRouter's Responses, relays of Messages (wire/DIALECTS.md 2.3 and 2.4).
        """
        for event in events:
            is_mark = self.is_ended and event_name_and_data(event)[1].rstrip() == b"[DONE]"
            if is_mark and not self._is_marked and not self.end.endswith(event):
                self._is_marked = True
                self.end += event

    @abstractmethod
    def _take(self, event: bytes) -> bool:
        """Read one event that does not fit the frame; say whether it goes to the customer."""

    def _dressed(self, event: bytes) -> bytes:
        """Return an event in the form that the dialect's clients expect, if the upstream deviates from it."""
        return event

    @abstractmethod
    def _figures(self) -> Usage | None:
        """Return the upstream's figures; raises `UntrueFigureError` where they can't be true."""

    def usage(self) -> Usage | None:
        """Return the upstream's figures so far, or local bounds where they can't be true."""
        try:
            return self._figures()
        except UntrueFigureError:
            return self._disputed()

    def _disputed(self) -> Usage:
        """Return the local bounds."""
        return Usage(input_tokens=self._request_bound(), output_tokens=self.output_bound_tokens, source="disputed")

    def _request_bound(self) -> int:
        """Return an upper bound of the input tokens. Made once only, because it reads the whole prompt."""
        if self._request_bound_tokens is None:
            self._request_bound_tokens = input_bound(self._exchange.fields)
        return self._request_bound_tokens

    def evidence(self) -> Evidence:
        usage = self.usage()
        return self.make_evidence(
            is_end_seen=self.is_ended,
            thinking_asked=self._thinking_asked,
            reasoning_tokens=usage.reasoning_tokens if usage is not None else 0,
            error_type=None if self.error is None else self.error.error_type or self.error.code,
        )

    def _fail(self, document: bytes) -> bool:
        self.error = disguised_error(document)
        return False

    def _end_with(self, event: bytes) -> bool:
        self.is_ended = True
        self.end = event_without_costs(event)
        return False

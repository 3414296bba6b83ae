"""Decodes a stream of response events into the hub's events."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from ...sse import event_name_and_data
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..conversation import Citation, Part, Refusal, Text, Thinking, ToolCall
from ..raw import refuse_unread
from .answer_decoder import Incomplete, stop_of
from .wire import read_annotation, read_item, read_piece


class _Response(msgspec.Struct):
    model: str | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None


class _Event(msgspec.Struct):
    type: str = ""
    output_index: int = 0
    content_index: int = 0
    delta: str = ""
    item: msgspec.Raw = msgspec.Raw()
    part: msgspec.Raw = msgspec.Raw()
    annotation: msgspec.Raw = msgspec.Raw()
    response: _Response | None = None


_PIECES = frozenset(
    {
        "response.output_text.delta", "response.refusal.delta", "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta", "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)  # fmt: skip
"""Events that bring a piece of the answer."""
_Place = tuple[int, int]
"""Output index and content index; the second is -1 for items that are one part."""
_ITEM = -1
_read = msgspec.json.Decoder(_Event).decode


class _Progress(msgspec.Struct):
    """How much of a part has come in deltas: characters, and sources."""

    length: int = 0
    citation_count: int = 0


class ResponsesStreamDecoder:
    """See `StreamDecoder`. A message item holds parts; every other item is one part.

    When a whole part comes at its end, the length that came in deltas is subtracted, so that nothing
    is lost if an upstream sends an item, or its rest, only whole.
    """

    __slots__ = ("_has_begun", "_kinds", "_open", "_open_by_item", "_part_count", "_progress", "_summary_counts")

    def __init__(self) -> None:
        self._has_begun = False
        self._part_count = 0
        self._open: dict[_Place, int] = {}
        self._open_by_item: defaultdict[int, dict[_Place, None]] = defaultdict(dict)
        """The open places of each item, in order, by output index."""
        self._progress: dict[_Place, _Progress] = {}
        self._summary_counts: dict[int, int] = {}
        self._kinds: set[type[Part]] = set()

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        _, data = event_name_and_data(event)
        try:
            read = _read(data)
        except (ValueError, RecursionError):
            refuse_unread(data, "delta", _PIECES)
            return ()
        if read.type == "response.output_text.delta" and read.delta:
            place = (read.output_index, read.content_index)
            if place in self._open:  # most events of a stream
                return (self._delta(place, read.delta),)
        events: list[StreamEvent] = []
        if not self._has_begun and read.type.startswith("response."):
            self._has_begun = True  # with whatever comes first: some hosts leave out response.created
            first = read.response or _Response()
            events.append(Begun(model=first.model))
        # If an item or a part turns out to be unreadable, the events made before that are kept.
        with suppress(ValueError, RecursionError):
            events.extend(self._take(read))
        return events

    def finish(self) -> Sequence[StreamEvent]:
        """Return nothing: the stream's events say why it ended."""
        return ()

    def _take(self, read: _Event) -> Iterable[StreamEvent]:
        place, item = (read.output_index, read.content_index), (read.output_index, _ITEM)
        match read.type:
            case "response.output_text.delta":
                yield from self._add(place, Text(text=""), read.delta)
            case "response.refusal.delta":
                yield from self._add(place, Refusal(text=""), read.delta)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._add(item, Thinking(text=""), read.delta)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                if item in self._open:
                    yield self._delta(item, read.delta)
            case "response.content_part.added":
                yield from self._begin_piece(place, read.part)
            case "response.reasoning_summary_part.added":
                yield from self._begin_summary(item)
            case "response.output_text.annotation.added" if place in self._open:
                yield self._cited(place, read_annotation(read.annotation))
            case "response.content_part.done":
                yield from self._end_piece(place, read.part)
            case "response.output_item.added":
                yield from self._begin_item(item, read.item)
            case "response.output_item.done":
                yield from self._end_item(item, read.item)
            case "response.completed" | "response.incomplete" if read.response is not None:
                yield from self._stop(read.response)

    def _begin(self, place: _Place, part: Part) -> PartBegun:
        index = self._open[place] = self._part_count
        self._open_by_item[place[0]][place] = None
        self._part_count += 1
        self._progress[place] = _Progress()
        self._kinds.add(type(part))
        return PartBegun(index=index, part=part)

    def _delta(self, place: _Place, text: str) -> Delta:
        self._progress[place].length += len(text)
        return Delta(index=self._open[place], text=text)

    def _cited(self, place: _Place, citation: Citation) -> Cited:
        self._progress[place].citation_count += 1
        return Cited(index=self._open[place], citation=citation)

    def _add(self, place: _Place, part: Part, text: str) -> Iterable[StreamEvent]:
        if place not in self._open:
            yield self._begin(place, part)
        if text:
            yield self._delta(place, text)

    def _complete(self, place: _Place, part: Part) -> Iterable[StreamEvent]:
        """Yield what of the whole *part* has not come in deltas."""
        if place not in self._progress:
            yield self._begin(place, _emptied(part))
        if place not in self._open:
            return
        progress, text = self._progress[place], _text_of(part)
        # A thought may come both as summary and as text, of which only one came in deltas.
        rest = text[progress.length :] if not (isinstance(part, Thinking) and progress.length) else ""
        if rest:
            yield self._delta(place, rest)
        for citation in part.citations[progress.citation_count :] if isinstance(part, Text) else ():
            yield self._cited(place, citation)
        if isinstance(part, Thinking) and part.seal is not None:
            yield Sealed(index=self._open[place], seal=part.seal)

    def _end(self, place: _Place) -> Iterable[StreamEvent]:
        if place in self._open:
            del self._open_by_item[place[0]][place]
            yield PartEnded(index=self._open.pop(place))

    def _begin_piece(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        part = read_piece(raw)
        if isinstance(part, Text | Refusal):
            yield self._begin(place, _emptied(part))

    def _end_piece(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        part = read_piece(raw)
        if isinstance(part, Text | Refusal):
            yield from self._complete(place, part)
            yield from self._end(place)

    def _begin_summary(self, place: _Place) -> Iterable[StreamEvent]:
        """Begin a part of a summary; the parts become paragraphs of one thought."""
        count = self._summary_counts.get(place[0], 0)
        self._summary_counts[place[0]] = count + 1
        yield from self._add(place, Thinking(text=""), "\n\n" if count else "")

    def _begin_item(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        for part in read_item(raw)[1]:
            if isinstance(part, Thinking | ToolCall):
                yield self._begin(place, _emptied(part))

    def _end_item(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        item, parts = read_item(raw)
        for index, part in enumerate(parts):
            its_place = (place[0], index) if item.type == "message" else place
            yield from self._complete(its_place, part)
        for opened in tuple(self._open_by_item[place[0]]):
            yield from self._end(opened)
        del self._open_by_item[place[0]]

    def _stop(self, response: _Response) -> Iterable[StreamEvent]:
        for place in list(self._open):
            yield from self._end(place)
        yield Stopped(stop=stop_of(response.status, response.incomplete_details, *self._kinds))


def _emptied(part: Part) -> Part:
    """Return *part* as it begins, without its text, which follows in deltas. A part that has no deltas stays whole."""
    match part:
        case Text():
            return Text(text="")
        case Refusal():
            return Refusal(text="")
        case Thinking():
            return Thinking(text="")
        case ToolCall():
            return msgspec.structs.replace(part, arguments="")
    return part


def _text_of(part: Part) -> str:
    match part:
        case Text(text=text) | Refusal(text=text) | Thinking(text=text):
            return text
        case ToolCall(arguments=arguments):
            return arguments
    return ""

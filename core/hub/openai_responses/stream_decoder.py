"""A stream of response events, read into the hub's events."""

from collections.abc import Iterable, Sequence

import msgspec

from ...sse import event_name_and_data
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..conversation import Image, Native, Part, Refusal, Text, Thinking, ToolCall
from .answer_decoder import Incomplete, stop_of
from .wire import Annotation, Item, Piece, read_annotation, read_item, read_reasoning


class _Response(msgspec.Struct):
    id: str = ""
    model: str | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None


class _Event(msgspec.Struct):
    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str = ""
    item: msgspec.Raw = msgspec.Raw()
    part: Piece | None = None
    annotation: Annotation | None = None
    response: _Response | None = None


_Place = tuple[int, int]
"""Output index and content index; the second is -1 for items that are one part."""
_ITEM = -1
_read = msgspec.json.Decoder(_Event).decode
_read_item = msgspec.json.Decoder(Item).decode


class ResponsesStreamDecoder:
    """See `StreamDecoder`. An item of a message holds parts; every other item is one."""

    __slots__ = ("_has_begun", "_kinds", "_open", "_part_count", "_summary_counts")

    def __init__(self) -> None:
        self._has_begun = False
        self._part_count = 0
        self._open: dict[_Place, int] = {}
        self._summary_counts: dict[int, int] = {}
        self._kinds: set[type[Part]] = set()

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """Return what one event says."""
        _, data = event_name_and_data(event)
        try:
            said = _read(data)
        except (ValueError, RecursionError):
            return ()
        return tuple(self._take(said))

    def finish(self) -> Sequence[StreamEvent]:
        """Return nothing: the stream itself says why it ended."""
        return ()

    def _take(self, said: _Event) -> Iterable[StreamEvent]:
        place, item = (said.output_index, said.content_index), (said.output_index, _ITEM)
        match said.type:
            case "response.output_text.delta":
                yield from self._add(place, Text(text=""), said.delta)
            case "response.refusal.delta":
                yield from self._add(place, Refusal(text=""), said.delta)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._add(item, Thinking(text=""), said.delta)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                if item in self._open:
                    yield Delta(index=self._open[item], text=said.delta)
            case "response.content_part.added" if said.part is not None:
                yield from self._begin_piece(place, said.part)
            case "response.reasoning_summary_part.added":
                yield from self._begin_summary(item)
            case "response.output_text.annotation.added" if said.annotation is not None and place in self._open:
                cited = read_annotation(said.annotation)
                if cited is not None:
                    yield Cited(index=self._open[place], citation=cited)
            case "response.content_part.done":
                yield from self._end(place)
            case "response.output_item.added":
                yield from self._begin_item(item, said.item)
            case "response.output_item.done":
                yield from self._end_item(item, said.item)
            case "response.created" | "response.queued" if said.response is not None and not self._has_begun:
                self._has_begun = True
                yield Begun(id=said.response.id, model=said.response.model)
            case "response.completed" | "response.incomplete" if said.response is not None:
                yield from self._stop(said.response)

    def _begin(self, place: _Place, part: Part) -> PartBegun:
        index = self._open[place] = self._part_count
        self._part_count += 1
        self._kinds.add(type(part))
        return PartBegun(index=index, part=part)

    def _add(self, place: _Place, part: Part, text: str) -> Iterable[StreamEvent]:
        if place not in self._open:
            yield self._begin(place, part)
        if text:
            yield Delta(index=self._open[place], text=text)

    def _end(self, place: _Place) -> Iterable[StreamEvent]:
        if place in self._open:
            yield PartEnded(index=self._open.pop(place))

    def _begin_piece(self, place: _Place, piece: Piece) -> Iterable[StreamEvent]:
        if piece.type == "output_text":
            yield self._begin(place, Text(text=""))
        elif piece.type == "refusal":
            yield self._begin(place, Refusal(text=""))

    def _begin_summary(self, place: _Place) -> Iterable[StreamEvent]:
        """A summary has parts of its own; they are paragraphs of one thought."""
        count = self._summary_counts.get(place[0], 0)
        self._summary_counts[place[0]] = count + 1
        yield from self._add(place, Thinking(text=""), "\n\n" if count else "")

    def _begin_item(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        item = _read_item(raw)
        match item.type:
            case "reasoning":
                yield self._begin(place, Thinking(text=""))
            case "function_call":
                yield self._begin(place, ToolCall(id=item.call_id, name=item.name, arguments=""))
            case "custom_tool_call":
                yield self._begin(place, ToolCall(id=item.call_id, name=item.name, arguments="", kind="custom"))

    def _end_item(self, place: _Place, raw: msgspec.Raw) -> Iterable[StreamEvent]:
        item, parts = read_item(raw)
        if place not in self._open:
            for part in parts:
                if isinstance(part, Native | Image):  # what had no part while it was under way is whole now
                    yield self._begin(place, part)
        elif item.type == "reasoning" and (seal := read_reasoning(item).seal) is not None:
            yield Sealed(index=self._open[place], seal=seal)
        for opened in [each for each in self._open if each[0] == place[0]]:
            yield from self._end(opened)

    def _stop(self, response: _Response) -> Iterable[StreamEvent]:
        for place in list(self._open):
            yield from self._end(place)
        yield Stopped(stop=stop_of(response.status, response.incomplete_details, *self._kinds))

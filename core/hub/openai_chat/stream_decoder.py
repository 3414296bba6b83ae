"""Decodes a stream of chunks into the hub's events."""

from collections.abc import Iterable, Sequence

import msgspec

from ...sse import event_name_and_data
from ..answer import (
    Begun,
    Cited,
    Delta,
    PartBegun,
    PartEnded,
    Sealed,
    Stopped,
    StreamEvent,
    new_call_id,
    stop_beside_calls,
)
from ..conversation import Citation, Part, Refusal, Seal, Text, Thinking, ToolCall
from ..raw import refuse_unread
from .stops import STOPS
from .thoughts import Detail
from .wire import Extra, Said, Searched, read_annotation, read_found, read_pictures, texts_of

HELD_BYTES_MAX = 1024 * 1024
"""Once so much of a choice's calls waits for names, they count as calls without one: what waits fills memory."""
_PIECE_BYTES = 256
"""About what a piece takes in memory besides its arguments."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Custom | None = None
    extra_content: Extra | None = None

    @property
    def arguments(self) -> str:
        """Its piece of the arguments."""
        if self.custom is not None:
            return self.custom.input or ""
        return (self.function.arguments if self.function is not None else None) or ""

    @property
    def held_bytes(self) -> int:
        """About how much memory it takes while it waits."""
        return _PIECE_BYTES + len(self.arguments)


class _Delta(Said):
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(Searched):
    model: str | None = None
    choices: list[_Choice] | None = None


_read = msgspec.json.Decoder(_Chunk).decode


class ChatStreamDecoder:
    """See `StreamDecoder`. Tool calls stay open until their choice ends, as their pieces may interleave."""

    __slots__ = ("_choices", "_found", "_has_begun", "_part_count")

    def __init__(self) -> None:
        self._has_begun = False
        self._part_count = 0
        self._found: Searched | None = None
        """The last search results: Perplexity sends them with every chunk."""
        self._choices: dict[int, _OpenChoice] = {}

    def feed(self, event: bytes) -> list[StreamEvent]:
        _, data = event_name_and_data(event)
        try:
            chunk = _read(data)
        except (ValueError, RecursionError):
            refuse_unread(data, "choices")
            return []  # [DONE], or nothing that matters
        if chunk.has_found:
            self._found = chunk
        events: list[StreamEvent] = []
        if not self._has_begun and chunk.choices:
            self._has_begun = True
            events.append(Begun(model=chunk.model or None))
        for choice in chunk.choices or ():
            events += self._take(choice)
        return events

    def finish(self) -> Sequence[StreamEvent]:
        """End what is open if no finish reason came, as from Spark; yield sources that came last."""
        events: list[StreamEvent] = []
        for state in self._choices.values():
            if state.is_stopped and self._sources(state):
                events += self._add(state, Text(text=""), "")
                events += self._end_parts(state, with_calls=False)
            if not state.is_stopped:
                events += self._end_choice(state)
                events += [Stopped(stop="tool_use", choice_index=state.choice_index)] if state.has_called else []
        return events

    def _take(self, choice: _Choice) -> Iterable[StreamEvent]:
        index = choice.index or 0
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _OpenChoice(index)
        if state.is_stopped:
            return  # OpenRouter sends its finish reason twice
        if choice.delta is not None:
            yield from self._take_delta(state, choice.delta)
        if choice.finish_reason:  # some hosts send an empty one until the end
            state.is_stopped = True
            if self._sources(state):
                yield from self._add(state, Text(text=""), "")
            yield from self._end_choice(state)
            stop = STOPS.get(choice.finish_reason, "end")
            yield Stopped(stop=stop_beside_calls(stop) if state.has_called else stop, choice_index=index)

    def _take_delta(self, state: "_OpenChoice", delta: _Delta) -> Iterable[StreamEvent]:
        if thinking := delta.read_thinking():
            yield from self._add(state, Thinking(text=""), thinking)
        for detail in delta.reasoning_details or ():
            yield from self._take_seal(state, detail)
        if text := texts_of(delta.content):
            yield from self._add(state, Text(text=""), text)
        if delta.refusal:
            yield from self._add(state, Refusal(text=""), delta.refusal)
        for annotation in delta.annotations or ():
            for citation in read_annotation(annotation):
                yield from self._add(state, Text(text=""), "")
                state.has_cited = True
                yield Cited(index=state.part_index, citation=citation)
        for picture in read_pictures(delta.images):
            yield from self._whole(state, picture)
        for call in delta.tool_calls or ():
            yield from self._take_call(state, call)
        if delta.function_call is not None:
            name = delta.function_call.name
            yield from self._take_call(state, _Call(id=name, function=delta.function_call))

    def _add(self, state: "_OpenChoice", part: Part, text: str) -> Iterable[StreamEvent]:
        """Add *text* to the open part of the kind of *part*, or begin one."""
        if state.kind is not type(part):
            yield from self._end_parts(state, with_calls=False)
            state.kind, state.part_index = type(part), self._part_count
            yield self._begin(state, part)
        if text:
            yield Delta(index=state.part_index, text=text)

    def _take_seal(self, state: "_OpenChoice", detail: Detail) -> Iterable[StreamEvent]:
        """Take the seal of a thought, whose text comes in another field."""
        seal = detail.seal
        if seal is not None and detail.type == "reasoning.encrypted":
            yield from self._whole(state, Thinking(text="", seal=seal, is_redacted=True))
        elif seal is not None:
            yield from self._add(state, Thinking(text=""), "")
            yield Sealed(index=state.part_index, seal=seal)

    def _whole(self, state: "_OpenChoice", part: Part) -> Iterable[StreamEvent]:
        yield from self._end_parts(state, with_calls=False)
        begun = self._begin(state, part)
        yield begun
        yield PartEnded(index=begun.index)

    def _take_call(self, state: "_OpenChoice", call: _Call) -> Iterable[StreamEvent]:
        """Take a piece of a call; see `_OpenChoice.place_of`. Pieces that come before the call's name wait for it."""
        named = call.custom or call.function
        name = (named.name if named is not None else None) or ""
        place = state.place_of(call, name)
        if state.waits_for_another(place, call.id):
            yield from self._begin_call(state, place, "")
            del state.calls[place]
        if place in state.calls:
            yield from self._piece(state.calls[place], call)
            return
        state.hold(place, call)
        if name or state.held_bytes > HELD_BYTES_MAX:
            yield from self._begin_call(state, place, name)

    def _begin_call(self, state: "_OpenChoice", place: int, name: str) -> Iterable[StreamEvent]:
        pieces = state.release(place)
        yield from self._end_parts(state, with_calls=False)
        call_id = next((piece.id for piece in pieces if piece.id), "")
        state.begin_call(place, call_id, self._part_count)
        part = ToolCall(id=call_id or new_call_id(), name=name, arguments="")
        if any(piece.custom is not None for piece in pieces):
            part = msgspec.structs.replace(part, kind="custom")
        yield self._begin(state, part)
        for piece in pieces:
            yield from self._piece(state.calls[place], piece)

    def _piece(self, index: int, call: _Call) -> Iterable[StreamEvent]:
        google = call.extra_content.google if call.extra_content is not None else None
        if google is not None and google.thought_signature is not None:
            yield Sealed(index=index, seal=Seal("gemini_generate", google.thought_signature))
        if arguments := call.arguments:
            yield Delta(index=index, text=arguments)

    def _end_choice(self, state: "_OpenChoice") -> Iterable[StreamEvent]:
        """End everything that is open, also calls that were never named."""
        for place in tuple(state.nameless):
            yield from self._begin_call(state, place, "")
        yield from self._end_parts(state, with_calls=True)

    def _begin(self, state: "_OpenChoice", part: Part) -> PartBegun:
        self._part_count += 1
        return PartBegun(index=self._part_count - 1, part=part, choice_index=state.choice_index)

    def _sources(self, state: "_OpenChoice") -> Sequence[Citation]:
        """Return the search results, as long as the choice itself has cited no sources."""
        return () if self._found is None or state.has_cited else tuple(read_found(self._found))

    def _end_parts(self, state: "_OpenChoice", *, with_calls: bool) -> Iterable[StreamEvent]:
        if state.kind is Text and (sources := self._sources(state)):
            state.has_cited = True
            yield from (Cited(index=state.part_index, citation=citation) for citation in sources)
        if state.kind is not None:
            state.kind = None
            yield PartEnded(index=state.part_index)
        if with_calls:
            for index in state.open_calls:
                yield PartEnded(index=index)


class _OpenChoice(msgspec.Struct, eq=False):
    """The open parts of one choice: a text, thought or refusal, and any number of tool calls by their index."""

    choice_index: int
    kind: type[Part] | None = None
    part_index: int = 0
    calls: dict[int, int] = {}
    nameless: dict[int, list[_Call]] = {}
    """Pieces of calls whose names have not come yet, as vLLM sends some.

    Source: vercel/ai#14722 and #16507, read 2026-11-30.
    """
    held_bytes: int = 0
    open_calls: list[int] = []
    has_called: bool = False
    has_cited: bool = False
    is_stopped: bool = False
    ids: dict[int, str] = {}
    last_place: int = 0

    def place_of(self, call: _Call, name: str) -> int:
        """Return the place of *call*, a piece with *name*; if it begins a new call, nothing is at that place.

        Pieces belong together by index: later ones have no id, or an empty one. Google's OpenAI form
        sends each call whole, without an index or always with the same one: there another id or name
        means another call (wire/DIALECTS.md 2.6).
        """
        place = call.index if call.index is not None else self.last_place
        known = self.ids.get(place, "")
        is_other = bool(name) and (call.id != known if call.id and known else call.index is None)
        if place in self.calls and is_other:
            del self.calls[place]
        return place

    def waits_for_another(self, place: int, call_id: str | None) -> bool:
        """Return whether a call with another id than *call_id* waits at *place* for its name, which then won't come."""
        pieces = self.nameless.get(place, ())
        return bool(call_id) and any(piece.id and piece.id != call_id for piece in pieces)

    def hold(self, place: int, call: _Call) -> None:
        """Let *call* wait for the name of the call at *place*."""
        self.nameless.setdefault(place, []).append(call)
        self.held_bytes += call.held_bytes

    def release(self, place: int) -> Sequence[_Call]:
        """Return the pieces that wait at *place*, and forget them."""
        pieces = self.nameless.pop(place)
        self.held_bytes -= sum(piece.held_bytes for piece in pieces)
        return pieces

    def begin_call(self, place: int, call_id: str, index: int) -> None:
        """Note that part *index* is the call at *place*."""
        self.calls[place] = index
        self.open_calls.append(index)
        self.ids[place] = call_id
        self.last_place = place
        self.has_called = True

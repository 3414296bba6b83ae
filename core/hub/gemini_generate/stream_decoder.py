"""Decodes a stream of Gemini's answers into the hub's events."""

from collections.abc import Iterable, Sequence

import msgspec

from ...sse import event_name_and_data
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..conversation import Citation, Part, Text, Thinking, ToolCall
from ..raw import refuse_unread
from .answer_decoder import Candidate, citations, read_answer, read_parts, recited
from .stops import stop_of

PLACED_BYTES_MAX = 2**16
"""So much of a text is kept for the places of its sources, which come later; beyond it, they get no place."""
SOURCES_MAX = 1000
"""So many sources of a candidate are passed on only once; later ones are passed on as often as they come."""


class GeminiStreamDecoder:
    """See `StreamDecoder`. Texts come in pieces, all other parts whole; the reason of the end is passed on last."""

    __slots__ = ("_choices", "_has_begun", "_is_blocked", "_part_count")

    def __init__(self) -> None:
        self._has_begun = False
        self._is_blocked = False
        self._part_count = 0
        self._choices: dict[int, _OpenChoice] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        _, data = event_name_and_data(event)
        try:
            answer = read_answer(data)
        except (ValueError, RecursionError):
            refuse_unread(data, "candidates")
            return ()
        events: list[StreamEvent] = []
        if not self._has_begun:
            self._has_begun = True
            events.append(Begun(model=answer.model_version))
        if answer.prompt_feedback is not None and answer.prompt_feedback.block_reason is not None:
            self._is_blocked = True
        for candidate in answer.candidates or ():
            events += self._take(candidate)
        return events

    def finish(self) -> Sequence[StreamEvent]:
        """Return the ends of the choices, known only now: a finish reason can come twice, with text in between."""
        events: list[StreamEvent] = []
        for choice in self._choices.values():
            events += choice.end()
            stop = stop_of(choice.reason, has_called=choice.has_called)
            events.append(Stopped(stop=stop, choice_index=choice.choice_index))
        return events or [Stopped(stop="filtered" if self._is_blocked else None)]

    def _take(self, candidate: Candidate) -> Iterable[StreamEvent]:
        choice = self._choices.get(candidate.index)
        if choice is None:
            choice = self._choices[candidate.index] = _OpenChoice(candidate.index)
        for part in read_parts(candidate):
            if isinstance(part, Text | Thinking):
                yield from self._add(choice, part)
            else:
                yield from self._whole(choice, part)
        for citation in filter(choice.is_new, self._sources(candidate, choice)):
            # Sources belong to a text; if it has already ended, an empty one takes its place.
            yield from self._add(choice, Text(text=""))
            yield Cited(index=choice.part_index, citation=citation)
        if candidate.finish_reason is not None:
            choice.reason = candidate.finish_reason

    def _sources(self, candidate: Candidate, choice: "_OpenChoice") -> Iterable[Citation]:
        grounding = candidate.grounding_metadata
        if grounding is not None:
            is_placed = choice.kind is Text and bool(grounding.grounding_supports)
            yield from citations(candidate, choice.text.decode() if is_placed else "")
        yield from recited(candidate)

    def _add(self, choice: "_OpenChoice", part: Text | Thinking) -> Iterable[StreamEvent]:
        if choice.kind is not type(part):
            yield from choice.end()
            choice.kind, choice.part_index = type(part), self._part_count
            choice.text = bytearray()
            yield self._begin(choice, Text(text="") if isinstance(part, Text) else Thinking(text=""))
        if part.text:
            choice.note(part)
            yield Delta(index=choice.part_index, text=part.text)
        if part.seal is not None:
            yield Sealed(index=choice.part_index, seal=part.seal)

    def _whole(self, choice: "_OpenChoice", part: Part) -> Iterable[StreamEvent]:
        yield from choice.end()
        choice.has_called |= isinstance(part, ToolCall)
        begun = self._begin(choice, part)
        yield begun
        yield PartEnded(index=begun.index)

    def _begin(self, choice: "_OpenChoice", part: Part) -> PartBegun:
        self._part_count += 1
        return PartBegun(index=self._part_count - 1, part=part, choice_index=choice.choice_index)


class _OpenChoice(msgspec.Struct, eq=False):
    """The open part of one candidate: a text or a thought."""

    choice_index: int
    kind: type[Part] | None = None
    part_index: int = 0
    has_called: bool = False
    reason: str | int | None = None
    text: bytearray = msgspec.field(default_factory=bytearray)
    """What has come of the open text, up to `PLACED_BYTES_MAX`."""
    sources: set[tuple[str, str, int | None]] = msgspec.field(default_factory=set)
    """The sources passed on so far: each event may repeat them."""

    def note(self, part: Text | Thinking) -> None:
        """Keep a piece of a text, for the places of its sources; thoughts have none."""
        if isinstance(part, Text) and len(self.text) < PLACED_BYTES_MAX:
            self.text.extend(part.text.encode())

    def is_new(self, citation: Citation) -> bool:
        """Say whether *citation* is new, and note it."""
        source = (citation.url, citation.title, citation.start)
        is_new = source not in self.sources
        if len(self.sources) < SOURCES_MAX:
            self.sources.add(source)
        return is_new

    def end(self) -> Iterable[StreamEvent]:
        """Yield the end of the open part, if there is one."""
        if self.kind is not None:
            self.kind = None
            yield PartEnded(index=self.part_index)

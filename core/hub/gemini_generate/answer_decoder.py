"""Decodes a whole answer of Gemini's into the hub's form."""

import codecs
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from operator import itemgetter

import msgspec

from ..answer import Answer, Choice
from ..conversation import Citation, Native, Part, Text, ToolCall
from ..raw import given
from .stops import stop_of
from .wire import DIALECT, Content, read_part


class _Source(msgspec.Struct):
    """A source: a page, a place on a map, or a passage of a file."""

    uri: str | None = None
    title: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    """One source of an answer."""

    web: _Source | None = None
    maps: _Source | None = None
    retrieved_context: _Source | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """The sources of an answer, and which of its words come from them."""

    grounding_chunks: list[msgspec.Raw] | None = None
    grounding_supports: list[msgspec.Raw] | None = None


class _Segment(msgspec.Struct, rename="camel"):
    """Words of an answer, and how many bytes of its text come before them."""

    start_index: int | None = None
    text: str = ""


class _Support(msgspec.Struct, rename="camel"):
    """Words of an answer, and the sources that support them."""

    segment: _Segment
    grounding_chunk_indices: list[int] = []


class _Recited(msgspec.Struct, rename="camel"):
    """Sources that an answer recites, in the spellings of Google's API and of Vertex."""

    citation_sources: list[_Source] = []
    citations: list[_Source] = []


class Candidate(msgspec.Struct, rename="camel"):
    """One answer, or a piece of one."""

    content: Content | None = None
    finish_reason: str | int | None = None
    index: int = 0
    grounding_metadata: Grounding | None = None
    citation_metadata: msgspec.Raw = msgspec.Raw()


class Feedback(msgspec.Struct, rename="camel"):
    """Why the prompt was not answered."""

    block_reason: str | int | None = None


class AnswerDocument(msgspec.Struct, rename="camel"):
    """A whole answer, or one event of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    model_version: str | None = None


_read_chunk = msgspec.json.Decoder(_Chunk).decode
_read_support = msgspec.json.Decoder(_Support).decode
_read_recited = msgspec.json.Decoder(_Recited).decode
read_answer = msgspec.json.Decoder(AnswerDocument).decode


def decode_answer(body: bytes) -> Answer:
    """Return one of Gemini's answers in the hub's form; for a blocked prompt it is empty and filtered."""
    document = read_answer(body)
    choices = tuple(_choice(candidate) for candidate in document.candidates or ())
    if not choices:
        feedback = document.prompt_feedback
        is_blocked = feedback is not None and feedback.block_reason is not None
        choices = (Choice(parts=(), stop="filtered" if is_blocked else None),)
    return Answer(model=document.model_version, choices=choices)


def _choice(candidate: Candidate) -> Choice:
    parts = list(read_parts(candidate))
    text = next((part for part in parts if isinstance(part, Text)), Text(text=""))
    if cited := (*citations(candidate, text.text), *recited(candidate)):
        citing = msgspec.structs.replace(text, citations=cited)
        parts = [citing if part is text else part for part in parts] if text in parts else [*parts, citing]
    has_called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(parts=tuple(parts), stop=stop_of(candidate.finish_reason, has_called=has_called))


def read_parts(candidate: Candidate) -> Iterable[Part]:
    """Yield the parts of an answer."""
    raws: Sequence[msgspec.Raw] = (candidate.content.parts if candidate.content is not None else None) or ()
    for raw in raws:
        _, part = read_part(raw)
        if part is not None:
            yield part


def citations(candidate: Candidate, text: str) -> tuple[Citation, ...]:
    """Return the sources of an answer, each once for every place in *text* that it supports."""
    grounding = candidate.grounding_metadata or Grounding()
    places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    supports = list(_supports(grounding))
    starts = _in_characters(text, {support.segment.start_index or 0 for support in supports})
    for support in supports:
        start, words = starts[support.segment.start_index or 0], support.segment.text
        if words and text.startswith(words, start):
            for index in support.grounding_chunk_indices:
                places[index].append((start, start + len(words)))
    sources = [_citation(raw) for raw in grounding.grounding_chunks or ()]
    return tuple(cited for index, source in enumerate(sources) for cited in _cited(source, places[index]))


def _supports(grounding: Grounding) -> Iterable[_Support]:
    for raw in grounding.grounding_supports or ():
        with suppress(ValueError):
            yield _read_support(raw)


def _in_characters(text: str, places: Set[int]) -> dict[int, int]:
    """Return the number of whole characters of *text* before each of *places*, which are positions in bytes."""
    encoded, decoder = text.encode(), codecs.getincrementaldecoder("utf-8")()
    ends = {place: slice(place).indices(len(encoded))[1] for place in places}  # a negative one counts from the end
    found: dict[int, int] = {}
    read = count = 0
    for place, end in sorted(ends.items(), key=itemgetter(1)):  # each byte is read once, however many places there are
        count += len(decoder.decode(encoded[read:end]))
        found[place], read = count, end
    return found


def _cited(source: Citation, places: Sequence[tuple[int, int]]) -> Iterable[Citation]:
    if not places:
        yield source
    for start, end in places:
        yield msgspec.structs.replace(source, start=start, end=end)


def recited(candidate: Candidate) -> Iterable[Citation]:
    """Yield the pages that an answer recites."""
    metadata = given(candidate.citation_metadata)
    with suppress(ValueError):
        found = _read_recited(metadata) if metadata is not None else _Recited()
        for source in (*found.citation_sources, *found.citations):
            if source.uri:
                yield Citation(url=source.uri, title=source.title or "")


def _citation(raw: msgspec.Raw) -> Citation:
    chunk = _read_chunk(raw)
    source = chunk.web or chunk.maps or chunk.retrieved_context or _Source()
    native = Native(dialect=DIALECT, kind="groundingChunks", document=msgspec.Raw(bytes(raw)))
    return Citation(url=source.uri or "", title=source.title or "", native=native)

"""A whole answer of Gemini's, read into the hub's form."""

from collections.abc import Iterable, Sequence

import msgspec

from ..answer import Answer, Choice
from ..conversation import Citation, Native, Part, Text, ToolCall
from .stops import stop_of
from .wire import DIALECT, Content, read_part


class _Source(msgspec.Struct):
    """A page, a place on a map, or a passage of a file."""

    uri: str | None = None
    title: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    """One source of an answer."""

    web: _Source | None = None
    maps: _Source | None = None
    retrieved_context: _Source | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """What an answer rests on."""

    grounding_chunks: list[msgspec.Raw] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One answer, or a piece of one."""

    content: Content | None = None
    finish_reason: str | int | None = None
    index: int = 0
    grounding_metadata: Grounding | None = None


class Feedback(msgspec.Struct, rename="camel"):
    """Why the prompt was not answered."""

    block_reason: str | int | None = None


class AnswerDocument(msgspec.Struct, rename="camel"):
    """A whole answer, or one event of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    model_version: str | None = None
    response_id: str = ""


_read_chunk = msgspec.json.Decoder(_Chunk).decode
read_answer = msgspec.json.Decoder(AnswerDocument).decode


def decode_answer(body: bytes) -> Answer:
    """Return what an answer says; of a blocked prompt that it was filtered."""
    document = read_answer(body)
    choices = tuple(_choice(candidate) for candidate in document.candidates or ())
    if not choices:
        is_blocked = document.prompt_feedback is not None
        choices = (Choice(parts=(), stop="filtered" if is_blocked else None),)
    return Answer(id=document.response_id, model=document.model_version, choices=choices)


def _choice(candidate: Candidate) -> Choice:
    parts = list(read_parts(candidate))
    if cited := citations(candidate):
        place = next((index for index, part in enumerate(parts) if isinstance(part, Text)), None)
        if place is not None:
            parts[place] = msgspec.structs.replace(parts[place], citations=cited)
    has_called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(parts=tuple(parts), stop=stop_of(candidate.finish_reason, has_called=has_called))


def read_parts(candidate: Candidate) -> Iterable[Part]:
    """Yield the parts of an answer."""
    raws: Sequence[msgspec.Raw] = (candidate.content.parts if candidate.content is not None else None) or ()
    for raw in raws:
        _, part = read_part(raw)
        if part is not None:
            yield part


def citations(candidate: Candidate) -> tuple[Citation, ...]:
    """Return the sources that an answer rests on."""
    grounding = candidate.grounding_metadata
    return tuple(map(_citation, (grounding.grounding_chunks if grounding is not None else None) or ()))


def _citation(raw: msgspec.Raw) -> Citation:
    chunk = _read_chunk(raw)
    source = chunk.web or chunk.maps or chunk.retrieved_context or _Source()
    native = Native(dialect=DIALECT, kind="groundingChunks", document=msgspec.Raw(bytes(raw)))
    return Citation(url=source.uri or "", title=source.title or "", native=native)

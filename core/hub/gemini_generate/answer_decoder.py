"""A whole answer of Gemini's, read into the hub's form."""

from collections.abc import Iterable, Sequence

import msgspec

from ..answer import Answer, Choice
from ..conversation import Citation, Part, Text, ToolCall
from .stops import stop_of
from .wire import Content, read_part


class Web(msgspec.Struct):
    """A page that an answer rests on."""

    uri: str = ""
    title: str = ""


class Chunk(msgspec.Struct):
    """One source of an answer."""

    web: Web | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """What an answer rests on."""

    grounding_chunks: list[Chunk] | None = None


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


read_answer = msgspec.json.Decoder(AnswerDocument).decode


def decode_answer(body: bytes) -> Answer:
    """Return what an answer says; of a blocked prompt that it was filtered."""
    document = read_answer(body)
    choices = tuple(_choice(candidate) for candidate in document.candidates or ())
    if not choices:
        choices = (Choice(parts=(), stop="filtered"),)
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
    """Return the pages that an answer rests on."""
    grounding = candidate.grounding_metadata
    chunks = (grounding.grounding_chunks if grounding is not None else None) or ()
    return tuple(Citation(url=chunk.web.uri, title=chunk.web.title) for chunk in chunks if chunk.web is not None)

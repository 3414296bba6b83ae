"""Encodes a whole answer of the hub in Gemini's form."""

from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Answer, Choice, Stop
from ..codec import Opening
from ..conversation import (
    Audio,
    Citation,
    File,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Refusal,
    Seal,
    Text,
    Thinking,
    ToolCall,
)
from ..custom_tools import call_as_function
from ..raw import kept_object
from ..seals import marked_seal
from .stops import FINISH_REASONS
from .wire import write_signature


def encode_answer(answer: Answer, usage: Usage, opening: Opening) -> bytes:
    """Return *answer* in Gemini's form."""
    return msgspec.json.encode(
        {
            "candidates": [_candidate(index, choice) for index, choice in enumerate(answer.choices)],
            "usageMetadata": write_usage(usage),
            "modelVersion": answer.model or opening.model,
            "responseId": opening.id,
        }
    )


def _candidate(index: int, choice: Choice) -> dict[str, Any]:
    parts = [written for part in choice.parts if (written := write_part(part)) is not None]
    cited = [each for part in choice.parts if isinstance(part, Text) for each in part.citations]
    candidate: dict[str, Any] = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": finish_reason(choice.stop, *map(type, choice.parts)),
        "index": index,
    }
    if cited:
        candidate["groundingMetadata"] = write_grounding(cited)
    return candidate


def finish_reason(stop: Stop | None, *kinds: type[Part]) -> str:
    """Return Gemini's finish reason of an answer with parts of *kinds*; words that decline make it a refusal."""
    return FINISH_REASONS["refusal" if Refusal in kinds else stop]


def write_usage(usage: Usage) -> dict[str, int]:
    """Return ``usageMetadata``: cached tokens are part of the prompt, thoughts are not part of the candidates.

    Source: wire/DIALECTS.md 3.4.
    """
    thoughts = min(usage.reasoning_tokens, usage.output_tokens)
    written = {
        "promptTokenCount": usage.all_input_tokens,
        "candidatesTokenCount": usage.output_tokens - thoughts,
        "totalTokenCount": usage.all_input_tokens + usage.output_tokens,
    }
    if usage.cache_read_tokens:
        written["cachedContentTokenCount"] = usage.cache_read_tokens
    if thoughts:
        written["thoughtsTokenCount"] = thoughts
    return written


def write_part(part: Part) -> dict[str, Any] | None:
    """Return one part; None if Gemini can't express it."""
    match part:
        case Text(text=text, seal=seal):
            return {"text": text, **_signature(seal)}
        case Refusal(text=text):
            return {"text": text}
        case Thinking(text=text):
            return {"text": text, "thought": True, **_signature(marked_seal(part))}
        case ToolCall():
            return write_call(part)
        case Image(source=Inline() | Link() as source, seal=seal):
            return {**_media(source), **_signature(seal)}
        case Audio(source=source) | File(source=Inline() | Link() as source):
            return _media(source)
        case Native(dialect="gemini_generate", document=document):
            native: dict[str, Any] = msgspec.json.decode(document)
            return native
    return None


def _media(source: Inline | Link) -> dict[str, Any]:
    if isinstance(source, Inline):
        return {"inlineData": {"mimeType": source.media_type, "data": source.data}}
    return {"fileData": {"mimeType": source.media_type, "fileUri": source.url}}


def _signature(seal: Seal | None) -> dict[str, str]:
    return {"thoughtSignature": write_signature(seal)} if seal is not None else {}


def write_call(call: ToolCall) -> dict[str, Any] | None:
    """Return a whole call; None for one that a limit cut, which Gemini can't express (wire/DIALECTS.md 4)."""
    call = call_as_function(call)
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except ValueError:
        return None
    called = {"id": call.id, "name": call.name, "args": arguments if isinstance(arguments, dict) else {}}
    return {"functionCall": called, **_signature(call.seal)}


def write_grounding(cited: list[Citation]) -> dict[str, Any]:
    """Return the sources of an answer; one that supports several places comes once."""
    placed: set[tuple[str, str]] = set()
    chunks: list[dict[str, Any]] = []
    for each in cited:
        if each.start is None or (each.url, each.title) not in placed:
            chunks.append(_chunk(each))
        if each.start is not None:
            placed.add((each.url, each.title))
    return {"groundingChunks": chunks}


def _chunk(cited: Citation) -> dict[str, Any]:
    if cited.native is not None and cited.native.dialect == "gemini_generate":
        return kept_object(cited.native.document)
    return {"web": {"uri": cited.url, "title": cited.title}}

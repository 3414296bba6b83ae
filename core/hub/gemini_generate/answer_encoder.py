"""A whole answer of the hub, written in Gemini's form."""

from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Answer, Choice, Stop
from ..codec import Opening
from ..conversation import Citation, Image, Inline, Native, Part, Refusal, Text, Thinking, ToolCall
from ..custom_tools import call_as_function
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
    """Return why an answer with parts of *kinds* ended: words in which the model declined are no answer."""
    return FINISH_REASONS["refusal" if Refusal in kinds else stop]


def write_usage(usage: Usage) -> dict[str, int]:
    """Return ``usageMetadata``: thoughts beside the candidates, cached tokens inside the prompt. Source: wire/DIALECTS.md 3.4."""
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
    """Return one part; None where Gemini has no form for it."""
    match part:
        case Text(text=text, seal=seal):
            return {"text": text, **({"thoughtSignature": write_signature(seal)} if seal is not None else {})}
        case Refusal(text=text):
            return {"text": text}
        case Thinking(text=text, seal=seal):
            signature = {"thoughtSignature": write_signature(seal)} if seal is not None else {}
            return {"text": text, "thought": True, **signature}
        case ToolCall():
            return write_call(part)
        case Image(source=Inline(media_type=media_type, data=data)):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case Native(dialect="gemini_generate", document=document):
            native: dict[str, Any] = msgspec.json.decode(document)
            return native
    return None


def write_call(call: ToolCall) -> dict[str, Any] | None:
    """Return a call whole; None for one that a limit cut, which can't be written here (wire/DIALECTS.md 4)."""
    call = call_as_function(call)
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except ValueError:
        return None
    called = {"id": call.id, "name": call.name, "args": arguments if isinstance(arguments, dict) else {}}
    signature = {"thoughtSignature": write_signature(call.seal)} if call.seal is not None else {}
    return {"functionCall": called, **signature}


def write_grounding(cited: list[Citation]) -> dict[str, Any]:
    """Return the pages that an answer rests on."""
    return {"groundingChunks": [{"web": {"uri": each.url, "title": each.title}} for each in cited]}

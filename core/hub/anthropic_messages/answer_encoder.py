"""Encodes a whole answer of the hub as a message."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Answer, Choice, Stop
from ..codec import Opening
from ..conversation import Citation, Image, Inline, Link, Native, Part, Refusal, Text, Thinking, ToolCall
from ..raw import kept_object
from ..seals import seal_beside, write_seal
from .stops import STOP_REASONS


def encode_answer(answer: Answer, usage: Usage, opening: Opening) -> bytes:
    """Return *answer* as a message."""
    choice = answer.choices[0] if answer.choices else Choice(parts=(), stop=None)
    return msgspec.json.encode(
        {
            "id": f"msg_{opening.id}",
            "type": "message",
            "role": "assistant",
            "model": answer.model or opening.model,
            "content": [block for part in choice.parts for block in blocks(part)],
            "stop_reason": stop_reason(
                choice.stop, has_refused=any(isinstance(part, Refusal) for part in choice.parts)
            ),
            "stop_sequence": choice.stop_sequence,
            "usage": write_usage(usage),
        }
    )


def stop_reason(stop: Stop | None, *, has_refused: bool) -> str:
    """Return Anthropic's reason for the end of an answer; if the model declined in words, it is ``refusal``."""
    return "refusal" if has_refused else STOP_REASONS[stop]


def blocks(part: Part) -> Iterable[dict[str, Any]]:
    """Yield the blocks for *part*."""
    match part:
        case Text(text=text):
            yield {"type": "text", "text": text, **_citations(part)}
        case Refusal(text=text):
            yield {"type": "text", "text": text}
        case Thinking(is_redacted=True, seal=seal) if seal is not None:
            yield {"type": "redacted_thinking", "data": write_seal(seal, "anthropic_messages")}
        case Thinking(text=text, seal=seal):
            yield {
                "type": "thinking",
                "thinking": text,
                "signature": write_seal(seal, "anthropic_messages") if seal else "",
            }
        case ToolCall(id=call_id, name=name):
            if (thought := seal_beside(part, "anthropic_messages")) is not None:
                yield from blocks(thought)
            yield {"type": "tool_use", "id": call_id, "name": name, "input": _input(part)}
        case Image(source=Inline(media_type=media_type, data=data)):
            source = {"type": "base64", "media_type": media_type, "data": data}
            yield {"type": "image", "source": source}
        case Image(source=Link(url=url)):
            yield {"type": "image", "source": {"type": "url", "url": url}}
        case Native(dialect="anthropic_messages", document=document):
            yield msgspec.json.decode(document)


def _citations(part: Text) -> dict[str, Any]:
    if not part.citations:
        return {}
    return {"citations": list(map(citation_block, part.citations))}


def citation_block(cited: Citation) -> dict[str, Any]:
    """Return a source as a citation of a text."""
    if cited.native is not None and cited.native.dialect == "anthropic_messages":
        return kept_object(cited.native.document)
    return {
        "type": "web_search_result_location",
        "url": cited.url,
        "title": cited.title,
        "cited_text": cited.quote,
        "encrypted_index": "",
    }


def _input(call: ToolCall) -> Any:
    """Return the arguments as an object; Messages can't express those that a limit cut (DIALECTS 4)."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except ValueError:
        return {"input": call.arguments} if call.kind == "custom" else {}
    return arguments if isinstance(arguments, dict) else {"input": arguments}


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return the ``usage`` object of a message: cached and written tokens are not part of the input (DIALECTS 3.4)."""
    written: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.web_search_count:
        written["server_tool_use"] = {"web_search_requests": usage.web_search_count}
    return written

"""Encodes a whole answer of the hub as a response."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ...exchange import Dialect
from ...usage import Usage
from ..answer import Answer, Choice, Stop
from ..codec import Opening
from ..conversation import Citation, Image, Inline, Native, Part, Refusal, Text, Thinking, ToolCall
from ..custom_tools import custom_names, input_of
from ..effort import effort_of
from ..raw import kept_object
from ..seals import marked_seal, seal_beside, write_seal
from .request_encoder import settings

DIALECT: Dialect = "openai_responses"


def encode_answer(answer: Answer, usage: Usage, opening: Opening) -> bytes:
    """Return *answer* as a response."""
    choice = answer.choices[0] if answer.choices else Choice(parts=(), stop=None)
    customs = custom_names(opening.request)
    parts = [each for part in choice.parts for each in (part, *_beside(part))]
    items = [write_item(part, f"{opening.id}_{index}", customs) for index, part in enumerate(parts)]
    output = [item for item in items if item is not None]
    if choice.stop in ("limit", "context_full") and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"  # the limit cut it: a call's arguments, or a text
    return msgspec.json.encode(write_response(opening, answer.model, choice.stop, output, usage))


def _beside(part: Part) -> Iterable[Part]:
    thought = seal_beside(part, DIALECT) if isinstance(part, ToolCall) else None
    return () if thought is None else (thought,)


def write_response(
    opening: Opening, model: str | None, stop: Stop | None, output: Sequence[dict[str, Any]], usage: Usage | None
) -> dict[str, Any]:
    """Return a response object; without *usage* it is still in progress."""
    request, sampling = opening.request, opening.request.sampling
    reasons: dict[Stop | None, str] = {
        "limit": "max_output_tokens",
        "context_full": "max_output_tokens",
        "filtered": "content_filter",
    }
    reason = reasons.get(stop)
    pieces = [piece for item in output for piece in item.get("content") or ()]
    if stop == "refusal" and not any(piece["type"] == "refusal" for piece in pieces):
        reason = "content_filter"  # a refusal without text, as Anthropic has it
    status = "in_progress" if usage is None else "incomplete" if reason is not None else "completed"
    return {
        "id": f"resp_{opening.id}",
        "object": "response",
        "created_at": opening.created_at_s,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason is not None else None,
        "instructions": None,
        "max_output_tokens": sampling.output_tokens_max,
        "metadata": {},
        "model": model or opening.model,
        "output": output,
        "previous_response_id": None,
        "reasoning": {"effort": effort_of(request.reasoning), "summary": request.reasoning.summary},
        "store": False,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "truncation": "disabled",
        "usage": write_usage(usage) if usage is not None else None,
        "user": request.user,
        **settings(request),
    }


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return a ``usage`` object: cached and written tokens are part of the input. Source: wire/DIALECTS.md 3.4."""
    details = {"cached_tokens": usage.cache_read_tokens}
    if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
        details["cache_write_tokens"] = written
    return {
        "input_tokens": usage.all_input_tokens,
        "input_tokens_details": details,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.all_input_tokens + usage.output_tokens,
    }


def write_item(part: Part, name: str, customs: frozenset[str]) -> dict[str, Any] | None:
    """Return *part* as an item, with *name* in its id to make it unique; None if Responses can't express it."""
    match part:
        case Text(text=text):
            annotations = [write_citation(cited) for cited in part.citations]
            return message_item(name, {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []})
        case Refusal(text=text):
            return message_item(name, {"type": "refusal", "refusal": text})
        case Thinking():
            return reasoning_item(name, part)
        case ToolCall():
            return call_item(name, part, customs)
        case Image(source=Inline(media_type=media_type, data=data)):
            item = {"id": f"ig_{name}", "type": "image_generation_call", "status": "completed", "result": data}
            return {**item, "output_format": media_type.removeprefix("image/")}
        case Native(dialect="openai_responses", document=document, is_piece=is_piece):
            kept = kept_object(document)
            return message_item(name, kept) if is_piece else kept
    return None


def message_item(name: str, *content: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """Return a message of the assistant."""
    return {"id": f"msg_{name}", "type": "message", "status": status, "role": "assistant", "content": list(content)}


def reasoning_item(name: str, part: Thinking) -> dict[str, Any]:
    """Return a reasoning item, with its seal, whichever vendor sealed it."""
    own_id = part.seal.id if part.seal is not None and part.seal.dialect == DIALECT else ""
    item: dict[str, Any] = {
        "id": own_id or f"rs_{name}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part.text}] if part.text else [],
    }
    if (seal := marked_seal(part)) is not None:
        item["encrypted_content"] = write_seal(seal, DIALECT)
    return item


def call_item(name: str, call: ToolCall, customs: frozenset[str], status: str = "completed") -> dict[str, Any]:
    """Return a call; one of the *customs* in the form in which the customer declared it."""
    if call.kind == "custom" or call.name in customs:
        text = call.arguments if call.kind == "custom" else input_of(call.arguments)
        item = {"id": f"ctc_{name}", "type": "custom_tool_call", "status": status, "call_id": call.id}
        return {**item, "name": call.name, "input": text}
    item = {"id": f"fc_{name}", "type": "function_call", "status": status, "call_id": call.id}
    return {**item, "name": call.name, "arguments": call.arguments or "{}"}


def write_citation(citation: Citation) -> dict[str, Any]:
    """Return a source as an annotation; its place in the text is 0 if it is unknown."""
    if citation.native is not None and citation.native.dialect == DIALECT:
        return kept_object(citation.native.document)
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
    }

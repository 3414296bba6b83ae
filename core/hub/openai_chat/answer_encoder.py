"""Encodes a whole answer of the hub as a completion."""

from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Answer, Choice, Stop
from ..codec import Opening
from ..conversation import Citation, FileId, Image, Inline, Link, Refusal, Seal, Text, Thinking, ToolCall
from ..custom_tools import custom_names, input_of
from ..media import write_address
from .stops import FINISH_REASONS
from .thoughts import write_detail


def encode_answer(answer: Answer, usage: Usage, opening: Opening) -> bytes:
    """Return *answer* as a completion, with its thinking as ``reasoning_content``."""
    customs = custom_names(opening.request)
    return msgspec.json.encode(
        {
            "id": f"chatcmpl-{opening.id}",
            "object": "chat.completion",
            "created": answer.created_at_s or opening.created_at_s,
            "model": answer.model or opening.model,
            "choices": [_choice(index, choice, customs) for index, choice in enumerate(answer.choices)],
            "usage": write_usage(usage),
        }
    )


def _choice(index: int, choice: Choice, customs: frozenset[str]) -> dict[str, Any]:
    return {
        "index": index,
        "message": _message(choice, customs),
        "logprobs": None,
        "finish_reason": finish_reason(
            choice.stop, has_refused=any(isinstance(part, Refusal) for part in choice.parts)
        ),
    }


def finish_reason(stop: Stop | None, *, has_refused: bool) -> str:
    """Return chat's reason for the end of an answer: if the model declined in words, it is a plain ``stop``."""
    return "stop" if stop == "refusal" and has_refused else FINISH_REASONS[stop]


def _message(choice: Choice, customs: frozenset[str]) -> dict[str, Any]:
    texts = [part for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    thoughts = [part for part in choice.parts if isinstance(part, Thinking)]
    calls = [write_call(part, customs) for part in choice.parts if isinstance(part, ToolCall)]
    pictures = [part.source for part in choice.parts if isinstance(part, Image)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if thinking := "\n\n".join(part.text for part in thoughts if part.text):
        message["reasoning_content"] = thinking
    if any(part.seal is not None for part in thoughts):
        message["reasoning_details"] = [write_detail(index, part) for index, part in enumerate(thoughts)]
    if citations := [write_citation(each) for part in texts for each in part.citations]:
        message["annotations"] = citations
    if pictures:
        # OpenRouter's form, the only one that chat clients know for pictures in an answer.
        message["images"] = [write_picture(each) for each in pictures if not isinstance(each, FileId)]
    if calls:
        message["tool_calls"] = calls
    return message


def write_call(call: ToolCall, customs: frozenset[str]) -> dict[str, Any]:
    """Return a whole tool call; one of the *customs* in the form in which the customer declared it."""
    if call.kind == "custom" or call.name in customs:
        text = call.arguments if call.kind == "custom" else input_of(call.arguments)
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": text}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function, **write_signature(call.seal)}


def write_signature(seal: Seal | None) -> dict[str, Any]:
    """Return Google's own field for the signature of a call; nothing for any other seal."""
    if seal is None or seal.dialect != "gemini_generate":
        return {}
    return {"extra_content": {"google": {"thought_signature": seal.value}}}


def write_citation(citation: Citation) -> dict[str, Any]:
    """Return a source as an annotation; its quote in ``content``, as only OpenRouter has a place for it."""
    source: dict[str, Any] = {
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    if citation.quote:
        source["content"] = citation.quote
    return {"type": "url_citation", "url_citation": source}


def write_picture(source: Inline | Link) -> dict[str, Any]:
    """Return a picture of an answer."""
    return {"type": "image_url", "image_url": {"url": write_address(source)}}


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return the ``usage`` object of a completion: cached and written tokens are part of the prompt (DIALECTS 3.4)."""
    prompt = usage.all_input_tokens
    prompt_details = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.audio_input_tokens}
    if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
        prompt_details["cache_write_tokens"] = written
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }

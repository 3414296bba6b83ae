"""The simulator's OpenAI side: chat completions, whole and streamed.

Shapes: wire/DIALECTS.md 2.2 and 3.1, and the recordings openai-chat/.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked, items, last_words, tool_choice, tools

STREAM_TYPE = "text/event-stream"
KEEP_ALIVE = b": keep-alive\n\n"
CREATED_AT = 1_790_000_000
_FINISH = {"end": "stop", "length": "length", "tool": "tool_calls", "refusal": "stop"}


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for; thinking may be asked for as DeepSeek or as OpenAI has it."""
    messages = items(fields.get("messages"))
    choice, named = tool_choice(fields)
    wanted = fields.get("response_format") or {}
    schema = (
        {"type": "object"} if wanted.get("type") == "json_object" else (wanted.get("json_schema") or {}).get("schema")
    )
    thinking = (fields.get("thinking") or {}).get("type", "disabled")
    return Asked(
        words=last_words(messages),
        tools=tools(fields),
        tool_choice=choice,
        tool_named=named,
        is_tool_answered=bool(messages) and messages[-1].get("role") == "tool",
        schema=schema,
        is_thinking=thinking in ("enabled", "adaptive") or fields.get("reasoning_effort") not in (None, "none"),
        choice_count=fields.get("n") or 1,
        output_tokens_max=fields.get("max_completion_tokens") or fields.get("max_tokens"),
        is_usage_wanted=(fields.get("stream_options") or {}).get("include_usage") is True,
    )


def error(status: int, kind: str, message: str) -> bytes:
    """Return an error's body."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": kind}})


def error_event(number: int) -> bytes:
    """Return the error that ends a stream."""
    said = {"message": "The server had an error", "type": "server_error", "param": None, "code": None}
    return event({"error": said})


def body(answer: Answer) -> bytes:
    """Return a whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.stop == "refusal":
        message |= {"content": None, "refusal": answer.text}
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    if answer.tool_name:
        message["tool_calls"] = [_tool_call(answer)]
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _FINISH[answer.stop]}
        for index in range(answer.choice_count)
    ]
    document = _envelope(answer, "chat.completion", choices)
    return msgspec.json.encode(document | ({"usage": usage(answer)} if answer.is_usage_given else {}))


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the end mark last."""
    made = [_chunk(answer, index, {"role": "assistant", "content": ""}) for index in range(answer.choice_count)]
    for delta in _deltas(answer):
        made += [_chunk(answer, index, delta) for index in range(answer.choice_count)]
    made += [_chunk(answer, index, {}, _FINISH[answer.stop]) for index in range(answer.choice_count)]
    if answer.is_usage_asked and answer.is_usage_given:
        made.append(event(_envelope(answer, "chat.completion.chunk", []) | {"usage": usage(answer)}))
    return [*made, b"data: [DONE]\n\n"]


def event(document: object) -> bytes:
    """Return one unnamed event."""
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


def usage(answer: Answer) -> dict[str, Any]:
    """Return the usage; a lie replaces the output."""
    output = answer.output_reported
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": output,
        "total_tokens": answer.total(answer.input_tokens, output),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": answer.thinking_tokens, "audio_tokens": 0},
    }


def _envelope(answer: Answer, kind: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-sim", "object": kind, "created": CREATED_AT, "model": answer.model, "choices": choices}


def _chunk(answer: Answer, index: int, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    document = _envelope(answer, "chat.completion.chunk", [choice])
    return event(document | ({"usage": None} if answer.is_usage_asked else {}))


def _deltas(answer: Answer) -> list[dict[str, Any]]:
    text_field = "refusal" if answer.stop == "refusal" else "content"
    made: list[dict[str, Any]] = [{"reasoning_content": piece} for piece in pieces(answer.thinking)]
    made += [{text_field: piece} for piece in pieces(answer.text)]
    if answer.tool_name:
        call = _tool_call(answer)
        empty = {"name": answer.tool_name, "arguments": ""}
        made.append({"tool_calls": [{"index": 0, **call, "function": empty}]})
        made += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces(answer.tool_arguments)
        ]
    return made


def _tool_call(answer: Answer) -> dict[str, Any]:
    function = {"name": answer.tool_name, "arguments": answer.tool_arguments}
    return {"id": "call_sim", "type": "function", "function": function}

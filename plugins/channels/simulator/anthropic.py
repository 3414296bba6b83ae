"""The simulator's Anthropic side: messages, whole and streamed.

Shapes: wire/DIALECTS.md 2.4 and 3.1, and the recordings anthropic/.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked, items, last_words, tool_choice, tools

STREAM_TYPE = "text/event-stream"
KEEP_ALIVE = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = {"end": "end_turn", "length": "max_tokens", "tool": "tool_use", "refusal": "refusal"}


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for."""
    messages = items(fields.get("messages"))
    results = [part for message in messages[-1:] for part in items(message.get("content"))]
    choice, named = tool_choice(fields)
    return Asked(
        words=last_words(messages),
        tools=tools(fields),
        tool_choice=choice,
        tool_named=named,
        is_tool_answered=any(part.get("type") == "tool_result" for part in results),
        schema=((fields.get("output_config") or {}).get("format") or {}).get("schema"),
        is_thinking=(fields.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        output_tokens_max=fields.get("max_tokens"),
        is_system_cached=any("cache_control" in part for part in items(fields.get("system"))),
    )


def error(status: int, kind: str, message: str) -> bytes:
    """Return an error's body; in a stream it is in an event named error."""
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_sim"})


def error_event(number: int) -> bytes:
    """Return the error that ends a stream."""
    return b"event: error\ndata: " + error(529, "overloaded_error", "Overloaded") + b"\n\n"


def body(answer: Answer) -> bytes:
    """Return a whole message."""
    blocks: list[dict[str, Any]] = []
    if answer.thinking:
        blocks.append({"type": "thinking", "thinking": answer.thinking, "signature": "c2lt"})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    if answer.tool_name:
        arguments = msgspec.json.decode(answer.tool_arguments)
        blocks.append({"type": "tool_use", "id": "toolu_sim", "name": answer.tool_name, "input": arguments})
    return msgspec.json.encode(_message(answer, blocks, _STOP[answer.stop], answer.output_reported))


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the end mark last."""
    made = [
        event("message_start", {"message": _message(answer, [], None, 1)}),
        event("ping", {}),
    ]
    blocks = _blocks(answer)
    for index, (start, deltas) in enumerate(blocks):
        made.append(event("content_block_start", {"index": index, "content_block": start}))
        made += [event("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        made.append(event("content_block_stop", {"index": index}))
    end: dict[str, Any] = {"delta": {"stop_reason": _STOP[answer.stop], "stop_sequence": None}}
    if answer.is_usage_given:
        end["usage"] = {"output_tokens": answer.output_reported}
    return [*made, event("message_delta", end), event("message_stop", {})]


def event(name: str, fields: dict[str, Any]) -> bytes:
    """Return one named event."""
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode({"type": name, **fields}) + b"\n\n"


def _blocks(answer: Answer) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return each content block's start and its deltas."""
    made: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.thinking:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(answer.thinking)]
        signed = {"type": "signature_delta", "signature": "c2lt"}
        made.append(({"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]))
    if answer.text:
        made.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in pieces(answer.text)]))
    if answer.tool_name:
        start = {"type": "tool_use", "id": "toolu_sim", "name": answer.tool_name, "input": {}}
        made.append(
            (start, [{"type": "input_json_delta", "partial_json": p} for p in ["", *pieces(answer.tool_arguments)]])
        )
    return made


def _message(answer: Answer, blocks: list[Any], stop_reason: str | None, output: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_sim",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }
    if answer.is_usage_given:
        written = answer.cache_write_tokens
        message["usage"] = {
            "input_tokens": answer.input_tokens,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
        }
    return message

"""The simulator's side of Google's interactions, whole and streamed; none is kept.

Shapes: wire/DIALECTS.md 2.5 and 3.1, and the recordings gemini/interactions-*.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator import gemini
from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked, items, tools, words

STREAM_TYPE = "text/event-stream"
KEEP_ALIVE = b"data: {}\n\n"
error = gemini.error
_ID = "v1_sim"
_STATUS = {"end": "completed", "length": "incomplete", "tool": "requires_action", "refusal": "completed"}


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for; its input is text, one content, several, or steps."""
    given = fields.get("input")
    steps = items(given)
    said = [step.get("content") for step in steps if step.get("type") == "user_input"]
    config = fields.get("generation_config") or {}
    return Asked(
        words=given if isinstance(given, str) else words(said[-1] if said else given),
        tools=tools(fields),
        is_tool_answered=bool(steps) and steps[-1].get("type") == "function_result",
        is_thinking=config.get("thinking_summaries") == "auto",
        output_tokens_max=config.get("max_output_tokens"),
    )


def body(answer: Answer) -> bytes:
    """Return a whole interaction."""
    return msgspec.json.encode(_interaction(answer) | {"steps": [step for step, _ in _steps(answer)]})


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the end mark last."""
    begun = {"id": _ID, "model": answer.model, "object": "interaction", "status": "in_progress"}
    made = [_event("interaction.created", {"interaction": begun})]
    for index, (step, deltas) in enumerate(_steps(answer)):
        start = {name: value for name, value in step.items() if name in ("type", "id", "name")}
        made.append(_event("step.start", {"index": index, "step": start}))
        made += [_event("step.delta", {"index": index, "delta": delta}) for delta in deltas]
        made.append(_event("step.stop", {"index": index}))
    made.append(_event("interaction.completed", {"interaction": _interaction(answer)}))
    return [*made, b"event: done\ndata: [DONE]\n\n"]


def error_event(number: int) -> bytes:
    """Return the error that ends a stream."""
    return _event("error", {"error": {"code": "unavailable", "message": "The model is overloaded."}})


def _event(name: str, fields: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode({"event_type": name, **fields}) + b"\n\n"


def _interaction(answer: Answer) -> dict[str, Any]:
    made = {
        "id": _ID,
        "object": "interaction",
        "created": "2026-09-21T14:13:20Z",
        "updated": "2026-09-21T14:13:20Z",
        "model": answer.model,
        "status": _STATUS[answer.stop],
    }
    return made | ({"usage": _usage(answer)} if answer.is_usage_given else {})


def _usage(answer: Answer) -> dict[str, Any]:
    """Return the usage, with thinking counted apart from the output; a lie replaces the output."""
    return {
        "total_input_tokens": answer.input_tokens,
        "total_cached_tokens": 0,
        "total_output_tokens": answer.shown_tokens,
        "total_thought_tokens": answer.thinking_tokens,
        "total_tool_use_tokens": 0,
        "total_tokens": answer.total(answer.input_tokens, answer.shown_tokens, answer.thinking_tokens),
    }


def _steps(answer: Answer) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return each step, and its deltas."""
    made: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.thinking:
        deltas = [
            {"type": "thought_summary", "content": {"type": "text", "text": piece}} for piece in pieces(answer.thinking)
        ]
        made.append(({"type": "thought", "summary": [{"type": "text", "text": answer.thinking}]}, deltas))
    if answer.text:
        deltas = [{"type": "text", "text": piece} for piece in pieces(answer.text)]
        made.append(({"type": "model_output", "content": [{"type": "text", "text": answer.text}]}, deltas))
    if answer.tool_name:
        arguments = msgspec.json.decode(answer.tool_arguments)
        call = {"type": "function_call", "id": "call_sim", "name": answer.tool_name, "arguments": arguments}
        made.append((call, [{"type": "arguments_delta", "arguments": answer.tool_arguments}]))
    return made

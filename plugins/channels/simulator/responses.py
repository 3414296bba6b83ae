"""The simulator's Responses side: whole and streamed.

Shapes: wire/DIALECTS.md 2.3, 3.1 and 4, and the recordings openai-responses/.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked, items, last_words, tool_choice, tools

STREAM_TYPE = "text/event-stream"
KEEP_ALIVE = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'
_ID = "resp_sim"

error = openai.error


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for."""
    given = fields.get("input")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else items(given)
    choice, named = tool_choice(fields)
    wanted = (fields.get("text") or {}).get("format") or {}
    schema = {"type": "object"} if wanted.get("type") == "json_object" else wanted.get("schema")
    return Asked(
        words=last_words(messages),
        tools=tools(fields),
        tool_choice=choice,
        tool_named=named,
        is_tool_answered=bool(messages) and messages[-1].get("type") == "function_call_output",
        schema=schema,
        is_thinking=(fields.get("reasoning") or {}).get("effort", "none") not in (None, "none"),
        output_tokens_max=fields.get("max_output_tokens"),
    )


def body(answer: Answer) -> bytes:
    """Return a whole response."""
    return msgspec.json.encode(_response(answer, _status(answer), [item for item, _ in _items(answer)]))


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the end last."""
    begun = {"response": _response(answer, "in_progress", [])}
    made: list[tuple[str, dict[str, Any]]] = [("response.created", begun), ("response.in_progress", begun)]
    output = []
    for index, (item, deltas) in enumerate(_items(answer)):
        place = {"output_index": index}
        made.append(("response.output_item.added", {**place, "item": _begun(item)}))
        made += [(name, {"item_id": item["id"], **place, **fields}) for name, fields in deltas]
        made.append(("response.output_item.done", {**place, "item": item}))
        output.append(item)
    status = _status(answer)
    made.append((f"response.{status}", {"response": _response(answer, status, output)}))
    return [_event(name, number, fields) for number, (name, fields) in enumerate(made)]


def error_event(number: int) -> bytes:
    """Return the two events with which a stream fails."""
    failure = {"code": "server_error", "message": "The server had an error"}
    failed = {"id": _ID, "object": "response", "status": "failed", "output": [], "error": failure}
    said = {"error": {"type": "server_error", **failure, "param": None}}
    return _event("error", number, said) + _event("response.failed", number + 1, {"response": failed})


def _event(name: str, number: int, fields: dict[str, Any]) -> bytes:
    data = msgspec.json.encode({"type": name, "sequence_number": number, **fields})
    return f"event: {name}\ndata: ".encode() + data + b"\n\n"


def _status(answer: Answer) -> str:
    return "incomplete" if answer.stop == "length" else "completed"


def _response(answer: Answer, status: str, output: list[Any]) -> dict[str, Any]:
    is_told = status != "in_progress" and answer.is_usage_given
    return {
        "id": _ID,
        "object": "response",
        "created_at": openai.CREATED_AT,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _usage(answer) if is_told else None,
    }


def _usage(answer: Answer) -> dict[str, Any]:
    output = answer.output_reported
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": answer.thinking_tokens},
        "total_tokens": answer.total(answer.input_tokens, output),
    }


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it is at its beginning, still empty."""
    empty = {"content": [], "summary": [], "arguments": "", "status": "in_progress"}
    return {name: empty.get(name, value) for name, value in item.items()}


def _items(answer: Answer) -> list[tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]]:
    """Return each item of the output, and its delta events."""
    made = []
    if answer.thinking:
        made.append(_reasoning(answer.thinking))
    if answer.text:
        made.append(_message(answer))
    if answer.tool_name:
        arguments = answer.tool_arguments
        call = {"id": "fc_sim", "type": "function_call", "status": "completed", "arguments": arguments}
        deltas = [("response.function_call_arguments.delta", {"delta": piece}) for piece in pieces(arguments)]
        done = ("response.function_call_arguments.done", {"arguments": arguments})
        made.append((call | {"call_id": "call_sim", "name": answer.tool_name}, [*deltas, done]))
    return made


def _reasoning(text: str) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    place = {"summary_index": 0}
    part = {"type": "summary_text", "text": text}
    deltas = [
        ("response.reasoning_summary_part.added", {**place, "part": part | {"text": ""}}),
        *(("response.reasoning_summary_text.delta", {**place, "delta": piece}) for piece in pieces(text)),
        ("response.reasoning_summary_text.done", {**place, "text": text}),
        ("response.reasoning_summary_part.done", {**place, "part": part}),
    ]
    return {"id": "rs_sim", "type": "reasoning", "summary": [part]}, deltas


def _message(answer: Answer) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    kind, field = ("refusal", "refusal") if answer.stop == "refusal" else ("output_text", "text")
    logprobs: dict[str, Any] = {} if kind == "refusal" else {"logprobs": []}
    notes = {"annotations": []} | logprobs if logprobs else {}
    place = {"content_index": 0}
    part: dict[str, Any] = {"type": kind, **notes, field: answer.text}
    deltas = [
        ("response.content_part.added", {**place, "part": part | {field: ""}}),
        *((f"response.{kind}.delta", {**place, **logprobs, "delta": piece}) for piece in pieces(answer.text)),
        (f"response.{kind}.done", {**place, **logprobs, field: answer.text}),
        ("response.content_part.done", {**place, "part": part}),
    ]
    item = {"id": "msg_sim", "type": "message", "status": _status(answer), "role": "assistant", "content": [part]}
    return item, deltas

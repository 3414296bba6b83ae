"""Reading Responses as its clients do. Source: wire/DIALECTS.md 2.3, 3.1, 4 and 7, read 2026-11-24."""

from typing import Any

from relay.testing.reading.heard import Heard
from relay.testing.reading.openai_chat import read_error as read_error

ENDS = ("response.completed", "response.incomplete", "response.failed")
DELTAS = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_summary_text": "thinking",
    "response.reasoning_text": "thinking",
}


def read_whole(heard: Heard, document: dict[str, Any]) -> None:
    """Read a whole response."""
    _check_response(heard, document)
    for item in heard.objects_in(document, "output", "the response"):
        _take_item(heard, item)
    _take_end(heard, document)


def read_stream(heard: Heard, body: bytes) -> None:
    """Read a stream of events; the last one holds the whole response again."""
    told = Heard()
    items: list[dict[str, Any]] = []
    place = -1
    for number, event in enumerate(heard.events(body)):
        heard.need(not heard.is_ended, f"event {number}", "no more", event.data)
        document = heard.document(event.data, f"event {number}")
        if document is None or event.name == "keepalive":
            continue
        kind = document.get("type")
        heard.need(kind == event.name, f"event {number}: type", event.name, kind)
        place, before = heard.count_in(document, "sequence_number", f"event {number}"), place
        heard.need(place > before, f"event {number}: sequence_number", f"more than {before}", place)
        heard.need(number > 0 or kind in ("response.created", "error"), "the first event", "response.created", kind)
        _take_event(heard, told, items, str(kind), document)
    heard.faults += told.faults
    if heard.is_ended and heard.error_code is None:
        for name in ("text", "refusal", "thinking"):
            whole, pieces = getattr(heard, name), getattr(told, name)
            heard.need(whole == pieces, f"the last event's {name}", repr(pieces), repr(whole))
        heard.need(told.calls == heard.calls, "the last event's calls", told.calls, heard.calls)
    else:
        heard.text, heard.refusal, heard.thinking, heard.calls = told.text, told.refusal, told.thinking, told.calls


def _take_event(heard: Heard, told: Heard, items: list[dict[str, Any]], kind: str, document: dict[str, Any]) -> None:
    if kind == "error":
        _take_error(heard, document)
    elif kind in ENDS:
        response = heard.object_in(document, "response", kind)
        heard.is_ended = True
        if kind == "response.failed":
            error = heard.object_in(response, "error", "response")
            heard.note_error(error.get("code"), error.get("message"), "response.error")
            return
        output = heard.objects_in(response, "output", kind)
        is_same = [_unsealed(item) for item in output] == [_unsealed(item) for item in items]
        heard.need(is_same, "the last event's output", "the items told before", output)
        read_whole(heard, response)
    elif kind == "response.output_item.done":
        item = heard.object_in(document, "item", kind)
        items.append(item)
        if item.get("type") == "function_call":
            _take_item(told, item)
    elif kind.endswith(".delta") and (name := DELTAS.get(kind.removesuffix(".delta"))):
        setattr(told, name, getattr(told, name) + told.text_in(document, "delta", kind))


def _unsealed(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without its seal, which is another each time (w:openai-responses/reasoning-summary-stream)."""
    return {name: value for name, value in item.items() if name != "encrypted_content"}


def _take_error(heard: Heard, document: dict[str, Any]) -> None:
    """Take an ``error`` event, whose members stand at its top or under ``error``."""
    error = document["error"] if isinstance(document.get("error"), dict) else document
    heard.note_error(error.get("code"), error.get("message"), "error")


def _check_response(heard: Heard, response: dict[str, Any]) -> None:
    heard.need(response.get("object") == "response", "response.object", "response", response.get("object"))
    for name in ("id", "model"):
        heard.text_in(response, name, "response")


def _take_item(heard: Heard, item: dict[str, Any]) -> None:
    match item.get("type"):
        case "message":
            heard.need(item.get("role") == "assistant", "item.role", "assistant", item.get("role"))
            for part in heard.objects_in(item, "content", "item"):
                if part.get("type") == "refusal":
                    heard.refusal += heard.text_in(part, "refusal", "part")
                else:
                    heard.need(part.get("type") == "output_text", "part.type", "output_text", part.get("type"))
                    heard.text += heard.text_in(part, "text", "part")
        case "reasoning":
            for part in (*heard.objects_in(item, "summary", "item"), *(item.get("content") or ())):
                heard.thinking += heard.text_in(part, "text", "part")
        case "function_call":
            heard.text_in(item, "call_id", "item")
            heard.calls.append((heard.text_in(item, "name", "item"), heard.text_in(item, "arguments", "item")))
        case kind:
            heard.need(False, "item.type", "message, reasoning or function_call", kind)


def _take_end(heard: Heard, response: dict[str, Any]) -> None:
    status = response.get("status")
    heard.need(status in ("completed", "incomplete"), "response.status", "completed or incomplete", status)
    if status == "incomplete":
        reason = heard.object_in(response, "incomplete_details", "response").get("reason")
        heard.stop = {"max_output_tokens": "length", "content_filter": "refusal"}.get(str(reason))
        heard.need(heard.stop is not None, "incomplete_details.reason", "a reason", reason)
    else:
        heard.stop = "refusal" if heard.refusal else "tool_call" if heard.calls else "stop"
    usage = heard.object_in(response, "usage", "response")
    heard.input_tokens = heard.count_in(usage, "input_tokens", "usage")
    heard.output_tokens = heard.count_in(usage, "output_tokens", "usage")
    total = heard.count_in(usage, "total_tokens", "usage")
    heard.need(total == heard.input_tokens + heard.output_tokens, "usage.total_tokens", "the sum of both", total)
    heard.is_ended = True

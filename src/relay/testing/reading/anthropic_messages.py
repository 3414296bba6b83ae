"""Reading Anthropic's messages as its clients do. Source: wire/DIALECTS.md 2.4, 3, 4 and 7, read 2026-11-24."""

from typing import Any

import msgspec

from relay.testing.reading.heard import Heard

STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_call",
    "refusal": "refusal",
}
INPUT_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def read_error(heard: Heard, document: dict[str, Any]) -> None:
    """Read an error's body, or the event that ends a stream."""
    heard.need(document.get("type") == "error", "the error's type", "error", document.get("type"))
    error = heard.object_in(document, "error", "the error")
    heard.note_error(error.get("type"), error.get("message"), "error")


def read_whole(heard: Heard, document: dict[str, Any]) -> None:
    """Read a whole message."""
    _check_message(heard, document)
    for block in heard.objects_in(document, "content", "message"):
        _take_block(heard, block)
        if block.get("type") == "tool_use":
            arguments = heard.object_in(block, "input", "block")
            heard.calls.append((heard.text_in(block, "name", "block"), msgspec.json.encode(arguments).decode()))
    _take_stop(heard, document)
    _take_usage(heard, heard.object_in(document, "usage", "message"))
    heard.is_ended = heard.stop is not None


def read_stream(heard: Heard, body: bytes) -> None:
    """Read a stream of events: a message's beginning, its blocks one after the other, its end."""
    usage: dict[str, Any] = {}
    blocks = _Blocks()
    for number, event in enumerate(heard.events(body)):
        document = heard.document(event.data, f"event {number}")
        if document is None or event.name == "ping":
            continue
        kind = document.get("type")
        heard.need(kind == event.name, f"event {number}: type", event.name, kind)
        heard.need(not heard.is_ended and heard.error_code is None, f"event {number}", "no more", event.data)
        heard.need(number > 0 or kind in ("message_start", "error"), "the first event", "message_start", kind)
        match kind:
            case "error":
                read_error(heard, document)
            case "message_start":
                message = heard.object_in(document, "message", "message_start")
                _check_message(heard, message)
                usage |= heard.object_in(message, "usage", "message")
            case "message_delta":
                heard.need(blocks.open is None, "message_delta", "every block to be closed", blocks.open)
                _take_stop(heard, heard.object_in(document, "delta", kind))
                usage |= heard.object_in(document, "usage", kind)
                _take_usage(heard, usage)
            case "message_stop":
                heard.need(heard.stop is not None, "message_stop", "a stop reason before", None)
                heard.is_ended = True
            case _:
                blocks.take(heard, str(kind), document)


class _Blocks:
    """The blocks of a streamed message: one is open at a time, and each has the next number."""

    def __init__(self) -> None:
        self.open: int | None = None
        self._count = 0

    def take(self, heard: Heard, kind: str, document: dict[str, Any]) -> None:
        """Read an event of a block."""
        if kind == "content_block_start":
            heard.need(self.open is None, kind, "the block before to be closed", self.open)
            self.open, self._count = self._count, self._count + 1
        index = document.get("index")
        heard.need(index == self.open, f"{kind}.index", self.open, index)
        match kind:
            case "content_block_start":
                block = heard.object_in(document, "content_block", kind)
                _take_block(heard, block)
                if block.get("type") == "tool_use":
                    heard.calls.append((heard.text_in(block, "name", "block"), ""))
            case "content_block_delta":
                _take_delta(heard, heard.object_in(document, "delta", kind))
            case "content_block_stop":
                self.open = None
            case _:
                heard.need(False, "an event", "one of the API's", kind)


def _check_message(heard: Heard, message: dict[str, Any]) -> None:
    for name, expected in (("type", "message"), ("role", "assistant")):
        heard.need(message.get(name) == expected, f"message.{name}", expected, message.get(name))
    for name in ("id", "model"):
        heard.text_in(message, name, "message")


def _take_block(heard: Heard, block: dict[str, Any]) -> None:
    match block.get("type"):
        case "text":
            heard.text += heard.text_in(block, "text", "block")
        case "thinking":
            heard.thinking += heard.text_in(block, "thinking", "block")
        case "tool_use":
            heard.text_in(block, "id", "block")
        case kind:
            heard.need(False, "block.type", "text, thinking or tool_use", kind)


def _take_delta(heard: Heard, delta: dict[str, Any]) -> None:
    kind = str(delta.get("type"))
    if kind == "signature_delta":
        return
    heard.need(kind in DELTAS, "delta.type", "one of " + ", ".join(DELTAS), kind)
    piece = heard.text_in(delta, DELTAS.get(kind, "text"), "delta")
    if kind == "input_json_delta" and heard.calls:
        name, arguments = heard.calls[-1]
        heard.calls[-1] = (name, arguments + piece)
    elif kind == "thinking_delta":
        heard.thinking += piece
    else:
        heard.text += piece


def _take_stop(heard: Heard, fields: dict[str, Any]) -> None:
    reason = fields.get("stop_reason")
    heard.need(reason in STOPS, "stop_reason", "one of " + ", ".join(STOPS), reason)
    heard.stop = STOPS.get(str(reason))


def _take_usage(heard: Heard, usage: dict[str, Any]) -> None:
    heard.input_tokens = sum(heard.count_in(usage, name, "usage") for name in INPUT_COUNTS if usage.get(name))
    heard.output_tokens = heard.count_in(usage, "output_tokens", "usage")

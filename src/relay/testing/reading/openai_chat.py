"""Reading OpenAI chat as its clients do. Source: wire/DIALECTS.md 2.2, 3.1, 4 and 7, read 2026-11-24."""

from typing import Any

from relay.testing.reading.heard import Heard

STOPS = {"stop": "stop", "length": "length", "tool_calls": "tool_call", "content_filter": "refusal"}


def read_error(heard: Heard, document: dict[str, Any]) -> None:
    """Read an error's body, or the error that ends a stream."""
    error = heard.object_in(document, "error", "the error")
    heard.text_in(error, "type", "error")
    heard.note_error(error.get("code"), error.get("message"), "error")


def read_whole(heard: Heard, document: dict[str, Any]) -> None:
    """Read a whole completion."""
    _check_envelope(heard, document, "chat.completion", "the completion")
    choices = heard.objects_in(document, "choices", "the completion")
    heard.need(len(choices) == 1, "choices", "one", len(choices))
    for choice in choices:
        message = heard.object_in(choice, "message", "choice")
        heard.need(message.get("role") == "assistant", "message.role", "assistant", message.get("role"))
        _take_words(heard, message)
        for call in message.get("tool_calls") or ():
            heard.need(bool(call.get("id")), "tool_calls.id", "an id", call)
            function = heard.object_in(call, "function", "tool_calls")
            heard.calls.append((heard.text_in(function, "name", "f"), heard.text_in(function, "arguments", "f")))
        _take_finish(heard, choice.get("finish_reason"))
    _take_usage(heard, document)
    heard.is_ended = heard.stop is not None


def read_stream(heard: Heard, body: bytes) -> None:
    """Read a stream of chunks."""
    calls: dict[int, list[str]] = {}
    ids = set()
    for number, event in enumerate(heard.events(body)):
        heard.need(not heard.is_ended and heard.error_code is None, f"event {number}", "no more", event.data)
        if event.data == "[DONE]":
            heard.is_ended = True
            continue
        document = heard.document(event.data, f"event {number}")
        if document is None:
            continue
        if "error" in document:
            read_error(heard, document)
            continue
        _check_envelope(heard, document, "chat.completion.chunk", f"chunk {number}")
        ids.add(document.get("id"))
        for choice in heard.objects_in(document, "choices", f"chunk {number}"):
            heard.need(heard.stop is None, f"chunk {number}", "no choice after the finish", choice)
            _take_delta(heard, calls, heard.object_in(choice, "delta", f"chunk {number}"))
            _take_finish(heard, choice.get("finish_reason"))
        _take_usage(heard, document)
    heard.need(len(ids) <= 1, "id", "one for all chunks", ids)
    heard.need(not heard.is_ended or heard.stop is not None, "[DONE]", "a finish reason before", None)
    heard.calls = [(name, arguments) for name, arguments in calls.values()]


def _check_envelope(heard: Heard, document: dict[str, Any], kind: str, where: str) -> None:
    heard.need(document.get("object") == kind, f"{where}: object", kind, document.get("object"))
    for name in ("id", "model"):
        heard.text_in(document, name, where)
    heard.count_in(document, "created", where)


def _take_delta(heard: Heard, calls: dict[int, list[str]], delta: dict[str, Any]) -> None:
    _take_words(heard, delta)
    for piece in delta.get("tool_calls") or ():
        index = heard.count_in(piece, "index", "tool_calls")
        function = heard.object_in(piece, "function", "tool_calls")
        if index not in calls:
            heard.need(bool(piece.get("id")), "tool_calls.id", "an id in the first piece", piece)
            calls[index] = [heard.text_in(function, "name", "tool_calls.function"), ""]
        calls[index][1] += function.get("arguments") or ""


def _take_words(heard: Heard, message: dict[str, Any]) -> None:
    heard.text += message.get("content") or ""
    heard.thinking += message.get("reasoning_content") or ""
    heard.refusal += message.get("refusal") or ""


def _take_finish(heard: Heard, reason: Any) -> None:
    if reason is not None:
        heard.need(reason in STOPS, "finish_reason", "one of " + ", ".join(STOPS), reason)
        heard.stop = "refusal" if heard.refusal else STOPS.get(reason)


def _take_usage(heard: Heard, document: dict[str, Any]) -> None:
    if document.get("usage") is None:
        return
    usage = heard.object_in(document, "usage", "document")
    heard.input_tokens = heard.count_in(usage, "prompt_tokens", "usage")
    heard.output_tokens = heard.count_in(usage, "completion_tokens", "usage")
    total = heard.count_in(usage, "total_tokens", "usage")
    heard.need(total == heard.input_tokens + heard.output_tokens, "usage.total_tokens", "the sum of both", total)

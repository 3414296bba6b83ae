"""Reading Gemini's answers as its clients do. Source: wire/DIALECTS.md 2.5, 3, 4 and 7, read 2026-11-24."""

from typing import Any

import msgspec

from relay.testing.reading.heard import Heard

STOPS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "refusal", "PROHIBITED_CONTENT": "refusal"}
OUTPUT_COUNTS = ("candidatesTokenCount", "thoughtsTokenCount")


def read_error(heard: Heard, document: dict[str, Any]) -> None:
    """Read an error's body."""
    error = heard.object_in(document, "error", "the error")
    heard.need(error.get("code") == heard.status, "error.code", f"the status {heard.status}", error.get("code"))
    heard.note_error(error.get("status"), error.get("message"), "error")


def read_whole(heard: Heard, document: dict[str, Any]) -> None:
    """Read a whole answer."""
    _take(heard, document, "the answer")
    heard.need(heard.stop is not None, "finishReason", "one", None)
    heard.is_ended = heard.stop is not None


def read_stream(heard: Heard, body: bytes) -> None:
    """Read a stream of answers: unnamed events and nothing else. Its end is the end of the body, in order."""
    heard.need(b"\n:" not in body and not body.startswith(b":"), "the stream", "no comment", body[:50])
    for number, event in enumerate(heard.events(body)):
        heard.need(not event.name, f"event {number}", "no name", event.name)
        document = heard.document(event.data, f"event {number}")
        if document and "error" in document:
            error = heard.object_in(document, "error", f"event {number}")
            heard.note_error(error.get("status"), error.get("message"), "error")
        elif document:
            _take(heard, document, f"event {number}")
    heard.is_ended = heard.stop is not None and not heard.is_broken and heard.error_code is None


def _take(heard: Heard, document: dict[str, Any], where: str) -> None:
    for candidate in heard.objects_in(document, "candidates", where):
        heard.need(heard.stop is None, where, "no candidate after the finish", candidate)
        for part in heard.object_in(candidate, "content", where).get("parts") or ():
            _take_part(heard, part, where)
        reason = candidate.get("finishReason")
        if reason is not None:
            heard.need(reason in STOPS, f"{where}: finishReason", "one of " + ", ".join(STOPS), reason)
            heard.stop = "tool_call" if heard.calls and reason == "STOP" else STOPS.get(str(reason))
    usage = document.get("usageMetadata")
    if usage is not None:
        _take_usage(heard, heard.object_in(document, "usageMetadata", where))


def _take_part(heard: Heard, part: dict[str, Any], where: str) -> None:
    if "functionCall" in part:
        call = heard.object_in(part, "functionCall", where)
        arguments = heard.object_in(call, "args", "functionCall")
        heard.calls.append((heard.text_in(call, "name", "functionCall"), msgspec.json.encode(arguments).decode()))
    elif part.get("thought") is True:
        heard.thinking += heard.text_in(part, "text", where)
    elif "text" in part:
        heard.text += heard.text_in(part, "text", where)
    else:
        heard.need(False, f"{where}: part", "text or a call", part)


def _take_usage(heard: Heard, usage: dict[str, Any]) -> None:
    heard.input_tokens = heard.count_in(usage, "promptTokenCount", "usageMetadata")
    heard.output_tokens = sum(heard.count_in(usage, name, "usageMetadata") for name in OUTPUT_COUNTS)
    total = heard.count_in(usage, "totalTokenCount", "usageMetadata")
    expected = heard.input_tokens + heard.output_tokens
    heard.need(total == expected, "usageMetadata.totalTokenCount", f"the sum {expected}", total)

"""The simulator's Gemini side: generateContent, whole and streamed.

Shapes: wire/DIALECTS.md 2.5, 3.1 and 4, and the recordings gemini/.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked, items, words

STREAM_TYPE = "text/event-stream"
KEEP_ALIVE = b"data: {}\r\n\r\n"
_FINISH = {"end": "STOP", "length": "MAX_TOKENS", "tool": "STOP", "refusal": "SAFETY"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for; Google's Python SDK spells the members of ``thinkingConfig`` with underscores."""
    contents = items(fields.get("contents"))
    config = fields.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    calling = (fields.get("toolConfig") or {}).get("functionCallingConfig") or {}
    declared = [one for tool in items(fields.get("tools")) for one in items(tool.get("functionDeclarations"))]
    said = [content.get("parts") for content in contents if content.get("role") != "model"]
    mode = calling.get("mode")
    named = calling.get("allowedFunctionNames") or [""]
    is_json = config.get("responseMimeType") == "application/json"
    return Asked(
        words=words(said[-1]) if said else "",
        tools={
            str(one.get("name")): one.get("parametersJsonSchema") or one.get("parameters") or {} for one in declared
        },
        tool_choice="any" if mode == "ANY" else "none" if mode == "NONE" else "auto",
        tool_named=named[0] if mode == "ANY" else "",
        is_tool_answered=any("functionResponse" in part for part in items(said[-1] if said else None)),
        schema=config.get("responseJsonSchema")
        or config.get("responseSchema")
        or ({"type": "object"} if is_json else None),
        is_thinking=True in (thinking.get("includeThoughts"), thinking.get("include_thoughts")),
        choice_count=config.get("candidateCount") or 1,
        output_tokens_max=config.get("maxOutputTokens"),
    )


def body(answer: Answer) -> bytes:
    """Return a whole answer."""
    parts = [{"text": answer.thinking, "thought": True}] if answer.thinking else []
    parts += [{"text": answer.text}] if answer.text else []
    parts += _call(answer)
    candidates = [_candidate(index, parts, _FINISH[answer.stop]) for index in range(answer.choice_count)]
    return _document(answer, candidates, usage(answer))


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the one with the finish reason last."""
    return [b"data: " + document + b"\r\n\r\n" for document in documents(answer)]


def documents(answer: Answer) -> list[bytes]:
    """Return a stream's documents, unframed."""
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in pieces(answer.thinking)]
    parts += [{"text": piece} for piece in pieces(answer.text)]
    parts += _call(answer)
    begun = {"promptTokenCount": answer.input_tokens, "totalTokenCount": answer.input_tokens}
    made = [
        _document(answer, [_candidate(index, [part])], begun) for part in parts for index in range(answer.choice_count)
    ]
    ends = [_candidate(index, [{"text": ""}], _FINISH[answer.stop]) for index in range(answer.choice_count)]
    return [*made, _document(answer, ends, usage(answer))]


def error(status: int, kind: str, message: str) -> bytes:
    """Return an error's body; *kind* is its type at the other vendors."""
    named = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    return msgspec.json.encode({"error": named})


def failure() -> bytes:
    """Return the document with which a stream fails."""
    return error(503, "", "The model is overloaded. Please try again later.")


def error_event(number: int) -> bytes:
    """Return the error that ends a stream."""
    return b"data: " + failure() + b"\r\n\r\n"


def usage(answer: Answer) -> dict[str, Any]:
    """Return the usage, with thinking counted apart from the output; a lie replaces the output."""
    counts: dict[str, Any] = {"promptTokenCount": answer.input_tokens, "candidatesTokenCount": answer.shown_tokens}
    if answer.thinking:
        counts["thoughtsTokenCount"] = answer.thinking_tokens
    return {**counts, "totalTokenCount": answer.total(*counts.values())}


def _call(answer: Answer) -> list[dict[str, Any]]:
    if not answer.tool_name:
        return []
    return [{"functionCall": {"name": answer.tool_name, "args": msgspec.json.decode(answer.tool_arguments)}}]


def _candidate(index: int, parts: list[Any], finish_reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    return candidate if finish_reason is None else candidate | {"finishReason": finish_reason}


def _document(answer: Answer, candidates: list[Any], counts: dict[str, Any]) -> bytes:
    document: dict[str, Any] = {"candidates": candidates, "modelVersion": answer.model, "responseId": "sim"}
    return msgspec.json.encode(document | ({"usageMetadata": counts} if answer.is_usage_given else {}))

"""Reading a request to the simulator: which dialect, which model, and what it counts."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from relay.plugins.channels.simulator.answer import Kind, Question, UnreadableError, tokens

PATHS: dict[str, Kind] = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
    "/v1/embeddings": "embeddings",
}
GEMINI_PATH = re.compile(r"/v1(?:beta)?/models/(?P<model>[^/]+):(?P<action>generateContent|streamGenerateContent)")
INPUT_FIELDS = ("messages", "contents", "system", "systemInstruction", "instructions", "tools", "input")


def kind_of(target: str) -> Kind:
    """Return what is spoken at *target*, a path with its query; chat where nothing is known."""
    path, _, query = target.partition("?")
    match = GEMINI_PATH.fullmatch(path)
    if match is None:
        return PATHS.get(path, "openai_chat")
    is_array = match["action"] == "streamGenerateContent" and parse_qs(query).get("alt") != ["sse"]
    return "gemini_array" if is_array else "gemini_generate"


def read_question(target: str, body: bytes, behaviour: str | None) -> Question:
    """Read a request to *target*; *behaviour* is the channel's own, which goes before the model's suffix.

    Raises:
        UnreadableError: No endpoint, not JSON, or without a model.
    """
    path = target.partition("?")[0]
    match = GEMINI_PATH.fullmatch(path)
    if match is None and path not in PATHS:
        raise UnreadableError(f"no endpoint {path}")
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError) as exc:
        raise UnreadableError("the body is no JSON object") from exc
    model = unquote(match["model"]) if match else fields.get("model")
    if not isinstance(model, str):
        raise UnreadableError("model: expected text")
    is_stream = match["action"] == "streamGenerateContent" if match else fields.get("stream") is True
    kind = kind_of(target)
    return Question(
        kind=kind,
        model=model,
        behaviour=behaviour or model.partition("+")[2],
        stream=is_stream and kind != "embeddings",
        fields=fields,
        input_tokens=tokens(b"".join(bytes(raw[name]) for name in INPUT_FIELDS if name in raw)),
        system_tokens=tokens(bytes(raw["system"])) if "system" in raw else 0,
    )

"""Reads a request to the simulator: its kind, its model, and its token counts."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from relay.plugins.channels.simulator.answer import Kind, NotKeptError, Question, UnreadableError, tokens
from relay.plugins.channels.simulator.form import Files, read_form

PATHS: dict[str, Kind] = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/responses/compact": "compact",
    "/v1/completions": "openai_completions",
    "/v1/messages": "anthropic_messages",
    "/v1beta/interactions": "gemini_interactions",
    "/v1/embeddings": "embeddings",
    "/v1/moderations": "moderation",
    "/v1/rerank": "rerank",
    "/v1/audio/speech": "speech",
    "/v1/audio/transcriptions": "transcription",
    "/v1/audio/translations": "transcription",
    "/v1/images/generations": "image_generation",
    "/v1/images/edits": "image_edit",
}
GEMINI_PATH = re.compile(
    r"/v1(?:beta)?/models/(?P<model>[^/]+):"
    r"(?P<action>generateContent|streamGenerateContent|embedContent|batchEmbedContents)"
)
KEPT_PATH = re.compile(r"/v1/responses/.+|/v1beta/interactions/.+")
INPUT_FIELDS = (
    "messages",
    "contents",
    "content",
    "requests",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "tools",
    "input",
    "prompt",
    "query",
    "documents",
)
_STREAMED: frozenset[Kind] = frozenset(
    {
        "openai_chat",
        "openai_responses",
        "openai_completions",
        "anthropic_messages",
        "gemini_interactions",
        "transcription",
        "image_generation",
        "image_edit",
    }
)
"""Kinds that stream if ``stream`` says so; speech always does."""


def kind_of(target: str) -> Kind:
    """Return the kind of request at *target*, a path with its query; chat if the path is unknown."""
    path, _, query = target.partition("?")
    match = GEMINI_PATH.fullmatch(path)
    if match is None:
        return PATHS.get(path, "gemini_generate" if path.startswith("/v1beta/") else "openai_chat")
    if match["action"].lower().endswith(("embedcontent", "embedcontents")):
        return "gemini_embeddings"
    is_array = match["action"] == "streamGenerateContent" and parse_qs(query).get("alt") != ["sse"]
    return "gemini_array" if is_array else "gemini_generate"


def read_question(target: str, body: bytes, behaviour: str | None, content_type: str = "") -> Question:
    """Read a request to *target*; *behaviour* is the channel's own, which wins over the model's suffix.

    Raises:
        NotKeptError: It asks for an earlier answer.
        UnreadableError: No such endpoint, neither JSON nor a form, or no model.
    """
    path = target.partition("?")[0]
    match = GEMINI_PATH.fullmatch(path)
    if match is None and path not in PATHS:
        if KEPT_PATH.fullmatch(path):
            raise NotKeptError("no answer is kept here")
        raise UnreadableError(f"no endpoint {path}")
    raw, fields, files = (
        _read_form(body, content_type) if content_type.lower().startswith("multipart/") else _read_object(body)
    )
    model = unquote(match["model"]) if match else fields.get("model")
    if not isinstance(model, str):
        raise UnreadableError("model: expected text")
    kind = kind_of(target)
    is_asked = str(fields.get("stream")).lower() == "true"
    return Question(
        kind=kind,
        model=model,
        behaviour=behaviour or model.partition("+")[2],
        stream=match["action"] == "streamGenerateContent" if match else is_asked and kind in _STREAMED,
        fields=fields,
        input_tokens=tokens(b"".join(bytes(raw[name]) for name in INPUT_FIELDS if name in raw)),
        system_tokens=tokens(bytes(raw["system"])) if "system" in raw else 0,
        files=files,
    )


Members = tuple[Mapping[str, bytes | msgspec.Raw], dict[str, Any], Files]
"""The members of a request, each as it came and as a value, and its files."""


def _read_form(body: bytes, content_type: str) -> Members:
    fields, files = read_form(body, content_type)
    return {name: str(value).encode() for name, value in fields.items()}, fields, files


def _read_object(body: bytes) -> Members:
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return raw, msgspec.json.decode(body, type=dict[str, Any]), {}
    except (ValueError, RecursionError) as exc:
        raise UnreadableError("the body is no JSON object") from exc

"""Recordings as exchanges: what was asked, and the answer byte for byte."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from relay.core.exchange import Dialect
from tests.core.wire import FOLDER

ENDPOINTS: dict[Dialect, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini_generate": "/v1beta/models",
    "embeddings": "/v1/embeddings",
    "images": "/v1/images/generations",
    "moderations": "/v1/moderations",
    "rerank": "/v1/rerank",
}
FORWARDED = ("anthropic-version", "anthropic-beta")


@dataclass(frozen=True)
class Recording:
    """One recorded exchange: ``body`` is the request's, ``raw`` the answer's."""

    name: str
    dialect: Dialect
    path: str
    query: str
    headers: dict[str, str]
    body: dict[str, Any]
    status: int
    answer_headers: dict[str, str]
    raw: bytes

    @property
    def is_stream(self) -> bool:
        """A stream was asked for."""
        return self.body.get("stream") is True or ":streamGenerateContent" in self.path

    @property
    def is_usage_asked(self) -> bool:
        """The client of the recording asked for the usage chunk."""
        return bool((self.body.get("stream_options") or {}).get("include_usage"))


def load(name: str, dialect: Dialect) -> Recording:
    """Return recording *name*, or skip the test where the folder of recordings is missing."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no recordings at {FOLDER}; set RELAY_WIRE to their folder")
    document = json.loads(path.read_text())
    request, response = document["request"], document["response"]
    address, _, query = request["path"].partition("?")
    return Recording(
        name=name,
        dialect=dialect,
        path=_path(address, dialect, is_stream="sse" in response),
        query="alt=sse" if dialect == "gemini_generate" and "sse" in response else query,
        headers={header: request["headers"][header] for header in FORWARDED if header in request["headers"]},
        body=_body(request, response, is_stream="sse" in response, dialect=dialect),
        status=response["status"],
        answer_headers=response["headers"],
        raw=_raw(response),
    )


def compact(document: object) -> bytes:
    """Return *document* as JSON without blanks, as most clients send it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _path(address: str, dialect: Dialect, *, is_stream: bool) -> str:
    """Return where the shop's upstream is asked; Azure and Vertex have paths of their own."""
    if dialect == "gemini_generate":
        model = address.rpartition("models/")[2].partition(":")[0]
        return f"/v1beta/models/{model}:{'streamGenerateContent' if is_stream else 'generateContent'}"
    return address if address.endswith(ENDPOINTS[dialect].removeprefix("/v1")) else ENDPOINTS[dialect]


def _raw(response: dict[str, Any]) -> bytes:
    """Return the answer's bytes: its text as sent where that was kept, else compact JSON."""
    for kind in ("body_text", "sse", "text"):
        if kind in response:
            return str(response[kind]).encode()
    return compact(response["body"])


def _body(request: dict[str, Any], response: dict[str, Any], *, is_stream: bool, dialect: Dialect) -> dict[str, Any]:
    """Return the request's body; a minimal one where the recording has none.

    Azure and Vertex name the model in the path: their bodies get one.
    """
    if dialect == "gemini_generate":
        return request["body"] or {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    turns = "input" if dialect == "openai_responses" else "messages"
    recorded: dict[str, Any] = request["body"] or {turns: [{"role": "user", "content": "hi"}], "stream": is_stream}
    # An answer that its account never got is not gone on from; the recording has the same answer without.
    recorded = {name: value for name, value in recorded.items() if name != "previous_response_id"}
    needed: dict[str, Any] = {"model": "a-model"}
    if dialect == "anthropic_messages":
        needed["max_tokens"] = 4096
    elif dialect == "openai_chat" and request["body"] is None and is_stream:
        needed["stream_options"] = {"include_usage": True}
    return {**needed, **recorded}

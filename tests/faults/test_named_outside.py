"""A request that names what is not there takes no key and no model from anybody."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from relay.core.circuit import Route
from relay.core.exchange import Dialect, Operation
from tests.shops import serving
from tests.upstreams import Received, Step, Upstream, document

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  gemini-2.5-flash: {{model_ratio: "1"}}
  gpt-5: {{model_ratio: "1"}}
  claude-sonnet-4-5: {{model_ratio: "1"}}
channels:
  - name: google
    use: channels.gemini
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gemini-2.5-flash]
    groups: [plain]
  - name: openai
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    dialects: [openai_responses, embeddings]
    models: [gpt-5]
    groups: [plain]
  - name: anthropic
    use: channels.anthropic
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [claude-sonnet-4-5]
    groups: [plain]
"""
GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
FILE = {"fileData": {"mimeType": "text/plain", "fileUri": "https://x/v1beta/files/nope"}}
ASKED: list[tuple[str, str, Operation, Dialect]] = [
    ("google", "gemini-2.5-flash", "chat", "gemini_generate"),
    ("openai", "gpt-5", "chat", "openai_responses"),
    ("openai", "gpt-5", "embeddings", "embeddings"),
    ("anthropic", "claude-sonnet-4-5", "chat", "anthropic_messages"),
]
PLACES = [Route(*asked, f"{asked[0]}#{index}", "acc_alice") for asked in ASKED for index in range(3)]
SAID = [{"role": "user", "parts": [{"text": "hi"}]}]
BLOCK = {"type": "document", "source": {"type": "file", "file_id": "nope"}}
NO_FILE = "You do not have permission to access the File nope or it may not exist."
NO_CACHE = "CachedContent not found (or permission denied)"
NO_EMBEDDINGS = "You are not allowed to generate embeddings from this model"
NO_ITEM = "Item with id 'nope' not found."


ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


KEYS = ("one", "two", "three")
shop = partial(serving, profile=PROFILE, upstream_keys=KEYS)


def google(message: str) -> dict[str, Any]:
    return {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}


def openai(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": "input", "code": None}}


def anthropic(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "not_found_error", "message": message}}


@pytest.mark.parametrize(
    ("path", "body", "status", "refusal", "told"),
    [
        (GEMINI, {"contents": [{"role": "user", "parts": [FILE]}]}, 403, google(NO_FILE), NO_FILE),
        (GEMINI, {"contents": SAID, "cachedContent": "cachedContents/nope"}, 403, google(NO_CACHE), NO_CACHE),
        (
            "/v1/responses",
            {"model": "gpt-5", "input": [{"type": "item_reference", "id": "nope"}]},
            404,
            openai(NO_ITEM),
            NO_ITEM,
        ),
        (
            "/v1/responses",
            {"model": "gpt-5", "input": [{"role": "user", "content": [{"type": "input_file", "file_id": "nope"}]}]},
            404,
            openai("No such File object: nope"),
            "No such File object: nope",
        ),
        (
            "/v1/messages",
            {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": [BLOCK]}]},
            404,
            anthropic("File not found: nope"),
            "File not found: nope",
        ),
        ("/v1/embeddings", {"model": "gpt-5", "input": "hi"}, 403, openai(NO_EMBEDDINGS), NO_EMBEDDINGS),
    ],
    ids=["file", "cache", "item", "response-file", "message-file", "endpoint"],
)
async def test_what_is_not_there_is_told_and_hurts_nobody_else(
    tmp_path: Path, path: str, body: dict[str, Any], status: int, refusal: dict[str, Any], told: str
) -> None:
    """It is asked for once, however often the customer asks; the next customer finds all keys and the model."""
    async with (
        Upstream(lambda _: document(refusal, status)).opened() as upstream,
        shop(tmp_path, upstream.url) as served,
    ):
        answers = [await served.client.post(path, json=body, headers=served.headers) for _ in range(4)]
        assert [(answer.status_code, answer.json()["error"]["message"]) for answer in answers] == [(status, told)] * 4
        assert len(upstream.received) == 4
        assert [place for place in PLACES if not served.shop.circuit.allows(place)] == []


async def test_a_key_that_is_dead_is_out_whatever_the_request_names(tmp_path: Path) -> None:
    """The next one answers, and is asked from then on."""
    dead = google("Your API key was reported as leaked. Please use another API key.")

    def script(received: Received) -> list[Step]:
        return document(ANSWER) if received.headers["x-goog-api-key"] == "three" else document(dead, 403)

    async with Upstream(script).opened() as upstream, shop(tmp_path, upstream.url) as served:
        body = {"contents": [{"role": "user", "parts": [FILE]}]}
        answers = [await served.client.post(GEMINI, json=body, headers=served.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    asked = [one.headers["x-goog-api-key"] for one in upstream.received]
    assert (asked.count("three"), asked.count("one") <= 1, asked.count("two") <= 1) == (3, True, True)

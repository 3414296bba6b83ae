"""The list of models over a real socket: in the form of who asks, and only what their key may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import anthropic
import httpx
import pytest
from google import genai
from google.genai import types

from relay.core.ledger.operations import RevokeKey
from tests.shops import Running, serving

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins:
  - use: auth.api_key
  - use: billing.token_ratio
groups:
  plain: {{ratio: "1"}}
  dear: {{ratio: "2"}}
prices:
  gpt-x: {{model_ratio: "1", output_tokens_max: 4096}}
  text-embedding-x: {{model_ratio: "1"}}
  dall-e-3: {{unit_price: "1"}}
  gemini-x: {{model_ratio: "1"}}
  gemini-embedding-x: {{model_ratio: "1"}}
  claude-x: {{model_ratio: "1"}}
channels:
  - {{name: a, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"],
      models: [gpt-x, text-embedding-x, dall-e-3], groups: [plain]}}
  - {{name: b, use: channels.gemini, base_url: "{url}", keys: ["file:upstream.key"],
      models: [gemini-x, gemini-embedding-x], groups: [plain]}}
  - {{name: c, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [claude-x],
      groups: [dear]}}
"""
PLAIN = ["gpt-x", "text-embedding-x", "dall-e-3", "gemini-x", "gemini-embedding-x"]
CHAT = ["generateContent", "streamGenerateContent", "countTokens"]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Running]:
    """Serve a shop whose upstream nobody asks."""
    async with serving(tmp_path, "http://127.0.0.1:9", profile=PROFILE) as running:
        yield running


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
async def test_anthropics_sdk_turns_the_pages(shop: Running, version: str) -> None:
    """In both directions, under both versions of the API; another group's models are on none of them."""
    headers = {"anthropic-version": version}
    async with anthropic.AsyncAnthropic(base_url=shop.url, api_key=shop.api_key, default_headers=headers) as client:
        assert [model.id async for model in client.models.list(limit=2)] == PLAIN
        behind = await client.models.list(limit=2, before_id="gemini-x")
        assert ([model.id for model in behind.data], behind.has_more) == (["text-embedding-x", "dall-e-3"], True)
        shown = await client.models.retrieve("gpt-x")
        assert (shown.id, shown.type, shown.max_tokens, shown.lifecycle) == ("gpt-x", "model", 4096, "active")
        with pytest.raises(anthropic.NotFoundError) as missing:
            await client.models.retrieve("claude-x")
        assert missing.value.type == "not_found_error"
        with pytest.raises(anthropic.BadRequestError, match="limit"):
            await client.models.list(limit=0)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_googles_sdk_turns_the_pages(shop: Running, version: str) -> None:
    """And is told of each model by which methods it can be asked."""
    async with httpx.AsyncClient() as transport:
        options = types.HttpOptions(base_url=shop.url, api_version=version, httpx_async_client=transport)
        client = genai.Client(api_key=shop.api_key, http_options=options)
        listed = [model async for model in await client.aio.models.list(config={"page_size": 2})]
        assert [(model.name, model.supported_actions) for model in listed] == [
            ("models/gpt-x", CHAT),
            ("models/text-embedding-x", []),
            ("models/dall-e-3", []),
            ("models/gemini-x", CHAT),
            ("models/gemini-embedding-x", ["embedContent"]),
        ]
        shown = await client.aio.models.get(model="gpt-x")
        assert (shown.name, shown.output_token_limit) == ("models/gpt-x", 4096)
        with pytest.raises(genai.errors.ClientError) as missing:
            await client.aio.models.get(model="claude-x")
        assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/models", "/models"])
async def test_a_key_in_the_query_is_googles_way(shop: Running, path: str) -> None:
    """SillyTavern's, for one."""
    answer = await shop.client.get(f"{path}?key={shop.api_key}&pageSize=1")
    assert answer.json()["models"][0]["name"] == "models/gpt-x"


@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/openai/models", "/openai/v1/models"])
async def test_everybody_else_gets_openais_list(shop: Running, path: str) -> None:
    """All of it at once."""
    answer = await shop.client.get(path, headers=shop.headers)
    assert [model["id"] for model in answer.json()["data"]] == PLAIN


async def test_the_head_of_a_list_has_no_body(shop: Running) -> None:
    """As HEAD asks."""
    answer = await shop.client.head("/v1/models", headers=shop.headers)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_keys_own_list_narrows_its_groups(tmp_path: Path) -> None:
    """A model that is not on it is not found."""
    async with serving(tmp_path, "http://127.0.0.1:9", profile=PROFILE, models=("gpt-x", "claude-x")) as shop:
        answer = await shop.client.get("/v1/models", headers=shop.headers)
        assert [model["id"] for model in answer.json()["data"]] == ["gpt-x"]
        missing = await shop.client.get("/v1/models/gemini-x", headers=shop.headers)
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_model")


async def test_a_revoked_key_is_shown_nothing_from_then_on(shop: Running) -> None:
    """Nothing remembered of it from a request counts."""
    await shop.chat(model="gpt-x")
    await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
    refused = await shop.client.get("/v1/models", headers=shop.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "api_key_revoked")

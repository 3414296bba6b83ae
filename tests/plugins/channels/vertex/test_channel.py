import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anthropic import AsyncAnthropic
from google import genai
from google.genai import types

from relay import ChannelRequest, ChannelSection, PluginError, UpstreamStatusError
from relay.core.exchange import Operation
from relay.core.profile.structs import ChannelModel
from relay.plugins.channels.vertex.channel import Vertex, VertexConfig
from tests.plugins.channels.vertex.accounts import account, exchange
from tests.services import services
from tests.shops import PROFILE, Running, serving
from tests.upstreams import Script, Step, Upstream, document, stream
from tests.wire.recordings import load

SHOP = (
    PROFILE.partition("channels:")[0].replace(
        "prices:", 'prices:\n  gemini-2.5-pro: {{model_ratio: "1", completion_ratio: "4"}}'
    )
    + """channels:
  - name: claude
    use: channels.vertex
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [{{name: claude-sonnet-4-5, upstream: "claude-3-7-sonnet@20250219"}}]
    groups: [plain, dear]
    settings: {{publisher: anthropic, location: us-east5}}
  - name: gemini
    use: channels.vertex
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gemini-2.5-pro]
    groups: [plain]
    settings: {{publisher: google, location: us-east5}}
"""
)
CLAUDE = "/v1/projects/a-project/locations/us-east5/publishers/anthropic/models"
GEMINI = "/v1beta1/projects/a-project/locations/us-east5/publishers/google/models/gemini-2.5-pro"


def channel(publisher: str, base_url: str | None = None, **settings: object) -> Vertex:
    section = ChannelSection(name="one", use="channels.vertex", base_url=base_url, models=("m",), groups=("g",))
    return Vertex(msgspec.convert({"publisher": publisher, **settings}, VertexConfig), services(), section)


@asynccontextmanager
async def shop_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script
) -> AsyncIterator[tuple[Running, Upstream]]:
    """Serve from an upstream that first exchanges the account, and takes no other token than the one it gave."""
    upstream = Upstream(lambda _: [])

    def answer(received: Any) -> Any:
        if received.path == "/token":
            return exchange(received)
        assert received.headers["authorization"] == "Bearer ya29.canary"
        return script(received)

    upstream.script = answer
    async with upstream.opened():
        monkeypatch.setattr("tests.shops.UPSTREAM_KEY", account(upstream.url))
        async with serving(tmp_path, upstream.url, profile=SHOP) as shop:
            yield shop, upstream


async def outcome_and_charge(shop: Running) -> tuple[str, int]:
    """Return how the one exchange of the log ended, and its nano-credits."""
    [row] = await shop.log()
    return row["outcome"], row["charge_nano"]


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("us-east5", "https://us-east5-aiplatform.googleapis.com"),
    ],
)
def test_the_location_names_the_host(location: str, host: str) -> None:
    """Claude is asked in v1, Gemini in v1beta1."""
    asked = ChannelRequest(
        model="m", dialect="gemini_generate", operation="chat", fields={}, headers={}, stream=True, query="alt=sse"
    )
    url = f"projects/p/locations/{location}/publishers"
    assert (
        channel("anthropic", location=location)._url(asked, "p")
        == f"{host}/v1/{url}/anthropic/models/m:streamRawPredict?alt=sse"
    )
    assert (
        channel("google", location=location)._url(asked, "p")
        == f"{host}/v1beta1/{url}/google/models/m:streamGenerateContent?alt=sse"
    )


@pytest.mark.parametrize(("publisher", "operation"), [("google", "compact"), ("anthropic", "embeddings")])
def test_what_vertex_has_not_is_another_channels(publisher: str, operation: Operation) -> None:
    """Tried there, if any sells it."""
    asked = ChannelRequest(
        model="m", dialect="gemini_generate", operation=operation, fields={}, headers={}, stream=False
    )
    with pytest.raises(UpstreamStatusError) as caught:
        channel(publisher)._url(asked, "p")
    assert caught.value.failure == "misrouted"


@pytest.mark.parametrize(
    "model", ["text-embedding-005", ChannelModel(name="embed", upstream="multimodalembedding@001")]
)
def test_a_model_that_embeds_in_another_form_is_refused_by_name(model: str | ChannelModel) -> None:
    """Where the profile is read, not where the first customer asks."""
    section = ChannelSection(name="one", use="channels.vertex", models=("gemini-embedding-001", model), groups=("g",))
    with pytest.raises(
        ValueError, match=r"models: '(text-embedding-005|multimodalembedding@001)' embeds only through :predict"
    ):
        Vertex(VertexConfig(publisher="google"), services(), section)


def test_a_publisher_speaks_one_dialect() -> None:
    """So the hub is asked where a customer speaks the other."""
    assert channel("anthropic").dialects == ("anthropic_messages",)
    assert channel("google").dialects == ("gemini_generate",)


@pytest.mark.parametrize(
    "settings", [{"location": "a/b"}, {"location": "x.evil.example#"}, {"publisher": "meta"}, {"publisher": None}]
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, object]) -> None:
    """The location stands in the host."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"publisher": "google", **settings}, VertexConfig)


async def test_a_key_that_names_no_project_is_named() -> None:
    """Unless a setting does."""
    asked = ChannelRequest(model="m", dialect="gemini_generate", operation="chat", fields={}, headers={}, stream=False)
    with pytest.raises(PluginError, match="it names no project"):
        await channel("google").send(asked, "sk-canary")


@pytest.mark.parametrize(
    ("contents", "sent"),
    [
        (b'[{"parts":[ ]}]', b'[{"role":"user","parts":[ ]}]'),
        (b'[{"role": "model","parts":[]} ]', b'[{"role": "model","parts":[]} ]'),
        (b'{"parts":1}', b'{"parts":1}'),
    ],
)
def test_a_turn_without_a_role_is_the_customers(contents: bytes, sent: bytes) -> None:
    """As Gemini's own API takes it; a request that names all passes byte for byte."""
    fields = {"model": msgspec.Raw(b'"models/m"'), "contents": msgspec.Raw(contents)}
    asked = ChannelRequest(
        model="m", dialect="gemini_generate", operation="chat", fields=fields, headers={}, stream=False
    )
    assert channel("google")._body(asked) == b'{"contents":' + sent + b"}"


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")
@pytest.mark.parametrize("seed", [None, 1])
async def test_the_sdk_of_anthropic_takes_a_recorded_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int | None
) -> None:
    """At the price of the same from Anthropic, (16 + 16 x 5) x 1.5 x 2000 nano; betas unknown there stay away."""
    recording = load("anthropic/vertex-stream", "anthropic_messages")
    async with shop_on(tmp_path, monkeypatch, lambda _: stream(recording.raw, seed=seed)) as (shop, upstream):
        betas = "claude-code-20250219,context-1m-2025-08-07"
        async with (
            AsyncAnthropic(base_url=shop.url, api_key=shop.api_key, max_retries=0) as client,
            client.messages.stream(
                model="claude-sonnet-4-5",
                max_tokens=100,
                messages=[{"role": "user", "content": "hi"}],
                extra_headers={"anthropic-beta": betas},
            ) as answer,
        ):
            message = await answer.get_final_message()
        assert (message.usage.input_tokens, message.usage.output_tokens) == (16, 16)
        assert await outcome_and_charge(shop) == ("complete", 288_000)
        asked = upstream.received[1]
        assert asked.path == f"{CLAUDE}/claude-3-7-sonnet@20250219:streamRawPredict"
        assert asked.headers["anthropic-beta"] == "context-1m-2025-08-07"
        assert asked.document == {
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
            "anthropic_version": "vertex-2023-10-16",
        }


async def test_a_recorded_stream_of_gemini_is_sold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, at the price of the same from Google: (19 + (28 + 57) x 4) x 2000 nano."""
    recording = load("gemini/vertex-stream", "gemini_generate")
    async with shop_on(tmp_path, monkeypatch, lambda _: stream(recording.raw)) as (shop, upstream):
        response = await shop.client.post(
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            json={"contents": [{"parts": [{"text": "hi"}]}]},
            headers={"x-goog-api-key": shop.api_key},
        )
        assert response.content == recording.raw
        assert await outcome_and_charge(shop) == ("complete", 718_000)
        assert upstream.received[1].path == f"{GEMINI}:streamGenerateContent?alt=sse"
        assert upstream.received[1].document == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


async def test_googles_sdk_gets_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from Gemini's own API, which it takes the shop for; three tokens at the price of the model."""
    answer = {"embeddings": [{"values": [0.5, -0.5]}], "usageMetadata": {"promptTokenCount": 3}}
    async with shop_on(tmp_path, monkeypatch, lambda _: document(answer)) as (shop, upstream):
        with genai.Client(api_key=shop.api_key, http_options=types.HttpOptions(base_url=shop.url)) as client:
            made = await asyncio.to_thread(
                client.models.embed_content,
                model="gemini-2.5-pro",
                contents="Hi",
                config=types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=2),
            )
        assert made.embeddings is not None
        assert [each.values for each in made.embeddings] == [[0.5, -0.5]]
        [asked] = [one for one in upstream.received if one.path != "/token"]
        assert asked.path == f"{GEMINI}:batchEmbedContents"
        config = {"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 2}
        content = {"parts": [{"text": "Hi"}], "role": "user"}
        assert asked.document == {"requests": [{"content": content, "embedContentConfig": config}]}
        assert await outcome_and_charge(shop) == ("complete", 6_000)


async def test_one_content_is_embedded_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the action for one, its answer byte for byte."""
    answer = {"embedding": {"values": [1.0]}, "truncated": False, "usageMetadata": {"promptTokenCount": 2}}
    async with shop_on(tmp_path, monkeypatch, lambda _: document(answer)) as (shop, upstream):
        made = await shop.client.post(
            "/v1beta/models/gemini-2.5-pro:embedContent",
            json={"content": {"parts": [{"text": "Hi"}]}, "title": "T"},
            headers={"x-goog-api-key": shop.api_key},
        )
        assert made.json() == answer
        assert upstream.received[1].path == f"{GEMINI}:embedContent"
        assert upstream.received[1].document == {
            "content": {"parts": [{"text": "Hi"}]},
            "embedContentConfig": {"title": "T"},
        }
        assert await outcome_and_charge(shop) == ("complete", 4_000)


async def test_counts_are_asked_where_each_publisher_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude's by a model of that name, the true one in the body; the token is exchanged once per channel."""
    counts = {"rawPredict": {"input_tokens": 14}, "countTokens": {"totalTokens": 7}}
    async with shop_on(tmp_path, monkeypatch, lambda received: document(counts[received.path.rpartition(":")[2]])) as (
        shop,
        upstream,
    ):
        body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
        claudes = await shop.client.post("/v1/messages/count_tokens", json=body, headers={"x-api-key": shop.api_key})
        geminis = await shop.client.post(
            "/v1beta/models/gemini-2.5-pro:countTokens",
            json={"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            headers={"x-goog-api-key": shop.api_key},
        )
        assert (claudes.json(), geminis.json()) == ({"input_tokens": 14}, {"totalTokens": 7})
        asked = [one for one in upstream.received if one.path != "/token"]
        assert asked[0].path == f"{CLAUDE}/count-tokens:rawPredict"
        assert asked[0].document["model"] == "claude-3-7-sonnet@20250219"
        assert asked[1].path == f"{GEMINI}:countTokens"


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (document({"error": {"code": 429, "message": "canary", "status": "RESOURCE_EXHAUSTED"}}, 429), 429),
        (document({"error": {"code": 404, "message": "canary", "status": "NOT_FOUND"}}, 404), 503),
        (document({"error": {"code": 403, "message": "canary", "status": "PERMISSION_DENIED"}}, 403), 503),
        (document([{"error": {"code": 503, "message": "canary", "status": "UNAVAILABLE"}}], 503), 503),
    ],
)
async def test_a_refusal_of_googles_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[Step], status: int
) -> None:
    """In the customer's dialect, without Google's words, and free of charge."""
    async with shop_on(tmp_path, monkeypatch, lambda _: steps) as (shop, _):
        response = await shop.messages()
        assert response.status_code == status
        assert "canary" not in response.text
        assert response.json()["type"] == "error"


async def test_an_account_that_google_refuses_is_told_as_no_fault_of_the_customers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the account is in the answer."""
    async with Upstream(lambda _: document({"error": "invalid_grant"}, 400)).opened() as upstream:
        monkeypatch.setattr("tests.shops.UPSTREAM_KEY", account(upstream.url))
        async with serving(tmp_path, upstream.url, profile=SHOP) as shop:
            response = await shop.messages()
            assert response.status_code == 503
            assert "a-project" not in response.text


async def test_a_token_that_is_refused_is_exchanged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Withdrawn before its end: the next request asks for another."""
    said = {"error": {"code": 401, "message": "canary", "status": "UNAUTHENTICATED"}}
    counted = [document({"input_tokens": 14}), document({"input_tokens": 13}), document(said, 401)]
    async with shop_on(tmp_path, monkeypatch, lambda _: counted.pop()) as (shop, upstream):
        body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
        for _ in range(3):
            await shop.client.post("/v1/messages/count_tokens", json=body, headers={"x-api-key": shop.api_key})
        paths = [one.path.rpartition("/")[2] for one in upstream.received]
        assert paths == ["token", "count-tokens:rawPredict", "token", *["count-tokens:rawPredict"] * 2]

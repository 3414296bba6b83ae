from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from relay import BadRequestError, ChannelRequest, ChannelSection, Dialect
from relay.core.exchange import Operation
from relay.plugins.channels.azure_openai import AzureOpenAI, AzureOpenAIConfig
from tests.core.realtime.talks import CHARGE, RealtimeUpstream, address, connected, hear, realtime_shop
from tests.core.realtime.talks import PROFILE as TALKING
from tests.services import services
from tests.shops import PROFILE, UPSTREAM_KEY, reselling, serving
from tests.upstreams import document, stream
from tests.wire.recordings import load


def channel(base_url: str | None = "https://res.openai.azure.com", **settings: str) -> AzureOpenAI:
    section = ChannelSection(name="one", use="channels.azure_openai", base_url=base_url, models=("m",), groups=("g",))
    return AzureOpenAI(AzureOpenAIConfig(**settings), services(), section)


def request(
    dialect: Dialect = "openai_chat", operation: Operation = "chat", headers: dict[str, str] | None = None
) -> ChannelRequest:
    fields = {"model": msgspec.Raw(b'"gpt 4o"')}
    return ChannelRequest(
        model="gpt 4o", dialect=dialect, operation=operation, fields=fields, headers=headers or {}, stream=False
    )


@pytest.mark.parametrize(
    ("dialect", "operation", "path"),
    [
        ("openai_chat", "chat", "chat/completions"),
        ("openai_completions", "completion", "completions"),
        ("embeddings", "embeddings", "embeddings"),
        ("images", "image_generation", "images/generations"),
        ("images", "image_edit", "images/edits"),
        ("audio", "speech", "audio/speech"),
        ("audio", "transcription", "audio/transcriptions"),
        ("audio", "translation", "audio/translations"),
    ],
)
def test_the_deployment_and_the_version_stand_in_the_address(dialect: Dialect, operation: Operation, path: str) -> None:
    """Whatever name the deployment has."""
    built = channel().build(request(dialect, operation), "k")
    base = "https://res.openai.azure.com/openai/deployments/gpt%204o"
    assert built.url == f"{base}/{path}?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("operation", "path"), [("chat", "responses"), ("compact", "responses/compact"), ("kept_answer", "responses")]
)
def test_responses_have_neither_deployment_nor_version_in_the_address(operation: Operation, path: str) -> None:
    """The deployment stands in the body, as the model."""
    built = channel().build(request("openai_responses", operation), "k")
    assert built.url == f"https://res.openai.azure.com/openai/v1/{path}"
    assert built.headers == {"content-type": "application/json", "api-key": "k"}


def test_a_kept_answer_is_asked_for_by_its_id_and_without_a_body() -> None:
    """With the method and the parameters that go with it."""
    asked = request("openai_responses", "kept_answer")
    asked.method, asked.subpath, asked.query = "DELETE", "/resp_1", "a=b"
    built = channel().build(asked, "k")
    address = "https://res.openai.azure.com/openai/v1/responses/resp_1?a=b"
    assert (built.method, built.url, built.body) == ("DELETE", address, b"")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://res.openai.azure.com/",
        "https://res.openai.azure.com/openai",
        "https://res.openai.azure.com/openai/v1/",
    ],
)
def test_base_url_may_be_written_several_ways(base_url: str) -> None:
    """As the portal shows it, or with the path that follows; another version is a setting."""
    url = channel(base_url, api_version="2025-01-01-preview").build(request(), "k").url
    assert url.startswith("https://res.openai.azure.com/openai/deployments/gpt%204o/chat/completions?")
    assert url.endswith("api-version=2025-01-01-preview")


def test_the_key_has_a_header_of_its_own() -> None:
    """Never the customer's."""
    built = channel().build(request(headers={"api-key": "customer"}), "k")
    assert built.headers == {"content-type": "application/json", "api-key": "k"}


def test_a_header_that_cannot_travel_is_refused() -> None:
    """Nothing is sent."""
    with pytest.raises(BadRequestError):
        channel().build(request(headers={"x": "a\nb"}), "k")


def test_a_missing_base_url_is_named() -> None:
    """There is no address that would do for all."""
    with pytest.raises(ValueError, match="base_url: expected the address of an Azure resource"):
        channel(None)


async def test_a_recorded_answer_of_azures_is_sold(tmp_path: Path) -> None:
    """With its filter results, which pass; the upstream is asked for the deployment, with its key."""
    answer = {
        "id": "c",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "prompt_filter_results": [{"prompt_index": 0}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    profile = PROFILE.replace("use: channels.openai\n", "use: channels.azure_openai\n").replace(
        "models: [gpt-4o-mini]", "models: [{{name: gpt-4o-mini, upstream: my-deployment}}]"
    )
    profile = profile.replace(
        "models: [gpt-4o-mini, text", "models: [{{name: gpt-4o-mini, upstream: my-deployment}}, text"
    )
    async with reselling(tmp_path, lambda _: document(answer), profile=profile) as (upstream, shop):
        response = await shop.chat()
        [received] = upstream.received
        assert response.json() == answer
        assert received.path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
        assert received.headers["api-key"] == UPSTREAM_KEY
        assert "authorization" not in received.headers


async def test_a_stream_of_responses_is_sold_as_it_came(tmp_path: Path) -> None:
    """Asked for with the deployment in its body, at the price of the model that the customer named."""
    recording = load("openai-responses/stream", "openai_responses")
    profile = PROFILE.replace("use: channels.openai\n", "use: channels.azure_openai\n").replace(
        "models: [gpt-4o-mini, text", "models: [{{name: gpt-4o-mini, upstream: my-deployment}}, text"
    )
    async with reselling(tmp_path, lambda _: stream(recording.raw), profile=profile) as (upstream, shop):
        body = {"model": "gpt-4o-mini", "input": "hi", "stream": True}
        response = await shop.client.post("/v1/responses", json=body, headers=shop.headers)
        [row] = await shop.log()
    [received] = upstream.received
    assert (received.path, received.headers["api-key"]) == ("/openai/v1/responses", UPSTREAM_KEY)
    assert received.document == {**body, "model": "my-deployment"}
    assert response.content == recording.raw
    assert (row["dialect"], row["model"], row["outcome"]) == ("openai_responses", "gpt-4o-mini", "complete")
    assert (row["input_tokens"], row["output_tokens"], row["charge_nano"]) == (11, 5, 62_000)


async def test_tokens_that_azure_does_not_count_are_estimated(tmp_path: Path) -> None:
    """Nothing is asked, and it costs nothing."""
    profile = PROFILE.replace("use: channels.openai\n", "use: channels.azure_openai\n")
    async with reselling(tmp_path, lambda _: document({}, 404), profile=profile) as (upstream, shop):
        body = {"model": "gpt-4o-mini", "input": "Say it, please, once more"}
        response = await shop.client.post("/v1/responses/input_tokens", json=body, headers=shop.headers)
        rows = shop.rows("select * from request_log")
    assert response.json() == {"object": "response.input_tokens", "input_tokens": 12}
    assert (upstream.received, rows) == ([], [])


@pytest.mark.parametrize(
    ("deployment", "limit"),
    [
        ("quick", "max_completion_tokens"),
        ("gpt-prod", "max_completion_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("gpt-4o", "max_tokens"),
        ("DeepSeek-V3.2", "max_tokens"),
    ],
)
async def test_what_a_translation_asks_follows_from_the_model_behind_the_deployment(
    tmp_path: Path, deployment: str, limit: str
) -> None:
    """A name of OpenAI's tells which it is; where the deployment has none, the customer's word counts."""
    profile = PROFILE.replace("use: channels.openai\n", "use: channels.azure_openai\n    dialects: [openai_chat]\n")
    profile = profile.replace(
        "models: [gpt-4o-mini, text-embedding-3-small]", f"models: [{{{{name: gpt-5.1, upstream: {deployment}}}}}]"
    ).replace('  gpt-4o-mini: {{model_ratio: "1"', '  gpt-5.1: {{model_ratio: "1"')
    profile = profile.replace("models: [gpt-4o-mini]", "models: [gpt-5.1]")
    answer = {
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    async with reselling(tmp_path, lambda _: document(answer), profile=profile) as (upstream, shop):
        response = await shop.messages(model="gpt-5.1", max_tokens=90)
    [received] = upstream.received
    assert (response.status_code, response.json()["content"]) == (200, [{"type": "text", "text": "Hi"}])
    assert received.document == {"model": deployment, "messages": [{"role": "user", "content": "hi"}], limit: 90}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/openai/v1/realtime?model=my+talk%26er"),
        (
            {"realtime_api_version": "2025-04-01-preview"},
            "/openai/realtime?api-version=2025-04-01-preview&deployment=my+talk%26er",
        ),
    ],
)
async def test_a_session_is_opened_with_the_deployment(tmp_path: Path, settings: dict[str, str], path: str) -> None:
    """In the present form or the preview's: a real handshake with Azure's key, and the response at its exact price."""
    told = "".join(f", settings: {{{{{name}: {value}}}}}" for name, value in settings.items())
    profile = TALKING.partition("channels:")[0] + (
        "channels: [{{name: azure, use: channels.azure_openai, base_url: {url}, keys: ['file:upstream.key'], "
        f"models: [{{{{name: gpt-realtime, upstream: my talk&er}}}}], groups: [plain, dear]{told}}}}}]\n"
    )
    async with realtime_shop(tmp_path, profile=profile) as (upstream, shop):
        async with connected(shop, uri=address(shop, path="/v1/realtime")) as client:
            await client.send('{"type":"session.update","session":{"type":"realtime","model":"gpt-realtime"}}')
            await client.send('{"type":"response.create"}')
            await hear(client)
        rows = await shop.log(count=2)
    [visit] = upstream.visits
    assert visit.request.path == path
    assert visit.request.headers["api-key"] == UPSTREAM_KEY
    assert "authorization" not in visit.request.headers
    assert [event["type"] for event in visit.events] == ["session.update", "response.create"]
    assert visit.events[0]["session"]["model"] == "my talk&er"
    assert [(row["outcome"], row["charge_nano"]) for row in rows] == [("complete", CHARGE), ("customer_gone", 0)]


async def test_azures_refusal_of_a_session_is_no_word_of_its_own(tmp_path: Path) -> None:
    """The shop's key is the shop's to mend: the customer sees an HTTP error without a word of it, and pays nothing."""
    refusal = b'{"error":{"code":"401","message":"Access denied due to invalid subscription key of res-7."}}'
    profile = TALKING.replace("use: channels.openai\n", "use: channels.azure_openai\n").replace(
        "    dialects: [realtime, openai_chat]\n", ""
    )
    async with (
        RealtimeUpstream(refusal=(401, refusal)).opened() as upstream,
        serving(tmp_path, upstream.url, profile=profile) as shop,
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connected(shop)
        assert shop.rows("select * from transfer where id like 'post:%'") == []
    assert caught.value.response.status_code == 503
    assert b"res-7" not in (caught.value.response.body or b"")

"""Programs named on the shops' pages: what each asks reaches the upstream, and the answer reaches it, byte for byte."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.shops import UPSTREAM_KEY, Running, serving
from tests.upstreams import Received, Step, Upstream, document, stream

from .clients import CLIENTS, Ask, Client, Look

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}, {{use: billing.per_call}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  gpt-4o-mini: {{model_ratio: "1", completion_ratio: "4"}}
  claude-sonnet-4-5: {{model_ratio: "1", completion_ratio: "4"}}
  gemini-2.5-pro: {{model_ratio: "1", completion_ratio: "4"}}
  dall-e-3: {{unit_price: "0.04"}}
channels:
  - name: gpt
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gpt-4o-mini, dall-e-3]
    groups: [plain]
  - name: claude
    use: channels.anthropic
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [claude-sonnet-4-5]
    groups: [plain]
  - name: gemini
    use: channels.gemini
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gemini-2.5-pro]
    groups: [plain]
"""
CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"pong"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}'
)
CHUNK = '"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini"'
CHUNKS = (
    f'data: {{{CHUNK},"choices":[{{"index":0,"delta":{{"role":"assistant","content":"pong"}}}}]}}\n\n'
    f'data: {{{CHUNK},"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}\n\n'
)
CHUNK_OF_USAGE = f'data: {{{CHUNK},"choices":[],"usage":{{"prompt_tokens":5,"completion_tokens":2}}}}\n\n'
DONE = "data: [DONE]\n\n"
MESSAGE = (
    b'{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text",'
    b'"text":"pong"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":2}}'
)
EVENTS = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    '"model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n'
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
    '"text":""}}\n\n'
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    '"text":"pong"}}\n\n'
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    '"usage":{"output_tokens":2}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
CONTENT = (
    '{"candidates":[{"content":{"role":"model","parts":[{"text":"pong"}]},"finishReason":"STOP","index":0}],'
    '"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7}}'
)
SOLD = {"gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "dall-e-3"}
PICTURE = b'{"created":1,"data":[{"url":"https://pictures.example/1"}]}'
SAFELISTED = {"accept", "user-agent"}
"""Headers of the sources for which a browser does not ask: the Fetch standard, "CORS-safelisted request-header"."""


def every(*kinds: str) -> list[Any]:
    """Return each client's requests of these kinds, with its origin."""
    return [
        pytest.param(client.origin, one, id=f"{name}-{kind}-{number}")
        for name, client in CLIENTS.items()
        for kind in kinds
        for number, one in enumerate(getattr(client, kind))
    ]


def of_browsers() -> list[Any]:
    """Return the requests of clients that run in a browser."""
    return [one for one in every("asks", "models", "balance") if one.values[0]]


def script(request: Received) -> list[Step]:
    """Say pong in the dialect of the path."""
    if ":streamGenerateContent" in request.path:
        return stream(f"data: {CONTENT}\r\n\r\n")
    if ":generateContent" in request.path:
        return document(CONTENT.encode())
    if request.path == "/v1/images/generations":
        return document(PICTURE)
    is_stream = request.document.get("stream", False)
    if request.path.startswith("/v1/messages"):
        return stream(EVENTS) if is_stream else document(MESSAGE)
    return stream(CHUNKS + CHUNK_OF_USAGE + DONE) if is_stream else document(CHAT)


def expected(ask: Ask) -> tuple[dict[str, Any], bytes]:
    """Return the document that the upstream must get, and the bytes that the client must."""
    body = {**ask.body, "model": ask.deployment} if ask.deployment else ask.body
    if ":streamGenerateContent" in ask.path:
        return body, f"data: {CONTENT}\r\n\r\n".encode()
    if ":generateContent" in ask.path:
        return body, CONTENT.encode()
    if "/images/" in ask.path:
        return body, PICTURE
    if "/messages" in ask.path:
        return body, EVENTS.encode() if body["stream"] else MESSAGE
    if not body.get("stream"):
        return body, CHAT
    usage = CHUNK_OF_USAGE if "stream_options" in body else ""
    return {**body, "stream_options": {"include_usage": True}}, (CHUNKS + usage + DONE).encode()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(script).opened() as opened:
        yield opened


@pytest.fixture
async def shop(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Running]:
    async with serving(tmp_path, upstream.url, profile=PROFILE) as running:
        yield running


def with_key(shop: Running, headers: Mapping[str, str], origin: str) -> dict[str, str]:
    """Return *headers* as the client of *origin* sends them, with alice's key."""
    keyed = {name: value.replace("KEY", shop.api_key) for name, value in headers.items()}
    return {**keyed, "origin": origin} if origin else keyed


async def look(shop: Running, origin: str, one: Look) -> Any:
    """Return the document that a client is shown, once its browser may read it."""
    response = await shop.client.get(shop.url + one.path, headers=with_key(shop, one.headers, origin))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers.get("access-control-allow-origin") == ("*" if origin else None)
    return response.json()


@pytest.mark.parametrize(("origin", "ask"), every("asks"))
async def test_a_client_is_answered_as_its_vendor_answers(
    shop: Running, upstream: Upstream, origin: str, ask: Ask
) -> None:
    """Its fields reach the upstream with the shop's key; the answer comes back unchanged and is paid once."""
    response = await shop.client.post(
        shop.url + ask.path.replace("KEY", shop.api_key),
        content=json.dumps(ask.body),
        headers=with_key(shop, ask.headers, origin),
    )
    body, answer = expected(ask)
    assert (response.status_code, response.content) == (200, answer)
    [received] = upstream.received
    assert received.document == body
    assert received.headers.get("anthropic-beta") == ask.headers.get("anthropic-beta")
    assert shop.api_key not in received.path + str(received.headers)
    assert UPSTREAM_KEY in str(received.headers)
    assert response.headers.get("access-control-allow-origin") == ("*" if origin else None)
    [row] = await shop.log()
    # A picture is 0.04 credits; else 5 tokens of input at 2000 nano-credits, 2 of output at 8000.
    is_picture = answer == PICTURE
    assert (row["outcome"], row["charge_nano"]) == ("complete", 40_000_000 if is_picture else 26_000)


@pytest.mark.parametrize(("origin", "models"), every("models"))
async def test_a_client_lists_the_models_of_its_key(shop: Running, origin: str, models: Look) -> None:
    """At the path that it makes of its base URL, with the ids where OpenAI's and Anthropic's clients read them."""
    shown = await look(shop, origin, models)
    assert {model["id"] for model in shown["data"]} == SOLD


@pytest.mark.parametrize(("origin", "page"), every("balance"))
async def test_a_client_shows_the_balance_of_its_key(shop: Running, origin: str, page: Look) -> None:
    """Where it looks for it, as the numbers that it calculates with: 10 credits, of which 0.000026 are spent."""
    await shop.client.post("/v1/chat/completions", json=CLIENTS["nextchat"].asks[1].body, headers=shop.headers)
    await shop.log()
    shown = await look(shop, origin, page)
    assert shown.get("hard_limit_usd", 10) == 10
    assert shown.get("total_usage", 0.0026) == 0.0026
    assert "hard_limit_usd" in shown or "total_usage" in shown


async def test_sillytavern_lists_geminis_models_by_the_key_in_the_query(shop: Running) -> None:
    """It takes those that say they can generate content (src/endpoints/backends/chat-completions.js, /status)."""
    response = await shop.client.get(f"/v1beta/models?key={shop.api_key}")
    able = [each for each in response.json()["models"] if "generateContent" in each["supportedGenerationMethods"]]
    assert {each["name"] for each in able} == {f"models/{model}" for model in SOLD - {"dall-e-3"}}


@pytest.mark.parametrize(("origin", "one"), of_browsers())
async def test_a_browser_may_send_what_its_client_sends(shop: Running, origin: str, one: Ask | Look) -> None:
    """The question before the question is answered without a key, and allows every header asked for."""
    names = ",".join(sorted(set(one.headers) - SAFELISTED))
    method = "POST" if isinstance(one, Ask) else "GET"
    asked = {"access-control-request-method": method, "access-control-request-headers": names}
    response = await shop.client.options(shop.url + one.path, headers={"origin": origin, **asked})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == names
    assert method in response.headers["access-control-allow-methods"].split(", ")


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.origin])
async def test_a_browser_can_read_why_its_client_is_refused(shop: Running, name: str) -> None:
    """A wrong key is told as such, not as a failed fetch."""
    client: Client = CLIENTS[name]
    ask = client.asks[0]
    headers = {key: value.replace("KEY", "sk-wrong") for key, value in ask.headers.items()}
    response = await shop.client.post(ask.path, json=ask.body, headers={**headers, "origin": client.origin})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (401, "*")
    assert response.json()["error"]["code"] == "invalid_api_key"

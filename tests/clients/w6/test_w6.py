"""Programs named on the shops' pages: what each asks reaches the upstream, and the answer reaches it, byte for byte."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.shops import UPSTREAM_KEY, Running, serving
from tests.upstreams import Received, Step, Upstream, document, stream

from .clients import CLIENTS, WEB, Ask, Client

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
ASKS = [
    pytest.param(client, ask, id=f"{name}-{number}")
    for name, client in CLIENTS.items()
    for number, ask in enumerate(client.asks)
]
BROWSERS = [
    pytest.param(client.origin, ask, id=f"{name}-{number}")
    for name, client in CLIENTS.items()
    if client.origin
    for number, ask in enumerate(client.asks)
]
LISTS = [
    pytest.param(path, headers, id=f"{name}-{number}")
    for name, client in CLIENTS.items()
    for number, (path, headers) in enumerate(client.lists)
]
SOLD = {"gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "dall-e-3"}
PICTURE = b'{"created":1,"data":[{"url":"https://pictures.example/1"}]}'


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
    if ":streamGenerateContent" in ask.path:
        return ask.body, f"data: {CONTENT}\r\n\r\n".encode()
    if ":generateContent" in ask.path:
        return ask.body, CONTENT.encode()
    if "/messages" in ask.path:
        return ask.body, EVENTS.encode() if ask.body["stream"] else MESSAGE
    if not ask.body["stream"]:
        return ask.body, CHAT
    usage = CHUNK_OF_USAGE if "stream_options" in ask.body else ""
    return {**ask.body, "stream_options": {"include_usage": True}}, (CHUNKS + usage + DONE).encode()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(script).opened() as opened:
        yield opened


@pytest.fixture
async def shop(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Running]:
    async with serving(tmp_path, upstream.url, profile=PROFILE) as running:
        yield running


def with_key(shop: Running, headers: dict[str, str], origin: str) -> dict[str, str]:
    """Return *headers* as the client of *origin* sends them, with alice's key."""
    keyed = {name: value.replace("KEY", shop.api_key) for name, value in headers.items()}
    return {**keyed, "origin": origin} if origin else keyed


@pytest.mark.parametrize(("client", "ask"), ASKS)
async def test_a_client_is_answered_as_its_vendor_answers(
    shop: Running, upstream: Upstream, client: Client, ask: Ask
) -> None:
    """Its fields reach the upstream with the shop's key; the answer comes back unchanged and is paid once."""
    response = await shop.client.post(
        shop.url + ask.path.replace("KEY", shop.api_key),
        json=ask.body,
        headers=with_key(shop, ask.headers, client.origin),
    )
    body, answer = expected(ask)
    assert (response.status_code, response.content) == (200, answer)
    [received] = upstream.received
    assert received.document == body
    assert received.headers.get("anthropic-beta") == ask.headers.get("anthropic-beta")
    assert shop.api_key not in received.path + str(received.headers)
    assert UPSTREAM_KEY in str(received.headers)
    assert response.headers.get("access-control-allow-origin") == ("*" if client.origin else None)
    [row] = await shop.log()
    # 5 tokens of input at 2000 nano-credits, 2 of output at 8000.
    assert (row["outcome"], row["output_tokens"], row["charge_nano"]) == ("complete", 2, 26_000)


@pytest.mark.parametrize(("path", "headers"), LISTS)
async def test_a_client_lists_the_models_of_its_key(shop: Running, path: str, headers: dict[str, str]) -> None:
    """At the path that it makes of its base URL, with the ids where OpenAI's and Anthropic's clients read them."""
    response = await shop.client.get(shop.url + path, headers=with_key(shop, headers, WEB))
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, "*")
    assert {model["id"] for model in response.json()["data"]} == SOLD


async def test_sillytavern_lists_geminis_models_by_the_key_in_the_query(shop: Running) -> None:
    """It takes those that say they can generate content (src/endpoints/backends/chat-completions.js, /status)."""
    response = await shop.client.get(f"/v1beta/models?key={shop.api_key}")
    able = [each for each in response.json()["models"] if "generateContent" in each["supportedGenerationMethods"]]
    assert {each["name"] for each in able} == {f"models/{model}" for model in SOLD - {"dall-e-3"}}


@pytest.mark.parametrize(("origin", "ask"), BROWSERS)
async def test_a_browser_may_send_what_its_client_sends(shop: Running, origin: str, ask: Ask) -> None:
    """The question before the question is answered without a key, and allows every header asked for."""
    names = ",".join(sorted(ask.headers))
    asked = {"access-control-request-method": "POST", "access-control-request-headers": names}
    response = await shop.client.options(shop.url + ask.path, headers={"origin": origin, **asked})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == names
    assert response.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE, OPTIONS"


async def test_chatgpt_web_midjourney_proxy_draws_with_dall_e(shop: Running, upstream: Upstream) -> None:
    """JSON to /v1/images/generations, from a browser (src/api/openapi.ts); a picture is 0.04 credits."""
    asked = {"prompt": "Cat", "n": 1, "size": "1024x1024", "model": "dall-e-3"}
    headers = with_key(shop, CLIENTS["chatgpt-web-midjourney-proxy"].asks[0].headers, WEB)
    response = await shop.client.post("/v1/images/generations", json=asked, headers=headers)
    assert (response.content, response.headers["access-control-allow-origin"]) == (PICTURE, "*")
    assert [received.document for received in upstream.received] == [asked]
    [row] = await shop.log()
    assert (row["outcome"], row["charge_nano"]) == ("complete", 40_000_000)

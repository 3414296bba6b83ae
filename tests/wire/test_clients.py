"""Requests that published SDKs and programs send, captured byte for byte: the shop takes each as it is."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from relay.core.exchange import Dialect
from tests.core.wire import FOLDER
from tests.wire.recordings import FORWARDED, Recording, load
from tests.wire.replay import Counter, counter, play, sent_upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY_HEADERS = ("authorization", "x-api-key")
CLIENTS: dict[str, tuple[Dialect, str]] = {
    "openai-python-chat": ("openai_chat", "openai-chat/plain"),
    "openai-python-chat-stream-tools": ("openai_chat", "openai-chat/stream-no-usage"),
    "openai-node-chat-stream": ("openai_chat", "openai-chat/stream-no-usage"),
    "openai-python-responses-stream": ("openai_responses", "openai-responses/stream"),
    "openai-node-responses-stream": ("openai_responses", "openai-responses/stream"),
    "codex-responses-stream": ("openai_responses", "openai-responses/codex-backend-stream"),
    "codex-tool-result-stream": ("openai_responses", "openai-responses/codex-backend-stream"),
    "openai-python-embeddings": ("embeddings", "openai-other/embeddings-base64"),
    "anthropic-python-messages": ("anthropic_messages", "anthropic/plain"),
    "anthropic-python-messages-stream": ("anthropic_messages", "anthropic/stream"),
    "anthropic-python-messages-auth-token": ("anthropic_messages", "anthropic/plain"),
    "anthropic-python-beta-messages": ("anthropic_messages", "anthropic/plain"),
    "anthropic-python-old-messages": ("anthropic_messages", "anthropic/plain"),
    "anthropic-python-old-messages-stream": ("anthropic_messages", "anthropic/stream"),
    "anthropic-python-old-messages-auth-token": ("anthropic_messages", "anthropic/plain"),
    "anthropic-python-old-beta-messages": ("anthropic_messages", "anthropic/plain"),
    "anthropic-node-messages-stream": ("anthropic_messages", "anthropic/stream"),
    "claude-code-messages-stream": ("anthropic_messages", "anthropic/thinking-stream"),
    "claude-code-tool-result-stream": ("anthropic_messages", "anthropic/tools-stream"),
}
"""Each client, with the recording that answers it."""


def load_client(name: str, till: Counter | None = None) -> Recording:
    """Return the client's request with the shop's key in its place, and the answer it gets."""
    dialect, answer = CLIENTS[name]
    request = captured(name)
    headers = with_key(request["headers"], till) if till is not None else {}
    query = request["path"].partition("?")[2]
    return replace(load(answer, dialect), name=name, query=query, headers=headers, body=request["body"])


def captured(name: str) -> dict[str, Any]:
    """Return the captured request."""
    path = FOLDER / "clients" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no recordings at {FOLDER}; set RELAY_WIRE to their folder")
    request: dict[str, Any] = json.loads(path.read_text())["request"]
    return request


def with_key(headers: dict[str, str], till: Counter) -> dict[str, str]:
    """Return *headers* with the shop's key wherever the client put its own."""
    key = till.shop.api_key
    mine = {"authorization": f"Bearer {key}", "x-api-key": key}
    return {**headers, **{name: mine[name] for name in KEY_HEADERS if name in headers}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    async with counter(tmp_path_factory.mktemp("clients"), map(load_client, CLIENTS), frozenset()) as opened:
        yield opened


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_clients_request_is_taken_as_it_is(till: Counter, name: str, seed: int) -> None:
    """Its fields and version headers reach the upstream unchanged, the answer reaches it unchanged."""
    client = load_client(name, till)
    response = await till.ask(client, play(client, seed))
    [received] = till.upstream.received
    assert (response.status_code, response.content) == (200, client.raw)
    assert received.body == sent_upstream(client)
    assert [received.headers.get(each) for each in FORWARDED if each in client.headers] == [
        client.headers[each] for each in FORWARDED if each in client.headers
    ]
    assert till.shop.api_key not in str(received.headers)
    assert till.row(response)["outcome"] == "complete"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("openai-python-models", {"object", "data"}),
        ("anthropic-python-models", {"data", "has_more", "first_id", "last_id"}),
        ("anthropic-python-old-models", {"data", "has_more", "first_id", "last_id"}),
        ("claude-code-models", {"data", "has_more", "first_id", "last_id"}),
    ],
)
async def test_the_list_of_models_has_the_clients_form(till: Counter, name: str, form: set[str]) -> None:
    """One path, two forms: the headers tell who asks."""
    request = captured(name)
    response = await till.shop.client.get(request["path"], headers=with_key(request["headers"], till))
    assert (response.status_code, set(response.json())) == (200, form)


async def test_claude_codes_probe_needs_no_key(till: Counter) -> None:
    """It asks HEAD / at its start, and gives up on some errors."""
    request = captured("claude-code-probe")
    response = await till.shop.client.request(request["method"], request["path"], headers=request["headers"])
    assert response.status_code == 200

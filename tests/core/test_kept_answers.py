"""Answers that an upstream keeps, shown to the account that got them and to nobody else; by real SDKs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from google import genai
from google.genai import types

from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey, RevokeKey
from relay.core.profile.structs import Keys
from tests.shops import HEAD, Running, reselling
from tests.upstreams import Received, Step, Upstream, document, stream

PROFILE = (
    HEAD
    + """groups:
  plain: {{ratio: "1"}}
prices:
  gpt-x: {{model_ratio: "1"}}
  gpt-y: {{model_ratio: "1"}}
  gemini-x: {{model_ratio: "1"}}
  claude-x: {{model_ratio: "1"}}
channels:
  - {{name: other, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [gpt-y],
      dialects: [openai_responses], groups: [plain]}}
  - {{name: openai, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [gpt-x],
      dialects: [openai_responses], groups: [plain]}}
  - {{name: google, use: channels.gemini, base_url: "{url}", keys: ["file:upstream.key"], models: [gemini-x],
      groups: [plain]}}
  - {{name: claude, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [claude-x],
      groups: [plain]}}
"""
)
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-x",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
        }
    ],
    "usage": USAGE,
}
INTERACTION = {
    "id": "v1_a",
    "object": "interaction",
    "model": "gemini-x",
    "status": "completed",
    "steps": [{"type": "model_output", "content": [{"type": "text", "text": "Hello"}]}],
    "usage": {"total_input_tokens": 5, "total_output_tokens": 2, "total_tokens": 7},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
}
ITEMS = {
    "object": "list",
    "data": [{"id": "msg_0", "type": "message", "role": "user", "content": []}],
    "has_more": False,
}
NOT_FOUND = {"error": {"message": "Response with id 'resp_1' not found.", "type": "invalid_request_error"}}


def events(*names: str) -> str:
    documents: list[dict[str, Any]] = [
        {"type": name, "sequence_number": place, "response": RESPONSE} for place, name in enumerate(names)
    ]
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in documents)


WHOLE = events("response.created", "response.in_progress", "response.completed")


def honest(request: Received) -> list[Step]:
    """Answer as OpenAI, Google and Anthropic do."""
    if request.path == "/v1/messages":
        return document(MESSAGE)
    if request.path.startswith("/v1beta"):
        return document({} if request.method == "DELETE" else INTERACTION)
    if request.path.startswith("/v1/responses/resp_1/input_items"):
        return document(ITEMS)
    if request.method == "DELETE":
        return document({"id": "resp_1", "object": "response", "deleted": True})
    if "stream=true" in request.path:
        return stream(WHOLE, seed=3)
    return document(RESPONSE)


@asynccontextmanager
async def kept(tmp_path: Path) -> AsyncIterator[tuple[Running, Upstream]]:
    """Open a shop in which alice has got one answer of each kind."""
    async with reselling(tmp_path, honest, profile=PROFILE) as (upstream, shop):
        first = await shop.client.post("/v1/responses", json={"model": "gpt-x", "input": "hi"}, headers=shop.headers)
        assert first.status_code == 200
        body = {"model": "gemini-x", "input": "hi"}
        second = await shop.client.post("/v1beta/interactions", json=body, headers=shop.headers)
        assert second.status_code == 200
        await shop.log(count=2)
        upstream.received.clear()
        yield shop, upstream


@pytest.fixture
async def shop_and_upstream(tmp_path: Path) -> AsyncIterator[tuple[Running, Upstream]]:
    async with kept(tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(shop_and_upstream: tuple[Running, Upstream]) -> Running:
    return shop_and_upstream[0]


@pytest.fixture
def upstream(shop_and_upstream: tuple[Running, Upstream]) -> Upstream:
    return shop_and_upstream[1]


@pytest.fixture
async def client(shop: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as opened:
        yield opened


@pytest.fixture
async def google(shop: Running) -> AsyncIterator[genai.Client]:
    async with httpx.AsyncClient() as transport:
        options = types.HttpOptions(base_url=shop.url, httpx_async_client=transport)
        yield genai.Client(api_key=shop.api_key, http_options=options)


async def another_key(shop: Running, account: str, **fields: Any) -> dict[str, str]:
    """Return the headers of a new key of *account*, which is opened if it is not alice's."""
    if account != "alice":
        await shop.shop.ledger.create_account(CreateAccount(account_id=f"acc_{account}", name=account, actor="test"))
    api_key = new_api_key("sk-")
    digest = api_key_digest(api_key, Keys())
    await shop.shop.ledger.create_key(
        CreateKey(
            key_id="key_2",
            account=account,
            name="",
            digest=digest,
            last4=api_key[-4:],
            group="plain",
            actor="test",
            **fields,
        )
    )
    return {"authorization": f"Bearer {api_key}"}


def asked(upstream: Upstream) -> list[tuple[str, str, bytes]]:
    """Return method, path and body of what came in."""
    return [(each.method, each.path, each.body) for each in upstream.received]


async def test_a_response_is_shown_by_its_own_channel(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Byte for byte, with the parameters that the API knows, and without a body."""
    response = await client.responses.retrieve("resp_1", include=["reasoning.encrypted_content"])
    assert (response.id, response.output_text) == ("resp_1", "Hello")
    assert asked(upstream) == [("GET", "/v1/responses/resp_1?include%5B%5D=reasoning.encrypted_content", b"")]
    assert upstream.received[0].headers["authorization"] == "Bearer sk-upstream-canary-0123456789"


async def test_what_the_shop_pays_is_not_shown(shop: Running, upstream: Upstream) -> None:
    """Neither of a document nor in its stream; all else is as it came."""
    priced = json.dumps({**RESPONSE, "usage": {**USAGE, "cost": 0.5, "is_byok": False}})

    def answer(request: Received) -> list[Step]:
        if "stream=true" in request.path:
            return stream(WHOLE.replace(json.dumps(RESPONSE), priced))
        return document(json.loads(priced))

    upstream.script = answer
    whole = await shop.client.get("/v1/responses/resp_1", headers=shop.headers)
    streamed = await shop.client.get("/v1/responses/resp_1?stream=true", headers=shop.headers)
    assert (whole.json(), streamed.text) == (RESPONSE, WHOLE)


async def test_the_input_of_a_response_is_listed(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Page by page, as the customer asks."""
    page = await client.responses.input_items.list("resp_1", limit=2, order="asc", after="msg_9")
    assert [item.id for item in page.data] == ["msg_0"]
    assert asked(upstream) == [("GET", "/v1/responses/resp_1/input_items?after=msg_9&limit=2&order=asc", b"")]


async def test_a_response_is_cancelled_by_its_own_channel(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Whether that makes sense the upstream says."""
    assert (await client.responses.cancel("resp_1")).id == "resp_1"
    assert asked(upstream) == [("POST", "/v1/responses/resp_1/cancel", b"")]


async def test_a_deleted_response_is_forgotten(shop: Running, client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Afterwards it is as if it had never been."""
    await client.responses.delete("resp_1")
    assert asked(upstream) == [("DELETE", "/v1/responses/resp_1", b"")]
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve("resp_1")
    assert [row["channel"] for row in shop.rows("select channel from kept_answer")] == ["google"]


async def test_a_response_is_shown_as_its_stream(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """From the event on that the customer names."""
    shown = await client.responses.retrieve("resp_1", stream=True, starting_after=7)
    assert [event.type async for event in shown] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert asked(upstream) == [("GET", "/v1/responses/resp_1?starting_after=7&stream=true", b"")]


async def test_an_interaction_is_shown_as_its_stream(shop: Running, upstream: Upstream) -> None:
    """Byte for byte."""
    told = (
        'event: interaction.created\ndata: {"event_type":"interaction.created","interaction":{"id":"v1_a"}}\n\n'
        'event: interaction.completed\ndata: {"event_type":"interaction.completed","interaction":'
        '{"id":"v1_a","status":"completed"}}\n\nevent: done\ndata: [DONE]\n\n'
    )
    upstream.script = lambda _: stream(told, seed=5)
    path = "/v1/interactions/v1_a?stream=true&last_event_id=e1&alt=sse"
    shown = await shop.client.get(path, headers={"x-goog-api-key": shop.api_key})
    assert (shown.headers["content-type"], shown.text) == ("text/event-stream; charset=utf-8", told)
    assert asked(upstream) == [("GET", "/v1beta/interactions/v1_a?stream=true&last_event_id=e1", b"")]


async def test_a_shown_stream_that_breaks_off_does_not_end_in_order(
    client: openai.AsyncOpenAI, upstream: Upstream
) -> None:
    """The SDK raises."""
    upstream.script = lambda _: stream(events("response.created", "response.in_progress"))
    shown = await client.responses.retrieve("resp_1", stream=True)
    with pytest.raises(openai.APIError):
        [event async for event in shown]


async def test_a_shown_stream_without_events_ends_in_order(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Who has seen the last event has seen all."""
    upstream.script = lambda _: stream("")
    shown = await client.responses.retrieve("resp_1", stream=True, starting_after=99)
    assert [event async for event in shown] == []


async def test_interactions_are_shown_cancelled_and_deleted(
    shop: Running, google: genai.Client, upstream: Upstream
) -> None:
    """By Google's SDK."""
    shown = await google.aio.interactions.get("v1_a")
    assert shown.id == "v1_a"
    await google.aio.interactions.cancel("v1_a")
    await google.aio.interactions.delete("v1_a")
    assert [(method, path.partition("?")[0]) for method, path, _ in asked(upstream)] == [
        ("GET", "/v1beta/interactions/v1_a"),
        ("POST", "/v1beta/interactions/v1_a/cancel"),
        ("DELETE", "/v1beta/interactions/v1_a"),
    ]
    assert [row["channel"] for row in shop.rows("select channel from kept_answer")] == ["openai"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1beta/interactions/v1_a"),
        ("DELETE", "/v1beta/interactions/v1_a"),
        ("POST", "/v1beta/interactions/v1_a/cancel"),
    ],
)
async def test_another_accounts_answer_is_as_unknown_as_one_never_made(
    shop: Running, upstream: Upstream, method: str, path: str
) -> None:
    """The same words for both, and nothing is asked upstream."""
    headers = await another_key(shop, "bob")
    others = await shop.client.request(method, path, headers=headers)
    never_made = await shop.client.request(
        method, path.replace("resp_1", "resp_2").replace("v1_a", "v1_b"), headers=headers
    )
    assert (others.status_code, never_made.status_code) == (404, 404)
    assert without_id(others) == without_id(never_made)
    assert upstream.received == []
    assert len(shop.rows("select * from kept_answer")) == 2


def without_id(answer: httpx.Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")


async def test_a_key_that_may_not_use_the_model_sees_nothing_of_it(shop: Running, upstream: Upstream) -> None:
    """A reseller's keys are many people's."""
    headers = await another_key(shop, "alice", models=("gemini-x",))
    refused = await shop.client.get("/v1/responses/resp_1", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "answer_not_found")
    assert upstream.received == []


async def test_a_revoked_key_is_refused_at_once(shop: Running, upstream: Upstream) -> None:
    """Nothing remembered of it counts."""
    await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
    refused = await shop.client.get("/v1/responses/resp_1", headers=shop.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "api_key_revoked")
    assert upstream.received == []


async def test_showing_costs_nothing_and_leaves_no_row(shop: Running, client: openai.AsyncOpenAI) -> None:
    """Neither in the log nor in the books."""
    before = shop.rows("select (select count(*) from request_log), (select count(*) from reservation)")
    await client.responses.retrieve("resp_1")
    assert before == shop.rows("select (select count(*) from request_log), (select count(*) from reservation)")


async def test_an_answer_that_the_upstream_lost_is_not_found(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """OpenAI keeps them for thirty days."""
    upstream.script = lambda _: document(NOT_FOUND, status=404)
    with pytest.raises(openai.NotFoundError) as lost:
        await client.responses.retrieve("resp_1")
    assert lost.value.code == "answer_not_found"


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [(401, 503, "upstream_error"), (500, 502, "upstream_error"), (429, 429, "upstream_error"), (400, 400, None)],
)
async def test_an_upstreams_refusal_is_told_as_ever(
    client: openai.AsyncOpenAI, upstream: Upstream, status: int, told: int, code: str | None
) -> None:
    """Its words about the request pass, those about our key do not."""
    words = "Cannot cancel a synchronous response."
    upstream.script = lambda _: document({"error": {"message": words, "type": "invalid_request_error"}}, status=status)
    with pytest.raises(openai.APIStatusError) as refused:
        await client.responses.cancel("resp_1")
    assert refused.value.status_code == told
    assert (words in refused.value.message) == (status == 400)


async def test_a_refusal_lets_go_of_its_connection(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """Otherwise each would leave one open."""
    upstream.script = lambda _: document(NOT_FOUND, status=404)
    for _ in range(3):
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve("resp_1")
    assert (len(upstream.received), upstream.connection_count) == (3, 1)


async def test_an_upstream_that_breaks_off_is_told(client: openai.AsyncOpenAI, upstream: Upstream) -> None:
    """As a gateway's error."""
    upstream.script = lambda _: [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
        "reset",
    ]
    with pytest.raises(openai.InternalServerError) as broken:
        await client.responses.retrieve("resp_1")
    assert broken.value.status_code == 502


async def test_a_failure_within_a_stream_is_told_by_its_kind(shop: Running, upstream: Upstream) -> None:
    """Once, and in words of ours; nothing looks like an end behind it."""
    failed = {"type": "error", "sequence_number": 1, "code": "rate_limit_exceeded", "message": "org-7 has too many"}
    begun = events("response.created")
    upstream.script = lambda _: stream(f"{begun}event: error\ndata: {json.dumps(failed)}\n\n")
    answer = await shop.client.get("/v1/responses/resp_1?stream=true", headers=shop.headers)
    assert answer.text.startswith(f"{begun}event: error\n")
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [each["type"] for each in told] == ["response.created", "error", "response.failed"]
    assert (told[1]["code"], told[2]["response"]["error"]["code"]) == ("upstream_throttled", "upstream_throttled")
    assert "org-7" not in answer.text


async def test_an_answer_that_was_translated_is_kept_nowhere(shop: Running, client: openai.AsyncOpenAI) -> None:
    """Its id is the relay's own; the answer says so."""
    translated = await client.responses.create(model="claude-x", input="hi")
    assert translated.output_text == "Hello"
    with pytest.raises(openai.NotFoundError) as refused:
        await client.responses.retrieve(translated.id)
    assert "is not stored" in refused.value.message


async def test_an_answer_that_was_streamed_to_its_end_is_shown(
    client: openai.AsyncOpenAI, shop: Running, upstream: Upstream
) -> None:
    """As one that came whole."""
    await client.responses.delete("resp_1")
    upstream.script = lambda request: stream(WHOLE) if request.method == "POST" else honest(request)
    async for _ in await client.responses.create(model="gpt-x", input="hi", stream=True):
        pass
    await shop.log(count=3)
    assert (await client.responses.retrieve("resp_1")).output_text == "Hello"


async def test_an_answer_told_not_to_be_stored_is_not_shown(shop: Running, client: openai.AsyncOpenAI) -> None:
    """``store: false``."""
    await client.responses.delete("resp_1")
    await client.responses.create(model="gpt-x", input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve("resp_1")


async def test_the_rest_of_an_answer_whose_customer_left_is_not_to_be_had(
    shop: Running, client: openai.AsyncOpenAI, upstream: Upstream
) -> None:
    """What was not paid for is not fetched later for nothing."""
    await client.responses.delete("resp_1")
    delta = {"type": "response.output_text.delta", "sequence_number": 2, "delta": "Hel", "item_id": "m"}
    begun = f"{events('response.created')}event: response.output_text.delta\ndata: {json.dumps(delta)}\n\n"
    upstream.script = lambda _: stream(begun, ending="open")
    left = await client.responses.create(model="gpt-x", input="hi", stream=True)
    async for event in left:
        if event.type == "response.output_text.delta":
            break
    await left.close()
    rows = await shop.log(count=3)
    assert rows[-1]["outcome"] == "customer_gone"
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve("resp_1")


async def test_the_wrong_method_is_told_the_right_ones(shop: Running) -> None:
    """PUT is none of them."""
    refused = await shop.client.put("/v1/responses/resp_1", headers=shop.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "GET, DELETE" in refused.json()["error"]["message"]


async def test_a_customer_who_leaves_while_an_answer_is_fetched_is_not_answered(
    shop: Running, upstream: Upstream
) -> None:
    """The upstream is let go, and the shop goes on."""
    upstream.script = lambda _: [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
        20.0,
    ]
    with pytest.raises(httpx.ReadTimeout):
        await shop.client.get("/v1/responses/resp_1", headers=shop.headers, timeout=0.3)
    await upstream.received[0].gone.wait()
    assert (await shop.client.get("/")).status_code == 200

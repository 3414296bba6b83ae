"""An answer in the background ends with its stream, however that ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay import ChannelRequest, UpstreamRequest
from relay.plugins.channels.openai import OpenAI
from tests.core.test_kept_answers import PROFILE, RESPONSE
from tests.shops import Running, reselling
from tests.upstreams import TURNS, Received, Step, Upstream, document, stream


def event(kind: str, **members: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n"


BEGUN = event("response.queued", response={**RESPONSE, "status": "queued", "usage": None}) + event(
    "response.output_text.delta", delta="Hel", item_id="m"
)
WHOLE = BEGUN + event("response.completed", response=RESPONSE)
FAILED = BEGUN + event("response.failed", response={**RESPONSE, "status": "failed", "error": {"code": "server_error"}})
LEFT = event("interaction.created", interaction={"id": "v1_a", "model": "gemini-x"}).replace(
    '"type"', '"event_type"'
) + event("step.delta", index=0, delta={"type": "text", "text": "Hel"}).replace(
    '{"type": "step', '{"event_type": "step'
)


@asynccontextmanager
async def opened(folder: Path, said: str, ending: str) -> AsyncIterator[tuple[Running, Upstream]]:
    """Serve a shop whose upstream streams what is *said*, and takes every cancellation."""

    def script(request: Received) -> list[Step]:
        return document({}) if request.path.endswith("/cancel") else stream(said, ending=ending)

    async with reselling(folder, script, profile=PROFILE) as (upstream, shop):
        yield shop, upstream


async def ask(shop: Running, path: str, **fields: Any) -> None:
    """Ask for a stream, and leave after the first text."""
    body = {"input": "hi", "stream": True, **fields}
    async with shop.client.stream("POST", path, json=body, headers=shop.headers) as answer:
        async for line in answer.aiter_lines():
            if "Hel" in line:
                break


@pytest.mark.parametrize(
    ("path", "model", "said", "place"),
    [
        ("/v1/responses", "gpt-x", BEGUN, "/v1/responses/resp_1/cancel"),
        ("/v1beta/interactions", "gemini-x", LEFT, "/v1beta/interactions/v1_a/cancel"),
    ],
)
async def test_an_answer_in_the_background_is_cancelled_when_its_customer_leaves(
    tmp_path: Path, path: str, model: str, said: str, place: str
) -> None:
    """It would go on unseen and unpaid; what was handed over is paid for."""
    async with opened(tmp_path, said, "open") as (shop, upstream):
        await ask(shop, path, model=model, background=True)
        [row] = await shop.log()
        assert [(each.method, each.path) for each in upstream.received[1:]] == [("POST", place)]
        assert row["outcome"] == "customer_gone"
        assert row["charge_nano"] > 0


async def test_an_answer_in_the_background_is_cancelled_when_its_customer_leaves_before_its_head(
    tmp_path: Path,
) -> None:
    """It is followed until its id is known, and its input is paid for."""

    def script(request: Received) -> Iterator[Step]:
        if request.path.endswith("/cancel"):
            yield from document({})
        else:
            customer.cancel()
            yield from TURNS
            yield from stream(BEGUN, ending="open")

    async with reselling(tmp_path, script, profile=PROFILE) as (upstream, shop):
        body = {"model": "gpt-x", "input": "hi", "stream": True, "background": True}
        customer = asyncio.create_task(shop.client.post("/v1/responses", json=body, headers=shop.headers))
        await asyncio.wait([customer])
        [row] = await shop.log()
        assert [each.path for each in upstream.received[1:]] == ["/v1/responses/resp_1/cancel"]
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", 0)
        assert row["input_tokens"] > 0
        assert row["charge_nano"] > 0


async def test_an_answer_whose_id_was_never_told_is_settled_all_the_same(tmp_path: Path) -> None:
    """Nobody could cancel it: the customer had left before the head, and the upstream broke off behind it."""

    def script(request: Received) -> Iterator[Step]:
        customer.cancel()
        yield from TURNS
        yield from stream(b"", ending="reset")

    async with reselling(tmp_path, script, profile=PROFILE) as (upstream, shop):
        body = {"model": "gpt-x", "input": "hi", "stream": True, "background": True}
        customer = asyncio.create_task(shop.client.post("/v1/responses", json=body, headers=shop.headers))
        await asyncio.wait([customer])
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", 0)
        assert [each.path for each in upstream.received] == ["/v1/responses"]


async def test_an_answer_in_the_background_is_cancelled_when_its_stream_breaks_off(tmp_path: Path) -> None:
    """The customer gets the error, and nothing of it is kept for them."""
    async with opened(tmp_path, BEGUN, "reset") as (shop, upstream):
        body = {"model": "gpt-x", "input": "hi", "stream": True, "background": True}
        answer = await shop.client.post("/v1/responses", json=body, headers=shop.headers)
        assert answer.text.count("event: error") == 1
        await shop.log()
        assert [each.path for each in upstream.received[1:]] == ["/v1/responses/resp_1/cancel"]
        assert shop.rows("select * from kept_answer") == []


@pytest.mark.parametrize(
    ("said", "ending", "background"),
    [(WHOLE, "whole", True), (FAILED, "whole", True), (WHOLE, "whole", False), (BEGUN, "open", False)],
)
async def test_nothing_else_is_cancelled(tmp_path: Path, said: str, ending: str, background: bool) -> None:
    """What has ended or failed needs it not, and what is no background answer ends with its connection."""
    async with opened(tmp_path, said, ending) as (shop, upstream):
        await ask(shop, "/v1/responses", model="gpt-x", background=background)
        await shop.log()
        assert [each.path for each in upstream.received] == ["/v1/responses"]


async def test_the_field_means_nothing_where_no_answer_can_be_cancelled(tmp_path: Path) -> None:
    """Whoever writes it into a chat is no harder to get rid of: the upstream is let go at once."""
    begun = 'data: {"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'
    async with reselling(tmp_path, lambda _: stream(begun, ending="open")) as (upstream, shop):
        body = shop.chat_body(stream=True, background=True)
        async with shop.client.stream("POST", "/v1/chat/completions", json=body, headers=shop.headers) as answer:
            assert await anext(answer.aiter_text()) == begun
        async with asyncio.timeout(10):
            await upstream.received[0].gone.wait()
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", 1)
        assert len(upstream.received) == 1


async def test_a_cancellation_that_fails_is_no_failure_of_the_exchange(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the customer's part is settled all the same."""
    async with opened(tmp_path, BEGUN, "open") as (shop, upstream):
        honest = upstream.script
        upstream.script = lambda request: ["reset"] if request.path.endswith("/cancel") else honest(request)
        await ask(shop, "/v1/responses", model="gpt-x", background=True)
        [row] = await shop.log()
        assert row["outcome"] == "customer_gone"
    [event] = [vars(record) for record in caplog.records if record.msg == "cancel.failed"]
    assert event["fields"]["request_id"] == row["request_id"]


@pytest.mark.parametrize("error", [msgspec.DecodeError("a prompt"), KeyError("a prompt")], ids=repr)
async def test_a_channel_with_a_bug_at_the_cancellation_costs_nobody_the_charge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """The customer left in the middle, and pays for what was delivered."""
    async with opened(tmp_path, BEGUN, "open") as (shop, _):
        build = OpenAI.build

        def build_no_cancellation(channel: OpenAI, request: ChannelRequest, api_key: str) -> UpstreamRequest:
            if request.operation == "kept_answer":
                raise error
            return build(channel, request, api_key)

        monkeypatch.setattr(OpenAI, "build", build_no_cancellation)
        await ask(shop, "/v1/responses", model="gpt-x", background=True)
        [row] = await shop.log()
    assert row["outcome"] == "customer_gone"
    assert row["charge_nano"] > 0
    [event] = [record for record in caplog.records if record.name == "relay"]
    assert (event.message, vars(event)["fields"]["plugin"]) == ("cancel.failed", "channels.openai")

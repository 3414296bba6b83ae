"""Realtime through OpenAI's own SDK: a session as its guide has it, its usage, its exact charge, one failure."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.core.realtime.talks import (
    CHARGE,
    MODEL,
    SECOND_OF_SOUND,
    realtime_shop,
)
from tests.shops import Running

MESSAGE: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello!"}]}


def client_of(shop: Running, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{shop.url}/v1", **{"api_key": shop.api_key, **options})


async def hear_all(connection: Any, heard: list[Any]) -> None:
    """Hear until the connection ends; what was heard before an error stays in *heard*."""
    while True:
        heard.append(await connection.recv())


async def test_a_talk_is_heard_and_charged(tmp_path: Path) -> None:
    """Settings, an item, sound, a response: every event is read by the SDK's own types."""
    async with (
        realtime_shop(tmp_path) as (upstream, shop),
        client_of(shop) as client,
    ):
        heard: list[Any] = []
        async with client.realtime.connect(model=MODEL) as connection:
            await connection.session.update(session={"type": "realtime", "model": MODEL, "output_modalities": ["text"]})
            await connection.conversation.item.create(item=MESSAGE)
            await connection.input_audio_buffer.append(audio=SECOND_OF_SOUND)
            await connection.response.create()
            async for event in connection:
                heard.append(event)
                if event.type == "response.done":
                    break
        rows = await shop.log(count=2)
    assert [event.type for event in heard] == [
        "session.created",
        "response.created",
        "response.output_text.delta",
        "response.output_audio.delta",
        "response.done",
    ]
    usage = heard[-1].response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.output_token_details.audio_tokens) == (132, 121, 91)
    assert [(row["outcome"], row["charge_nano"]) for row in rows] == [("complete", CHARGE), ("customer_gone", 0)]
    update = upstream.visits[0].events[0]
    assert update["session"]["model"] == "gpt-realtime-2025-08-28"
    assert upstream.visits[0].events[1]["item"] == MESSAGE


@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")  # the SDK's own
async def test_the_blocking_client_talks_as_well(tmp_path: Path) -> None:
    """In a thread of its own."""

    def talk(shop: Running) -> list[str]:
        with (
            openai.OpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key) as client,
            client.realtime.connect(model=MODEL, extra_headers={"OpenAI-Beta": "realtime=v1"}) as connection,
        ):
            connection.response.create()
            return [connection.recv().type for _ in range(5)]

    async with realtime_shop(tmp_path) as (upstream, shop):
        heard = await asyncio.to_thread(talk, shop)
    assert (heard[0], heard[-1]) == ("session.created", "response.done")
    assert upstream.visits[0].request.headers["openai-beta"] == "realtime=v1"


async def test_an_unknown_key_is_refused_with_its_status(tmp_path: Path) -> None:
    """Before the upgrade, so that the client sees a 401."""
    async with (
        realtime_shop(tmp_path) as (_, shop),
        client_of(shop, api_key="sk-unknown") as client,
    ):
        with pytest.raises(InvalidStatus) as caught:
            await client.realtime.connect(model=MODEL).enter()
    assert caught.value.response.status_code == 401


async def test_money_that_ends_is_an_error_event_and_an_error_of_the_connection(tmp_path: Path) -> None:
    """The SDK raises, as the close is no success."""
    async with (
        realtime_shop(tmp_path, credit="0.092") as (_, shop),
        client_of(shop) as client,
        client.realtime.connect(model=MODEL) as connection,
    ):
        await connection.response.create()
        heard: list[Any] = []
        with pytest.raises(ConnectionClosedError) as caught:
            await hear_all(connection, heard)
    assert (heard[-1].type, heard[-1].error.code) == ("error", "insufficient_user_quota")
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008


async def test_the_class_for_azure_opens_a_session(tmp_path: Path) -> None:
    """Its deployment is the model, its key the header of Azure's."""
    async with (
        realtime_shop(tmp_path) as (upstream, shop),
        openai.AsyncAzureOpenAI(
            azure_endpoint=shop.url, api_key=shop.api_key, api_version="2024-10-01-preview"
        ) as client,
    ):
        host = shop.url.replace("http://", "ws://")
        client.websocket_base_url = f"{host}/openai"
        async with client.realtime.connect(model=MODEL) as connection:
            assert (await connection.recv()).type == "session.created"
        [visit] = upstream.visits
        assert visit.request.path == "/v1/realtime?model=gpt-realtime-2025-08-28"

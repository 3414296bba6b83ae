"""Transcriptions of what a customer said: exchanges of their own, at the transcribing model's price."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from relay.core.ledger.verify import verify
from tests.chats import LOTS, balances
from tests.shops import serving

from .talks import PROFILE, SESSION, RealtimeUpstream, Visit, connected, event, hear

TOKENS = {"type": "tokens", "input_tokens": 25, "output_tokens": 4, "input_token_details": {"audio_tokens": 20}}
"""5 x 2500 text + 20 x 6000 heard + 4 x 10000 written = 172 500 nano-credits of gpt-4o-transcribe."""
DURATION = {"type": "duration", "seconds": 2}
"""20 x 6000."""
UPDATE: Any = {
    "type": "session.update",
    "session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}},
}


def transcribing(usage: object) -> Any:
    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            async for frame in connection:
                visit.said.append(frame)
                session = json.loads(frame).get("session")
                if session:
                    await connection.send(event("session.updated", session=session))
                kind = "conversation.item.input_audio_transcription.completed"
                await connection.send(event(kind, item_id="item_1", content_index=0, transcript="Hi", usage=usage))

    return talk


@pytest.mark.parametrize(("usage", "charge"), [(TOKENS, 172_500), (DURATION, 120_000), (None, 0)])
async def test_a_transcription_costs_what_its_model_does(tmp_path: Path, usage: object, charge: int) -> None:
    """Posted before its words are read; the upstream knows the model by its own name."""
    async with (
        RealtimeUpstream(transcribing(usage)).opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
    ):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "conversation.item.input_audio_transcription.completed")
            [row] = shop.rows("select * from request_log")
        await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - charge, 0)
        assert verify(shop.data) == []
    assert (row["model"], row["operation"], row["outcome"]) == ("gpt-4o-transcribe", "transcription", "complete")
    assert row["charge_nano"] == charge
    [asked] = upstream.visits[0].events
    assert asked["session"]["audio"]["input"]["transcription"]["model"] == "gpt-4o-transcribe-1"


async def test_a_transcription_by_a_model_nobody_asked_for_costs_what_the_session_does(tmp_path: Path) -> None:
    """5 x 4000 text + 20 x 32000 heard + 4 x 16000."""
    async with (
        RealtimeUpstream(transcribing(TOKENS)).opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
    ):
        async with connected(shop) as client:
            await client.send('{"type":"response.create"}')
            await hear(client, "conversation.item.input_audio_transcription.completed")
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["model"], row["charge_nano"]) == ("gpt-realtime", 724_000)


async def test_a_model_that_is_not_sold_is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    """The upstream never hears of it."""
    settings = json.dumps(UPDATE).replace("gpt-4o-transcribe", "whisper-1")
    async with (
        RealtimeUpstream().opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
        connected(shop) as client,
    ):
        await client.send(settings)
        [_, refusal] = await hear(client, "error")
        await client.send('{"type":"response.create"}')
        await hear(client)
    assert refusal["error"]["code"] == "not_offered"
    assert refusal["error"]["param"] == "session.audio.input.transcription.model"
    assert [said["type"] for said in upstream.visits[0].events] == ["response.create"]

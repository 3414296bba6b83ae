"""A session whose relay dies or is stopped: what was acknowledged is booked, once, and nothing else."""

import asyncio
import json
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from relay.core.ledger.database import take_turn
from relay.core.ledger.verify import verify
from tests.chats import LOTS, balances
from tests.core.realtime.talks import (
    CHARGE,
    PROFILE,
    SECOND_OF_SOUND,
    SESSION,
    RealtimeUpstream,
    Visit,
    created,
    done,
    event,
    hear,
    sound,
)
from tests.faults.process import Process, running

CREATE = '{"type":"response.create"}'
TRANSCRIBED = {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
SECONDS_CHARGE = 20 * 64_000
"""A second of sound that was spoken."""


def read(process: Process, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{process.data / 'relay.db'}?mode=ro", uri=True)) as connection:
        return list(connection.execute(query))


def left(process: Process) -> tuple[int, int]:
    names = ("credit_nano", "debit_nano", "pending_nano")
    return balances([dict(zip(names, row, strict=True)) for row in read(process, LOTS)])  # type: ignore[arg-type] # numbers


async def start_again(process: Process) -> None:
    """Start it, and wait until it answers: by then what the dead one left open is closed."""
    await process.start()
    async with httpx.AsyncClient(base_url=process.url) as client:
        assert (await client.get("/livez")).status_code == 200


async def noted(process: Process, count: int) -> None:
    """Wait until the note that so many answers were delivered is on disk."""
    found: list[tuple[object, ...]] = []
    async with asyncio.timeout(5):
        while found != [(count,)]:
            found = read(process, "select count(*) from reservation where delivered_at is not null")
            await asyncio.sleep(0.01)


async def marked(process: Process, output_tokens: int) -> None:
    """Wait until so many tokens, of one answer, are marked."""
    found: list[int] = []
    async with asyncio.timeout(5):
        while found != [output_tokens]:
            marks = read(process, "select mark from reservation where mark is not null")
            found = [json.loads(str(mark))["usage"].get("output_tokens", 0) for (mark,) in marks]
            await asyncio.sleep(0.01)


def session(process: Process) -> connect:
    address = f"{process.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
    return connect(address, additional_headers=process.headers, proxy=None)


async def one_whole_then_seconds(connection: ServerConnection, visit: Visit) -> None:
    """Answer the first request in full, and the second with sound that does not end."""
    await connection.send(json.dumps(SESSION))
    await connection.recv()
    for said in (created(), sound(), done()):
        await connection.send(said)
    await connection.recv()
    await connection.send(created())
    with suppress(ConnectionClosed):
        while True:
            await connection.send(sound())
            await asyncio.sleep(0.2)


async def test_kill_in_the_middle_of_a_response_loses_no_response_before_it(tmp_path: Path) -> None:
    """The whole one is posted, of the other what was marked, and its hold is gone after the next start."""
    async with (
        RealtimeUpstream(one_whole_then_seconds).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
    ):
        async with session(relay) as client:
            await client.send(CREATE)
            await hear(client)
            await client.send(CREATE)
            seconds = 0
            async with asyncio.timeout(10):
                while seconds < 10:
                    seconds += json.loads(await client.recv())["type"] == "response.output_audio.delta"
            relay.signal(signal.SIGKILL)
            await relay.ended(within_s=5)
        await start_again(relay)
        [(whole, _), (cut, outcome)] = read(
            relay, "select charge_nano, outcome from request_log order by at, request_id"
        )
        assert whole == CHARGE
        assert outcome == "truncated"
        assert isinstance(cut, int)
        # A mark is a second old at most; what the response before read counts as cached.
        assert SECONDS_CHARGE <= cut - 253 * 400 <= 11 * SECONDS_CHARGE
        assert left(relay) == (10_000_000_000 - CHARGE - cut, 0)
        assert verify(relay.data) == []


async def test_kill_while_sound_is_written_down_gives_its_hold_back(tmp_path: Path) -> None:
    """Nothing of the transcript was told: nothing is charged, and nothing stays held."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        async for frame in connection:
            visit.said.append(frame)
            await connection.send(event("input_audio_buffer.committed", item_id="item_1"))

    async with (
        RealtimeUpstream(talk).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
    ):
        async with session(relay) as client:
            await client.send(json.dumps({"type": "session.update", "session": TRANSCRIBED}))
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
            for _ in range(2):
                await hear(client, "input_audio_buffer.committed")
            assert left(relay) == (10_000_000_000, 86_016_000 + 14_700_000)
            relay.signal(signal.SIGKILL)
            await relay.ended(within_s=5)
        await start_again(relay)
        assert left(relay) == (10_000_000_000, 0)
        assert verify(relay.data) == []


@pytest.mark.parametrize(("is_failed", "charge"), [(False, 10 * 6000 + 4 * 10_000), (True, 0)])
async def test_kill_in_the_middle_of_a_transcript_charges_what_was_told(
    tmp_path: Path, is_failed: bool, charge: int
) -> None:
    """The sound and the likely tokens of the words, as they were marked; nothing of one that failed meanwhile."""
    kind = "conversation.item.input_audio_transcription"

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.recv()
        await connection.send(event("input_audio_buffer.committed", item_id="item_1"))
        await connection.send(event(f"{kind}.delta", item_id="item_1", content_index=0, delta="Hello world"))
        if is_failed:
            await connection.recv()  # asked for by the test, once the words are marked
            await connection.send(event(f"{kind}.failed", item_id="item_1", content_index=0, error={}))
        await connection.wait_closed()

    async with (
        RealtimeUpstream(talk).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
    ):
        async with session(relay) as client:
            await client.send(json.dumps({"type": "session.update", "session": TRANSCRIBED}))
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
            await hear(client, f"{kind}.delta")
            await marked(relay, 4)
            if is_failed:
                await client.send('{"type":"input_audio_buffer.clear"}')
                await marked(relay, 0)
            relay.signal(signal.SIGKILL)
            await relay.ended(within_s=5)
        await start_again(relay)
        assert left(relay) == (10_000_000_000 - charge, 0)
        assert verify(relay.data) == []


async def test_kill_gives_back_the_hold_of_a_model_that_has_told_nothing(tmp_path: Path) -> None:
    """Beside another, whose words are paid: 10 x 2000 heard and 4 x 8000 written."""
    mini = json.loads(json.dumps(TRANSCRIBED).replace("gpt-4o-transcribe", "gpt-4o-mini"))
    kind = "conversation.item.input_audio_transcription.delta"

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        for index, settings in enumerate((TRANSCRIBED, mini)):
            await connection.recv()
            await connection.send(event("session.updated", session=settings))
            await connection.recv()
            await connection.send(event("input_audio_buffer.committed", item_id=f"item_{index}"))
        await connection.send(event(kind, item_id="item_1", content_index=0, delta="Hello world"))
        await connection.wait_closed()

    async with (
        RealtimeUpstream(talk).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
    ):
        async with session(relay) as client:
            for settings in (TRANSCRIBED, mini):
                await client.send(json.dumps({"type": "session.update", "session": settings}))
                await hear(client, "session.updated")
                await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
                await hear(client, "input_audio_buffer.committed")
            await marked(relay, 4)
            relay.signal(signal.SIGKILL)
            await relay.ended(within_s=5)
        await start_again(relay)
        rows = read(relay, "select model, charge_nano, outcome from request_log order by model")
        assert verify(relay.data) == []
    assert rows == [
        ("gpt-4o-mini", 52_000, "truncated"),
        ("gpt-4o-transcribe", 0, "upstream_error"),
        ("gpt-realtime", 0, "upstream_error"),
    ]


async def test_a_session_that_is_told_to_end_while_it_settles_settles_all(tmp_path: Path) -> None:
    """Its customer has left, and the books are another's for a moment: both of its holds are given back, and nothing is printed."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(event("session.updated", session=TRANSCRIBED))
        await connection.recv()
        await connection.send(event("input_audio_buffer.committed", item_id="item_1"))
        await connection.wait_closed()
        is_closed.set()

    is_closed = asyncio.Event()
    async with (
        RealtimeUpstream(talk).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
    ):
        async with session(relay) as client:
            await client.send(json.dumps({"type": "session.update", "session": TRANSCRIBED}))
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
            await hear(client, "input_audio_buffer.committed")
            with take_turn(relay.data):
                await client.close()
                await is_closed.wait()
                for _ in range(2):
                    relay.signal(signal.SIGTERM)
                    await relay.closed()
                    await asyncio.sleep(0.3)
        assert await relay.ended(within_s=10) == -signal.SIGTERM
        assert read(relay, "select state from reservation") == [("voided",)] * 2
        assert relay.output.read_text().count("\n") == 1  # the line that says that it serves
    assert verify(relay.data) == []


KILLED = [
    ("after_reserve:1", 0),
    ("after_send:1", 0),
    ("before_post:1", 0),
    ("after_post:1", 0),
    ("after_reserve:2", 0),
    ("before_end:1", 0),
    ("before_post:2", CHARGE),
]


@pytest.mark.parametrize(("failpoint", "charge"), KILLED)
async def test_kill_anywhere_charges_what_was_told_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failpoint: str, charge: int
) -> None:
    """A response whose end the customer never saw is given back; one that was told stays paid."""
    async with RealtimeUpstream().opened() as upstream:
        monkeypatch.setenv("RELAY_FAILPOINT", failpoint)
        async with running(tmp_path, upstream.url, profile=PROFILE) as relay:
            with suppress(Exception):  # however its death shows to a client
                async with session(relay) as client:
                    for count in (1, 2):
                        await client.send(CREATE)
                        await hear(client)
                        await noted(relay, count)
            assert await relay.ended(within_s=5) == -signal.SIGKILL
            monkeypatch.delenv("RELAY_FAILPOINT")
            await start_again(relay)
            assert left(relay) == (10_000_000_000 - charge, 0)
            assert verify(relay.data) == []


async def test_a_relay_that_is_stopped_says_so(tmp_path: Path) -> None:
    """In an error event, then by close code 1012; what was delivered is priced as an answer that the shop cut off."""
    async with (
        RealtimeUpstream(one_whole_then_seconds).opened() as upstream,
        running(tmp_path, upstream.url, profile=PROFILE) as relay,
        session(relay) as client,
    ):
        await client.send(CREATE)
        await hear(client)
        await client.send(CREATE)
        await hear(client, "response.output_audio.delta")
        relay.signal(signal.SIGTERM)
        frames: list[str | bytes] = []
        with suppress(ConnectionClosed):
            async with asyncio.timeout(10):
                while True:
                    frames.append(await client.recv())
        assert json.loads(frames[-1])["error"]["code"] == "shutting_down"
        assert client.close_code == 1012
        assert await relay.ended(within_s=10) == -signal.SIGTERM
        rows = read(relay, "select charge_nano > 0, outcome from request_log order by at, request_id")
        assert rows == [(1, "complete"), (1, "truncated")]
        assert left(relay)[1] == 0

"""SIGTERM with open streams: they finish; told again, they end in an error event and are booked."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core.ledger.database import take_turn
from relay.core.ledger.verify import verify
from tests.chats import CHAT as DOCUMENT
from tests.faults.answers import Wire
from tests.faults.process import Process, running
from tests.shops import PROFILE
from tests.upstreams import Received, Step, Upstream, document

CHAT = Wire(is_anthropic=False, is_stream=True)
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "stream": True}
STREAM_COUNT = 5


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{data / 'relay.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def listen(process: Process, is_begun: asyncio.Semaphore) -> str:
    """Read one stream to its end, and say when its second word has come."""
    text = ""
    async with (
        httpx.AsyncClient(base_url=process.url, timeout=20) as client,
        client.stream("POST", "/v1/chat/completions", json=BODY, headers=process.headers) as response,
    ):
        async for piece in response.aiter_text():
            is_new = "there" not in text
            text += piece
            if is_new and "there" in text:
                is_begun.release()
    return text


async def listen_all(process: Process, *signals: signal.Signals) -> list[str]:
    """Open streams, send *signals* once all have begun, and return what each customer got."""
    is_begun = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listen(process, is_begun)) for _ in range(STREAM_COUNT)]
        for _ in range(STREAM_COUNT):
            await is_begun.acquire()
        for number in signals:
            process.signal(number)
            await process.closed()
    return [task.result() for task in tasks]


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        ([signal.SIGTERM], -signal.SIGTERM),
        ([signal.SIGINT], 0),
        ([signal.SIGHUP], 0),
        ([signal.SIGHUP, signal.SIGHUP], 0),
        ([signal.SIGTERM, signal.SIGHUP], -signal.SIGTERM),
    ],
    ids=["term", "int", "hup", "closed-terminal", "systemd"],
)
async def test_open_streams_finish_after_the_first_signal(
    tmp_path: Path, signals: list[signal.Signals], expected: int
) -> None:
    """Nobody new is let in, all running answers come whole and are booked, and the process ends well.

    SIGHUP is no second one: it comes twice where a terminal is closed, and systemd can send it behind SIGTERM.
    """
    rest = (CHAT.stop() + CHAT.end).encode()
    slow: list[Step] = CHAT.begun(0.5, b"%x\r\n" % len(rest) + rest + b"\r\n0\r\n\r\n")
    async with Upstream(lambda _: slow).opened() as upstream, running(tmp_path, upstream.url) as process:
        texts = await listen_all(process, *signals)
        code = await process.ended(5)
    assert texts == [CHAT.begin + CHAT.output + CHAT.stop(None) + CHAT.end] * STREAM_COUNT
    assert code == expected
    assert (
        rows(process.data, "select outcome, charge_nano from request_log") == [("complete", 6_000_000)] * STREAM_COUNT
    )
    assert (rows(process.data, "select * from reservation where state = 'open'"), verify(process.data)) == ([], [])


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)],
)
async def test_open_streams_end_in_an_error_event_after_the_second(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    """Within two seconds: each customer is told, what they got is booked, nothing stays held."""
    async with Upstream(lambda _: CHAT.begun(30.0)).opened() as upstream, running(tmp_path, upstream.url) as process:
        texts = await listen_all(process, first, second)
        await process.ended(2)
    assert [text.count('"code":"shutting_down"') for text in texts] == [1] * STREAM_COUNT
    assert ["[DONE]" in text for text in texts] == [False] * STREAM_COUNT
    # 16 tokens of input by the request's bytes, 4 of output.
    assert (
        rows(process.data, "select outcome, usage_source, charge_nano from request_log")
        == [("truncated", "estimated", 60_000)] * STREAM_COUNT
    )
    assert (rows(process.data, "select * from reservation where state = 'open'"), verify(process.data)) == ([], [])


async def test_further_signals_interrupt_no_settlement(tmp_path: Path) -> None:
    """Whoever has been told to end is not told again: the customers hear why, once what they got is booked."""
    async with Upstream(lambda _: CHAT.begun(30.0)).opened() as upstream, running(tmp_path, upstream.url) as process:
        is_begun = asyncio.Semaphore(0)
        listening = [asyncio.create_task(listen(process, is_begun)) for _ in range(STREAM_COUNT)]
        for _ in range(STREAM_COUNT):
            await is_begun.acquire()
        with take_turn(process.data):
            for _ in range(4):
                process.signal(signal.SIGTERM)
                await process.closed()
                await asyncio.sleep(0.2)
        texts = await asyncio.gather(*listening)
        await process.ended(10)
    assert [text.count('"code":"shutting_down"') for text in texts] == [1] * STREAM_COUNT
    assert (
        rows(process.data, "select outcome, usage_source, charge_nano from request_log")
        == [("truncated", "estimated", 60_000)] * STREAM_COUNT
    )
    assert (rows(process.data, "select * from reservation where state = 'open'"), verify(process.data)) == ([], [])


[WHOLE] = [step for step in document(DOCUMENT) if isinstance(step, bytes)]


@pytest.mark.parametrize(
    ("steps", "is_stream", "charge"),
    [(CHAT.begun(30.0), True, 60_000), ([WHOLE[:-40], 30.0], False, 28_000)],
    ids=["stream", "whole"],
)
async def test_what_is_read_on_for_who_has_left_is_booked_after_the_second(
    tmp_path: Path, steps: list[Step], is_stream: bool, charge: int
) -> None:
    """A shop that drains stops at it: its input is paid for, and the words that were handed over."""
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    body = {**BODY, "stream": is_stream}
    is_silent = asyncio.Event()

    def script(_: Received) -> Iterator[Step]:
        yield from steps[:-1]
        is_silent.set()
        yield steps[-1]

    async with (
        Upstream(script).opened() as upstream,
        running(tmp_path, upstream.url, profile=profile) as process,
    ):
        async with httpx.AsyncClient(base_url=process.url, timeout=20, headers=process.headers) as client:
            asking = asyncio.create_task(client.post("/v1/chat/completions", json=body))
            await is_silent.wait()
            await asyncio.sleep(0.5)
            asking.cancel()
            await asyncio.wait([asking])
        for _ in range(2):
            process.signal(signal.SIGTERM)
            await process.closed()
        await process.ended(2)
    assert rows(process.data, "select outcome, usage_source, charge_nano from request_log") == [
        ("customer_gone", "estimated", charge)
    ]
    assert (rows(process.data, "select * from reservation where state = 'open'"), verify(process.data)) == ([], [])

"""A disk that fills up under a running relay: what is open ends in order, nothing new begins."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from relay.core.ledger.database import connect, database_path
from relay.core.ledger.verify import verify
from tests.chats import CHAT, DONE, ROLE, STOP, USAGE, words
from tests.disks import fill, small_disk
from tests.faults.endpoints import ENDPOINTS, Endpoint
from tests.faults.process import Process, running
from tests.faults.test_stopping import rows
from tests.upstreams import Received, Step, Upstream, document, stream

CHAT_BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
BEGUN, REST = ROLE + words("Hello"), words(" there") + STOP
STREAM_COUNT = 20
REFUSALS = {
    "openai": '{"error":{"message":"the shop has no storage left for new requests; try again later",'
    '"type":"server_error","param":null,"code":"storage_full"}}',
    "anthropic": '"error":{"type":"overloaded_error","message":"the shop has no storage left for new requests; try again later"',
    "gemini": '"status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"storage_full"',
}


class Answers:
    """A short document, or a stream that begins at once and ends when the disk is full."""

    def __init__(self) -> None:
        self.is_full = False

    def __call__(self, received: Received) -> Iterator[Step]:
        if not received.document.get("stream"):
            yield from document(CHAT)
            return
        yield from stream(BEGUN)[:-1]
        while not self.is_full:
            yield 0.01
        yield from stream(REST + USAGE + DONE)[1:]


async def listen(process: Process, is_begun: asyncio.Semaphore) -> str:
    """Read one stream to its end, and say when it has begun."""
    text = ""
    async with (
        httpx.AsyncClient(base_url=process.url, timeout=30) as client,
        client.stream(
            "POST", "/v1/chat/completions", json={**CHAT_BODY, "stream": True}, headers=process.headers
        ) as response,
    ):
        async for piece in response.aiter_text():
            if not text:
                is_begun.release()
            text += piece
    return text


async def ask(process: Process, endpoint: Endpoint) -> httpx.Response:
    async with httpx.AsyncClient(base_url=process.url, timeout=20) as client:
        headers = {**process.headers, **endpoint.headers}
        return await client.post(endpoint.path_of("gpt-4o-mini"), json=endpoint.body("gpt-4o-mini"), headers=headers)


async def until(process: Process, event: str) -> None:
    """Wait until the process has logged *event*."""
    async with asyncio.timeout(20):
        while event not in process.output.read_text():  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.05)


async def marked(process: Process, count: int) -> None:
    """Wait until the progress of *count* streams is on disk: the relay then writes nothing while it is filled."""
    async with asyncio.timeout(20):
        while rows(process.data, "SELECT COUNT(mark) FROM reservation") != [(count,)]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def test_a_full_disk_ends_what_is_open_and_begins_nothing(tmp_path: Path) -> None:
    """Streams come whole and are booked though not a byte is free; asked then, each dialect says 503 and when to come."""
    spoken = {endpoint.shape: endpoint for endpoint in reversed(ENDPOINTS) if not endpoint.is_counting}
    spoken["gemini"] = next(endpoint for endpoint in ENDPOINTS if endpoint.path.endswith(":generateContent"))
    with small_disk(tmp_path, 400) as disk:
        answers = Answers()
        async with Upstream(answers).opened() as upstream, running(disk, upstream.url) as process:
            is_begun = asyncio.Semaphore(0)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(listen(process, is_begun)) for _ in range(STREAM_COUNT)]
                for _ in range(STREAM_COUNT):
                    await is_begun.acquire()
                await marked(process, STREAM_COUNT)
                with contextlib.closing(connect(database_path(process.data))) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                filler, answers.is_full = fill(disk, left_mib=0), True
            heard = {task.result() for task in tasks}
            await until(process, "admission.closed")
            refused = {shape: await ask(process, endpoint) for shape, endpoint in spoken.items()}
            sent_count = len(upstream.received)
            filler.unlink()
            await until(process, "admission.opened")
            answered = await ask(process, ENDPOINTS[0])
            booked = rows(process.data, "SELECT outcome, COUNT(*) FROM request_log GROUP BY outcome")
        problems = verify(process.data)
        output = process.output.read_text()
    assert heard == {BEGUN + REST + DONE}
    assert '"commit.failed","error":"CommitFailedError from SQLITE_FULL"' in output
    for shape, refusal in refused.items():
        told = refusal.status_code, refusal.headers["retry-after"], refusal.headers["x-should-retry"]
        assert told == (503, "30", "true")
        assert REFUSALS[shape] in refusal.text
    assert sent_count == STREAM_COUNT
    assert (answered.status_code, booked) == (200, [("complete", STREAM_COUNT + 1)])
    assert (output.count("admission.closed"), output.count("admission.opened")) == (1, 1)
    assert problems == []

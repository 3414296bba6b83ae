"""A disk that fails to sync under a running relay: it stops at once, and a new start finds all that was promised."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core.ledger.verify import verify
from tests import preloaded_disk
from tests.chats import CHAT, DONE, ROLE, STOP, USAGE, words
from tests.faults.process import Process, running
from tests.faults.test_stopping import rows
from tests.upstreams import Received, Step, Upstream, document, stream

CHAT_BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
BEGUN, REST = ROLE + words("Hello"), words(" there") + STOP


class Answers:
    """A short document, or a stream that ends when it is told to."""

    def __init__(self) -> None:
        self.is_over = False

    def __call__(self, received: Received) -> Iterator[Step]:
        if not received.document.get("stream"):
            yield from document(CHAT)
            return
        yield from stream(BEGUN)[:-1]
        while not self.is_over:
            yield 0.01
        yield from stream(REST + USAGE + DONE)[1:]


async def ask(process: Process) -> int:
    async with httpx.AsyncClient(base_url=process.url, timeout=20) as client:
        answer = await client.post("/v1/chat/completions", json=CHAT_BODY, headers=process.headers)
        return answer.status_code


async def listen(process: Process, is_begun: asyncio.Event) -> str:
    text = ""
    body = {**CHAT_BODY, "stream": True}
    async with (
        httpx.AsyncClient(base_url=process.url, timeout=20) as client,
        client.stream("POST", "/v1/chat/completions", json=body, headers=process.headers) as response,
    ):
        async for piece in response.aiter_text():
            is_begun.set()
            text += piece
    return text


async def test_no_sync_is_tried_after_one_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New work is refused and the probe fails, though the disk is well again; what runs is kept, and booked after a start."""
    sign, answers = tmp_path / "sync fails", Answers()
    monkeypatch.setenv("LD_PRELOAD", preloaded_disk.build(tmp_path, preloaded_disk.FAILING))
    monkeypatch.setenv("SYNC_FAILS_WITH", str(sign))
    async with Upstream(answers).opened() as upstream, running(tmp_path, upstream.url) as process:
        before, is_begun = await ask(process), asyncio.Event()
        listening = asyncio.create_task(listen(process, is_begun))
        await is_begun.wait()
        sign.touch()
        while_it_fails = await ask(process)
        sign.unlink()
        after = await ask(process)
        async with httpx.AsyncClient() as client:
            probe = await client.get(f"{process.url}/livez")
        answers.is_over = True
        heard = await listening
        sent_count = len(upstream.received)
        process.signal(signal.SIGTERM)
        await process.ended(within_s=20)
        output = process.output.read_text()
        await process.start()
        anew = await ask(process)
        booked = rows(process.data, "SELECT outcome, COUNT(*) FROM request_log GROUP BY outcome")
    assert (before, while_it_fails, after, anew) == (200, 503, 503, 200)
    assert (probe.status_code, probe.text) == (503, "the disk failed to sync: check it, then restart relay")
    assert heard == BEGUN + REST + DONE
    assert sent_count == 2
    assert booked == [("complete", 3)]
    assert output.count('"ledger.stopped","error":"SQLITE_IOERR_FSYNC"') == 1
    assert verify(process.data) == []

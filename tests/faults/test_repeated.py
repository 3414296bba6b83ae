"""A named request, on two processes and over a death: exactly one is carried out."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.chats import CHAT
from tests.faults.process import Process, running
from tests.faults.test_stopping import rows
from tests.upstreams import Upstream, document

NAMED = {"idempotency-key": "order 17"}
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


async def ask(process: Process) -> int:
    """Ask under the one name; return the status, 0 where the connection broke."""
    async with httpx.AsyncClient(base_url=process.url, timeout=20) as client:
        try:
            answer = await client.post("/v1/chat/completions", json=BODY, headers={**process.headers, **NAMED})
        except httpx.TransportError:
            return 0
    return answer.status_code


def sibling(process: Process) -> Process:
    """Return a second process on the same data, not yet started."""
    return Process(process.data, process.output, process.api_key, process.command)


async def test_of_two_processes_one_carries_it_out(tmp_path: Path) -> None:
    """Asked of both at once, 20 times over: one answer, and one charge."""
    async with Upstream(lambda _: document(CHAT)).opened() as upstream, running(tmp_path, upstream.url) as one:
        two = sibling(one)
        await two.start()
        try:
            statuses = await asyncio.gather(*[ask(process) for process in (one, two) * 20])
        finally:
            two.child.kill()
            await two.child.wait()
    assert sorted(statuses) == [200] + [409] * 39
    assert len(upstream.received) == 1
    assert rows(one.data, "SELECT COUNT(*) FROM request_log") == [(1,)]


@pytest.mark.parametrize("failpoint", ["before_reserve", "after_reserve", "after_send", "before_end"])
async def test_a_name_survives_a_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failpoint: str) -> None:
    """What the dead process had not delivered costs nothing, so the client may ask again; a third time it may not."""
    async with Upstream(lambda _: document(CHAT)).opened() as upstream:
        with monkeypatch.context() as armed:
            armed.setenv("RELAY_FAILPOINT", f"{failpoint}:1")
            async with running(tmp_path, upstream.url) as process:
                statuses = [await ask(process)]
                await process.ended(10)
                armed.delenv("RELAY_FAILPOINT")
                await process.start()
                statuses += [await ask(process), await ask(process)]
    assert statuses == [0, 200, 409]
    moved = "SELECT IFNULL(SUM(amount_nano), 0) FROM transfer WHERE kind = "
    [(paid,)], [(returned,)] = (rows(process.data, f"{moved}'{kind}'") for kind in ("post", "undelivered"))
    assert paid - returned == 6_000_000

"""Nothing said is kept: canaries in prompts, answers and keys, through every fault, and then a search of every file."""

import asyncio
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core.ledger.verify import verify
from tests.faults.process import Process, running
from tests.faults.said import ANSWER, CHAT_PROMPT, SECRETS, answer, profile, requests
from tests.shops import UPSTREAM_KEY
from tests.upstreams import Upstream

OPEN = {"model": "open", "stream": True, **CHAT_PROMPT}

OUTCOMES = {("complete",), ("empty",), ("refused",), ("truncated",), ("customer_gone",), ("upstream_error",)}


async def test_nothing_said_is_kept_or_passed_to_the_wrong_side(tmp_path: Path) -> None:
    """Through success, every fault, failing plugins, hang-ups, bad input and a kill: no word in any file."""
    shutil.copy(Path(__file__).parent / "leaky.py", tmp_path)
    async with Upstream(answer).opened() as upstream, running(tmp_path, upstream.url, profile=profile()) as process:
        answers = await ask_all(process)
        await hang_up(process)
        assert found(process) == []
        await kill_in_the_middle(process)
        assert found(process) == []
        await process.start()
        answers += await ask_all(process)
        assert found(process) == []
        process.signal(signal.SIGTERM)
        await process.ended(10)
    assert found(process) == []
    assert verify(process.data) == []
    assert set(read(process, "select distinct outcome from request_log")) >= OUTCOMES
    assert "RuntimeError from LookupError" in process.output.read_text()
    refused = [answer for answer in answers if answer.status_code != 200]
    told = [answer.text for answer in answers if is_ours(answer)]
    assert (len(answers), len(refused) > 300, len(told) > 300) == (len(list(requests("", ""))) * 2, True, True)
    assert [text for text in told if UPSTREAM_KEY in text or upstream.url.removeprefix("http://") in text] == []


def is_ours(answer: httpx.Response) -> bool:
    """Say whether an answer is an error, or ends in an error event."""
    return answer.status_code != 200 or '"error"' in answer.text


async def ask_all(process: Process) -> list[httpx.Response]:
    """Send every request, a few at a time."""
    lanes = asyncio.Semaphore(16)

    async def ask(request: httpx.Request) -> httpx.Response:
        async with lanes:
            return await client.send(request)

    async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(request)) for request in requests(process.url, process.api_key)]
    return [task.result() for task in tasks]


async def hang_up(process: Process) -> None:
    """Leave one stream in its middle, and another request before its first word."""
    url = f"{process.url}/v1/chat/completions"
    async with httpx.AsyncClient() as client:
        async with client.stream("POST", url, json=OPEN, headers=process.headers) as response:
            async for text in response.aiter_text():
                if f"{ANSWER} two" in text:
                    break
        with pytest.raises(httpx.ReadTimeout):
            await client.post(url, json=OPEN | {"stream": False}, headers=process.headers, timeout=0.1)


async def kill_in_the_middle(process: Process, body: dict[str, Any] = OPEN) -> None:
    """Kill the process while a stream of *body* is open and its progress has been marked."""
    url = f"{process.url}/v1/chat/completions"
    async with (
        httpx.AsyncClient() as client,
        client.stream("POST", url, json=body, headers=process.headers) as response,
    ):
        assert response.status_code == 200
        async with asyncio.timeout(10):
            await until_marked(process)
        process.signal(signal.SIGKILL)
        await process.ended(5)


async def until_marked(process: Process) -> None:
    """Wait until the database holds what recovery would post of an open reservation."""
    question = "select mark from reservation where state = 'open' and mark is not null"
    marked: list[tuple[Any, ...]] = []
    while not marked:
        await asyncio.sleep(0.05)
        marked = read(process, question)


def read(process: Process, question: str) -> list[tuple[Any, ...]]:
    """Ask the database beside the server."""
    with closing(sqlite3.connect(f"file:{process.data / 'relay.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(question).fetchall()


def found(process: Process) -> list[str]:
    """Return where a canary stands in any file of the shop: database, WAL, boots, output, temporary files."""
    ours = {"upstream.key", "shop.yaml", "leaky.py"}
    files = [path for path in process.data.parent.rglob("*") if path.is_file() and path.name not in ours]
    secrets = [*SECRETS, process.api_key]
    return [f"{secret} in {path.name}" for path in files for secret in secrets if secret.encode() in path.read_bytes()]

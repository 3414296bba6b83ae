"""An answer that a death cut short earns its customer the same claim as one that an upstream cut short."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core.ledger.verify import verify
from tests.faults.answers import Wire
from tests.faults.process import Process, running
from tests.faults.test_privacy import kill_in_the_middle, read
from tests.faults.test_stopping import BODY
from tests.shops import PROFILE
from tests.upstreams import Upstream

CLAIMS = "select request_id, rule, kind, share, amount_nano from claim"
LOG = "select request_id, outcome, charge_nano from request_log"
UNCHECKED = "select request_id from reservation where state = 'posted' and not is_checked"


async def top_up(process: Process) -> None:
    """Run a command on the data of the dead: it recovers them, and has no after-sales plugins."""
    command = [sys.executable, "-m", "relay", "account", "top-up", "alice", "1", "--reference", "r", "--data"]
    child = await asyncio.create_subprocess_exec(*command, str(process.data), stdout=asyncio.subprocess.DEVNULL)
    assert await child.wait() == 0


async def checked(process: Process) -> list[tuple[Any, ...]]:
    """Return the claims there are once every charge has been looked at."""
    async with asyncio.timeout(5):
        # Nothing tells of it but the database.
        while read(process, UNCHECKED):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return read(process, CLAIMS)


@pytest.mark.parametrize("failpoint", ["after_post", "before_end"])
async def test_what_is_owed_is_claimed_though_the_process_died_between_the_charge_and_the_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failpoint: str
) -> None:
    """By the next server, once; a stream that its upstream broke has no end that could be given back."""
    chat = Wire(is_anthropic=False, is_stream=True)
    async with Upstream(lambda _: chat.begun("reset")).opened() as upstream:
        monkeypatch.setenv("RELAY_FAILPOINT", f"{failpoint}:1")
        async with running(tmp_path, upstream.url) as process:
            monkeypatch.delenv("RELAY_FAILPOINT")
            async with httpx.AsyncClient(base_url=process.url, headers=process.headers) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.post("/v1/chat/completions", json=BODY)
            await process.ended(5)
            [(request_id, outcome, charge_nano)] = read(process, LOG)
            assert (outcome, charge_nano, read(process, CLAIMS)) == ("truncated", 60_000, [])
            for _ in range(2):
                await process.start()
                expected = (request_id, "compensation.empty_truncated", "truncated_reply", "1/2", 30_000)
                assert await checked(process) == [expected]
                process.child.kill()
                await process.ended(5)
    assert verify(process.data) == []


async def test_an_answer_cut_short_by_a_death_is_claimed_once(tmp_path: Path) -> None:
    """By the next server, also where a command has recovered it before; by the one after that no more."""
    chat = Wire(is_anthropic=False, is_stream=True)
    async with Upstream(lambda _: chat.begun(30.0)).opened() as upstream, running(tmp_path, upstream.url) as process:
        await kill_in_the_middle(process, BODY)
        await top_up(process)
        [(request_id, outcome, charge_nano)] = read(process, LOG)
        assert (outcome, read(process, CLAIMS)) == ("truncated", [])
        for _ in range(2):
            await process.start()
            expected = (request_id, "compensation.empty_truncated", "truncated_reply", "1/2", charge_nano // 2)
            assert await checked(process) == [expected]
            process.child.kill()
            await process.ended(5)


async def test_nothing_is_owed_to_who_had_left_before_the_death(tmp_path: Path) -> None:
    """A shop that drains was reading on for the usage: what was handed over is paid, and no claim made of it."""
    chat = Wire(is_anthropic=False, is_stream=True)
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    async with (
        Upstream(lambda _: chat.begun(30.0)).opened() as upstream,
        running(tmp_path, upstream.url, profile=profile) as process,
    ):
        await leave_in_the_middle(process)
        process.signal(signal.SIGKILL)
        await process.ended(5)
        await process.start()
        assert await checked(process) == []
        [(_, outcome, charge_nano)] = read(process, LOG)
    assert (outcome, charge_nano) == ("customer_gone", 60_000)
    assert verify(process.data) == []


async def leave_in_the_middle(process: Process) -> None:
    """Leave a stream that has begun, and wait until that is noted on disk."""
    async with (
        httpx.AsyncClient(base_url=process.url, headers=process.headers) as client,
        client.stream("POST", "/v1/chat/completions", json=BODY) as response,
    ):
        text = ""
        async for piece in response.aiter_text():
            text += piece
            if "there" in text:
                break
    async with asyncio.timeout(10):
        # Nothing tells of it but the database.
        while not read(process, 'select 1 from reservation where mark like \'%"hang_up_policy":"drain"%\''):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

"""An answer that a death cut short earns its customer the same claim as one that an upstream cut short."""

import asyncio
import sys
from pathlib import Path

from tests.faults.answers import Wire
from tests.faults.process import Process, running
from tests.faults.test_privacy import kill_in_the_middle, read
from tests.faults.test_stopping import BODY
from tests.upstreams import Upstream

CLAIMS = "select request_id, rule, kind, share, amount_nano from claim"
CHECKED = "select subject from audit where action = 'request.checked'"


async def top_up(process: Process) -> None:
    """Run a command on the data of the dead: it recovers them, and has no after-sales plugins."""
    command = [sys.executable, "-m", "relay", "account", "top-up", "alice", "1", "--reference", "r", "--data"]
    child = await asyncio.create_subprocess_exec(*command, str(process.data), stdout=asyncio.subprocess.DEVNULL)
    assert await child.wait() == 0


async def test_an_answer_cut_short_by_a_death_is_claimed_once(tmp_path: Path) -> None:
    """By the next server, also where a command has recovered it before; by the one after that no more."""
    chat = Wire(is_anthropic=False, is_stream=True)
    async with Upstream(lambda _: chat.begun(30.0)).opened() as upstream, running(tmp_path, upstream.url) as process:
        await kill_in_the_middle(process, BODY)
        await top_up(process)
        [(request_id, outcome, charge_nano)] = read(process, "select request_id, outcome, charge_nano from request_log")
        assert (outcome, read(process, CLAIMS)) == ("truncated", [])
        for _ in range(2):
            await process.start()
            async with asyncio.timeout(5):
                # Nothing tells of it but the database.
                while read(process, CHECKED) != [(request_id,)]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            expected = (request_id, "compensation.empty_truncated", "truncated_reply", "1/2", charge_nano // 2)
            assert read(process, CLAIMS) == [expected]
            process.child.kill()
            await process.ended(5)

"""The backup of docs/operation.md, made as it stands there beside a running shop, and what is restored of it."""

import asyncio
import sys
from pathlib import Path

import httpx

from relay.core.ledger.verify import verify
from tests.docs.blocks import blocks
from tests.faults.answers import Wire
from tests.faults.process import running
from tests.faults.test_stopping import listen, rows
from tests.upstreams import Upstream

(BACK_UP,) = (block.text for block in blocks("python") if block.page == "docs/operation.md")
CHAT = Wire(is_anthropic=False, is_stream=True)
OPEN = "select request_id, held_nano from reservation where state = 'open'"


async def back_up(data: Path, folder: Path) -> None:
    """Run the page's lines in *folder*, with *data* for the page's shop."""
    source = BACK_UP.replace("var/shop", str(data))
    python = await asyncio.create_subprocess_exec(sys.executable, "-c", source, cwd=folder)
    assert await asyncio.wait_for(python.wait(), 60) == 0


async def test_a_copy_of_a_running_shop_is_a_whole_shop(tmp_path: Path) -> None:
    """The stream that was open is named, then settled at the start; what came before is there."""
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    async with Upstream(lambda _: CHAT.begun(60.0)).opened() as upstream, running(tmp_path, upstream.url) as process:
        is_begun = asyncio.Semaphore(0)
        customer = asyncio.create_task(listen(process, is_begun))
        await is_begun.acquire()
        await back_up(process.data, tmp_path)
        customer.cancel()
        (tmp_path / "backup.db").rename(restored / "relay.db")
        held = rows(process.data, OPEN)
        [(boot,)] = rows(process.data, "select boot from reservation where state = 'open'")
        assert (len(held), rows(restored, OPEN)) == (1, held)
        assert verify(restored) == [f"I9 boot '{boot}' is dead and still holds; start relay to recover it"]

        process.child.kill()
        await process.ended(5)
        process.command[process.command.index(str(process.data))] = str(restored)
        await process.start()
        async with httpx.AsyncClient(base_url=process.url, timeout=20) as client:
            assert (await client.get("/livez")).text == "ok"
        assert (rows(restored, OPEN), verify(restored)) == ([], [])
        assert rows(restored, "select name from account") == [("alice",)]

"""The relay as operators run it: a process of its own, whose output and temporary files stay in a folder."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relay.core.ledger.database import prepare_database
from relay.core.ledger.sqlite import SqliteLedger
from tests.shops import PROFILE, UPSTREAM_KEY, open_account


@dataclass
class Process:
    """A running ``relay run``, with one account ``alice`` and her key."""

    url: str
    data: Path
    output: Path
    api_key: str
    command: list[str]
    child: asyncio.subprocess.Process = field(init=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key}"}

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.child.send_signal(number)

    async def ended(self, within_s: float) -> int:
        """Wait for the end of the process; return its exit code."""
        async with asyncio.timeout(within_s):
            return await self.child.wait()

    async def start(self) -> None:
        """Start it, for the first time or again, and wait until it serves."""
        environment = {**os.environ, "TMPDIR": str(self.output.parent)}
        with self.output.open("ab") as output:
            self.child = await asyncio.create_subprocess_exec(
                *self.command, stdout=output, stderr=output, env=environment
            )
        await self._until_listening(is_wanted=True)

    async def closed(self) -> None:
        """Wait until nobody listens any more."""
        await self._until_listening(is_wanted=False)

    async def _until_listening(self, *, is_wanted: bool) -> None:
        host, port = self.url.removeprefix("http://").split(":")
        is_open = not is_wanted
        async with asyncio.timeout(20):
            while is_open != is_wanted:
                await asyncio.sleep(0.01)
                try:
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
                    is_open = True
                except OSError:
                    is_open = False


@asynccontextmanager
async def running(folder: Path, url: str, *, profile: str = PROFILE) -> AsyncIterator[Process]:
    """Run *profile* (``{url}`` in it is the upstream's) on a free port, in *folder*."""
    (folder / "upstream.key").write_text(UPSTREAM_KEY)
    (folder / "shop.yaml").write_text(profile.format(url=url))
    data = folder / "data"
    prepare_database(data, is_demo=False)
    async with SqliteLedger.open(data) as ledger:
        api_key, _ = await open_account(ledger, "10", {})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "relay", "run", "--profile", str(folder / "shop.yaml")]
    command += ["--data", str(data), "--port", str(port)]
    process = Process(f"http://127.0.0.1:{port}", data, folder / "output", api_key, command)
    await process.start()
    try:
        yield process
    finally:
        if process.child.returncode is None:
            process.child.kill()
        await process.child.wait()

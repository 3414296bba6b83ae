"""The relay as operators run it: a process of its own, whose output and temporary files stay in a folder."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from relay.core.ledger.database import prepare_database
from relay.core.ledger.sqlite import SqliteLedger
from tests.shops import PROFILE, UPSTREAM_KEY, open_account

READY = re.compile(r"^relay ready on (http://\S+): ", re.MULTILINE)


@dataclass
class Process:
    """A running ``relay run``, with one account ``alice`` and her key."""

    data: Path
    output: Path
    api_key: str
    command: list[str]
    url: str = field(init=False)
    """Another one after each start: a port that was let go may be somebody else's by then."""
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
            begin = output.tell()
            self.child = await asyncio.create_subprocess_exec(
                *self.command, stdout=output, stderr=output, env=environment
            )
        while (ready := READY.search(self._said_since(begin))) is None:
            assert self.child.returncode is None, self._said_since(begin)
            await asyncio.sleep(0.01)
        self.url = ready[1]

    def _said_since(self, begin: int) -> str:
        return self.output.read_bytes()[begin:].decode()

    async def closed(self) -> None:
        """Wait until nobody listens any more."""
        host, port = self.url.removeprefix("http://").split(":")
        with suppress(OSError):
            while True:
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, url: str, *, profile: str = PROFILE) -> AsyncIterator[Process]:
    """Run *profile* (``{url}`` in it is the upstream's) in *folder*."""
    (folder / "upstream.key").write_text(UPSTREAM_KEY)
    (folder / "shop.yaml").write_text(profile.format(url=url))
    data = folder / "data"
    prepare_database(data, is_demo=False)
    async with SqliteLedger.open(data) as ledger:
        api_key, _ = await open_account(ledger, "10", {})
    command = [sys.executable, "-m", "relay", "run", "--profile", str(folder / "shop.yaml")]
    command += ["--data", str(data), "--port", "0"]
    process = Process(data, folder / "output", api_key, command)
    try:
        await process.start()
        yield process
    finally:
        if process.child.returncode is None:
            process.child.kill()
        await process.child.wait()

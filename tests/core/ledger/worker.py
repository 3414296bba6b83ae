"""A process that trades on a ledger, for the tests that race processes and kill them.

    python -m tests.core.ledger.worker spend DATA TASK_COUNT
    python -m tests.core.ledger.worker trade DATA ACKNOWLEDGED TASK_COUNT

``spend`` reserves and posts one credit at a time until there is no more, and prints how many.
``trade`` does all that a shop does until it is killed; what was acknowledged to it, it writes
line by line to the file ACKNOWLEDGED, which outlives the process.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from relay.core.clock import new_id
from relay.core.errors import InsufficientBalanceError
from relay.core.exchange import Evidence
from relay.core.failpoints import hit
from relay.core.ledger.operations import Mark
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.money import NANO, format_nano
from relay.core.usage import Usage

from .books import charge, record, reservation, top_up


async def spend(ledger: SqliteLedger) -> int:
    """Spend credits until there are none; returns how many."""
    count = 0
    while True:
        request_id = new_id("req")
        try:
            await ledger.reserve(reservation(request_id, "alice", NANO))
        except InsufficientBalanceError:
            return count
        await ledger.post(record(request_id, "alice", "1"))
        count += 1


class Trader:
    """Tops up, reserves, marks, posts, voids and delivers, and writes down what was acknowledged."""

    def __init__(self, ledger: SqliteLedger, acknowledged: Path) -> None:
        self._ledger = ledger
        self._file = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        # The seed is printed, so that a failure can be told from the next; the timing never repeats.
        seed = random.randrange(2**32)
        self._random = random.Random(seed)
        self._say(f"seed {seed}")

    def _say(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())

    async def trade(self) -> None:
        while True:
            await self._request()
            if self._random.random() < 0.05:
                reference, nano = new_id("order"), self._random.randint(1, 10**9)
                await self._ledger.top_up(top_up("alice", nano, reference))
                self._say(f"top_up {reference} {nano}")

    async def _request(self) -> None:
        request_id, nano = new_id("req"), self._random.randint(1, 2 * 10**6)
        hit("before_reserve")
        await self._ledger.reserve(reservation(request_id, "alice", 10**6))
        self._say(f"reserve {request_id}")
        hit("after_reserve")
        if self._random.random() < 0.1:
            await self._ledger.void(record(request_id, "alice", "0", "upstream_error"))
            self._say(f"void {request_id}")
            return
        hit("after_send")
        if self._random.random() < 0.5:
            await self._stream(request_id, nano)
        hit("before_post")
        await self._ledger.post(record(request_id, "alice", format_nano(nano)))
        self._say(f"post {request_id} {nano}")
        hit("after_post")
        hit("before_end")
        self._ledger.delivered(request_id)

    async def _stream(self, request_id: str, nano: int) -> None:
        part = charge(format_nano(nano // 2))
        self._ledger.mark(Mark(request_id=request_id, charge=part, usage=Usage(), evidence=Evidence(has_text=True)))
        hit("at_progress")
        await asyncio.sleep(self._random.random() / 50)


async def main(mode: str, data: str, *rest: str) -> None:
    async with SqliteLedger.open(Path(data)) as ledger:
        if mode == "spend":
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            print(sum(await asyncio.gather(*[spend(ledger) for _ in range(int(rest[0]))])), flush=True)
        else:
            trader = Trader(ledger, Path(rest[0]))
            print("ready", flush=True)
            await asyncio.gather(*[trader.trade() for _ in range(int(rest[1]))])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Regular chores for all running streams: marks, keep-alives, and customers who have stopped reading.

There is one timer for the process instead of three for each stream, and nothing is scheduled per chunk.
"""

import asyncio
from typing import Protocol

from .errors import is_plugin_failure
from .observe import emit_exception

TICK_S = 0.75
"""With the ledger's 0.25 s for notes, what is delivered is marked on disk within a second."""
STREAMS_AT_ONCE = 200
"""How many streams are visited before the event loop gets a turn.

That is some 2 ms of work. With a thousand streams a turn of the loop takes 20 to 50 ms, so with fewer
at once a visit to all of them would take longer than `TICK_S`.
"""


class Beating(Protocol):
    """A running stream."""

    def beat(self, now_s: float) -> bool:
        """Do what is due at loop time *now_s*, without waiting; say whether a keep-alive is."""
        ...

    async def keep_alive(self) -> None:
        """Write a keep-alive; may wait on the customer."""
        ...


class Heartbeat:
    """Visits every running stream every `TICK_S`."""

    def __init__(self) -> None:
        self._running: set[Beating] = set()

    def add(self, stream: Beating) -> None:
        """Visit *stream* from now on."""
        self._running.add(stream)

    def discard(self, stream: Beating) -> None:
        """Visit *stream* no longer."""
        self._running.discard(stream)

    async def run(self) -> None:
        """Visit the streams until cancelled; the failure of one is logged and does not affect the others."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as keep_alives:
            due_s = loop.time()
            while True:
                due_s = max(due_s + TICK_S, loop.time())  # counted from start to start, as a visit takes time, too
                await asyncio.sleep(due_s - loop.time())
                await self._visit_all(loop.time(), keep_alives)

    async def _visit_all(self, now_s: float, keep_alives: asyncio.TaskGroup) -> None:
        for place, stream in enumerate(tuple(self._running), start=1):
            if self._beat(stream, now_s):
                keep_alives.create_task(self._keep_alive(stream))
            if place % STREAMS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _beat(self, stream: Beating, now_s: float) -> bool:
        try:
            return stream in self._running and stream.beat(now_s)
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            emit_exception("stream.unmarked", exc)
            return False

    async def _keep_alive(self, stream: Beating) -> None:
        try:
            if stream in self._running:
                await stream.keep_alive()
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            # Most likely the answer has ended while the write was waiting for room.
            emit_exception("stream.silenced", exc)

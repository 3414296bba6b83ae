"""Idle connections, kept for the next request to the same origin."""

import asyncio

from .connection import Connection
from .request_head import Origin

KEEP_ALIVE_S = 55.0
"""How long an idle connection is kept: just under the 60 s after which load balancers close theirs."""
LINGER_S = 2.0
"""How long to wait for the end of an answer's framing after the last byte that was read."""


class Pool:
    """The idle connections of one event loop. The most recently used is taken first, so that the others can expire."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: dict[Origin, dict[Connection, float]] = {}
        self._lingering: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """Return a connection on which nothing has arrived since its last answer, or None."""
        idle = self._idle.get(origin)
        while idle:
            connection, since_s = idle.popitem()
            is_fresh = self._loop.time() - since_s < KEEP_ALIVE_S
            if is_fresh and not connection.is_spent() and not connection.has_unread():
                return connection
            connection.abort()
        return None

    def put(self, origin: Origin, connection: Connection) -> None:
        """Keep *connection* for the next request if it can take one, else close it."""
        if connection.is_spent():
            connection.abort()
            return
        self._idle.setdefault(origin, {})[connection] = self._loop.time()
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._shut_old)

    def put_later(self, origin: Origin, connection: Connection) -> None:
        """Keep *connection* if its answer ends within a moment, without more of a body; else close it."""
        lingering = self._loop.create_task(self._linger(origin, connection))
        self._lingering.add(lingering)
        lingering.add_done_callback(self._lingering.discard)

    async def _linger(self, origin: Origin, connection: Connection) -> None:
        due_at = self._loop.time() + LINGER_S
        while not (connection.is_complete or connection.loss or connection.take()):
            if not await connection.wait(lambda: due_at):
                break
        self.put(origin, connection)

    def discard(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        for idle in self._idle.values():
            idle.pop(connection, None)

    def close(self) -> None:
        """Close all idle connections."""
        if self._sweep is not None:
            self._sweep.cancel()
        for lingering in self._lingering:
            lingering.cancel()
        for idle in self._idle.values():
            while idle:
                idle.popitem()[0].abort()

    def _shut_old(self) -> None:
        """Close connections that have been idle for too long; run again later while any are left."""
        due_s = self._loop.time() - KEEP_ALIVE_S
        for origin, idle in list(self._idle.items()):
            for connection in [one for one, since_s in idle.items() if since_s <= due_s]:
                del idle[connection]
                connection.abort()
            if not idle:
                del self._idle[origin]
        self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._shut_old) if self._idle else None

"""The body of an answer whose head has come, read under its deadlines."""

import asyncio
from collections.abc import Mapping
from typing import NoReturn

from ..errors import DeadlineName, UpstreamBrokenError, UpstreamTimeoutError
from ..transport import Deadlines
from .connection import Connection
from .pool import Pool
from .request_head import Origin

PROGRESS_BYTES = 1024
"""Bytes that count as progress even without the end of a line."""


class Response:
    """One answer; see `UpstreamResponse`.

    A cancelled `read` loses nothing and may be called again; whoever gives up calls `close`.
    """

    __slots__ = (
        "_connection", "_deadlines", "_first_at", "_idle_left_s", "_is_begun", "_line_bytes", "_loop", "_origin",
        "_pool", "_total_at", "headers", "status",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, pool: Pool, origin: Origin, deadlines: Deadlines, sent_at: float
    ) -> None:
        self.status: int = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._origin = origin
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._first_at = sent_at + deadlines.first_event_s
        self._total_at = sent_at + deadlines.total_s
        self._idle_left_s = deadlines.idle_s
        self._line_bytes = 0
        self._is_begun = False

    async def read(self) -> bytes:
        """Return the next bytes as they came, or ``b""`` at the end of the body.

        Raises:
            UpstreamBrokenError: The body ended before its end.
            UpstreamTimeoutError: ``first_event`` where no byte of the body came in time, then
                ``idle`` or ``total``.
        """
        connection = self._connection
        if connection is None:
            return b""
        began_at = self._loop.time()
        patience_at = began_at + self._idle_left_s if self._is_begun else self._first_at
        while not (data := connection.take()):
            if connection.is_complete:
                self.close()
                return b""
            if connection.loss:
                self.close()
                raise UpstreamBrokenError(f"the answer broke off: {connection.loss}")
            if not await connection.wait(min(patience_at, self._total_at)):
                self._give_up("total" if self._total_at <= patience_at else "idle" if self._is_begun else "first_event")
        if began_at >= self._total_at:  # whoever always has something ready never waits
            self._give_up("total")
        self._note_progress(data, began_at)
        return data

    def close(self) -> None:
        """Let go of the connection: back to the pool if the whole body has come, else shut at once.

        Shut means aborted: an orderly close would first wait for what is still to be sent, and
        the upstream would learn too late that nobody is listening.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put(self._origin, connection)

    def finish(self) -> None:
        """Let go of an answer of which all that matters has come, such as a stream after its end mark.

        The end of its framing often comes a moment later. The connection is kept if it does.
        """
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_complete:
            self._pool.put(self._origin, connection)
        elif connection is not None:
            self._pool.put_later(self._origin, connection)

    def _note_progress(self, data: bytes, began_at: float) -> None:
        """Give back the idle time after a line or enough bytes; a drip of bytes only uses it up."""
        self._is_begun = True
        self._line_bytes += len(data)
        if self._line_bytes >= PROGRESS_BYTES or b"\n" in data:
            self._line_bytes = 0
            self._idle_left_s = self._deadlines.idle_s
        else:
            self._idle_left_s -= self._loop.time() - began_at

    def _give_up(self, deadline: DeadlineName) -> NoReturn:
        self.close()
        raise UpstreamTimeoutError(deadline)

"""The body of an answer, read under its deadlines."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

from ..errors import DeadlineName, UpstreamBrokenError, UpstreamTimeoutError
from ..transport import Deadlines
from .connection import Connection
from .pool import Pool
from .request_head import Origin

PROGRESS_BYTES = 1024
"""This many bytes count as progress even without a line end."""
FRAME_BYTES = 64
"""The same for a body without lines, such as AWS's frames, of which no meaningful one is shorter."""
LINE_END = ord("\n")
"""As a number: for ``bytes in bytes``, Python first raises and catches an error that they are no number."""


class Response:
    """One answer; see `UpstreamResponse`.

    A cancelled `read` loses nothing and may be called again; whoever gives up calls `close`.
    """

    __slots__ = (
        "_asked_at", "_connection", "_first_at", "_idle_left_s", "_idle_s", "_is_begun", "_is_wanted", "_line_bytes",
        "_loop", "_origin", "_pool", "_progress_bytes", "_take", "_total_at", "headers", "status",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, pool: Pool, origin: Origin, deadlines: Deadlines, sent_at: float
    ) -> None:
        self.status: int = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._origin = origin
        self._loop = asyncio.get_running_loop()
        self._first_at = sent_at + deadlines.first_event_s
        self._total_at = sent_at + deadlines.total_s
        self._asked_at = sent_at
        self._idle_s = self._idle_left_s = deadlines.idle_s
        self._line_bytes = 0
        self._progress_bytes = PROGRESS_BYTES if _has_lines(connection.headers) else FRAME_BYTES
        self._is_begun = False
        self._is_wanted = True
        self._take: Callable[[bytes], bool] = bool

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
        self._begin_to_wait()
        while not (data := connection.take()):
            if self._is_at_its_end(connection):
                return b""
            await self._wait(connection, None)
        self._note_progress(data)
        return data

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes to *take* as they come, right from the socket, until it returns False; ``b""`` is the end.

        A piece that *take* can deal with at once wakes no task: most of a chunk's way through
        this process would be waking it.

        Raises:
            UpstreamBrokenError, UpstreamTimeoutError: As `read`; and whatever *take* raises.
        """
        connection = self._connection
        if connection is None:
            take(b"")
            return
        self._take = take
        # The first bytes may move the limit nearer, which a wait under way would not notice: so they are read first.
        self._is_wanted = self._is_begun or take(await self.read())
        self._begin_to_wait()
        while self._is_wanted:
            if data := connection.take():
                self._give(data)
            elif self._is_at_its_end(connection):
                take(b"")
                return
            else:
                await self._wait(connection, self._give)

    def _give(self, data: bytes) -> bool:
        self._note_progress(data)
        self._is_wanted = is_wanted = self._take(data)
        return is_wanted

    def close(self) -> None:
        """Let go of the connection: back to the pool if the whole body has come, else shut at once.

        Shut means aborted: an orderly close would first wait for what is still to be sent, and
        the upstream would learn too late that nobody is listening.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put(self._origin, connection)

    def abandon(self) -> None:
        """Close the connection in any case: an answer that made no sense may belong to another request."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def finish(self) -> None:
        """Let go of an answer whose relevant part has arrived, such as a stream after its end mark.

        The end of its framing often comes a moment later. The connection is kept if it does.
        """
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_complete:
            self._pool.put(self._origin, connection)
        elif connection is not None:
            self._pool.put_later(self._origin, connection)

    def _begin_to_wait(self) -> None:
        """Start the idle time now: while nobody asks for bytes, the delay is not the upstream's."""
        self._asked_at = self._loop.time()
        if self._asked_at >= self._total_at:  # an upstream that always has bytes ready never makes us wait
            self._give_up("total")

    def _limit_at(self) -> float:
        patience_at = self._asked_at + self._idle_left_s if self._is_begun else self._first_at
        return min(patience_at, self._total_at)

    async def _wait(self, connection: Connection, taker: Callable[[bytes], bool] | None) -> None:
        if await connection.wait(self._limit_at, taker):
            return
        if self._loop.time() >= self._total_at:
            self._give_up("total")
        self._give_up("idle" if self._is_begun else "first_event")

    def _is_at_its_end(self, connection: Connection) -> bool:
        """Say whether the body has ended. The connection is kept until it is known whether the answer made sense."""
        if connection.is_complete:
            return True
        if connection.loss:
            self.close()
            raise UpstreamBrokenError(f"the answer broke off: {connection.loss}")
        return False

    def _note_progress(self, data: bytes) -> None:
        """Renew the idle time after a line or enough bytes; a trickle of bytes does not."""
        now = self._loop.time()
        self._is_begun = True
        if LINE_END in data or self._line_bytes + len(data) >= self._progress_bytes:
            self._line_bytes = 0
            self._idle_left_s = self._idle_s
        else:
            self._line_bytes += len(data)
            self._idle_left_s -= now - self._asked_at
        self._asked_at = now

    def _give_up(self, deadline: DeadlineName) -> NoReturn:
        self.close()
        raise UpstreamTimeoutError(deadline)


def _has_lines(headers: Mapping[str, str]) -> bool:
    content_type = headers.get("content-type", "")
    return not content_type or content_type.startswith("text/") or "json" in content_type

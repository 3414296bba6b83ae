"""The upstream client that fills the `Transport` protocol: a pool of connections, and deadlines.

No cookies, no redirects, no proxies or credentials from the environment, no decompression; heads of at
most 64 KiB; every wait bounded by a deadline of its own.

Requests are not repeated here, with one exception. If the upstream closes a pooled connection in order
before the first byte of an answer, that is the well-known race of keep-alive, and the request is sent
once more on a fresh connection. After any other end the upstream may have done its work, and the
pipeline decides. Source: field/reliability.md 3, rows 3 and 4, read 2026-11-23.
"""

import asyncio

from ..errors import DeadlineName, UpstreamConnectError, UpstreamTimeoutError
from ..transport import Deadlines, UpstreamRequest
from .connection import Connection
from .dial import Dialler
from .pool import Pool
from .request_head import Origin, flaw_of_head, parse_url, render_head
from .response import Response
from .websocket import Websocket, open_websocket


class UpstreamClient:
    """The `Transport` that channels send through; one per process, open while used as a context."""

    async def __aenter__(self) -> "UpstreamClient":
        self._loop = asyncio.get_running_loop()
        self._dialler = Dialler(self._loop)
        self._pool = Pool(self._loop)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.close()

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> Response:
        """Send *request* and return once the head of the answer has arrived.

        If the caller is cancelled meanwhile, the connection is closed at once.

        Raises:
            UpstreamConnectError: Refused, reset before an answer, not HTTP, or an answer in a
                form that was not asked for.
            UpstreamTimeoutError: ``connect``; ``first_event`` or ``total`` where no head came.
        """
        try:
            origin, lines = parse_url(request.url)
            head = render_head(request, lines)
        except ValueError as exc:
            raise UpstreamConnectError(f"the request can't be sent: {exc}") from exc
        sent_at = self._loop.time()
        connection = self._pool.take(origin)
        if connection is not None:
            await self._exchange(connection, head, request.body, sent_at, deadlines)
        if connection is None or (connection.is_shut_in_order and not connection.has_begun):
            connection = await self._open(origin, sent_at, deadlines)
            await self._exchange(connection, head, request.body, sent_at, deadlines)
        if not connection.status:
            raise UpstreamConnectError(f"no answer from the upstream: {connection.loss}")
        flaw = flaw_of_head(connection.status, connection.headers)
        if flaw:
            connection.abort()
            raise UpstreamConnectError(flaw)
        return Response(connection, self._pool, origin, deadlines, sent_at)

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> Websocket:
        """Open a websocket; see `Transport`. It is used once, so the pool never sees it."""
        return await open_websocket(self._dialler, request, deadlines)

    async def _open(self, origin: Origin, sent_at: float, deadlines: Deadlines) -> Connection:
        wait_s, name = _head_wait(deadlines)
        if deadlines.connect_s < wait_s:
            wait_s, name = deadlines.connect_s, "connect"
        try:
            async with asyncio.timeout_at(sent_at + wait_s):
                return await self._dialler.open(origin, self._pool.discard)
        except TimeoutError as exc:
            raise UpstreamTimeoutError(name) from exc
        except OSError as exc:
            raise UpstreamConnectError(f"no answer from the upstream: {type(exc).__name__}") from exc

    async def _exchange(
        self, connection: Connection, head: bytes, body: bytes, sent_at: float, deadlines: Deadlines
    ) -> None:
        """Send a request and wait until the head of its answer has arrived, or the connection is lost."""
        wait_s, name = _head_wait(deadlines)
        connection.send(head, body)
        try:
            while not (connection.status or connection.loss):
                if not await connection.wait(lambda: sent_at + wait_s):
                    raise UpstreamTimeoutError(name)
        except BaseException:
            connection.abort()
            raise


def _head_wait(deadlines: Deadlines) -> tuple[float, DeadlineName]:
    """Return how many seconds after the sending a head may arrive, and the deadline that sets this limit."""
    if deadlines.total_s <= deadlines.first_event_s:
        return deadlines.total_s, "total"
    return deadlines.first_event_s, "first_event"

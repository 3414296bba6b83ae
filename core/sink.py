"""The way out to the customer: head, write, end; and the news that the customer has left.

Nothing cancels an ASGI handler when the customer hangs up, and `send` stays silent (seen with
uvicorn): so `Sink` listens itself, and `Sink.listening` turns the news into `CustomerGoneError`
exactly where the pipeline says that it may be interrupted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from .errors import CustomerGoneError, ShuttingDownError

Message = MutableMapping[str, Any]
Headers = Iterable[tuple[bytes, bytes]]

WRITE_DEADLINE_S = 30.0
"""A customer who takes nothing for this long has left (field/reliability.md 3, row 35)."""
UNSENT_BYTES_MAX = 64 * 1024
"""What may wait in this process for the customer's socket before the server makes the next message wait.

Source: uvloop 0.23, ``FLOW_CONTROL_HIGH_WATER``, which uvicorn leaves as it is, read 2026-11-23.
"""


class Sink:
    """One answer on its way out, over ASGI.

    Opened around the work on an exchange once its body has been read: from then on the only
    thing `receive` can still say is that the customer is gone.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        headers: Headers,
    ) -> None:
        self._receive = receive
        self._send = send
        self._headers = list(headers)
        self._is_listening = False
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.is_head_sent = False
        self.is_ended = False
        self._is_gone = False
        self._loop = asyncio.get_running_loop()
        self.is_writing = False
        self.written_s = 0.0
        """Loop time of the last write begun or, while none runs, ended."""

    async def __aenter__(self) -> "Sink":
        self._task = asyncio.current_task()
        self._watcher = asyncio.create_task(self._watch())
        self.written_s = self._loop.time()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.hang_up()

    def has_left(self) -> bool:
        """Say whether the customer is gone."""
        return self._is_gone

    def hang_up(self) -> None:
        """Take the customer for gone: interrupt what is listening, now or when it next does."""
        self._is_gone = True
        if self._is_listening and self._task is not None:
            self._task.cancel()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let the customer's hang-up interrupt the block.

        Only waits on the upstream and on the customer stand inside; the ledger's never do.

        Raises:
            CustomerGoneError: The customer has left, before or inside the block.
            ShuttingDownError: The process is told to end; what was delivered is still settled.
        """
        if self.has_left():
            raise CustomerGoneError("the customer hung up")
        self._is_listening = True
        try:
            yield
        except asyncio.CancelledError:
            # Both end in a RelayError on purpose: the work after it, the settlement, is bounded
            # and must not be cut off by the same cancellation.
            if self._task is not None:
                self._task.uncancel()
            if self.has_left():
                raise CustomerGoneError("the customer hung up") from None
            raise ShuttingDownError from None
        finally:
            self._is_listening = False

    def set_header(self, name: bytes, value: bytes) -> None:
        """Send a header with whatever answer follows, in place of an earlier one of that *name*."""
        self._headers = [(known, told) for known, told in self._headers if known != name] + [(name, value)]

    async def head(self, status: int, headers: Headers) -> None:
        """Send status and headers, those of every answer included."""
        self.is_head_sent = True
        await self._send({"type": "http.response.start", "status": status, "headers": [*self._headers, *headers]})

    async def write(self, data: bytes) -> None:
        """Send *data* and wait until the customer's socket has room again."""
        await self._body(data, more=True)

    async def end(self, data: bytes = b"") -> None:
        """Send the last of the body."""
        self.is_ended = True
        await self._body(data, more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        self.written_s = self._loop.time()
        self.is_writing = True
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
        finally:
            self.is_writing = False
            self.written_s = self._loop.time()

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; it has left this process, but for `UNSENT_BYTES_MAX`, when this returns."""
        await self.head(status, [*headers, (b"content-length", str(len(body)).encode())])
        if len(body) > UNSENT_BYTES_MAX:
            # The server takes any length at once and waits with the next message: a second one shows
            # whether the first went out, or a customer would count as served who has half an answer.
            await self.write(body)
            body = b""
        await self.end(body)

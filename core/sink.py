"""The way out to the customer: head, write, end; and the news that the customer has left.

Nothing else tells an exchange that its customer hung up: `Sink.listening` turns the news into
`CustomerGoneError` exactly where the pipeline says that it may be interrupted.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .deadline import DeadlineExpiredError, within
from .errors import CustomerGoneError, ShuttingDownError

Headers = Iterable[tuple[bytes, bytes]]

WRITE_DEADLINE_S = 30.0
"""A customer who takes nothing for this long has left (field/reliability.md 3, row 35)."""
SLOWEST_BYTES_PER_S = 16 * 1024
"""How slowly a customer may take a long answer that is sent at once."""


class Wire(Protocol):
    """The customer's socket, for one answer; see `face.HttpWire`."""

    is_lost: bool
    on_loss: Callable[[], None] | None
    written_s: float

    async def wait_for_room(self) -> None: ...
    def head(self, status: int, headers: Headers) -> None: ...
    def put(self, data: bytes) -> bool: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...


class Sink:
    """One answer on its way out.

    Entered around the work on an exchange once its body has been read: from then on the customer's
    leaving may interrupt it.
    """

    def __init__(self, wire: Wire, headers: Headers) -> None:
        self._wire = wire
        self._headers = list(headers)
        self._is_listening = False
        self._task: asyncio.Task[Any] | None = None
        self.is_head_sent = False
        self.is_ended = False
        self.waiting_since_s: float | None = None
        """Loop time at which a write began that waits for room."""
        self.put = wire.put
        """Sends a piece of the body at once; returns False, and sends nothing, where there is no room for it."""

    def __enter__(self) -> "Sink":
        self._task = asyncio.current_task()
        self._wire.on_loss = self._interrupt
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.on_loss = None

    def _interrupt(self) -> None:
        if self._is_listening and self._task is not None:
            self._task.cancel()

    def has_left(self) -> bool:
        """Say whether the customer is gone."""
        return self._wire.is_lost

    def hang_up(self) -> None:
        """Shut the connection of a customer who takes nothing; that counts as the customer's leaving."""
        self._wire.abort()

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
            with self._ending_in_a_relay_error():
                yield
        finally:
            self._is_listening = False

    @contextmanager
    def reading_on(self) -> Iterator[None]:
        """Let nothing but the process's end interrupt the block, after the customer has left.

        Raises:
            CustomerGoneError: The process is told to end; what was delivered is still settled.
        """
        assert self.has_left()
        with self._ending_in_a_relay_error():
            yield

    @contextmanager
    def _ending_in_a_relay_error(self) -> Iterator[None]:
        # On purpose: the work after it, the settlement, is bounded and must not be cut off by the
        # same cancellation.
        try:
            yield
        except asyncio.CancelledError:
            if self._task is not None:
                self._task.uncancel()
            if self.has_left():
                raise CustomerGoneError("the customer hung up") from None
            raise ShuttingDownError from None

    def set_header(self, name: bytes, value: bytes) -> None:
        """Send a header with whatever answer follows, in place of an earlier one of that *name*."""
        self._headers = [(known, told) for known, told in self._headers if known != name] + [(name, value)]

    @property
    def written_s(self) -> float:
        """Loop time at which the last piece went out."""
        return self._wire.written_s

    async def head(self, status: int, headers: Headers) -> None:
        """Send status and headers, those of every answer included."""
        self.is_head_sent = True
        self._wire.head(status, (*self._headers, *headers))

    async def write(self, data: bytes) -> None:
        """Send *data* as soon as the customer's socket has room; to a customer who is gone nothing is sent."""
        while not (self.put(data) or self._wire.is_lost):
            await self._wait_for_room()

    async def end(self, data: bytes = b"") -> None:
        """Send the last of the body; whoever does not take it in time is hung up on."""
        self.is_ended = True
        await self._in_time(self._end(data), len(data))

    async def _in_time(self, writing: Coroutine[Any, Any, None], bytes_count: int) -> None:
        try:
            await within(WRITE_DEADLINE_S + bytes_count / SLOWEST_BYTES_PER_S, writing)
        except DeadlineExpiredError:
            self.hang_up()

    async def _end(self, data: bytes) -> None:
        await self._wait_for_room()
        if data:
            await self.write(data)
        self._wire.end()

    async def _wait_for_room(self) -> None:
        self.waiting_since_s = asyncio.get_running_loop().time()
        try:
            await self._wire.wait_for_room()
        finally:
            self.waiting_since_s = None

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; it has left this process, but for the last 64 KiB, when this returns.

        Whoever does not take it in time is hung up on. Source of the figure: uvloop 0.23, ``FLOW_CONTROL_HIGH_WATER``,
        which uvicorn leaves as it is, read 2026-11-23.
        """
        await self.head(status, [*headers, (b"content-length", str(len(body)).encode())])
        self.is_ended = True
        await self._in_time(self._whole(body), len(body))

    async def _whole(self, body: bytes) -> None:
        if body:
            # Any length is taken at once, and the end waits for room: so a customer who has half
            # an answer does not count as served.
            await self.write(body)
        await self._end(b"")

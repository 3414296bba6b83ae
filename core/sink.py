"""The way out to the customer: head, write, end; and the notice that the customer has left.

Nothing else tells an exchange that its customer hung up: `Sink.listening` turns the notice into a
`CustomerGoneError`, exactly where the pipeline allows the exchange to be interrupted.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .deadline import DeadlineExpiredError, within
from .errors import CustomerGoneError, ShuttingDownError

Headers = Iterable[tuple[bytes, bytes]]

WRITE_DEADLINE_S = 30.0
"""A customer who takes nothing for this long counts as gone (field/reliability.md 3, row 35)."""
SLOWEST_BYTES_PER_S = 16 * 1024
"""The slowest pace at which a customer may take a long answer that is sent whole."""


class Wire(Protocol):
    """The customer's socket, for one answer; see `http_wire.HttpWire`."""

    is_lost: bool
    on_loss: Callable[[], None] | None
    written_s: float

    async def wait_for_room(self) -> None: ...
    def head(self, status: int, headers: Headers) -> None: ...
    def put(self, data: bytes) -> bool: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...


class Sink:
    """One answer on its way to the customer.

    It is entered as a context once the request's body has been read. From then on, the exchange may be interrupted
    where the customer leaves, and the end of the process becomes an error that can still be answered.
    """

    def __init__(self, wire: Wire, headers: Headers) -> None:
        self._wire = wire
        self._headers = list(headers)
        self._is_listening = False
        self._task: asyncio.Task[Any] | None = None
        self.is_head_sent = False
        self.is_ended = False
        self.waiting_since_s: float | None = None
        """Loop time at which a write began to wait for room in the socket; None while none waits."""
        self.put = wire.put
        """Sends a piece of the body at once; returns False, and sends nothing, if the socket has no room."""

    def __enter__(self) -> "Sink":
        self._task = asyncio.current_task()
        self._wire.on_loss = self._interrupt
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._wire.on_loss = None
        with self._ending_in_a_relay_error():
            if isinstance(error, asyncio.CancelledError):
                raise error

    def _interrupt(self) -> None:
        if self._is_listening and self._task is not None:
            self._task.cancel()

    def has_left(self) -> bool:
        """Say whether the customer is gone."""
        return self._wire.is_lost

    def hang_up(self) -> None:
        """Close the connection of a customer who takes nothing, as if the customer had left."""
        self._wire.abort()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let the customer's hang-up interrupt the block.

        Only waits for the upstream and for the customer may be inside, never those for the ledger.

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
        # The cancellation is taken back on purpose: it must not cut off the settlement that follows, whose
        # time is bounded.
        try:
            yield
        except asyncio.CancelledError as cancellation:
            cancellation.__traceback__ = None  # else it and contextlib's frames keep each other (Python 3.13)
            if self._task is not None:
                self._task.uncancel()
            if self.has_left():
                raise CustomerGoneError("the customer hung up") from None
            raise ShuttingDownError from None

    def set_header(self, name: bytes, value: bytes) -> None:
        """Set a header for the answer, whatever it will be, in place of an earlier one of that *name*."""
        self._headers = [header for header in self._headers if header[0] != name] + [(name, value)]

    @property
    def written_s(self) -> float:
        """Loop time at which the last piece went out."""
        return self._wire.written_s

    def head(self, status: int, headers: Headers) -> None:
        """Send status and headers, together with those that every answer has."""
        self.is_head_sent = True
        self._wire.head(status, (*self._headers, *headers))

    async def write(self, data: bytes) -> None:
        """Send *data* as soon as the customer's socket has room; if the customer has left, send nothing."""
        while not (self.put(data) or self._wire.is_lost):
            await self._wait_for_room()

    async def end(self, data: bytes = b"") -> None:
        """Send the end of the body; hang up on a customer who does not take it in time."""
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
        """Send a whole answer; when this returns, all but its last 64 KiB has left this process.

        Hangs up on a customer who does not take it in time. Source of the figure: uvloop 0.23,
        ``FLOW_CONTROL_HIGH_WATER``, which uvicorn leaves as it is, read 2026-11-23.
        """
        self.head(status, [*headers, (b"content-length", str(len(body)).encode())])
        self.is_ended = True
        await self._in_time(self._whole(body), len(body))

    async def _whole(self, body: bytes) -> None:
        if body:
            # The socket takes any length at once, and `_end` waits for room: a customer with half an
            # answer must not count as served.
            await self.write(body)
        await self._end(b"")

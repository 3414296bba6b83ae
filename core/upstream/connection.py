"""One connection to an upstream: HTTP/1.1, one request at a time, its answer kept until it is taken.

It knows no deadlines and no pool; it tells what has arrived, and how it ended.

It relies on these facts about llhttp (in httptools 0.9), each of which has a test: it refuses two
lengths, a length together with chunks, control characters, and line ends without CR; it accepts any
three digits as a status; it goes on with the next message by itself; and it does not limit lines.
"""

import asyncio
import select
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

FRAMING_BYTES_MAX = 64 * 1024
"""The most that may arrive without a byte of a body: a head, chunk extensions, trailers."""
BUFFER_BYTES = 64 * 1024
"""With more bytes than this waiting, nothing is read from the socket until they have been taken."""
TURN_BYTES = 64 * 1024
"""After this many bytes, reading goes on in the loop's next turn: by itself, libuv would read up to thirty times in one."""


class Connection(asyncio.Protocol):
    """A connection, and the answer to the request that was last sent on it.

    Attributes:
        status: The answer's status; 0 until its head has arrived.
        headers: By lower-case name; of a repeated header the last line.
        is_complete: The whole answer has arrived, whether taken or not.
        loss: Why no more will arrive, in words; "" while more may.
    """

    __slots__ = (
        "_framing_bytes", "_is_dirty", "_is_interim", "_is_keep_alive", "_is_paused", "_limit", "_loop", "_on_end",
        "_parser", "_pieces", "_poll", "_size", "_taker", "_timer", "_timer_at", "_transport", "_turn_bytes", "_waiter",
        "has_begun", "headers", "is_complete", "is_shut_in_order", "loss", "status",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: Callable[["Connection"], None]) -> None:
        self._loop = loop
        self._on_end = on_end
        self._parser = HttpResponseParser(self)
        self._poll = select.poll()
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._taker: Callable[[bytes], bool] | None = None
        self._limit: Callable[[], float] = loop.time
        self._timer_at = 0.0
        self._turn_bytes = 0
        self._is_paused = self._is_dirty = self._is_keep_alive = False
        self.is_shut_in_order = False
        self.loss = ""
        self._expect()
        self.is_complete = True  # nothing was asked yet: whatever comes spoils the connection

    def _expect(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._size = self._framing_bytes = 0
        self.has_begun = self.is_complete = self._is_interim = False

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request, and forget the previous answer; does nothing if the connection is lost."""
        self._expect()
        if not self.loss:  # uvloop raises where a lost one is written to
            self._transport.writelines((head, body) if body else (head,))

    async def wait(self, limit: Callable[[], float], taker: Callable[[bytes], bool] | None = None) -> bool:
        """Wait until something has arrived or nothing more will; return False at *limit*, in loop time.

        With a *taker*, what comes of the body is given to it there and then, and the wait goes on
        for as long as it answers True. What it raises is raised here. Meanwhile *limit* may move
        away, never nearer.

        One timer serves all waits of a connection: it is moved when it fires, not at each wait.
        """
        self._limit = limit
        limit_at = limit()
        if self._timer is None or limit_at < self._timer_at:
            self._set_timer(limit_at)
        self._taker = taker
        self._waiter = self._loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = self._taker = None
            self._limit = self._loop.time  # the caller's would keep the answer, and so a prompt, in memory

    def take(self) -> bytes:
        """Return what has arrived of the body since the last call, and read on."""
        pieces = self._pieces
        if not pieces:
            return b""
        data = b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def is_spent(self) -> bool:
        """Say whether no further request can be sent here: the answer is incomplete, or something followed it."""
        return (
            not (self.is_complete and self._is_keep_alive)
            or self._is_dirty
            or self._is_paused
            or self._transport.get_write_buffer_size() > 0
        )

    def has_unread(self) -> bool:
        """Ask the kernel whether there is something that the event loop has not read yet, even a FIN."""
        return bool(self._poll.poll(0))

    def abort(self) -> None:
        """Close it without waiting for what is still to be sent."""
        self._transport.abort()

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a connection that was just opened."""
        self._transport = cast(asyncio.Transport, transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Take bytes as they arrive; bytes that answer no request make the connection unusable."""
        if self.is_complete:
            self._is_dirty = True
            self._transport.abort()
            return
        self.has_begun = True
        self._framing_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as exc:
            self._spoil(f"not HTTP: {type(exc).__name__}")
        else:
            if self._framing_bytes > FRAMING_BYTES_MAX:
                self._spoil(f"more than {FRAMING_BYTES_MAX} bytes of a head, a chunk's head or trailers")
        if self._taker is not None and self._pieces:
            self._give(self._taker)
        else:
            self._keep()
        self._turn_bytes += len(data)
        if self._turn_bytes > TURN_BYTES:
            self._let_others_go_first()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection, which ends a body that has no other end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.is_shut_in_order = exc is None and not self.loss
        if self.is_shut_in_order and self.status and not self._is_framed():
            self.is_complete = True
        self._is_keep_alive = False
        del self._parser  # it refers back here, and both would wait for the garbage collector
        self.loss = self.loss or ("shut" if exc is None else type(exc).__name__)
        self._on_end(self)
        self._wake()

    # What the parser tells

    def on_message_begin(self) -> None:
        """Note bytes after the end of the answer."""
        if self.is_complete:
            self._is_dirty = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of the head; those after the body are ignored."""
        self._framing_bytes += len(value)  # a long header counts, in however many pieces it arrived
        if not self.status:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the end of a head: the answer's, or an interim one (1xx)."""
        status = self._parser.get_status_code()
        self._is_interim = 100 <= status < 200  # the parser itself refuses 101, which nobody asked for
        if self._is_interim:
            self.headers = {}
            return
        if not status:  # 000, which would look as if no head had come
            self._spoil("expected an HTTP status, found 000")
            return
        self.status = status
        self._framing_bytes = 0
        self._is_keep_alive = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._framing_bytes = 0
        if not self.is_complete:
            self._pieces.append(data)
            self._size += len(data)

    def on_message_complete(self) -> None:
        """Take the end of the answer; after an interim one, the answer is still to come."""
        if not self._is_interim:
            self.is_complete = True
            self._taker = None  # the end is left to the waiting caller

    def _is_framed(self) -> bool:
        return "content-length" in self.headers or "transfer-encoding" in self.headers

    def _spoil(self, loss: str) -> None:
        """End a connection that can't go on; an answer that was complete before stays so."""
        self._is_dirty = True
        self._taker = None
        if not self.is_complete:
            self.loss = loss
        self._transport.abort()

    def _give(self, taker: Callable[[bytes], bool]) -> None:
        """Hand over what has arrived, without waking the waiting caller unless it is necessary."""
        try:
            if taker(self.take()):
                return
        except Exception as exc:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_exception(exc)
        self._taker = None
        self._wake()

    def _keep(self) -> None:
        """Leave what has arrived to the waiting caller, and read no more than is taken."""
        if self._size > BUFFER_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def _let_others_go_first(self) -> None:
        self._turn_bytes = 0
        if not self._is_paused:  # else it has been paused already, until the caller takes it
            self._transport.pause_reading()
            self._loop.call_soon(self._transport.resume_reading)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    def _set_timer(self, limit_at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = limit_at
        self._timer = self._loop.call_at(limit_at, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        limit_at = self._limit()
        if limit_at > self._loop.time():
            self._set_timer(limit_at)
        else:
            self._waiter.set_result(False)

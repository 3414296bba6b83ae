"""The way of an answer to the customer's socket, framed as HTTP/1.1 requires.

Source: uvicorn 0.54, ``protocols/http/httptools_impl.py``, for whose `RequestResponseCycle` this speaks;
read 2026-11-24.
"""

import socket
import struct
from collections.abc import Callable, Iterable
from itertools import chain
from typing import cast

from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from .flow import Flow

RESET = struct.pack("ii", 1, 0)
"""Makes a close tell the other side that the connection was broken off (socket(7), SO_LINGER)."""


class HttpWire:
    """The customer's socket for one answer, framed as HTTP/1.1 requires.

    Attributes:
        is_lost: The connection is gone; what is written is dropped.
        on_loss: Called once when that happens.
        written_s: Loop time at which the last piece of the body was written, or else the answer began.
    """

    __slots__ = ("_cycle", "_flow", "_head", "_is_chunked", "_is_framed", "_now", "_transport", "is_lost", "on_loss", "written_s")  # fmt: skip

    def __init__(self, cycle: RequestResponseCycle, now: Callable[[], float]) -> None:
        self._cycle = cycle
        self._flow = cast(Flow, cycle.flow)
        self._transport = cycle.transport
        self._now = now
        self.written_s = now()
        self._head = b""
        self._is_chunked = False
        self._is_framed = True
        """The end of the body can be told from the end of the connection."""
        self.is_lost = cycle.transport.is_closing()
        self.on_loss: Callable[[], None] | None = None

    async def wait_for_room(self) -> None:
        """Wait until the customer has taken some of what was written, or is lost."""
        await self._flow.drain()

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take status and headers, which are sent with the first piece of the body.

        A body without a length is sent in chunks; to an HTTP/1.0 client it ends with the connection
        (RFC 9112, 6.1, read 2026-11-29).
        """
        cycle = self._cycle
        if cycle.waiting_for_100_continue:
            # The client may go on without its body, which the parser would wait for (RFC 9110, 10.1.1).
            cycle.keep_alive = cycle.waiting_for_100_continue = False
        lines = [STATUS_LINE[status]]
        self._is_chunked = status != 204 and cycle.scope["http_version"] != "1.0"
        self._is_framed = self._is_chunked or status == 204
        for name, value in chain(cycle.default_headers, headers):
            if HEADER_VALUE_RE.search(value):
                raise ValueError("a control character in a header of the answer")
            if name == b"content-length":
                self._is_chunked, self._is_framed = False, True
            lines += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"transfer-encoding: chunked\r\n\r\n" if self._is_chunked else b"\r\n")
        cycle.response_started = True
        self._head = b"".join(lines)

    def put(self, data: bytes) -> bool:
        """Write a piece of the body; return False, and write nothing, while the socket has no room."""
        if self._flow.write_paused or self.is_lost:
            return False
        self.written_s = self._now()
        if self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._transport.write(self._behind_head(data) if self._head else data)
        return True

    def _behind_head(self, data: bytes) -> bytes:
        """Return *data* after the waiting head, which then no longer waits."""
        head, self._head = self._head, b""
        return head + data

    def leave(self) -> None:
        """Close the connection of an answer that has no end: nothing else tells the client that it was cut off.

        A head that is still waiting goes first: a client that saw none would send the request again by
        itself, and its customer would pay twice. Where the end of the connection would be taken for the
        end of the body, as by HTTP/1.0, the connection is reset.
        """
        if self.is_lost:
            return
        if self._head:
            self._transport.write(self._behind_head(b""))
        if self._is_framed:
            self._transport.close()
        else:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()

    def end(self) -> None:
        """End the body, and let the connection take the next request."""
        cycle = self._cycle
        cycle.response_complete = True
        if self.is_lost:
            return
        if self._is_chunked or self._head:
            self._transport.write(self._behind_head(b"0\r\n\r\n" if self._is_chunked else b""))
        if not cycle.keep_alive:
            self._flow.end(is_body_unread=cycle.more_body)
        cycle.on_response()

    def abort(self) -> None:
        """Close the connection without waiting for what is still to be sent."""
        self._transport.abort()

    def lose(self) -> None:
        """Note that the connection is gone."""
        self.is_lost = True
        if self.on_loss is not None:
            self.on_loss()


class BodilessWire(HttpWire):
    """The same for a HEAD request: its answer tells the length of a body that must not follow.

    Clients would take the body for their next answer. Source: RFC 9110, 9.3.2, read 2026-11-29.
    """

    __slots__ = ()

    def put(self, data: bytes) -> bool:
        """Write the waiting head, and nothing of the body."""
        if not self.is_lost:
            self._transport.write(self._behind_head(b""))
        return True

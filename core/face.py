"""The HTTP server's side of a connection: uvicorn's protocol up to the point where an exchange begins.

uvicorn parses requests, keeps connections alive, queues pipelined requests and shuts down. Requests
for Litestar's pages go on to it over ASGI. All others go straight to a `Door`, and their answers
straight to the socket: ASGI would put a dict and four calls between every chunk of a stream and its
socket, a third of what a chunk costs (docs/performance.md).

Source: uvicorn 0.54, ``protocols/http/httptools_impl.py``, read 2026-11-24.
"""

import asyncio
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from .app import APP_PATHS
from .clock import new_id
from .door import HEADER_BYTES_MAX, Door
from .errors import is_plugin_failure
from .flow import Flow
from .http_wire import BodilessWire, HttpWire
from .observe import emit_exception
from .shop import Shop
from .sink import Sink

HEAD_BYTES_MAX = 2 * HEADER_BYTES_MAX
"""The most that may arrive without a byte of a body: a head, chunk extensions, trailers.

A head between this and the door's smaller limit is refused by the door, in the customer's dialect.
"""
TURN_BYTES = 64 * 1024
"""What is taken of one connection in a turn of the loop, besides a body of known length: ten thousand chunks of a byte each."""
HEAD_S = 30.0
"""How long a head may take to arrive."""
_is_key = re.compile(rb"[A-Za-z0-9+/]{22}==").fullmatch
_PLAIN = b"%bx-request-id: %b\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%b"


def face_of(shop: Shop) -> type[asyncio.Protocol]:
    """Return what uvicorn takes as its ``http`` setting: it makes a `Face` of *shop* for each connection."""
    return cast(type[asyncio.Protocol], partial(Face, shop))


class Face(HttpToolsProtocol):
    """One connection of a customer."""

    def __init__(self, shop: Shop, **server: Any) -> None:
        super().__init__(**server)
        self._shop = shop
        self.flow: Flow
        self._wire: HttpWire | None = None
        self._unread: bytes | memoryview = b""
        self._body_left = 0  # bytes of the current body, if its length is known, that the parser has yet to get
        self._is_held = False
        """Whether reading from the socket is paused until what was read has been taken."""
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the transport, and wait for the first head."""
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes as they arrive, but only so many in one turn of the loop that other connections get theirs."""
        is_waiting = bool(self._unread)
        self._unread = bytes(self._unread) + data
        if is_waiting:
            self._hold()
        else:
            self._take_turn()

    def _take_turn(self) -> None:
        if self.transport.is_closing():
            return
        self._take_up_to(self._body_left + TURN_BYTES)
        if self._body_left and self._unread:  # a body has just begun: the parser takes any length of it as one piece
            self._take_up_to(self._body_left)
        if self._unread:
            self._hold()
            self.loop.call_soon(self._take_turn)
        elif self._is_held:
            self._is_held = False
            if not self.flow.read_paused:
                self.transport.resume_reading()

    def _take_up_to(self, count: int) -> None:
        unread = memoryview(self._unread)
        self._unread = unread[count:] or b""  # an empty view would keep all that was read
        self._take(unread[:count])
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._unread = b""  # at an upgrade: a client has to wait for the answer before it sends more

    def _hold(self) -> None:
        self._is_held = True
        self.transport.pause_reading()

    def on_response_complete(self) -> None:
        """Begin the next of the requests that came together; the socket is read again once the last of them begins."""
        super().on_response_complete()
        self.flow.resume_reading()

    def _take(self, data: bytes | memoryview) -> None:
        """Give *data* to the parser.

        A request to upgrade to a protocol that relay does not speak is read again as if it had not asked,
        which a server may do (RFC 9110, 7.8, read 2026-11-29): ``curl --http2`` and Java's own client ask
        for it with every first request. The parser stops after such a head, so what follows would be lost,
        or taken for the next request: somebody else's, where a proxy in front shares the connection.
        """
        if self.flow.is_dropping:
            return
        self._unset_keepalive_if_required()
        self._head_bytes += len(data)
        try:
            while data:
                data = self._feed(data)
        except HttpParserError:
            self._take_rubbish(400, "Invalid HTTP request received.")
            return
        if self._head_bytes > HEAD_BYTES_MAX:
            self._take_rubbish(431, f"The head is larger than {HEAD_BYTES_MAX // 1024} KiB.")
        elif self._head_timer is None and (self._head_bytes or not self._is_answering()):
            self._wait_for_head()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up_head)

    def _give_up_head(self) -> None:
        """Close a connection whose head does not end in time.

        While a request is being answered, it may be relay that has stopped reading. Once it is answered,
        the connection is kept only as long as uvicorn keeps an idle one, or until more of the head arrives.
        """
        self._head_timer = None
        if self.transport.get_protocol() is self and not self._is_answering():  # else it has become a websocket
            self.transport.close()

    def _is_answering(self) -> bool:
        """Say whether a request has yet to be answered; once it has been, the rest of its body is dropped."""
        cycle = cast(RequestResponseCycle | None, self.cycle)  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _end_head(self) -> None:
        """Start counting again: a head has ended, or a piece of a body has arrived."""
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _feed(self, data: bytes | memoryview) -> bytes:
        """Give *data* to the parser; return what it has to be given again."""
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return b""
            if self.parser.get_method() == b"CONNECT":
                self._take_rubbish(400, "This server is no proxy.")
                return b""
            rest = b"".join(self._head_without_upgrade()) + data[upgrade.args[0] :]
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            return rest
        return b""

    def _head_without_upgrade(self) -> Iterator[bytes]:
        yield b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        for name, value in self.headers:
            if name != b"upgrade":  # without it, "Connection: upgrade" asks for nothing (RFC 9110, 7.8)
                yield b"%b: %b\r\n" % (name, value)
        yield b"\r\n"

    def _should_upgrade(self) -> bool:
        """Say whether to upgrade: the handshake is complete, and no request is under way (RFC 6455, 4.1, read 2026-11-30)."""
        headers = dict(self.headers)
        has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"").strip(b"0")
        has_key = _is_key(headers.get(b"sec-websocket-key", b"")) and headers.get(b"sec-websocket-version") == b"13"
        is_wanted = self.parser.get_method() == b"GET" and has_key and not has_body
        return bool(is_wanted) and not self._is_answering() and super()._should_upgrade()

    def _take_rubbish(self, status: int, text: str) -> None:
        """Refuse what is no HTTP.

        In the midst of a body, the request's door refuses. Behind a complete request, only that one's answer is sent.
        """
        is_in_body = bool(getattr(self.cycle, "more_body", False))  # there is no cycle before the first request
        if not self._is_answering():
            if not is_in_body:  # else its request has had its answer
                self._refuse(status, text)
            self.flow.end(is_body_unread=True)
        elif status == 431 and is_in_body and not self.pipeline:
            self._refuse(status, text)
            self.transport.close()  # the door learns of it by `connection_lost`
        else:
            self.flow.is_dropping, self.cycle.keep_alive = True, False
            if is_in_body and self.cycle.scope["path"] not in APP_PATHS:  # pages are answered without a body
                self.cycle.disconnected = True
                self.cycle.message_event.set()

    def on_message_begin(self) -> None:
        """Begin a head; where it follows a body in the same piece, its first bytes are not counted."""
        self._head_bytes += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin an exchange, or note that a websocket is wanted."""
        self._end_head()
        self._body_left = int(dict(self.headers).get(b"content-length", 0))
        if not self.parser.should_upgrade() or self._should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a request's body; a body that is only dropped can't buy time by arriving slowly."""
        if self._is_answering():
            self._end_head()
        else:
            self._head_bytes = 0
        if self._body_left:
            self._body_left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request's body; a request that will be read again has none yet."""
        self._end_head()
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self.cycle.more_body = False  # uvicorn leaves it as it is once the request has been answered
            self.flow.resume_reading()  # nobody asks for more, and unread, a hang-up is not seen

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["path"] in APP_PATHS:
            cycle.keep_alive &= not cycle.waiting_for_100_continue  # see `HttpWire.head`
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(self._serve(cycle))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _serve(self, cycle: RequestResponseCycle) -> None:
        kind = BodilessWire if cycle.scope["method"] == "HEAD" else HttpWire
        self._wire = wire = kind(cycle, self.loop.time)
        try:
            await Door(self._shop, cycle.scope, cycle.receive, partial(Sink, wire)).serve()
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            # A bug before there is a dialect to answer in; the door answers all later ones. No exception may
            # leave the task: the event loop would print its message.
            emit_exception("request.crashed", exc)
            if not cycle.response_started:
                await cycle.send_500_response()
        finally:
            if not cycle.response_complete:
                wire.leave()

    def _refuse(self, status: int, text: str) -> None:
        """Answer a request that never reaches a door; the answer has an id like every other, but no dialect."""
        self.transport.write(_PLAIN % (STATUS_LINE[status], new_id("req").encode(), len(text), text.encode("ascii")))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange under way that its customer is gone."""
        super().connection_lost(exc)
        self._end_head()
        if self._wire is not None:
            self._wire.lose()
        # These refer back here, and all of it, the API key too, would wait for the garbage collector.
        self._wire = self.cycle = None  # type: ignore[assignment]
        self.pipeline.clear()

"""Where a websocket comes in: uvicorn's protocol, left where a session begins.

uvicorn and the websockets library make the handshake, answer pings and shut down. Of what a
customer sends, one message is taken at a time: the socket is read no more until it is passed on,
nor while what was read waits for its turn of the loop.
Source: uvicorn 0.54, ``protocols/websockets/websockets_sansio_impl.py``, read 2026-11-24.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers as ResponseHeaders
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.server import ServerProtocol

from ..shop import Shop
from ..sink import Sink
from ..transport import FRAME_BYTES_MAX
from ..upstream.websocket import SILENT
from .door import RealtimeDoor

TURN_BYTES = 16 * 1024
"""Bytes taken from one customer in a turn of the event loop: some thousands of frames if they are empty."""
FRAGMENTS_MAX = 8192
"""Fragments of one message, among which those of no bytes count too; the largest in pieces of 4 KiB has 6144."""


def websocket_face_of(shop: Shop) -> type[asyncio.Protocol]:
    """Return what uvicorn takes as its ``ws`` setting: it makes a `WebsocketFace` of *shop* for each connection."""
    return cast(type[asyncio.Protocol], partial(WebsocketFace, shop))


class WebsocketFace(WebSocketsSansIOProtocol):
    """One websocket of a customer."""

    def __init__(self, shop: Shop, **server: Any) -> None:
        super().__init__(**server)
        # Not the server's own, which would log addresses with their keys, and frames; nothing is compressed.
        self.logger = SILENT
        self.conn = ServerProtocol(max_size=FRAME_BYTES_MAX, logger=SILENT)
        self.app = self._serve
        self._shop = shop
        self._wire = HandshakeWire(self)
        self._unread = b""

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await RealtimeDoor(self._shop, scope, receive, send, partial(Sink, self._wire)).serve()

    def data_received(self, data: bytes) -> None:
        """Take bytes as they arrive, but only so many in a turn of the event loop that others get theirs."""
        is_waiting = bool(self._unread)
        self._unread += data
        if not is_waiting:
            self._take_turn()

    def _take_turn(self) -> None:
        taken, self._unread = self._unread[:TURN_BYTES], self._unread[TURN_BYTES:]
        if self.transport.is_closing():
            return
        super().data_received(taken)
        if len(self.frames) > FRAGMENTS_MAX:
            self._refuse_fragments()
        elif self._unread:
            self._hold()
            self.loop.call_soon(self._take_turn)
        elif self.read_paused and (self.close_sent or self.queue.empty()):
            self.read_paused = False
            self.transport.resume_reading()

    def _hold(self) -> None:
        """Stop reading from the socket until what was read has been taken."""
        if self._unread:
            self.read_paused = True
            self.transport.pause_reading()

    async def receive(self) -> Any:
        """Return the next message; uvicorn, which reads on now, does not know of what is unread."""
        message = await super().receive()
        self._hold()
        return message

    def _refuse_fragments(self) -> None:
        self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {FRAGMENTS_MAX} fragments")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def handle_parser_exception(self) -> None:
        """End a connection on which something else than a frame came; before the upgrade no frame can say so."""
        if self.conn.close_sent is None:
            self.transport.abort()
        else:
            super().handle_parser_exception()

    def shutdown(self) -> None:
        """Close in order; what is closing already, such as a failed upgrade, uvicorn would answer once more."""
        if not self.transport.is_closing():
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell a session that is being opened that its customer is gone."""
        super().connection_lost(exc)
        self._wire.lose()

    def refuse(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the upgrade request with plain HTTP, and close."""
        lines = ResponseHeaders([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
        lines["connection"] = "close"
        self.conn.send_response(Response(status, HTTPStatus(status).phrase, lines, body))
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


class HandshakeWire:
    """The `Wire` of a websocket before its upgrade: what is written to it is sent as an HTTP answer."""

    def __init__(self, face: WebsocketFace) -> None:
        self._face = face
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self.is_lost = False
        self.on_loss: Callable[[], None] | None = None
        self.written_s = 0.0

    async def wait_for_room(self) -> None:
        """Return at once: a refusal is short."""

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Note status and headers."""
        self._status, self._headers = status, list(headers)

    def put(self, data: bytes) -> bool:
        """Note a piece of the body."""
        self._pieces.append(data)
        return True

    def end(self) -> None:
        """Send the answer."""
        if not (self.is_lost or self._face.handshake_complete):
            self._face.refuse(self._status, self._headers, b"".join(self._pieces))

    def abort(self) -> None:
        """Close the connection."""
        self._face.transport.abort()

    def lose(self) -> None:
        """Note that the connection is gone."""
        self.is_lost = True
        if self.on_loss is not None:
            self.on_loss()

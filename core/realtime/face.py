"""Accepts websockets, by uvicorn's protocol, and hands each to a `RealtimeDoor`.

uvicorn and the websockets library make the handshake, answer pings and shut down. A customer's
messages are taken one at a time: the socket is not read again until the message has been passed
on, nor while bytes that were read wait for their turn of the event loop.
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
"""Bytes taken from one customer in a turn of the event loop: a few thousand frames if they are empty."""
FRAGMENTS_MAX = 8192
"""Fragments of one message, empty ones included; the largest message has 6144 if cut into pieces of 4 KiB."""


def websocket_face_of(shop: Shop) -> type[asyncio.Protocol]:
    """Return the value of uvicorn's ``ws`` setting that makes a `WebsocketFace` of *shop* for each connection."""
    return cast(type[asyncio.Protocol], partial(WebsocketFace, shop))


class WebsocketFace(WebSocketsSansIOProtocol):
    """One websocket of a customer."""

    def __init__(self, shop: Shop, **server: Any) -> None:
        super().__init__(**server)
        # Not the server's own logger, which would log frames, and URLs with keys; nothing is compressed.
        self.logger = SILENT
        self.conn = ServerProtocol(max_size=FRAME_BYTES_MAX, logger=SILENT)
        self.app = self._serve
        self._shop = shop
        self._wire = HandshakeWire(self)
        self._unread = b""
        self._serving: asyncio.Task[None] | None = None

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        self._serving = asyncio.current_task()
        await RealtimeDoor(self._shop, scope, receive, send, partial(Sink, self._wire)).serve()

    def data_received(self, data: bytes) -> None:
        """Take bytes as they arrive, but only so many in a turn of the event loop, so that others get theirs."""
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
        """Return the next message; uvicorn then resumes reading, so pause it again if bytes are still unread."""
        message = await super().receive()
        self._hold()
        return message

    def _refuse_fragments(self) -> None:
        self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {FRAGMENTS_MAX} fragments")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def handle_parser_exception(self) -> None:
        """End a connection that sent something other than a frame; before the upgrade, no frame can tell it why."""
        if self.conn.close_sent is None:
            self.transport.abort()
        else:
            super().handle_parser_exception()

    def shutdown(self) -> None:
        """End the session, which tells its customer why; uvicorn's own way would look as if the customer had left.

        A connection that is closing already, as after a failed upgrade, is left alone: uvicorn would answer it again.
        """
        if self.transport.is_closing():
            return
        if self._serving is not None and not self.close_sent:
            self._serving.cancel()
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone, and tell a session that is being opened."""
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

"""Where a websocket comes in: uvicorn's protocol, left where a session begins.

uvicorn and the websockets library make the handshake, answer pings and shut down. Of what a
customer sends, one message is taken at a time: the socket is read no more until it is passed on.
Source: uvicorn 0.54, ``protocols/websockets/websockets_sansio_impl.py``, read 2026-11-24.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers as ResponseHeaders
from websockets.http11 import Response
from websockets.server import ServerProtocol

from ..shop import Shop
from ..sink import Sink
from ..transport import FRAME_BYTES_MAX
from ..upstream.websocket import SILENT
from .door import RealtimeDoor


def websocket_face_of(shop: Shop) -> type[asyncio.Protocol]:
    """Return what uvicorn takes for ``ws``: makes a `WebsocketFace` of *shop* for each connection."""
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
        self._wire = Refusal(self)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await RealtimeDoor(self._shop, scope, receive, send, partial(Sink, self._wire)).serve()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the session that is being opened that its customer is gone."""
        super().connection_lost(exc)
        self._wire.lose()

    def refuse(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the request for an upgrade as HTTP, and close."""
        lines = ResponseHeaders([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
        lines["connection"] = "close"
        self.conn.send_response(Response(status, HTTPStatus(status).phrase, lines, body))
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


class Refusal:
    """The `Wire` of a websocket before its upgrade: what is written there is an answer over HTTP."""

    def __init__(self, face: WebsocketFace) -> None:
        self._face = face
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self.is_lost = False
        self.on_loss: Callable[[], None] | None = None
        self.written_s = 0.0

    async def wait_for_room(self) -> None:
        """Wait for nothing: a refusal is short."""

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
        """Shut the connection."""
        self._face.transport.abort()

    def lose(self) -> None:
        """Take note that the connection is gone."""
        self.is_lost = True
        if self.on_loss is not None:
            self.on_loss()

"""The simulator's websocket: the protocol of the websockets library on a raw transport, with a `RealtimeSession`."""

import asyncio
import logging

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from relay.plugins.channels.simulator.realtime import RealtimeSession

FRAME_BYTES_MAX = 32 * 1024 * 1024
SILENT = logging.Logger("relay.simulator.websocket", logging.CRITICAL + 1)
"""The library would write frames into a log at debug level: no text may be kept."""


def is_handshake(head: bytes) -> bool:
    """Say whether *head* asks for a websocket."""
    return b"\r\nupgrade: websocket" in head.lower()


class Socket:
    """One open websocket; `feed` takes the bytes that come in."""

    def __init__(self, transport: asyncio.Transport, session: RealtimeSession) -> None:
        self._transport = transport
        self._session = session
        self._protocol = ServerProtocol(max_size=FRAME_BYTES_MAX, logger=SILENT)
        self._message = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes, the handshake first, and answer all complete frames."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                self._say(self._session.begin())
            elif isinstance(event, Frame):
                self._take(event)
        self._send()

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._message += frame.data
            if frame.fin:
                message, self._message = self._message, b""
                self._say(self._session.hear(message))

    def _say(self, frames: list[str]) -> None:
        for frame in frames:
            self._protocol.send_text(frame.encode())

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()  # the protocol's sign that nothing more is to be sent

"""The customer's end of a session: frames in, frames out, and the notice that the customer has left."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ..errors import CustomerGoneError
from ..transport import Frame

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
REASON_BYTES_MAX = 123
"""The most bytes of a reason in a close frame. Source: RFC 6455, 5.5."""


class Customer:
    """One customer's websocket, over ASGI."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._waiting_since: float | None = None

    async def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Upgrade the connection.

        Raises:
            CustomerGoneError: The customer has left.
        """
        await self._hand({"type": "websocket.accept", "subprotocol": subprotocol, "headers": list(headers)})

    async def receive(self) -> Frame:
        """Return the next frame.

        Raises:
            CustomerGoneError: The customer has left, or the server closes.
        """
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise CustomerGoneError("the customer closed the websocket")
            if message["type"] == "websocket.receive":
                text: str | None = message.get("text")
                return text if text is not None else bytes(message["bytes"])

    async def send(self, frame: Frame) -> None:
        """Send *frame*, and wait while the customer's socket has no room.

        Raises:
            CustomerGoneError: The customer has left.
        """
        kind = "text" if isinstance(frame, str) else "bytes"
        await self._hand({"type": "websocket.send", kind: frame})

    async def close(self, code: int, reason: str) -> None:
        """Close the websocket; does nothing if it is closed."""
        try:
            await self._hand({"type": "websocket.close", "code": code, "reason": reason[:REASON_BYTES_MAX]})
        except CustomerGoneError:
            return

    async def _hand(self, message: dict[str, Any]) -> None:
        self._waiting_since = self._loop.time()
        try:
            await self._send(message)
        except (OSError, RuntimeError) as exc:  # uvicorn's ClientDisconnected; "after sending close"
            raise CustomerGoneError("the customer closed the websocket") from exc
        finally:
            self._waiting_since = None

    def waited_s(self, now_s: float) -> float:
        """Return how long a frame has been waiting for room, in seconds."""
        return 0.0 if self._waiting_since is None else now_s - self._waiting_since

"""Websockets to upstreams, each for one session.

The websockets library speaks the protocol, on a socket that the client has connected: so it asks no proxy. Frames
are not compressed: sound would gain nothing, and nobody can send a small frame that unpacks without bound.
"""

import asyncio
import logging
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ..errors import UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from ..failures import classify
from ..transport import FRAME_BYTES_MAX, Deadlines, Frame, UpstreamRequest
from .dial import Dialler
from .request_head import Origin, parse_url

CLOSE_S = 0.5
"""How long an upstream may take to answer a close frame before the connection is closed."""
FRAMES_MAX = 4
"""With more messages than this waiting to be passed on, the upstream is not read."""
NORMAL = 1000
SILENT = logging.Logger("relay.upstream.websocket", logging.CRITICAL + 1)
"""The library logs frames at debug level, but nothing said may be kept."""
_SCHEMES = {"http": "ws", "https": "wss"}


class Websocket:
    """An open websocket; an `UpstreamSocket`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> Frame | None:
        """Return the next message, or None once the upstream has closed in order."""
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            code = self._connection.close_code
            if code == NORMAL:
                return None
            raise UpstreamBrokenError(f"the upstream closed the websocket with {code}") from None
        except UnicodeDecodeError:
            raise UpstreamBrokenError("a message of the upstream is no UTF-8") from None

    async def send(self, frame: Frame) -> None:
        """Send a message, and wait while the upstream takes no more."""
        try:
            await self._connection.send(frame)
        except ConnectionClosed:
            return  # `receive` tells how it ended

    async def close(self) -> None:
        """Close, in order if the upstream answers at once."""
        await self._connection.close()


class _Direct(connect):
    """Follows no redirects: their targets would be sent the key."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def open_websocket(dialler: Dialler, request: UpstreamRequest, deadlines: Deadlines) -> Websocket:
    """Return a websocket at the address of *request*; see `Transport.connect`."""
    try:
        origin, _ = parse_url(request.url)
    except ValueError as exc:
        raise UpstreamConnectError(f"the request can't be sent: {exc}") from exc
    try:
        async with asyncio.timeout(deadlines.connect_s):
            reached = await dialler.reach(origin)
    except TimeoutError as exc:
        raise UpstreamTimeoutError("connect") from exc
    except OSError as exc:
        raise UpstreamConnectError(f"no answer from the upstream: {type(exc).__name__}") from exc
    try:
        return Websocket(await _upgrade(dialler, reached, origin, request, deadlines))
    except InvalidStatus as exc:
        refusal = exc.response
        headers = {name.lower(): value for name, value in refusal.headers.raw_items()}
        if 200 <= refusal.status_code < 300:
            raise UpstreamConnectError("a document came where a websocket was asked for") from None
        raise classify(refusal.status_code, headers, bytes(refusal.body)) from None
    except TimeoutError as exc:
        raise UpstreamTimeoutError("first_event") from exc
    except (OSError, InvalidHandshake, EOFError, ValueError) as exc:
        raise UpstreamConnectError(f"no websocket from the upstream: {type(exc).__name__}") from None


async def _upgrade(
    dialler: Dialler, reached: object, origin: Origin, request: UpstreamRequest, deadlines: Deadlines
) -> ClientConnection:
    parts = urlsplit(request.url)
    return await _Direct(
        urlunsplit(parts._replace(scheme=_SCHEMES[parts.scheme])),
        sock=reached,
        ssl=dialler.tls if origin.is_tls else None,
        additional_headers=dict(request.headers),
        compression=None,
        user_agent_header=None,
        open_timeout=deadlines.first_event_s,
        close_timeout=CLOSE_S,
        max_size=FRAME_BYTES_MAX,
        max_queue=FRAMES_MAX,
        logger=SILENT,
    )

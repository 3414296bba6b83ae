"""Gets and keeps access tokens of service accounts, by Google's own library in a thread.

Source: google-auth 2.62, ``google.oauth2.service_account``; RFC 7523; read 2026-11-24.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from relay import (
    Clock,
    Deadlines,
    PluginError,
    Transport,
    UpstreamRequest,
    UpstreamStatusError,
)

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
MARGIN = timedelta(minutes=4)
"""A token is renewed so long before it expires; Google's library uses a slightly shorter margin."""
EXCHANGE = Deadlines(connect_s=5, first_event_s=10, idle_s=10, total_s=15)
REPLY_BYTES_MAX = 64 * 1024


class Token(msgspec.Struct, frozen=True):
    """An access token, and when it expires."""

    text: str
    ends_at: datetime


class Tokens:
    """The tokens of one channel's service accounts; each is fetched once, however many requests wait for it."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._known: dict[str, Token] = {}
        self._exchanges: dict[str, asyncio.Task[Token]] = {}

    def close(self) -> None:
        """Cancel the exchanges under way."""
        for exchange in self._exchanges.values():
            exchange.cancel()

    async def of(self, account: str) -> str:
        """Return a token of the service account whose JSON is *account*.

        Raises:
            PluginError: It is not the JSON of a service account, or google-auth is not installed.
            UpstreamError: Google refused to give a token, or did not answer.
        """
        known = self._known.get(account)
        if known is not None and self._clock.now() < known.ends_at - MARGIN:
            return known.text
        exchange = self._exchanges.get(account)
        if exchange is None:
            exchange = self._exchanges[account] = asyncio.create_task(self._exchange(account))
            exchange.add_done_callback(lambda done: self._note(account, done))
        # A customer who leaves meanwhile must not cancel it for the others.
        return (await asyncio.shield(exchange)).text

    def forget(self, account: str) -> None:
        """Get a new token the next time: this one was refused before it expired."""
        self._known.pop(account, None)

    async def _exchange(self, account: str) -> Token:
        carrier = Carrier(asyncio.get_running_loop(), self._transport)
        return await asyncio.to_thread(_exchange, account, carrier)

    def _note(self, account: str, exchange: "asyncio.Task[Token]") -> None:
        del self._exchanges[account]
        if not exchange.cancelled() and exchange.exception() is None:
            self._known[account] = exchange.result()


class Reply(msgspec.Struct, frozen=True):
    """An answer as Google's library reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Carrier:
    """Sends the requests of Google's library, which runs in a thread, through the shop's own client on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: Transport) -> None:
        self._loop = loop
        self._transport = transport

    def __call__(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: object
    ) -> Reply:
        """Send one request and wait for its answer; see ``google.auth.transport.Request``."""
        request = UpstreamRequest(method=method, url=url, headers=dict(headers or {}), body=body or b"")
        return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result()

    async def _send(self, request: UpstreamRequest) -> Reply:
        response = await self._transport.send(request, EXCHANGE)
        try:
            pieces = bytearray()
            while len(pieces) < REPLY_BYTES_MAX and (data := await response.read()):
                pieces += data
        finally:
            response.close()
        return Reply(response.status, response.headers, bytes(pieces))


def _exchange(account: str, carrier: Carrier) -> Token:
    """Exchange *account* for a token, in a thread: the library may sleep between attempts."""
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2.service_account import Credentials
    except ImportError as exc:
        raise PluginError("channels.vertex needs google-auth: pip install 'relayshop[vertex]'") from exc
    try:
        credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            msgspec.json.decode(account, type=dict[str, Any]), scopes=[SCOPE]
        )
    except (ValueError, TypeError, GoogleAuthError):
        # The message may quote the key.
        raise PluginError("channels.vertex: a key is not the JSON of a service account") from None
    try:
        credentials.refresh(carrier)
    except GoogleAuthError as exc:
        if exc.retryable:
            raise UpstreamStatusError("sick", 503) from None
        raise UpstreamStatusError("key_dead", 401) from None
    except (TypeError, ValueError):
        raise UpstreamStatusError("sick", 200) from None  # the answer holds no token
    return Token(credentials.token, credentials.expiry.replace(tzinfo=UTC))

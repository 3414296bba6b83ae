"""The small face of the upstream client: what a channel sends, and what comes back."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds: to connect, for the first event, between events, in all.

    Each is separate, and none restarts on a byte that is no progress (field/reliability.md 3,
    rows 5-7).
    """

    connect_s: float = 5.0
    first_event_s: float = 120.0
    idle_s: float = 60.0
    total_s: float = 1800.0


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, ready to send. ``headers`` include the upstream's key: never log them."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str]
    body: bytes


class UpstreamResponse(Protocol):
    """An answer whose head has come. Close it in every case."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names; the last of repeated ones."""

    async def read(self) -> bytes:
        """Return the next bytes as they came, or ``b""`` at the end of the body.

        Raises:
            UpstreamBrokenError: The body ended before its end.
            UpstreamTimeoutError: Nothing came in time.
        """
        ...

    def close(self) -> None:
        """Let go of the connection: back to the pool if the body was read whole and clean, else shut."""
        ...


class Transport(Protocol):
    """Sends one request, and returns when the head of the answer is there."""

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamResponse:
        """Send *request*; no retries, no redirects, no cookies, no proxies of the environment.

        Raises:
            UpstreamConnectError: Refused, reset before an answer, or not HTTP.
            UpstreamTimeoutError: ``connect``, or ``first_event`` where no head came.
        """
        ...

"""The interface of the upstream client: what a channel sends, and what it gets back."""

from collections.abc import Callable, Mapping
from typing import Annotated, Protocol, runtime_checkable

import msgspec
from msgspec import Meta

from .errors import BadRequestError


class Deadlines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long to wait, in seconds: to connect, for the first event, between events, in total.

    Each is independent, and none is restarted by bytes that are no progress.
    """

    # Source: field/reliability.md 3, rows 5-7.
    connect_s: Annotated[float, Meta(description="To connect, in seconds.", gt=0)] = 5.0
    first_event_s: Annotated[float, Meta(description="For the first event or the head, in seconds.", gt=0)] = 120.0
    idle_s: Annotated[float, Meta(description="Between two events, in seconds.", gt=0)] = 60.0
    total_s: Annotated[float, Meta(description="For the whole answer, in seconds.", gt=0)] = 1800.0


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, ready to send. ``headers`` include the upstream's key: never log them."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str]
    body: bytes


class UpstreamResponse(Protocol):
    """An answer whose head has arrived. The caller must close it in every case."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name; of a repeated header the last line."""
        ...

    async def read(self) -> bytes:
        """Return the next bytes as they arrived, or ``b""`` at the end of the body.

        Raises:
            UpstreamBrokenError: The body ended early.
            UpstreamTimeoutError: Nothing arrived in time.
        """
        ...

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes to *take* as they arrive, until it returns False; ``b""`` is the end of the body.

        After a False the caller calls again for what follows. Returning before a False breaks the answer off.

        Raises:
            UpstreamBrokenError, UpstreamTimeoutError: As `read`; and whatever *take* raises.
        """
        ...

    def close(self) -> None:
        """Let go of the connection: it goes back to the pool if the body was complete and clean, else it is closed.

        The caller does this in every case, even after the end of the body.
        """
        ...

    def finish(self) -> None:
        """Let go of an answer whose relevant part has arrived, such as a stream after its end mark.

        If the end of its framing arrives a moment later, the connection is kept.
        """
        ...


@runtime_checkable
class Abandonable(Protocol):
    """An answer whose connection may be used again."""

    def abandon(self) -> None:
        """Close the answer, and never use its connection again."""
        ...


def let_go(response: UpstreamResponse, *, is_understood: bool) -> None:
    """Close *response*; unless it was understood, without reusing its connection, whose answers may be off by one."""
    if is_understood or not isinstance(response, Abandonable):
        response.close()
    else:
        response.abandon()


class BytesResponse:
    """An `UpstreamResponse` that a channel makes itself, whole and at once."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._rest = body

    async def read(self) -> bytes:
        """Return the whole body, then ``b""``."""
        data, self._rest = self._rest, b""
        return data

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give *take* the whole body, then its end."""
        while take(await self.read()):
            pass

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def finish(self) -> None:
        """Do nothing, as `close`."""


Frame = str | bytes
"""One message of a websocket, as text or binary."""
FRAME_BYTES_MAX = 24 * 1024 * 1024
"""The largest websocket message that is accepted from either side.

Source: OpenAI API reference, ``input_audio_buffer.append``: at most 15 MiB of sound, which is 20 MiB
of base64; read 2026-11-24.
"""


class UpstreamSocket(Protocol):
    """An open websocket to an upstream. The caller must close it in every case."""

    async def receive(self) -> Frame | None:
        """Return the next message, or None once the upstream has closed in order.

        Raises:
            UpstreamBrokenError: It ended in any other way, or sent a message of more than `FRAME_BYTES_MAX`.
        """
        ...

    async def send(self, frame: Frame) -> None:
        """Send a message, waiting while the upstream takes no more. Does nothing if the socket is closed."""
        ...

    async def close(self) -> None:
        """Close, in order if the upstream answers at once; does nothing if it is closed."""
        ...


class Transport(Protocol):
    """Sends requests to upstreams."""

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamResponse:
        """Send *request*, and return once the head of the answer has arrived.

        No retries, no redirects, no cookies, no proxies from the environment.

        Raises:
            UpstreamConnectError: Refused, reset before an answer, or not HTTP.
            UpstreamTimeoutError: ``connect``, or ``first_event`` where no head came.
            OverloadedError: No more files may be opened.
        """
        ...

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamSocket:
        """Open a websocket at the http(s) address of *request*, with its headers.

        Raises:
            UpstreamConnectError, UpstreamTimeoutError, OverloadedError: As `send`.
            UpstreamStatusError: The upstream refused the upgrade.
        """
        ...


_ENDPOINTS = (
    "/chat/completions",
    "/responses",
    "/completions",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/moderations",
    "/rerank",
    "/messages",
    "/realtime",
)


def endpoint_url(base_url: str, endpoint: str) -> str:
    """Return the address of *endpoint*, such as ``/messages``, under a channel's *base_url*.

    Operators write the base URL without /v1, with it, or as the full address of any endpoint; the last
    is for upstreams whose version is not v1. That it is an address was checked with the profile.

    >>> endpoint_url("https://api.example", "/messages"), endpoint_url("https://api.example/v1/", "/messages")
    ('https://api.example/v1/messages', 'https://api.example/v1/messages')
    >>> endpoint_url("https://api.example/paas/v4/chat/completions", "/embeddings")
    'https://api.example/paas/v4/embeddings'
    """
    base = base_url.rstrip("/")
    for known in _ENDPOINTS:
        if base.endswith(known):
            return base.removesuffix(known) + endpoint
    return base.removesuffix("/v1") + "/v1" + endpoint


def check_forwarded_headers(headers: Mapping[str, str]) -> None:
    """Refuse header values of a customer that can't be sent upstream as they are.

    Raises:
        BadRequestError: ``invalid_header``, with the header's name: its value holds a line break,
            another control character or anything but ASCII (field/reliability.md 3, row 43).
    """
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise BadRequestError("invalid_header", param=name)

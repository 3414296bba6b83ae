"""The small face of the upstream client: what a channel sends, and what comes back."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

import msgspec

from .errors import BadRequestError


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

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes to *take* as they come, until it returns False; ``b""`` is the end of the body.

        Whatever comes behind a False is asked for again. Returning without one breaks the answer off.

        Raises:
            UpstreamBrokenError, UpstreamTimeoutError: As `read`; and whatever *take* raises.
        """
        ...

    def close(self) -> None:
        """Let go of the connection: back to the pool if the body came whole and clean, else shut at once.

        Whoever asked calls it in every case, behind the end of the body too.
        """
        ...

    def finish(self) -> None:
        """Let go of an answer of which all that matters has come, such as a stream after its end mark.

        The end of its framing may still come, a moment later; then the connection is kept.
        """
        ...


@runtime_checkable
class Abandonable(Protocol):
    """An answer that came on a connection which others may come on."""

    def abandon(self) -> None:
        """Close the answer, and let no other request go out where it came from."""
        ...


def let_go(response: UpstreamResponse, *, is_understood: bool) -> None:
    """Close *response*; what was no answer to what was asked leaves no connection behind that could be off by one."""
    if is_understood or not isinstance(response, Abandonable):
        response.close()
    else:
        response.abandon()


class BytesResponse:
    """An answer that a channel gives by itself, whole and at once; an `UpstreamResponse`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._rest = body

    async def read(self) -> bytes:
        """Return the whole body, then nothing."""
        data, self._rest = self._rest, b""
        return data

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give away the whole body, then nothing."""
        while take(await self.read()):
            pass

    def close(self) -> None:
        """Let go of nothing: there is no connection."""

    def finish(self) -> None:
        """Let go of nothing either."""


Frame = str | bytes
"""One message of a websocket, of text or not."""
FRAME_BYTES_MAX = 24 * 1024 * 1024
"""The largest message of a websocket that is taken from either side.

Source: OpenAI API reference, ``input_audio_buffer.append``, at most 15 MiB of sound, which are 20
of base64; read 2026-11-24.
"""


class UpstreamSocket(Protocol):
    """An open websocket to an upstream. Close it in every case."""

    async def receive(self) -> Frame | None:
        """Return the next message, or None once the upstream has closed in order.

        Raises:
            UpstreamBrokenError: It ended in any other way, or its message is larger than any honest one.
        """
        ...

    async def send(self, frame: Frame) -> None:
        """Send a message, and wait while the upstream takes no more. To a closed socket nothing is sent."""
        ...

    async def close(self) -> None:
        """Close, in order if the upstream answers at once; closed already, it stays so."""
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

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamSocket:
        """Open a websocket at the http(s) address of *request*, with its headers.

        Raises:
            UpstreamConnectError, UpstreamTimeoutError: As `send`.
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

    Operators write the base without /v1, with it, or as the address of any one endpoint; the last
    serves upstreams whose version is not v1.

    >>> endpoint_url("https://api.example", "/messages"), endpoint_url("https://api.example/v1/", "/messages")
    ('https://api.example/v1/messages', 'https://api.example/v1/messages')
    >>> endpoint_url("https://api.example/paas/v4/chat/completions", "/embeddings")
    'https://api.example/paas/v4/embeddings'

    Raises:
        ValueError: Not an http(s) address.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f'base_url: expected an address such as "https://api.example", found "{base_url}"')
    base = base_url.rstrip("/")
    for known in _ENDPOINTS:
        if base.endswith(known):
            return base.removesuffix(known) + endpoint
    return base.removesuffix("/v1") + "/v1" + endpoint


def check_forwarded_headers(headers: Mapping[str, str]) -> None:
    """Refuse header values of a customer that would not travel upstream as they are.

    Raises:
        BadRequestError: ``invalid_header``, with the header's name: its value holds a line break,
            another control character or anything but ASCII (field/reliability.md 3, row 43).
    """
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise BadRequestError("invalid_header", param=name)

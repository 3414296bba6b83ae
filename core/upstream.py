"""The upstream client: aiohttp behind the `Transport` face, made strict.

What is set up here, and why, was checked against aiohttp 3.14.5's source; each has its test.
No cookies (the default jar carries one tenant's to the next), no redirects, no proxies or
credentials of the environment, no decompression, headers up to 64 KiB, every wait bounded by a
deadline of its own.

Requests are not repeated here, with one exception: a connection taken from the pool that the
upstream closes in order before a byte of an answer is the race that keep-alive is known for, so
the request goes out once more, on a fresh connection. Any other end before the head may come
after the upstream did its work; there the pipeline decides. aiohttp repeats idempotent methods
alone, never a POST. Source: field/reliability.md 3, rows 3 and 4, read 2026-11-23.
"""

import asyncio
import select
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from .errors import UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from .transport import Deadlines, UpstreamRequest

HEADER_BYTES_MAX = 64 * 1024
BUFFER_BYTES = 64 * 1024
"""Mark past which a response stops reading from its socket until the pipeline has caught up."""
KEEP_ALIVE_S = 55.0
"""How long an idle connection is kept: just under the 60 s after which load balancers shut theirs."""
PROGRESS_BYTES = 1024
"""Bytes that count as progress even without the end of a line."""

_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
)


class AiohttpTransport:
    """The `Transport` that channels send through; one per process, open while used as a context."""

    _session: aiohttp.ClientSession

    async def __aenter__(self) -> "AiohttpTransport":
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("user-agent",),
            read_bufsize=BUFFER_BYTES,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> "_Response":
        """Send *request* and return when the head of the answer is there.

        If the caller is cancelled meanwhile, the connection is shut at once.

        Raises:
            UpstreamConnectError: Refused, reset before an answer, not HTTP, or an answer in a
                form that was not asked for.
            UpstreamTimeoutError: ``connect``; ``first_event`` or ``total`` where no head came.
        """
        sent_at = self._loop.time()
        wait_s = min(deadlines.first_event_s, deadlines.total_s)
        trail = _Trail()
        try:
            async with asyncio.timeout(wait_s):
                answer = await self._send_once_or_twice(request, deadlines.connect_s, trail)
        except aiohttp.ServerTimeoutError as exc:
            raise UpstreamTimeoutError("connect") from exc
        except TimeoutError as exc:
            trail.abort()
            raise UpstreamTimeoutError("total" if wait_s == deadlines.total_s else "first_event") from exc
        except asyncio.CancelledError:
            trail.abort()
            raise
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            trail.abort()
            raise UpstreamConnectError(f"no answer from the upstream: {type(exc).__name__}") from exc
        flaw = _flaw_of_head(answer)
        if flaw:
            trail.abort()
            answer.close()
            raise UpstreamConnectError(flaw)
        trail.content = answer.content
        return _Response(answer, trail, deadlines, sent_at)

    async def _send_once_or_twice(
        self, request: UpstreamRequest, connect_s: float, trail: "_Trail"
    ) -> aiohttp.ClientResponse:
        try:
            return await self._send_once(request, connect_s, trail)
        except aiohttp.ServerDisconnectedError as exc:
            # aiohttp puts what it had of a head into the message; text means there was nothing.
            if not trail.is_reused or not isinstance(exc.message, str):
                raise
        trail.must_be_fresh = True
        return await self._send_once(request, connect_s, trail)

    async def _send_once(self, request: UpstreamRequest, connect_s: float, trail: "_Trail") -> aiohttp.ClientResponse:
        token = _current_trail.set(trail)
        try:
            return await self._session.request(
                request.method,
                request.url,
                data=_Body(request.body) if request.body else None,
                headers=_headers_to_send(request.headers),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=connect_s),
            )
        finally:
            _current_trail.reset(token)


class _Response:
    """One answer whose head has come; see `UpstreamResponse`.

    One timer serves all reads: it is moved when it fires, not at each read. A cancelled `read`
    loses nothing and may be called again; whoever gives up calls `close`.
    """

    __slots__ = (
        "_answer", "_deadlines", "_first_at", "_idle_left_s", "_is_begun", "_limit_at", "_line_bytes",
        "_loop", "_timer", "_total_at", "_trail", "headers", "status",
    )  # fmt: skip

    def __init__(self, answer: aiohttp.ClientResponse, trail: "_Trail", deadlines: Deadlines, sent_at: float) -> None:
        self.status: int = answer.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in answer.headers.items()}
        self._answer = answer
        self._trail = trail
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._first_at = sent_at + deadlines.first_event_s
        self._total_at = sent_at + deadlines.total_s
        self._idle_left_s = deadlines.idle_s
        self._line_bytes = 0
        self._is_begun = False
        self._limit_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def read(self) -> bytes:
        """Return the next bytes as they came, or ``b""`` at the end of the body.

        Raises:
            UpstreamBrokenError: The body ended before its end.
            UpstreamTimeoutError: ``first_event`` where no byte of the body came in time, then
                ``idle`` or ``total``.
        """
        began_at = self._loop.time()
        patience_at = began_at + self._idle_left_s if self._is_begun else self._first_at
        self._limit_at = min(patience_at, self._total_at)
        if self._timer is None:
            self._timer = self._loop.call_at(self._limit_at, self._look_at_the_clock)
        try:
            data = await self._answer.content.readany()
        except UpstreamTimeoutError:
            self.close()
            raise
        except (aiohttp.ClientError, OSError) as exc:
            self.close()
            raise UpstreamBrokenError(f"the answer broke off: {type(exc).__name__}") from exc
        finally:
            self._limit_at = None
        if data:
            self._note_progress(data, began_at)
        else:
            self._end()
        return data

    def close(self) -> None:
        """Let go of the connection: shut at once unless the whole body has come.

        Shut means aborted: an orderly close would first wait for what is still to be sent, and
        the upstream would learn too late that nobody is listening.
        """
        self._stop_timer()
        if self._answer.connection is not None:
            self._trail.abort()
        self._answer.close()

    def _note_progress(self, data: bytes, began_at: float) -> None:
        """Give back the idle time after a line or enough bytes; a drip of bytes only uses it up."""
        if not self._is_begun:
            self._is_begun = True
            self._stop_timer()
        self._line_bytes += len(data)
        if b"\n" in data or self._line_bytes >= PROGRESS_BYTES:
            self._line_bytes = 0
            self._idle_left_s = self._deadlines.idle_s
        else:
            self._idle_left_s -= self._loop.time() - began_at

    def _end(self) -> None:
        """Take the end of the body; a body that ends with its connection must not end in a reset."""
        is_reset = self._trail.is_reset()
        self.close()
        if is_reset and "content-length" not in self.headers and "transfer-encoding" not in self.headers:
            raise UpstreamBrokenError("the connection was reset within the answer")

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._limit_at is None:
            return
        if self._limit_at > self._loop.time():
            self._timer = self._loop.call_at(self._limit_at, self._look_at_the_clock)
        elif self._limit_at >= self._total_at:
            self._answer.content.set_exception(UpstreamTimeoutError("total"))
        else:
            self._answer.content.set_exception(UpstreamTimeoutError("idle" if self._is_begun else "first_event"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Trail:
    """Which connection a request went over: aiohttp tells only through its connector."""

    __slots__ = ("content", "is_reused", "must_be_fresh", "protocol", "transport")

    def __init__(self) -> None:
        self.content: aiohttp.StreamReader | None = None
        self.protocol: ResponseHandler | None = None
        self.transport: asyncio.Transport | None = None
        self.is_reused = False
        self.must_be_fresh = False

    def abort(self) -> None:
        """Shut the connection without waiting for what is still to be sent."""
        if self.transport is not None:
            self.transport.abort()

    def note_loss(self) -> None:
        """Wake whoever reads a body that can't end any more.

        aiohttp tells the reader of a cut body, but not of one with a broken chunk: there it shuts
        the connection and lets the reader wait. Source: aiohttp 3.14.5, ``data_received``.
        """
        if self.content is not None and not self.content.is_eof() and self.content.exception() is None:
            self.content.set_exception(aiohttp.ClientPayloadError("the body is not what its framing says"))

    def is_reset(self) -> bool:
        """Return whether the connection ended in an error of the network."""
        return self.protocol is not None and isinstance(self.protocol.exception(), OSError)


_current_trail: ContextVar[_Trail] = ContextVar("relay_upstream_trail")


class _Connector(aiohttp.TCPConnector):
    """A pool that gives out no connection on which anything has come since its last answer.

    aiohttp looks for stray bytes when a connection goes back, which is before the bytes behind
    the end of a body are parsed, and no more when it is taken again: the next tenant would be
    handed them as the answer. Source: aiohttp 3.14.5, ``BaseConnector._release`` and ``_get``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._trails: dict[ResponseHandler, _Trail] = {}

    async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Connection:
        """Return a fresh connection, or a clean one of the pool."""
        trail = _current_trail.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None
            assert transport is not None
            is_reused = protocol in self._trails
            if is_reused and (trail.must_be_fresh or not _is_clean(protocol, transport)):
                connection.close()
                continue
            if not is_reused and protocol.closed is not None:
                protocol.closed.add_done_callback(partial(self._note_loss, protocol))
            self._trails[protocol] = trail
            trail.protocol, trail.transport, trail.is_reused = protocol, transport, is_reused
            return connection

    def _note_loss(self, protocol: ResponseHandler, closed: "asyncio.Future[None]") -> None:
        """Forget a lost connection, and tell the request under way on it."""
        if not closed.cancelled():
            closed.exception()  # asked for, so that asyncio does not report it as unseen
        trail = self._trails.pop(protocol, None)
        if trail is not None:
            trail.note_loss()


_PROBE = b"HTTP/1.1 204 probe\r\n\r\n"


def _is_clean(protocol: ResponseHandler, transport: asyncio.Transport) -> bool:
    """Return whether nothing has come on a pooled connection since its last answer.

    Three places can hold it: the socket (there a FIN counts as well), the parsed messages, and the
    parser, whose state is not shown. So it is given a small answer: it makes exactly that of it
    unless the beginning of another lies there. The parser is replaced before the next request.
    An empty line behind an answer passes; it carries nothing.
    """
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    parser = protocol._parser
    if protocol.should_close or poll.poll(0) or parser is None:
        return False
    try:
        messages, _, _ = parser.feed_data(_PROBE)
    except aiohttp.http_exceptions.HttpProcessingError:
        return False
    return [(message.code, message.reason, len(message.headers)) for message, _ in messages] == [(204, "probe", 0)]


class _Body(aiohttp.BytesPayload):
    """Bytes to send, of any size: aiohttp's own class warns about more than a MiB."""

    def __init__(self, value: bytes) -> None:
        aiohttp.Payload.__init__(self, value, content_type="application/json")
        self._size = len(value)


def _headers_to_send(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* without those that belong to the connection, and asking for no encoding."""
    kept = {name.lower(): value for name, value in headers.items()}
    for name in _OWN_HEADERS & kept.keys():
        del kept[name]
    kept["accept-encoding"] = "identity"
    return kept


def _flaw_of_head(answer: aiohttp.ClientResponse) -> str:
    """Return what makes the head unusable, in words, or nothing.

    aiohttp's parser is lenient towards servers: it takes any three digits for a status and the
    last of several lengths.
    """
    if not 200 <= answer.status <= 599:
        return f"expected an HTTP status from 200 to 599, found {answer.status}"
    headers = answer.headers
    length_count = len(headers.getall("content-length", ())) + len(headers.getall("transfer-encoding", ()))
    if length_count > 1:
        return f"expected one length of the body, found {length_count}"
    # An error keeps its status: that says enough, and nobody reads what can't be read.
    coding = headers.get("content-encoding", "").strip().lower()
    if answer.status < 400 and coding not in ("", "identity"):
        return f"asked for identity, found content-encoding {coding[:20]!r}"
    return ""

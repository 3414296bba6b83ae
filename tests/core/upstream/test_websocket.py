"""Websockets to upstreams: whatever an upstream does there has a name, and nothing is remembered or followed."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from relay import Deadlines, UpstreamBrokenError, UpstreamConnectError, UpstreamRequest, UpstreamTimeoutError
from relay.core.errors import UpstreamStatusError
from relay.core.transport import FRAME_BYTES_MAX
from relay.core.upstream import UpstreamClient
from tests.core.raw_upstream import whole
from tests.core.realtime.talks import RealtimeUpstream, Talk, Visit
from tests.upstreams import Upstream, document

from .answers import unanswering_url

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

PATIENT = Deadlines(connect_s=5, first_event_s=5)


def asked(url: str, **headers: str) -> UpstreamRequest:
    return UpstreamRequest(method="GET", url=f"{url}/v1/realtime?model=m", headers=headers, body=b"")


def saying(*frames: str | bytes, close: int | None = None) -> Talk:
    async def talk(connection: ServerConnection, visit: Visit) -> None:
        for frame in frames:
            await connection.send(frame)
        if close is not None:
            await connection.close(close)
        with suppress(ConnectionClosed):
            async for frame in connection:
                visit.said.append(frame)

    return talk


async def test_frames_pass_both_ways(transport: UpstreamClient, caplog: pytest.LogCaptureFixture) -> None:
    """In either form, and to no log; headers and address arrive as they are, an Origin or an agent's name is not made up."""
    caplog.set_level("DEBUG", "websockets.client")
    async with RealtimeUpstream(saying("text", b"bytes")).opened() as upstream:
        socket = await transport.connect(asked(upstream.url, authorization="Bearer k"), PATIENT)
        assert [await socket.receive(), await socket.receive()] == ["text", b"bytes"]
        await socket.send("back")
        await socket.close()
        [visit] = upstream.visits
        await visit.gone.wait()
    assert (visit.said, visit.request.path, visit.close_code) == (["back"], "/v1/realtime?model=m", 1000)
    assert caplog.records == []
    assert visit.request.headers["authorization"] == "Bearer k"
    assert {"origin", "user-agent", "sec-websocket-extensions"}.isdisjoint(visit.request.headers)


async def test_an_orderly_close_is_an_end_and_any_other_a_break(transport: UpstreamClient) -> None:
    """Only 1000 says that nothing was cut."""
    async with RealtimeUpstream(saying(close=1000)).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        assert await socket.receive() is None
        await socket.send("into the void")
        await socket.close()
    async with RealtimeUpstream(saying(close=1001)).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        with pytest.raises(UpstreamBrokenError, match="1001"):
            await socket.receive()
        await socket.close()


async def test_a_cut_connection_is_a_break(transport: UpstreamClient) -> None:
    """No close frame came."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        connection.transport.abort()

    async with RealtimeUpstream(talk).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        with pytest.raises(UpstreamBrokenError, match="1006"):
            await socket.receive()


async def test_a_message_beyond_bounds_is_a_break(transport: UpstreamClient) -> None:
    """It is never kept in memory."""
    async with RealtimeUpstream(saying(b"x" * FRAME_BYTES_MAX, b"x" * (FRAME_BYTES_MAX + 1))).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        assert await socket.receive() == b"x" * FRAME_BYTES_MAX
        with pytest.raises(UpstreamBrokenError):
            await socket.receive()


async def test_text_that_is_none_is_a_break(transport: UpstreamClient) -> None:
    """Not UTF-8."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        connection.transport.write(Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=False))
        await connection.wait_closed()

    async with RealtimeUpstream(talk).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        with pytest.raises(UpstreamBrokenError):
            await socket.receive()


async def test_close_does_not_wait_for_an_upstream_that_does_not_answer(transport: UpstreamClient) -> None:
    """Its connection is shut: what it writes then finds nobody."""
    is_left = asyncio.Event()

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        connection.transport.pause_reading()
        await is_left.wait()
        connection.transport.resume_reading()

    async with RealtimeUpstream(talk).opened() as upstream:
        socket = await transport.connect(asked(upstream.url), PATIENT)
        async with asyncio.timeout(1.5):
            await socket.close()
        is_left.set()
        [visit] = upstream.visits
        async with asyncio.timeout(5):
            await visit.gone.wait()
    assert visit.close_code == 1000


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, b"", "key_dead"),
        (400, b'{"error":{"code":"invalid_api_key","message":"no"}}', "key_dead"),
        (400, b'{"error":{"code":"invalid_value","message":"no"}}', "request"),
        (400, b"", "request"),
    ],
)
async def test_a_refusal_has_its_class(transport: UpstreamClient, status: int, body: bytes, failure: str) -> None:
    """By status and words, as for any request."""
    async with RealtimeUpstream(refusal=(status, body)).opened() as upstream:
        with pytest.raises(UpstreamStatusError) as caught:
            await transport.connect(asked(upstream.url), PATIENT)
    assert (caught.value.failure, caught.value.upstream_status) == (failure, status)


async def test_a_refusal_tells_how_long_to_wait(transport: UpstreamClient) -> None:
    """In whatever case its header is written."""
    async with Upstream(lambda _: document({}, 429, ["Retry-After: 17"])).opened() as upstream:
        with pytest.raises(UpstreamStatusError) as caught:
            await transport.connect(asked(upstream.url), PATIENT)
    assert (caught.value.failure, caught.value.retry_after_s) == ("throttled", 17)


async def test_a_redirect_is_not_followed(transport: UpstreamClient) -> None:
    """The key would go along."""
    async with RealtimeUpstream().opened() as other:
        answer = f"HTTP/1.1 302 Found\r\nlocation: {other.url}/v1/realtime\r\ncontent-length: 0\r\n\r\n".encode()
        async with Upstream(lambda _: [answer]).opened() as upstream:
            with pytest.raises(UpstreamStatusError):
                await transport.connect(asked(upstream.url), PATIENT)
        assert other.visits == []


@pytest.mark.parametrize("answer", [whole(b"{}"), b"nonsense\r\n\r\n", b"HTTP/1.1 101 X\r\n\r\n"])
async def test_what_is_no_websocket_is_named(transport: UpstreamClient, answer: bytes) -> None:
    """A document, rubbish, or an upgrade to something else."""
    async with Upstream(lambda _: [answer]).opened() as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.connect(asked(upstream.url), PATIENT)


async def test_a_connection_that_is_reset_or_refused_is_named(transport: UpstreamClient) -> None:
    """As for any request."""
    async with Upstream(lambda _: ["reset"]).opened() as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.connect(asked(upstream.url), PATIENT)
    for url in ("http://127.0.0.1:9", "ftp://example", "http://user@example"):
        with pytest.raises(UpstreamConnectError):
            await transport.connect(asked(url), PATIENT)


async def test_a_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, self_signed: ssl.SSLContext
) -> None:
    """Against those that the machine trusts."""
    async with RealtimeUpstream(saying("safe")).opened(self_signed) as upstream:
        async with UpstreamClient() as transport:
            with pytest.raises(UpstreamConnectError, match="SSLCertVerificationError"):
                await transport.connect(asked(upstream.url), PATIENT)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
        async with UpstreamClient() as transport:
            socket = await transport.connect(asked(upstream.url), PATIENT)
            assert await socket.receive() == "safe"
            await socket.close()


async def test_an_address_that_does_not_answer_passes_connect(transport: UpstreamClient) -> None:
    """As for any request."""
    with unanswering_url() as url:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await transport.connect(asked(url), Deadlines(connect_s=0.1, first_event_s=20))
        assert caught.value.deadline == "connect"


async def test_an_upgrade_that_does_not_come_passes_its_deadline(transport: UpstreamClient) -> None:
    """Connected is not answered."""
    async with Upstream(lambda _: [5.0]).opened() as upstream:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await transport.connect(asked(upstream.url), Deadlines(connect_s=5, first_event_s=0.2))
        assert caught.value.deadline == "first_event"

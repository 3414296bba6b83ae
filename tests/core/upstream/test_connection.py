"""What a connection makes of what an upstream writes, beyond what the client's tests show."""

import asyncio
import gc
import socket

import pytest

from relay import UpstreamBrokenError, UpstreamConnectError, UpstreamRequest
from relay.core.upstream import UpstreamClient
from relay.core.upstream.connection import BUFFER_BYTES, TURN_BYTES, Connection
from tests.core.raw_upstream import raw_upstream, whole, writes

from .answers import CHUNKED, PATIENT, read_all

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

READ_BYTES = 256_000
"""What uvloop takes of a socket at once. Source: uvloop 0.23, ``UV_STREAM_RECV_BUF_SIZE``, read 2026-11-29."""
EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


async def test_an_answer_before_the_request_is_nobodys() -> None:
    """It is not taken for the answer, and nobody waits for another: the connection is shut."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(whole(b"early"))
        _, connection = await loop.create_connection(lambda: Connection(loop, lambda _: None), sock=ours)
        due_at = loop.time() + 5
        while not connection.loss:
            assert await connection.wait(lambda: due_at)
        connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
        assert (connection.status, connection.loss) == (0, "shut")


async def test_a_connection_that_has_stopped_reading_takes_no_request() -> None:
    """Its answer has come whole, but nobody took it: the next answer would never be read."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        _, connection = await loop.create_connection(lambda: Connection(loop, lambda _: None), sock=ours)
        connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
        connection.data_received(whole(b"x" * (BUFFER_BYTES + 1)))
        assert (connection.is_complete, connection.is_spent()) == (True, True)
        assert connection.take() == b"x" * (BUFFER_BYTES + 1)
        assert not connection.is_spent()
        connection.abort()


async def test_a_connection_that_has_ended_takes_no_request() -> None:
    """Its last answer came whole and promised to keep it, but the upstream has shut it since."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    _, connection = await loop.create_connection(lambda: Connection(loop, lambda _: None), sock=ours)
    connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
    connection.data_received(whole(b"ok"))
    assert not connection.is_spent()
    theirs.close()
    due_at = loop.time() + 5
    while not connection.loss:
        assert await connection.wait(lambda: due_at)
    assert (connection.is_complete, connection.is_spent()) == (True, True)


async def test_announcements_before_the_head_are_passed_over(transport: UpstreamClient) -> None:
    """100 and 103 are no answer; their headers are not the answer's."""
    continues = b"HTTP/1.1 100 Continue\r\n\r\n"
    async with raw_upstream(writes(continues, EARLY + whole(b"ok", "x-a: b"))) as upstream:
        for _ in range(2):
            response = await transport.send(upstream.request(), PATIENT)
            assert (response.status, dict(response.headers)) == (200, {"content-length": "2", "x-a": "b"})
            assert await read_all(response) == b"ok"
        assert upstream.connection_count == 1


async def test_announcements_without_end_are_no_answer(transport: UpstreamClient) -> None:
    """However many hints come, they are bounded as one head is."""
    async with raw_upstream(writes(EARLY * 2000)) as upstream:
        with pytest.raises(UpstreamConnectError, match="more than 65536 bytes"):
            await transport.send(upstream.request(), PATIENT)


async def test_trailers_are_passed_over(transport: UpstreamClient) -> None:
    """Headers behind the body change nothing, and the connection is kept."""
    async with raw_upstream(writes(CHUNKED + b"2\r\nok\r\n0\r\nx-late: 1\r\n\r\n")) as upstream:
        for _ in range(2):
            response = await transport.send(upstream.request(), PATIENT)
            assert await read_all(response) == b"ok"
            assert "x-late" not in response.headers
        assert upstream.connection_count == 1


@pytest.mark.parametrize(
    "start", [pytest.param(b"0\r\nx-late: ", id="trailer"), pytest.param(b"2;name=", id="chunk extension")]
)
async def test_framing_without_end_breaks_the_answer(transport: UpstreamClient, start: bytes) -> None:
    """A trailer or a chunk's extension of any length is not kept in memory."""
    async with raw_upstream(writes(CHUNKED + b"2\r\nok\r\n" + start, b"a" * 400_000)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert await response.read() == b"ok"
        with pytest.raises(UpstreamBrokenError, match="more than 65536 bytes"):
            await read_all(response)


async def test_nonsense_behind_a_whole_answer_leaves_it_whole(transport: UpstreamClient) -> None:
    """Bytes that are no HTTP behind the end spoil the connection, not the answer."""
    async with raw_upstream(writes(whole(b"ok") + b"\x00rubbish"), writes(whole(b"2"))) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"2"
        assert upstream.connection_count == 2


async def test_an_answer_that_announces_its_end_is_not_gone_on_from(transport: UpstreamClient) -> None:
    """`connection: close` and HTTP/1.0 take their connection with them."""
    old = b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with raw_upstream(writes(whole(b"ok", "connection: close")), writes(old)) as upstream:
        for _ in range(3):
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert upstream.connection_count == 3


async def test_an_answer_without_a_body_is_whole_at_once(transport: UpstreamClient) -> None:
    """204 needs no length."""
    async with raw_upstream(writes(b"HTTP/1.1 204 No Content\r\n\r\n")) as upstream:
        for _ in range(2):
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b""
        assert upstream.connection_count == 1


async def test_every_cut_of_an_answer_reads_the_same(transport: UpstreamClient) -> None:
    """Wherever the network cuts an answer, the same bytes come out."""
    answer = CHUNKED + b"5\r\ndata:\r\n4;x=y\r\n 1\n\n\r\n0\r\n\r\n"
    cuts = [writes(answer[:at], answer[at:]) for at in range(1, len(answer))]
    async with raw_upstream(*cuts) as upstream:
        for _ in cuts:
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"data: 1\n\n"
        assert upstream.connection_count == 1


async def test_an_early_refusal_of_a_long_body_takes_its_connection_along(transport: UpstreamClient) -> None:
    """An answer that came before the request was sent whole is read; nothing is sent behind the rest."""
    refused: list[asyncio.StreamWriter] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole(b"no", status="413 Large"))

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        for _ in range(2):
            async with asyncio.timeout(10):
                response = await transport.send(UpstreamRequest(url=url, headers={}, body=b"x" * 9_000_000), PATIENT)
            assert (response.status, await read_all(response)) == (413, b"no")
        assert len(refused) == 2
    finally:
        server.close()
        for writer in refused:
            writer.transport.abort()


@pytest.mark.usefixtures("no_collector")
async def test_a_connection_is_freed_once_it_has_ended(transport: UpstreamClient) -> None:
    """The deadline of its last wait may be minutes away, and its parser refers to it."""
    async with raw_upstream(writes(CHUNKED)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        response.close()
        await asyncio.wait_for(upstream.gone.wait(), 5)
    del response
    assert [one for one in gc.get_objects() if type(one) is Connection] == []


async def test_what_comes_fast_leaves_others_their_turns(transport: UpstreamClient) -> None:
    """Megabytes that wait in the socket are read in many turns of the loop, and the connection is kept."""
    loop = asyncio.get_running_loop()
    taken = [0]

    def count() -> None:
        taken.append(0)
        loop.call_soon(count)

    def take(data: bytes) -> bool:
        taken[-1] += len(data)
        return bool(data)

    count()
    async with raw_upstream(writes(whole(b"x" * 8_000_000))) as upstream:
        for _ in range(2):
            response = await transport.send(upstream.request(), PATIENT)
            await response.hand_over(take)
            response.close()
        assert upstream.connection_count == 1
    assert sum(taken) == 16_000_000
    assert max(taken) <= 2 * (TURN_BYTES + READ_BYTES)  # some was waiting, and some came

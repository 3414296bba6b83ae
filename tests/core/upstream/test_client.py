import asyncio
import contextlib
import gzip
import os
import socket
import ssl

import pytest

from relay import (
    Deadlines,
    UpstreamBrokenError,
    UpstreamConnectError,
    UpstreamRequest,
    UpstreamTimeoutError,
)
from relay.core.upstream import UpstreamClient
from tests.core.raw_upstream import raw_upstream, whole, writes, writes_and_resets, writes_and_shuts

from .answers import CHUNKED, PATIENT, read_all, unanswering_url

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")


async def test_answer_arrives_with_status_headers_and_body(transport: UpstreamClient) -> None:
    """Status, lower-case headers and the very bytes of the body come through."""
    async with raw_upstream(writes(whole(b'{"a":1}\n', "X-Thing: one", "x-thing: two", status="418 Odd"))) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert (response.status, response.headers["x-thing"]) == (418, "two")
        assert await read_all(response) == b'{"a":1}\n'


async def test_request_head_says_no_more_than_it_must(transport: UpstreamClient) -> None:
    """The head has the channel's headers, identity as encoding, and nothing of the library or the customer's connection."""
    async with raw_upstream(writes(whole(b""))) as upstream:
        headers = {"Content-Type": "application/json", "connection": "x", "Accept-Encoding": "gzip", "Host": "evil"}
        (await transport.send(upstream.request(headers), PATIENT)).close()
        assert upstream.requests == [
            b"POST /v1/x HTTP/1.1\r\nhost: " + upstream.url.removeprefix("http://").encode() + b"\r\n"
            b"content-type: application/json\r\naccept: */*\r\ncontent-length: 2\r\naccept-encoding: identity\r\n\r\n{}"
        ]


async def test_large_body_is_sent_whole(transport: UpstreamClient) -> None:
    """Three megabytes go up without a warning."""
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        response = await transport.send(upstream.request(body=b"x" * 3_000_000), PATIENT)
        assert await read_all(response) == b"ok"
        assert upstream.requests[0].endswith(b"\r\n\r\n" + b"x" * 3_000_000)


async def test_chunks_pass_as_they_come(transport: UpstreamClient) -> None:
    """Two events written apart are read apart."""
    async with raw_upstream(writes(CHUNKED, b"4\r\na: 1\r\n", b"4\r\na: 2\r\n0\r\n\r\n", pause_s=0.02)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert [await response.read(), await response.read(), await response.read()] == [b"a: 1", b"a: 2", b""]


async def test_cookies_are_not_kept(transport: UpstreamClient) -> None:
    """A cookie set for one tenant is not sent with the next request."""
    async with raw_upstream(writes(whole(b"", "set-cookie: tenant=a"))) as upstream:
        (await transport.send(upstream.request(), PATIENT)).close()
        (await transport.send(upstream.request(), PATIENT)).close()
        assert b"ookie" not in upstream.requests[1]


async def test_redirects_are_not_followed(transport: UpstreamClient) -> None:
    """A 302 comes back as it is, and no second request goes out."""
    async with raw_upstream(writes(whole(b"", "location: /elsewhere", status="302 Found"))) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        response.close()
        assert (response.status, len(upstream.requests)) == (302, 1)


async def test_environment_proxies_are_ignored(transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a dead proxy in the environment the upstream is reached all the same."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    async with raw_upstream(writes(whole(b"direct"))) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"direct"


async def test_limitless_pool_opens_a_connection_per_request_under_way(transport: UpstreamClient) -> None:
    """120 requests at once get 120 connections, where many a client's pool would stop at 100."""
    async with raw_upstream(writes(CHUNKED)) as upstream:
        responses = await asyncio.gather(*(transport.send(upstream.request(), PATIENT) for _ in range(120)))
        assert upstream.connection_count == 120
        for response in responses:
            response.close()


async def test_header_of_60_kib_is_taken(transport: UpstreamClient) -> None:
    """One header may be as long as 60 KiB."""
    async with raw_upstream(writes(whole(b"", "x-long: " + "a" * 60_000))) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        response.close()
        assert len(response.headers["x-long"]) == 60_000


async def test_header_of_1_mb_is_refused(transport: UpstreamClient) -> None:
    """A header of a megabyte is no answer."""
    async with raw_upstream(writes(whole(b"", "x-long: " + "a" * 1_000_000))) as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request(), PATIENT)


async def test_encoded_body_is_refused(transport: UpstreamClient) -> None:
    """A gzip answer that nobody asked for is class sick."""
    async with raw_upstream(writes(whole(gzip.compress(b"{}"), "content-encoding: gzip"))) as upstream:
        with pytest.raises(UpstreamConnectError, match="content-encoding 'gzip'") as caught:
            await transport.send(upstream.request(), PATIENT)
        assert caught.value.failure == "sick"
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_encoded_error_keeps_its_status(transport: UpstreamClient) -> None:
    """An error in gzip still says that it is a 401; its bytes are left as they are."""
    packed = gzip.compress(b"{}")
    async with raw_upstream(writes(whole(packed, "content-encoding: gzip", status="401 No"))) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert (response.status, await read_all(response)) == (401, packed)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HELLO\r\n\r\n", id="not HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n", id="status 999"),
        pytest.param(b"HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n", id="status 600"),
        pytest.param(b"HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n", id="status 099"),
        pytest.param(b"HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n", id="status 000"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="101"),
        pytest.param(b"HTTP/1.1 101 Switching\r\ncontent-length: 0\r\n\r\n", id="101 to nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab", id="one length twice"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", id="negative length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length and chunked",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
            id="chunked and length",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n", id="NUL in a header"),
    ],
)
async def test_nonsense_is_no_answer(transport: UpstreamClient, answer: bytes) -> None:
    """What is not one clear HTTP answer fails the attempt and shuts the connection."""
    async with raw_upstream(writes(answer)) as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request(), PATIENT)
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_refused_connection_is_a_connect_error(transport: UpstreamClient) -> None:
    """Where nobody listens there is no answer."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(UpstreamConnectError):
            await transport.send(UpstreamRequest(url=url, headers={}, body=b"{}"), PATIENT)


async def test_unknown_host_is_a_connect_error(transport: UpstreamClient) -> None:
    """A name that can't be resolved is no upstream."""
    with pytest.raises(UpstreamConnectError):
        await transport.send(UpstreamRequest(url="http://upstream.invalid/", headers={}, body=b"{}"), PATIENT)


async def test_plain_upstream_behind_https_is_a_connect_error(transport: UpstreamClient) -> None:
    """TLS is never given up for an upstream that does not speak it."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b"", status="400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(UpstreamConnectError) as caught:
            await transport.send(UpstreamRequest(url=url, headers={}, body=b"{}"), PATIENT)
        assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_certificate_nobody_vouches_for_is_a_connect_error(
    transport: UpstreamClient, self_signed: ssl.SSLContext
) -> None:
    """Verification is never skipped: a self-signed upstream gets no request."""
    taken = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=self_signed) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(UpstreamConnectError) as caught:
            await transport.send(UpstreamRequest(url=url, headers={}, body=b"{}"), PATIENT)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert not taken.is_set()


async def test_line_break_in_a_header_is_a_connect_error_and_sends_nothing(transport: UpstreamClient) -> None:
    """A header that would end early never reaches the wire."""
    async with raw_upstream(writes(whole(b""))) as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request({"authorization": "Bearer a\r\nx: y"}), PATIENT)
        assert upstream.requests == []


async def test_reset_before_the_head_is_a_connect_error(transport: UpstreamClient) -> None:
    """A reset without an answer fails the attempt, and the request is not repeated here."""
    async with raw_upstream(writes_and_resets(b"")) as upstream:
        with pytest.raises(UpstreamConnectError, match="no answer from the upstream: ConnectionResetError"):
            await transport.send(upstream.request(), PATIENT)
        assert len(upstream.requests) == 1


# Bodies that break off


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(CHUNKED + b"5\r\nhello\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", id="length"),
    ],
)
async def test_body_that_ends_early_is_broken(transport: UpstreamClient, head: bytes) -> None:
    """A body cut short is never taken for whole."""
    async with raw_upstream(writes_and_shuts(head)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert await response.read() == b"hello"
        with pytest.raises(UpstreamBrokenError):
            await response.read()


async def test_bad_chunk_size_is_broken(transport: UpstreamClient) -> None:
    """A chunk without a size ends the answer."""
    async with raw_upstream(writes(CHUNKED, b"5\r\nhello\r\nzz\r\n")) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(UpstreamBrokenError):
            await read_all(response)


async def test_body_that_ends_with_its_connection_is_whole(transport: UpstreamClient) -> None:
    """Without a length, an orderly end of the connection ends the body."""
    async with raw_upstream(writes_and_shuts(b"HTTP/1.1 200 OK\r\n\r\n", b"hello")) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"hello"


async def test_body_that_ends_in_a_reset_is_broken(transport: UpstreamClient) -> None:
    """Without a length, a reset is not the end of the body."""
    async with raw_upstream(writes_and_resets(b"HTTP/1.1 200 OK\r\n\r\n", b"hello")) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(UpstreamBrokenError, match="the answer broke off: ConnectionResetError"):
            await read_all(response)


# Which connections are used again


async def test_connection_read_to_its_end_is_used_again(transport: UpstreamClient) -> None:
    """Three answers read whole take one connection."""
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        for _ in range(3):
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert upstream.connection_count == 1


async def test_connection_of_an_answer_closed_early_is_not_used_again(transport: UpstreamClient) -> None:
    """An answer given up half-way takes its connection with it."""
    async with raw_upstream(writes(CHUNKED, b"1\r\na\r\n"), writes(whole(b"ok"))) as upstream:
        first = await transport.send(upstream.request(), PATIENT)
        assert await first.read() == b"a"
        first.close()
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert upstream.connection_count == 2


POISON = whole(b"for tenant b: poison")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([whole(b"for a") + POISON], id="in one segment"),
        pytest.param([whole(b"for a")[:-5], b"for a" + POISON], id="behind the body"),
        pytest.param([whole(b"for a"), POISON], id="after the body"),
        pytest.param([whole(b"for a") + POISON[:30]], id="half a head"),
        pytest.param([whole(b"for a")[:-5], b"for a" + POISON[:30]], id="half a head behind the body"),
        pytest.param([CHUNKED + b"5\r\nfor a\r\n0\r\n\r\n", POISON], id="after chunks"),
        pytest.param([CHUNKED, b"5\r\nfor a\r\n0\r\n\r\n" + POISON], id="behind chunks"),
    ],
)
async def test_overrun_never_reaches_the_next_tenant(transport: UpstreamClient, pieces: list[bytes]) -> None:
    """A connection on which more came than the answer is not used again (field/reliability.md 3, row 9)."""
    async with raw_upstream(writes(*pieces, pause_s=0.02), writes(whole(b"for b"))) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"for a"
        await asyncio.sleep(0.05)
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"for b"
        assert upstream.connection_count == 2


async def test_overrun_not_yet_read_by_the_loop_is_noticed(transport: UpstreamClient) -> None:
    """Stray bytes that still lie in the kernel are seen before the connection goes to the next tenant.

    Between their coming and the next request there is no turn of the loop, in which it would read them.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def answer(body: bytes) -> socket.socket:
            peer, _ = listener.accept()
            peer.recv(1024)
            peer.sendall(whole(body))
            return peer

        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        request = UpstreamRequest(url=url, headers={}, body=b"{}")
        answering = asyncio.create_task(asyncio.to_thread(answer, b"for a"))
        assert await read_all(await transport.send(request, PATIENT)) == b"for a"
        with await answering as peer:
            answering = asyncio.create_task(asyncio.to_thread(answer, b"for b"))
            peer.sendall(POISON)
            assert await read_all(await transport.send(request, PATIENT)) == b"for b"
            (await answering).close()


async def test_fin_on_a_connection_used_before_costs_one_repeat_on_a_fresh_one(transport: UpstreamClient) -> None:
    """An upstream that shuts an idle connection as the request arrives gets it once more."""
    async with raw_upstream(writes(whole(b"1")), writes_and_shuts(), writes(whole(b"2"))) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"1"
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"2"
        assert (upstream.connection_count, len(upstream.requests)) == (2, 3)


async def test_fin_on_a_fresh_connection_is_not_repeated(transport: UpstreamClient) -> None:
    """An upstream that takes the first request of a connection and shuts may have done its work."""
    async with raw_upstream(writes_and_shuts()) as upstream:
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request(), PATIENT)
        assert len(upstream.requests) == 1


async def test_fin_within_the_head_is_not_repeated(transport: UpstreamClient) -> None:
    """A byte of an answer shows that the request was taken."""
    async with raw_upstream(writes(whole(b"1")), writes_and_shuts(b"HTTP/1.1 200 OK\r\nx: ")) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"1"
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request(), PATIENT)
        assert len(upstream.requests) == 2


async def test_reset_on_a_connection_used_before_is_not_repeated(transport: UpstreamClient) -> None:
    """A reset may come after the work was done; the pipeline decides what to do."""
    async with raw_upstream(writes(whole(b"1")), writes_and_resets(b"")) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"1"
        with pytest.raises(UpstreamConnectError):
            await transport.send(upstream.request(), PATIENT)
        assert len(upstream.requests) == 2


# Deadlines


@pytest.mark.parametrize(
    ("deadlines", "passed"),
    [
        (Deadlines(connect_s=0.1), "connect"),
        (Deadlines(first_event_s=0.1), "first_event"),
        (Deadlines(total_s=0.1), "total"),
    ],
)
async def test_connect_deadline(transport: UpstreamClient, deadlines: Deadlines, passed: str) -> None:
    """An address that does not answer is given up after ``connect``, or after what ends the request sooner."""
    with unanswering_url() as url:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await transport.send(UpstreamRequest(url=url, headers={}, body=b"{}"), deadlines)
        assert caught.value.deadline == passed


@pytest.mark.parametrize(
    "pieces", [[b""], [b"HTTP/1.1 200 OK\r\nx: ", *[b"y"] * 40]], ids=["silence", "one byte at a time"]
)
async def test_head_that_does_not_come_passes_first_event(transport: UpstreamClient, pieces: list[bytes]) -> None:
    """Neither silence nor a drip of bytes holds the head's deadline up."""
    async with raw_upstream(writes(*pieces, pause_s=0.01)) as upstream:
        with pytest.raises(UpstreamTimeoutError) as caught:
            await transport.send(upstream.request(), Deadlines(first_event_s=0.1))
        assert caught.value.deadline == "first_event"
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_first_byte_of_the_body_has_the_first_event_deadline(transport: UpstreamClient) -> None:
    """After an early head the wait for the body is counted from the sending, and idle does not shorten it."""
    async with raw_upstream(writes(CHUNKED)) as upstream:
        began = asyncio.get_running_loop().time()
        response = await transport.send(upstream.request(), Deadlines(first_event_s=0.15, idle_s=0.02))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await response.read()
        assert caught.value.deadline == "first_event"
        assert 0.14 < asyncio.get_running_loop().time() - began < 0.3


async def test_silence_within_the_body_passes_idle(transport: UpstreamClient) -> None:
    """A body that stops is given up after ``idle``, and the upstream is told."""
    async with raw_upstream(writes(CHUNKED + b"2\r\na\n\r\n")) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.08))
        assert await response.read() == b"a\n"
        with pytest.raises(UpstreamTimeoutError) as caught:
            await response.read()
        assert caught.value.deadline == "idle"
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_drip_without_a_line_end_passes_idle(transport: UpstreamClient) -> None:
    """One byte at a time is no progress (field/reliability.md 3, row 7)."""
    async with raw_upstream(writes(CHUNKED + b"2\r\na\n\r\n", *[b"1\r\nx\r\n"] * 40, pause_s=0.01)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.1))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await read_all(response)
        assert caught.value.deadline == "idle"


async def test_frames_without_lines_do_not_pass_idle(transport: UpstreamClient) -> None:
    """A binary stream lives as long as whole frames come; a drip of its bytes is no progress either."""
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-type: application/vnd.amazon.eventstream\r\n\r\n")
    frames = [b"40\r\n" + b"x" * 64 + b"\r\n"] * 12
    async with raw_upstream(writes(head, *frames, b"0\r\n\r\n", pause_s=0.05)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.5))
        assert await read_all(response) == b"x" * 64 * 12
    async with raw_upstream(writes(head, *[b"1\r\nx\r\n"] * 40, pause_s=0.01)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.1))
        with pytest.raises(UpstreamTimeoutError):
            await read_all(response)


async def test_lines_that_keep_coming_do_not_pass_idle(transport: UpstreamClient) -> None:
    """A stream much longer than ``idle`` lives as long as lines come."""
    async with raw_upstream(writes(CHUNKED, *[b"2\r\na\n\r\n"] * 12, b"0\r\n\r\n", pause_s=0.05)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.5))
        assert await read_all(response) == b"a\n" * 12


async def test_a_line_renews_what_a_drip_has_used_up(transport: UpstreamClient) -> None:
    """Dripped bytes count against ``idle`` only up to the next line, however many of them an answer has."""
    async with raw_upstream(
        writes(CHUNKED, *[b"1\r\nx\r\n", b"1\r\n\n\r\n"] * 20, b"0\r\n\r\n", pause_s=0.03)
    ) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.4))
        assert await read_all(response) == b"x\n" * 20


async def test_a_slow_reader_does_not_pass_idle(transport: UpstreamClient) -> None:
    """Time in which nobody asks for bytes is not the upstream's, though the timer of the last wait runs out in it."""
    async with raw_upstream(writes(CHUNKED + b"2\r\na\n\r\n", b"2\r\nb\n\r\n", b"0\r\n\r\n")) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.2))
        assert [await response.read(), await response.read()] == [b"a\n", b"b\n"]
        await asyncio.sleep(0.4)
        assert await response.read() == b""


async def test_a_stream_without_end_passes_total(transport: UpstreamClient) -> None:
    """However lively, an answer ends at ``total``."""
    async with raw_upstream(writes(CHUNKED, *[b"2\r\na\n\r\n"] * 60, pause_s=0.01)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(total_s=0.15))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await read_all(response)
        assert caught.value.deadline == "total"


# Hang-ups and bounds


async def test_cancelled_send_reaches_the_upstream_at_once(transport: UpstreamClient) -> None:
    """A caller who gives up before the head shuts the connection."""
    async with raw_upstream(writes(b"")) as upstream:
        task = asyncio.create_task(transport.send(upstream.request(), PATIENT))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait_for(upstream.gone.wait(), 0.5)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelled_send_does_not_wait_for_the_rest_of_its_body(transport: UpstreamClient) -> None:
    """Of 30 MB that the upstream does not take, what is not sent when the caller gives up never is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        body = b"x" * 30_000_000
        task = asyncio.create_task(transport.send(UpstreamRequest(url=url, headers={}, body=body), PATIENT))
        peer, _ = await asyncio.get_running_loop().run_in_executor(None, listener.accept)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        peer.settimeout(0.5)
        taken = await asyncio.get_running_loop().run_in_executor(None, take_all, peer)
        assert taken < len(body)


def take_all(peer: socket.socket) -> int:
    """Return how many bytes come before the connection ends in one way or the other."""
    count = 0
    with peer, contextlib.suppress(ConnectionResetError):
        while data := peer.recv(1 << 20):
            count += len(data)
    return count


async def test_cancelled_read_and_close_reach_the_upstream_at_once(transport: UpstreamClient) -> None:
    """A caller who gives up in a non-stream answer shuts the connection."""
    async with raw_upstream(writes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        task = asyncio.create_task(response.read())
        await asyncio.sleep(0.02)
        task.cancel()
        response.close()
        await asyncio.wait_for(upstream.gone.wait(), 0.5)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelled_read_may_be_repeated(transport: UpstreamClient) -> None:
    """A read given up for a keep-alive loses no byte."""
    async with raw_upstream(writes(CHUNKED, b"", b"", b"", b"2\r\na\n\r\n0\r\n\r\n", pause_s=0.02)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.read(), 0.02)
        assert await read_all(response) == b"a\n"


async def test_fast_upstream_is_held_back(transport: UpstreamClient) -> None:
    """An answer nobody reads is not piled up: the upstream can't write 64 MB of it."""
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n")
        for _ in range(1024):
            writer.write(os.urandom(1) * 65536)
            await writer.drain()
            written += 65536

    async with raw_upstream(flood) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        await asyncio.sleep(0.15)
        assert written < 16_000_000
        response.close()

"""The face on a real socket: framing, pipelines, half requests, and customers who leave or take nothing."""

import asyncio
import gc
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from relay.core import face, flow, streaming
from relay.core.door import KEYLESS_BYTES_MAX, Door
from relay.core.face import HEAD_BYTES_MAX, HEAD_S, TURN_BYTES, Face
from relay.core.flow import Flow
from relay.core.http_wire import HttpWire
from relay.core.ledger.operations import SetKeyGroup
from relay.core.sink import WRITE_DEADLINE_S
from tests.core.panic import Panic
from tests.core.raw_upstream import RawUpstream, raw_upstream, whole, writes
from tests.shops import Running, reselling, serving
from tests.upstreams import Step, document

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

ANSWER = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
QUESTION = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    async with raw_upstream(writes(whole(ANSWER, "content-type: application/json"))) as opened:
        yield opened


@pytest.fixture
async def shop(tmp_path: Path, upstream: RawUpstream) -> AsyncIterator[Running]:
    async with serving(tmp_path, upstream.url) as running:
        yield running


def question(shop: Running, *headers: str, body: bytes = QUESTION) -> bytes:
    lines = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"authorization: Bearer {shop.api_key}"]
    return "\r\n".join([*lines, f"content-length: {len(body)}", *headers, "", ""]).encode() + body


async def dial(shop: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the head and the body of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head)
    assert found is not None
    return head, await reader.readexactly(int(found[1]))


async def test_a_whole_answer_has_its_length_and_keeps_the_connection(shop: Running) -> None:
    """Twice on one connection: the upstream's very bytes, with a length and nothing behind them."""
    reader, writer = await dial(shop)
    for _ in range(2):
        writer.write(question(shop))
        head, body = await read_answer(reader)
        assert body == ANSWER
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"transfer-encoding" not in head
        assert head.lower().count(b"\r\nx-request-id: req_") == 1
    writer.close()


@pytest.mark.usefixtures("no_collector")
async def test_a_connection_is_freed_once_it_has_ended(tmp_path: Path) -> None:
    """After an answer, in the midst of a body, and while requests wait: what the collector must free stays for long."""
    answered = writes(whole(ANSWER, "content-type: application/json"))
    async with (
        raw_upstream(answered, writes(STREAM, *[EVENT] * 1000)) as upstream,
        serving(tmp_path, upstream.url) as shop,
    ):
        waiting = question(shop, body=STREAM_QUESTION) * 3
        for sent, awaited in ((question(shop), 1), (question(shop)[:-1], 0), (waiting, 1)):
            reader, writer = await dial(shop)
            writer.write(sent)
            await reader.readexactly(awaited)
            writer.close()
            await writer.wait_closed()
    assert [one for one in gc.get_objects() if type(one) in (Face, Flow, HttpWire, RequestResponseCycle)] == []


async def test_pipelined_requests_are_answered_in_their_order(shop: Running) -> None:
    """Three at once, one of them for a page: three answers, none mixed."""
    reader, writer = await dial(shop)
    writer.write(question(shop) + b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n" + question(shop, body=b"rubbish"))
    bodies = [(await read_answer(reader))[1] for _ in range(3)]
    assert bodies[:2] == [ANSWER, b"ok"]
    assert b"expected a JSON object" in bodies[2]
    writer.close()


async def test_an_answer_without_a_body_takes_none_along(shop: Running) -> None:
    """The next answer on the connection begins right behind its head."""
    reader, writer = await dial(shop)
    writer.write(b"OPTIONS /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + question(shop))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert re.search(rb"\r\n(transfer-encoding|content-length):", head) is None
    following, body = await read_answer(reader)
    assert (following[:17], body) == (b"HTTP/1.1 200 OK\r\n", ANSWER)
    writer.close()


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\0b"])
async def test_no_header_of_an_answer_ends_its_head(
    shop: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    """Whatever brought it there: the answer is another, and the log says so."""

    async def serve(door: Door) -> None:
        await door._sink.whole(200, [(b"x-a", value)], b"{}")

    monkeypatch.setattr(Door, "serve", serve)
    reader, writer = await dial(shop)
    with caplog.at_level("INFO", logger="relay"):
        writer.write(question(shop))
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"x-a" not in answer
    assert [record.message for record in caplog.records] == ["request.crashed"]
    writer.close()


class Turns:
    """How often uvicorn's protocol was told of something in each turn of the loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
        self.counts = [0]
        original = getattr(HttpToolsProtocol, told)

        def counted(protocol: HttpToolsProtocol, *arguments: bytes) -> None:
            if self.counts[-1] == 0:
                asyncio.get_running_loop().call_soon(self.counts.append, 0)
            self.counts[-1] += 1
            original(protocol, *arguments)

        monkeypatch.setattr(HttpToolsProtocol, told, counted)


BROKEN_CHUNKS = {
    "no length": b"zz\r\n",
    "longer than told": b"5\r\nabcdefgh\r\n",
    "behind a piece": b"5\r\nabcde\r\nzz\r\n",
}


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
@pytest.mark.parametrize("wait", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["at once", "later"])
async def test_a_body_in_broken_chunks_is_refused_in_its_dialect(shop: Running, chunks: bytes, wait: bytes) -> None:
    """With the code and the id that every refusal has; nothing behind it is read."""
    reader, writer = await dial(shop)
    expect = ["expect: 100-continue"] if wait else []
    head = question(shop, "transfer-encoding: chunked", *expect, body=b"").replace(b"content-length: 0\r\n", b"")
    writer.write(head.replace(b"/v1/chat/completions", b"/v1/messages"))
    assert await reader.readexactly(len(wait)) == wait
    writer.write(chunks + question(shop))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    error = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert error["type"] == "error"
    assert error["error"]["code"] == "incomplete_body"
    assert error["request_id"].encode() in answer.partition(b"\r\n\r\n")[0]
    writer.close()


async def test_rubbish_behind_a_request_does_not_spoil_its_answer(shop: Running) -> None:
    """The answer goes out whole, and the connection ends."""
    reader, writer = await dial(shop)
    writer.write(question(shop) + b"\0rubbish\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\n" + ANSWER)
    writer.close()


async def test_who_still_sends_rubbish_behind_a_request_gets_its_answer(shop: Running) -> None:
    """The rest is read and dropped: a connection that is closed with something unread is reset."""
    reader, writer = await dial(shop)
    writer.write(b"OPTIONS / HTTP/1.1\r\nhost: x\r\n\r\n\0" + b"a" * 16_000_000)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\n")
    writer.close()


PAGE = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    "rubbish", [b"\0\r\n\r\n", b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n"], ids=["no HTTP", "CONNECT"]
)
@pytest.mark.parametrize("page", [b"", PAGE], ids=["request", "page"])
async def test_rubbish_behind_pipelined_requests_spoils_no_answer(shop: Running, page: bytes, rubbish: bytes) -> None:
    """Those before it are answered in their order, a page of Litestar's as well."""
    reader, writer = await dial(shop)
    writer.write(question(shop) + page + rubbish)
    answers = await asyncio.wait_for(reader.read(), 5)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == answers.count(b"HTTP/1.1 ") == 1 + bool(page)
    assert answers.endswith(b"\r\n\r\nok" if page else b"\r\n\r\n" + ANSWER)
    assert ANSWER in answers
    writer.close()


async def test_what_frames_the_body_of_a_request_that_waits_spoils_no_answer(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is: the request before it has its answer, this one its own in its turn."""
    for limit in ("HEAD_BYTES_MAX", "TURN_BYTES"):  # so that what is too long has been read before the first answer
        monkeypatch.setattr(face, limit, 1024)
    reader, writer = await dial(shop)
    extension = b"1;x=".ljust(4096, b"a")
    writer.write(question(shop) + b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + extension)
    assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
    head, _ = await asyncio.wait_for(read_answer(reader), 5)
    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_page_whose_body_is_broken_is_answered_without_it(shop: Running) -> None:
    """Nobody reads it; the connection ends, as nobody knows where the next request would begin."""
    reader, writer = await dial(shop)
    writer.write(PAGE.replace(b"host: x", b"host: x\r\ntransfer-encoding: chunked") + b"zz\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nok")
    writer.close()


async def test_a_handshake_behind_a_request_spoils_no_answer(shop: Running) -> None:
    """It would have to wait, so it is told where websockets are, in its turn."""
    reader, writer = await dial(shop)
    lines = ["GET /v1/realtime?model=m HTTP/1.1", "host: x", "connection: upgrade", "upgrade: websocket"]
    lines += [f"{name}: {value}" for name, value in HANDSHAKE.items()]
    writer.write(question(shop) + "\r\n".join([*lines, "", ""]).encode())
    assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
    head, body = await asyncio.wait_for(read_answer(reader), 5)
    assert head.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert json.loads(body)["error"]["code"] == "websocket_expected"
    writer.close()


HANDSHAKE = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}


@pytest.mark.parametrize(("name", "value"), [("key", ""), ("key", "abc"), ("version", ""), ("version", "8")])
async def test_a_broken_handshake_is_refused_in_the_callers_dialect(shop: Running, name: str, value: str) -> None:
    """As a request that is none: this endpoint is for websockets."""
    reader, writer = await dial(shop)
    told = {**HANDSHAKE, f"sec-websocket-{name}": value}
    lines = ["GET /v1/realtime?model=m HTTP/1.1", "host: x", "connection: upgrade", "upgrade: websocket"]
    lines += [f"{header}: {text}" for header, text in told.items() if text]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, body = await asyncio.wait_for(read_answer(reader), 5)
    assert head.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert head.count(b"\r\nx-request-id: req_") == 1
    assert json.loads(body)["error"]["code"] == "websocket_expected"
    writer.close()


async def test_a_body_in_tiny_chunks_leaves_others_their_turns(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that came at once are taken in many turns of the loop, and the request is answered."""
    turns = Turns(monkeypatch, "on_body")
    reader, writer = await dial(shop)
    head = re.sub(rb"content-length: \d+\r\n", b"", question(shop, "transfer-encoding: chunked", body=b""))
    writer.write(head + b"1\r\n \r\n" * 200_000 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUESTION), QUESTION))
    assert (await asyncio.wait_for(read_answer(reader), 20))[1] == ANSWER
    assert sum(turns.counts) == 200_001
    assert max(turns.counts) <= 2 * TURN_BYTES // len(b"1\r\n \r\n") + 1  # some was waiting, and some came
    writer.close()


async def test_a_long_body_of_known_length_is_taken_as_it_is_read(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the parser it is one piece, however long; only behind the end of its head may it be divided."""
    turns, reads = Turns(monkeypatch, "on_body"), []
    original = face.Face.data_received

    def counted(connection: face.Face, data: bytes) -> None:
        reads.append(len(data))
        original(connection, data)

    monkeypatch.setattr(face.Face, "data_received", counted)
    reader, writer = await dial(shop)
    body = QUESTION[:-1] + b',"user":"%b"}' % (b"x" * 12 * TURN_BYTES)
    writer.write(question(shop, body=body))
    assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
    assert sum(turns.counts) <= len(reads) + 1
    writer.close()


async def test_many_requests_at_once_leave_others_their_turns_and_are_not_all_kept(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of them are read before those are answered that were."""
    turns, waiting = Turns(monkeypatch, "on_message_begin"), []
    original = HttpToolsProtocol.on_response_complete

    def counted(protocol: HttpToolsProtocol) -> None:
        waiting.append(len(protocol.pipeline))
        original(protocol)

    monkeypatch.setattr(HttpToolsProtocol, "on_response_complete", counted)
    asked = b"OPTIONS / HTTP/1.1\r\nhost: x\r\n\r\n"
    reader, writer = await dial(shop)
    writer.write(asked * 12_000 + b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answers = await reader.read(-1)
    assert answers.count(b"HTTP/1.1 204 No Content\r\n") == 12_000
    assert answers.endswith(b"\r\n\r\nok")
    assert max(turns.counts) <= 2 * TURN_BYTES // len(asked) + 1
    assert max(waiting) <= 256_000 // len(asked) + 1  # what one read brings
    writer.close()


@pytest.mark.parametrize("path", ["/nope", "/v1/chat/completions", "/v1/models", "/v1/messages"])
async def test_what_only_asks_for_a_head_gets_no_body(shop: Running, path: str) -> None:
    """Not of an error either: its bytes would be taken for the answer to the next request."""
    reader, writer = await dial(shop)
    writer.write(f"HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(question(shop))
    following, body = await read_answer(reader)
    writer.close()
    assert head.startswith(b"HTTP/1.1 4")
    assert (following[:17], body) == (b"HTTP/1.1 200 OK\r\n", ANSWER)


@pytest.mark.parametrize("path", ["/", "/api/hello", "/v1/models"])
async def test_a_head_tells_the_length_of_the_body_that_is_left_out(shop: Running, path: str) -> None:
    """That of the same request by GET (RFC 9110, 8.6)."""
    asked = await shop.client.get(path, headers=shop.headers)
    head = await shop.client.head(path, headers=shop.headers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == asked.headers["content-length"] == str(len(asked.content))


@pytest.mark.parametrize(
    "request_head", [b"HTTP/1.1\r\nconnection: close", b"HTTP/1.0"], ids=["connection: close", "HTTP/1.0"]
)
async def test_a_connection_that_shall_end_does(shop: Running, request_head: bytes) -> None:
    """The answer says so, and the end of the connection follows."""
    reader, writer = await dial(shop)
    writer.write(question(shop).replace(b"HTTP/1.1", request_head, 1))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n" + ANSWER)
    writer.close()


async def test_a_body_in_pieces_behind_100_continue(shop: Running) -> None:
    """curl waits for the word before it sends more than a kilobyte."""
    reader, writer = await dial(shop)
    asked = question(shop, "expect: 100-continue")
    writer.write(asked[: -len(QUESTION)])
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    for at in range(0, len(QUESTION), 20):
        writer.write(QUESTION[at : at + 20])
        await asyncio.sleep(0.002)
    assert (await read_answer(reader))[1] == ANSWER
    writer.close()


async def test_a_stranger_can_not_have_a_long_body_kept(shop: Running) -> None:
    """The rest of it is not waited for."""
    reader, writer = await dial(shop)
    head = question(shop)[: -len(QUESTION)].replace(shop.api_key.encode(), b"sk-unknown")
    writer.write(head.replace(b"content-length: %d" % len(QUESTION), b"content-length: 30000000"))
    writer.write(b"x" * (KEYLESS_BYTES_MAX + 1))
    head, body = await read_answer(reader)
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b'"code":"invalid_api_key"' in body
    writer.close()


async def test_a_key_that_was_refused_before_is_looked_at_afresh_behind_a_long_body(shop: Running) -> None:
    """What is remembered of it would refuse every long body, until a short one asks."""
    body = QUESTION[:-1] + b',"user":"%b"}' % (b"x" * 2 * KEYLESS_BYTES_MAX)
    ledger = shop.shop.ledger
    await ledger.set_key_group(SetKeyGroup(key_id="key_alice", group="gone", actor="test"))
    assert (await shop.chat()).status_code == 403
    await ledger.set_key_group(SetKeyGroup(key_id="key_alice", group="plain", actor="test"))
    reader, writer = await dial(shop)
    writer.write(question(shop, body=body))
    assert (await read_answer(reader))[1] == ANSWER
    writer.close()


async def test_what_is_dropped_of_a_body_gets_no_more_time_by_coming_slowly(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was refused; nobody waits for the rest for good."""
    reader, writer = await dial(shop)
    head = question(shop)[: -len(QUESTION)]
    writer.write(head.replace(b"content-length: %d" % len(QUESTION), b"content-length: 999999999"))
    assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 413 ")
    monkeypatch.setattr(face, "HEAD_S", 0.3)  # the head itself had all the time that it needed
    dripping = asyncio.create_task(drip(writer))
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    dripping.cancel()
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.05)


async def test_a_page_does_not_wait_for_a_body_either(shop: Running) -> None:
    """A client that waits for the word may go on without it."""
    reader, writer = await dial(shop)
    writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 60\r\n\r\n")
    head, body = await read_answer(reader)
    assert (b"\r\nconnection: close\r\n" in head + b"\r\n", body) == (True, b"ok")
    assert await reader.read() == b""
    writer.close()


async def test_a_long_body_of_a_known_key_is_read(shop: Running) -> None:
    """To its end, in pieces."""
    reader, writer = await dial(shop)
    body = QUESTION[:-1] + b',"user":"%b"}' % (b"x" * 3 * KEYLESS_BYTES_MAX)
    writer.write(question(shop, body=body))
    assert (await read_answer(reader))[1] == ANSWER
    writer.close()


async def test_who_leaves_behind_a_long_body_is_noticed(tmp_path: Path) -> None:
    """However long the body's last piece is, the connection is read on while the upstream thinks."""
    is_asked = asyncio.Event()

    def think() -> Iterator[Step]:
        is_asked.set()
        yield 60.0

    answers: list[Iterable[Step]] = [document(ANSWER), think()]
    async with reselling(tmp_path, lambda _: answers.pop(0)) as (upstream, shop):
        reader, writer = await dial(shop)
        writer.write(question(shop, body=QUESTION.ljust(3_000_000)))  # after it, the kernel takes much at once
        await read_answer(reader)
        asked = question(shop, "expect: 100-continue", body=QUESTION.ljust(200_000))
        writer.write(asked[:-200_000])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(asked[-200_000:])
        async with asyncio.timeout(10):
            await is_asked.wait()
            writer.close()
            await upstream.received[1].gone.wait()


async def test_who_waits_for_the_word_and_is_refused_is_not_waited_for(shop: Running) -> None:
    """A client may go on without its body, so the connection can't: its next request would be taken for one."""
    reader, writer = await dial(shop)
    asked = question(shop, "expect: 100-continue").replace(b"/chat/completions", b"/nowhere", 1)
    writer.write(asked[: -len(QUESTION)])
    head, _ = await read_answer(reader)
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nconnection: close\r\n" in head
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_a_body_that_is_not_encoded_may_say_so(shop: Running, encoding: str) -> None:
    """In any letter case (RFC 9110, 8.4.1)."""
    reader, writer = await dial(shop)
    writer.write(question(shop, f"content-encoding: {encoding}"))
    assert (await read_answer(reader))[1] == ANSWER
    writer.close()


async def test_a_refused_upload_does_not_spoil_the_next_request(shop: Running) -> None:
    """What is left of a body that nobody reads is not taken for a request."""
    reader, writer = await dial(shop)
    writer.write(question(shop, body=b"x" * 300_000).replace(b"/chat/completions", b"/nowhere", 1))
    head, _ = await read_answer(reader)
    assert head.startswith(b"HTTP/1.1 404 ")
    writer.write(question(shop))
    assert (await read_answer(reader))[1] == ANSWER
    writer.close()


UPGRADES = {
    "curl --http2": ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"),
    "unheard of": ("connection: keep-alive, upgrade", "upgrade: foo"),
    "a websocket by POST": ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"),
}


@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES)
@pytest.mark.parametrize("is_cut", [False, True], ids=["in one write", "head and body apart"])
async def test_a_wish_for_another_protocol_is_passed_over(
    shop: Running, headers: tuple[str, ...], is_cut: bool
) -> None:
    """The body is read with its request, in the midst of others, and the connection goes on."""
    reader, writer = await dial(shop)
    asked = question(shop, *headers)
    writer.write(question(shop) + (asked[: -len(QUESTION)] if is_cut else asked))
    if is_cut:
        assert (await read_answer(reader))[1] == ANSWER
        writer.write(QUESTION)
    writer.write(question(shop, *headers) + question(shop))
    for _ in range(3 if is_cut else 4):
        head, body = await asyncio.wait_for(read_answer(reader), 5)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == ANSWER
    writer.close()


async def test_a_wish_for_another_protocol_beside_a_body_in_chunks(shop: Running) -> None:
    """Chunks are read as chunks."""
    reader, writer = await dial(shop)
    asked = question(shop, "transfer-encoding: chunked", *UPGRADES["curl --http2"])
    head = re.sub(rb"content-length: \d+\r\n", b"", asked[: -len(QUESTION)])
    writer.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUESTION), QUESTION))
    assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
    writer.close()


@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES)
async def test_a_body_is_never_taken_for_a_request(
    shop: Running, upstream: RawUpstream, headers: tuple[str, ...]
) -> None:
    """A server in front that shares the connection would give its answer to the next customer."""
    reader, writer = await dial(shop)
    hidden = b"\r\n" * 100 + question(shop, "x-forwarded-for: 192.0.2.1")
    asked = question(shop, *headers, "connection: close", body=hidden)
    writer.write(asked[: -len(hidden)])
    await asyncio.sleep(0.05)
    writer.write(hidden)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert upstream.requests == []
    writer.close()


async def test_nobody_is_connected_on(shop: Running, upstream: RawUpstream) -> None:
    """CONNECT is refused, with all that comes behind it."""
    reader, writer = await dial(shop)
    writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n" + question(shop))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\nx-request-id: req_")
    assert answer.endswith(b"\r\n\r\nThis server is no proxy.")
    assert upstream.requests == []
    writer.close()


@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_websocket_is_not_opened_by_a_request_with_a_body(
    shop: Running, method: bytes, is_chunked: bool
) -> None:
    """It is answered as what it is otherwise: its body would be taken for frames."""
    reader, writer = await dial(shop)
    asked = question(shop, *UPGRADES["a websocket by POST"], "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==")
    asked = asked.replace(b"POST /v1/chat/completions", method + b" /v1/realtime", 1)
    if is_chunked:
        head = re.sub(rb"content-length: \d+", b"transfer-encoding: chunked", asked[: -len(QUESTION)])
        asked = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUESTION), QUESTION)
    writer.write(asked)
    head, body = await asyncio.wait_for(read_answer(reader), 5)
    assert head.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert json.loads(body)["error"]["code"] == "websocket_expected"
    writer.close()


async def test_rubbish_is_refused(shop: Running) -> None:
    """What is no HTTP gets a 400 with an id, and the end of the connection."""
    reader, writer = await dial(shop)
    writer.write(b"\x16\x03\x01rubbish\r\n\r\n")
    answer = re.sub(rb"req_\w+", b"req_1", await asyncio.wait_for(reader.read(), 5))
    assert answer == (
        b"HTTP/1.1 400 Bad Request\r\nx-request-id: req_1\r\nconnection: close\r\n"
        b"content-type: text/plain; charset=utf-8\r\ncontent-length: 30\r\n\r\nInvalid HTTP request received."
    )
    writer.close()


LONG_HEADS = {
    "an address": b"GET /".ljust(HEAD_BYTES_MAX, b"a"),
    "one header": b"GET / HTTP/1.1\r\nx: ".ljust(HEAD_BYTES_MAX, b"a"),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"accept: a\r\n" * HEAD_BYTES_MAX)[:HEAD_BYTES_MAX],
    "blank lines": b"\r\n" * (HEAD_BYTES_MAX // 2 + 1),
}


async def check_too_large(reader: asyncio.StreamReader) -> None:
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\nx-request-id: req_")
    assert answer.endswith(b"\r\n\r\nThe head is larger than 128 KiB.")


@pytest.mark.parametrize("long", LONG_HEADS.values(), ids=LONG_HEADS)
async def test_a_head_without_end_is_refused(shop: Running, long: bytes) -> None:
    """It is not kept, however long it goes on, be it the first of its connection or not."""
    reader, writer = await dial(shop)
    writer.write(question(shop))
    await read_answer(reader)
    writer.write(long)
    await check_too_large(reader)
    writer.close()


@pytest.mark.parametrize("rubbish", [LONG_HEADS["one header"], b"\0"], ids=["too long", "no HTTP"])
async def test_who_still_sends_when_a_head_is_refused_gets_the_refusal(shop: Running, rubbish: bytes) -> None:
    """The rest is read and dropped: a connection that is closed with something unread is reset."""
    reader, writer = await dial(shop)
    writer.write(rubbish + b"a" * 16_000_000)  # more than the kernel takes: what is written has been read
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.startswith((b"HTTP/1.1 431 Request", b"HTTP/1.1 400 Bad"))
    assert answer.count(b"\r\n\r\n") == 1
    writer.close()


async def test_who_sends_on_behind_a_refusal_is_not_listened_to_for_ever(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one who never closes: the connection is gone after a while."""
    assert flow.DROP_S == 5
    monkeypatch.setattr(flow, "DROP_S", 0.2)
    reader, writer = await dial(shop)
    writer.write(b"\0")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(ConnectionError):
        await write_on(writer)
    writer.close()


BROKEN_LATE = {"no length": b"zz\r\n", "a long extension": b"1;x=".ljust(HEAD_BYTES_MAX + 1, b"a")}


@pytest.mark.parametrize("chunk", BROKEN_LATE.values(), ids=BROKEN_LATE)
async def test_a_body_that_breaks_behind_its_refusal_is_not_answered_twice(shop: Running, chunk: bytes) -> None:
    """Its customer may take a second answer for the next request's; the connection ends."""
    reader, writer = await dial(shop)
    head = re.sub(rb"content-length: \d+", b"transfer-encoding: chunked", question(shop, body=b""))
    writer.write(head.replace(shop.api_key.encode(), b"sk-unknown") + b"186a0\r\n".ljust(100_007, b"{") + b"\r\n")
    assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    writer.write(chunk)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_rubbish_behind_a_body_whose_request_was_refused_is_refused(shop: Running) -> None:
    """That body has ended, so it is a request of its own."""
    reader, writer = await dial(shop)
    writer.write(question(shop, body=b"{" * 100_000).replace(shop.api_key.encode(), b"sk-unknown")[:-1])
    assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    writer.write(b"{\0rubbish\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"\r\n\r\nInvalid HTTP request received.")
    writer.close()


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"1;x="], ids=["trailer", "chunk extension"])
async def test_what_frames_a_body_is_bounded_as_a_head_is(shop: Running, start: bytes) -> None:
    """Nobody's body needs more of it."""
    reader, writer = await dial(shop)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n")
    writer.write(b"expect: 100-continue\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.write(start.ljust(HEAD_BYTES_MAX + 1, b"a"))
    await check_too_large(reader)
    writer.close()


async def test_a_long_body_in_small_chunks_is_no_head(shop: Running) -> None:
    """What frames it is counted between its pieces alone."""
    reader, writer = await dial(shop)
    head = re.sub(rb"content-length: \d+\r\n", b"", question(shop, "transfer-encoding: chunked", body=b""))
    writer.write(head + b"1\r\n \r\n" * HEAD_BYTES_MAX + b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUESTION), QUESTION))
    assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
    writer.close()


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET / HTTP/1.1\r\nhost:"], ids=["nothing", "a blank line", "half"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    shop: Running, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """Its connection is closed without an answer."""
    assert HEAD_S == 30
    monkeypatch.setattr(face, "HEAD_S", 0.1)
    reader, writer = await dial(shop)
    writer.write(begun)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_head_in_pieces_is_waited_for_once(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer for each of them would outlive the head, and end the connection in a later request."""
    wait, begun = Face._wait_for_head, list[Face]()

    def noted(one: Face) -> None:
        begun.append(one)
        wait(one)

    monkeypatch.setattr(Face, "_wait_for_head", noted)
    reader, writer = await dial(shop)
    for piece in (question(shop)[:20], question(shop)[20:50], question(shop)[50:]):
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert (await read_answer(reader))[1] == ANSWER
    assert len(begun) == 1
    writer.close()


async def test_half_a_head_behind_an_answer_is_not_waited_for(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a connection that is kept alive neither."""
    reader, writer = await dial(shop)
    writer.write(question(shop))
    await read_answer(reader)
    monkeypatch.setattr(face, "HEAD_S", 0.1)
    writer.write(question(shop)[:50])
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_half_a_head_waits_for_the_answer_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes: it may be we who read no more."""
    monkeypatch.setattr(face, "HEAD_S", 0.05)
    slow = writes(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER), ANSWER, pause_s=0.3)
    async with raw_upstream(slow) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop) + question(shop)[:50])
        assert (await read_answer(reader))[1] == ANSWER
        writer.write(question(shop)[50:])
        assert (await asyncio.wait_for(read_answer(reader), 5))[1] == ANSWER
        writer.close()


async def test_half_a_head_is_waited_for_once_more_behind_the_answer_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not for ever: its time begins anew with what comes then."""
    monkeypatch.setattr(face, "HEAD_S", 0.05)
    slow = writes(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER), ANSWER, pause_s=0.3)
    async with raw_upstream(slow) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop) + question(shop)[:50])
        assert (await read_answer(reader))[1] == ANSWER
        writer.write(question(shop)[50:60])
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_bug_at_the_door_is_answered_and_logged(
    shop: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A shop that is broken before a request has a dialect: a bare 500, the end of the connection, and an event."""
    monkeypatch.setattr(shop.shop, "trusted_proxies", None)
    reader, writer = await dial(shop)
    with caplog.at_level("INFO", logger="relay"):
        writer.write(question(shop, "x-forwarded-for: 192.0.2.1"))
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"\r\n\r\nInternal Server Error")
    assert [record.message for record in caplog.records] == ["request.crashed"]
    writer.close()


async def test_what_is_no_exception_is_answered_too_and_its_words_are_told_nobody(
    shop: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that left the task would be printed by the event loop, words and all."""

    async def serve(_: Door) -> None:
        raise Panic("a prompt")

    monkeypatch.setattr(Door, "serve", serve)
    reader, writer = await dial(shop)
    with caplog.at_level("INFO"):
        writer.write(question(shop))
        answer = await asyncio.wait_for(reader.read(), 5)
        gc.collect()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert [record.message for record in caplog.records if record.name in ("relay", "asyncio")] == ["request.crashed"]
    assert "a prompt" not in caplog.text
    writer.close()


CHUNK = (
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":'
)
EVENT = CHUNK + b'{"content":"' + b"a" * 4000 + b'"},"finish_reason":null}]}\n\n'
LAST = CHUNK + b'{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
STREAM_QUESTION = QUESTION[:-1] + b',"stream":true}'


async def test_a_stream_goes_out_in_chunks_with_an_end(tmp_path: Path) -> None:
    """The bytes of every event, framed; the frame's end comes behind the last event alone."""
    async with raw_upstream(writes(STREAM, EVENT, EVENT, LAST)) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop, body=STREAM_QUESTION))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\ntransfer-encoding: chunked\r\n" in head
        body = b""
        while length := int(await reader.readline(), 16):
            body += await reader.readexactly(length)
            assert await reader.readexactly(2) == b"\r\n"
        assert body == EVENT + EVENT + LAST
        assert await reader.readexactly(2) == b"\r\n"
        writer.close()


async def test_what_was_read_of_a_body_is_not_kept_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand streams with long prompts would keep a read of each, up to 256 kB, for as long as they last."""
    is_read, faces = asyncio.Event(), []
    original = face.Face.connection_made

    def made(connection: face.Face, transport: asyncio.Transport) -> None:
        faces.append(connection)
        original(connection, transport)

    monkeypatch.setattr(face.Face, "connection_made", made)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + EVENT)
        await is_read.wait()
        writer.write(LAST)
        writer.close()

    async with raw_upstream(answer) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        body = STREAM_QUESTION[:-1] + b',"user":"%b"}' % (b"x" * 12 * TURN_BYTES)
        writer.write(question(shop, body=body))
        await reader.readuntil(EVENT)
        assert [type(each._unread) for each in faces] == [bytes]
        is_read.set()
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 5)).count(b"[DONE]") == 1
        writer.close()


@pytest.mark.parametrize("wish", ["connection: keep-alive", "connection: close"])
@pytest.mark.parametrize("long", LONG_HEADS.values(), ids=LONG_HEADS)
async def test_a_head_without_end_behind_a_stream_is_not_answered_in_its_midst(
    tmp_path: Path, long: bytes, wish: str
) -> None:
    """The stream goes out whole and alone, whatever comes behind its request; then the connection ends."""
    is_read = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + EVENT)
        await is_read.wait()
        writer.write(LAST)
        writer.close()

    async with raw_upstream(answer) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop, wish, body=STREAM_QUESTION))
        await reader.readuntil(EVENT)
        writer.write(long + b"a" * 16_000_000)  # more than the kernel takes: what is written has been read
        await writer.drain()
        is_read.set()
        chunks = [LAST[: LAST.index(b"data: [DONE]")], b"data: [DONE]\n\n"]
        rest = await asyncio.wait_for(reader.read(), 20)
        assert rest == b"\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
        writer.close()


async def test_a_stream_to_http_1_0_ends_with_its_connection(tmp_path: Path) -> None:
    """It knows no chunks: their lengths would stand in the midst of the answer."""
    async with raw_upstream(writes(STREAM, EVENT, LAST)) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop, body=STREAM_QUESTION).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"\r\nconnection: close" in head
        assert body == EVENT + LAST
        writer.close()


async def test_a_stream_to_http_1_0_that_broke_off_does_not_end_in_order(tmp_path: Path) -> None:
    """Nothing else tells it from a whole one where its dialect has no mark for that: sound, and Gemini's streams."""
    begun = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    broken = writes(whole(begun, "content-type: text/event-stream"))
    async with raw_upstream(broken) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        asked = question(shop, body=b'{"contents":[{"parts":[{"text":"hi"}]}]}').replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        target = b"/v1beta/models/gpt-4o-mini:streamGenerateContent?alt=sse"
        writer.write(asked.replace(b"/v1/chat/completions", target))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_who_leaves_a_stream_to_http_1_0_is_no_mistake_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its socket is gone; there is nothing to reset."""
    async with raw_upstream(writes(STREAM, EVENT, pause_s=0.3)) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        writer.write(question(shop, body=STREAM_QUESTION).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        await reader.readuntil(EVENT)
        writer.close()
        await shop.log()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def write_on(writer: asyncio.StreamWriter) -> None:
    for _ in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_an_answer_that_broke_before_its_first_byte_has_its_head(tmp_path: Path) -> None:
    """Gemini's customers get a call whole or not at all; one without a head would be asked for again, and paid twice."""
    call = b'{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}'
    begun = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[%s]}}]}\n\n' % call
    broken = writes(whole(begun, "content-type: text/event-stream"))
    async with raw_upstream(broken) as upstream, serving(tmp_path, upstream.url) as shop:
        reader, writer = await dial(shop)
        asked = question(shop, body=b'{"contents":[{"parts":[{"text":"hi"}]}]}')
        target = b"/v1beta/models/gpt-4o-mini:streamGenerateContent?alt=sse"
        writer.write(asked.replace(b"/v1/chat/completions", target))
        answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b""


async def test_a_customer_who_takes_nothing_is_shut_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is gone, the upstream is told, and what was handed over is charged."""
    assert WRITE_DEADLINE_S == 30
    monkeypatch.setattr(streaming, "WRITE_DEADLINE_S", 0.2)
    async with (
        raw_upstream(writes(STREAM, EVENT, *[EVENT * 20] * 1000, pause_s=0.0001)) as upstream,
        serving(tmp_path, upstream.url, credit="1000000") as shop,
    ):
        _, writer = await dial(shop)
        writer.write(question(shop, body=STREAM_QUESTION))
        await asyncio.wait_for(upstream.gone.wait(), 10)
        (row,) = await shop.log()
        assert row["outcome"] == "customer_gone"
        with pytest.raises(ConnectionError):
            await write_on(writer)
        writer.close()

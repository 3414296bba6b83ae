"""Requests that come faster than they are answered stay in the customer's hands."""

import asyncio
from pathlib import Path

import pytest

from relay.core.face import Face
from tests.shops import Running, reselling
from tests.upstreams import document

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
READ_BYTES = 256_000
"""The most that the event loop reads at once."""


async def test_pipelined_requests_with_bodies_are_not_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks for its own body, which is there; no more is read for it. All are answered, and in their order."""
    waiting = []
    original = Face.on_response_complete

    def counted(face: Face) -> None:
        waiting.append(len(face.pipeline))
        original(face)

    monkeypatch.setattr(Face, "on_response_complete", counted)
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"%b"}]}' % (b"a" * 40_000)
        lines = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"authorization: Bearer {shop.api_key}"]
        asked = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body
        reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
        writer.write(asked * 60 + b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answers = await reader.read(-1)
        assert answers.count(b"HTTP/1.1 200 OK\r\n") == 61
        assert answers.endswith(b"\r\n\r\nok")
        assert max(waiting) <= 2 * READ_BYTES // len(asked)
        writer.close()


CLOSING = "connection: close"


async def ask_and_send_on(shop: Running, api_key: str, length: int, behind: bytes) -> bytes:
    """Return what comes back for a request of *length*, all of it and *behind* sent, on a connection that shall end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
    lines = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"authorization: Bearer {api_key}", CLOSING]
    writer.write("\r\n".join([*lines, f"content-length: {length}", "", ""]).encode() + body.ljust(length) + behind)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(-1), 20)
    writer.close()
    return answer


async def test_who_is_refused_while_still_sending_gets_the_refusal(tmp_path: Path) -> None:
    """The rest of the body is read and dropped: a connection that is closed with something unread is reset."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (upstream, shop):
        answer = await ask_and_send_on(shop, "sk-unknown", 8_000_000, b"")
        assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert b'"code":"invalid_api_key"' in answer
        assert not upstream.received


async def test_what_comes_behind_the_last_request_is_dropped(tmp_path: Path) -> None:
    """Its answer arrives whole, and no other request is begun, sent or charged."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (upstream, shop):
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
        lines = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"authorization: Bearer {shop.api_key}"]
        further = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body
        answer = await ask_and_send_on(shop, shop.api_key, 100, further * 40_000)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.endswith(b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}')
        assert [row["outcome"] for row in await shop.log()] == ["complete"]
        assert len(upstream.received) == 1


@pytest.mark.parametrize(
    "early_bytes", [10, 10_000, 8_000_000], ids=["the body is still coming", "it has come", "more comes than is read"]
)
async def test_what_waits_behind_the_last_request_is_never_begun(tmp_path: Path, early_bytes: int) -> None:
    """Whoever is refused while waiting for the word to go on is hung up on, whatever has come behind the body."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (upstream, shop):
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
        head = f"host: x\r\nauthorization: Bearer {shop.api_key}\r\ncontent-length: {len(body)}\r\n".encode()
        lost = b"POST /v1/nowhere HTTP/1.1\r\nexpect: 100-continue\r\n" + head + b"\r\n" + body
        further = b"POST /v1/chat/completions HTTP/1.1\r\n" + head + b"\r\n" + body
        reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
        sent = lost + further * 40_000
        writer.write(sent[: len(lost) - len(body) + early_bytes])
        answer = await asyncio.wait_for(reader.read(-1), 20)
        writer.write(sent[len(lost) - len(body) + early_bytes :])
        await writer.drain()
        assert (answer.count(b"HTTP/1.1 "), answer[:22]) == (1, b"HTTP/1.1 404 Not Found")
        assert (await shop.chat()).status_code == 200
        assert [row["outcome"] for row in await shop.log()] == ["complete"]
        assert len(upstream.received) == 1
        writer.close()

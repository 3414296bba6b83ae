"""The bodies of all requests together take no more memory than they may."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import bodies
from relay.core.bodies import Bodies, Share, memory_bytes
from relay.core.errors import OverloadedError
from tests.core.test_seal_memory import headers_of
from tests.shops import reselling, serving
from tests.upstreams import Upstream, document, stream

BYTES = st.integers(0, 60)
ANSWER = {
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}


@given(st.lists(st.lists(BYTES, max_size=4), max_size=8))
def test_never_more_than_there_is_room_for_and_nothing_stays_behind(requests: list[list[int]]) -> None:
    """What is refused counts for nothing; a share that ends gives back what it took."""
    counted = Bodies(100)
    taken = 0
    with ExitStack() as open_shares:
        for pieces in requests:
            share = open_shares.enter_context(Share(counted))
            for size in pieces:
                if taken + size > 100:
                    with pytest.raises(OverloadedError):
                        share.take(size)
                else:
                    share.take(size)
                    taken += size
                assert counted.bytes == taken
    assert counted.bytes == 0


def test_one_account_leaves_half_of_the_room_to_others() -> None:
    """What it has besides this body counts; a single body may take more, as before its account was known."""
    counted = Bodies(100)
    with Share(counted) as first, Share(counted) as second, Share(counted) as other:
        first.take(10)
        first.belongs_to("alice")
        first.take(30)
        second.belongs_to("alice")
        second.take(10)
        with pytest.raises(OverloadedError):
            second.take(1)
        other.belongs_to("bob")
        other.take(50)
    assert (counted.bytes, counted.bytes_of) == (0, {})
    with Share(counted) as alone:
        alone.belongs_to("alice")
        alone.take(90)
        assert counted.bytes_of == {"alice": 90}


async def test_long_bodies_that_never_end_keep_no_other_customer_out(tmp_path: Path) -> None:
    """An account's own next body is asked to come later, another's is carried."""
    length = 1_000_000
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        counted = shop.shop.bodies
        counted.bytes_max = 4 * length
        bob = await headers_of(shop, "bob")
        opened = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(shop.url).port)
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
                % (shop.api_key.encode(), length, b" " * (length - 1))
            )
            opened.append((reader, writer))
        while counted.bytes < 2 * (length - 1):  # noqa: ASYNC110 - nothing tells how far relay has read
            await asyncio.sleep(0.01)
        body = shop.chat_body(padding=" " * 900_000)
        mine = await shop.client.post("/v1/chat/completions", json=body, headers=shop.headers)
        theirs = await shop.client.post("/v1/chat/completions", json=body, headers=bob)
        for _, writer in opened:
            writer.close()
    assert (mine.status_code, mine.json()["error"]["code"]) == (503, "overloaded")
    assert theirs.status_code == 200


def test_the_memory_is_the_containers_where_that_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container without a bound says ``max``, or a number beyond any machine's."""
    missing, unbounded, huge, small = (tmp_path / name for name in ("missing", "unbounded", "huge", "small"))
    unbounded.write_text("max\n")
    huge.write_text("9223372036854771712\n")
    small.write_text("67108864\n")
    monkeypatch.setattr(bodies, "_CONTAINER_LIMITS", (missing, unbounded, huge))
    machine = memory_bytes()
    monkeypatch.setattr(bodies, "_CONTAINER_LIMITS", (missing, unbounded, small))
    assert machine > 67108864
    assert memory_bytes() == 67108864


async def test_a_body_that_there_is_no_room_for_is_asked_to_come_later(tmp_path: Path) -> None:
    """It is shed while another is carried, before anything is asked or held, and taken once that has ended."""
    beginning = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
    upstream = Upstream(
        lambda received: stream(beginning, ending="open") if received.document.get("stream") else document(ANSWER)
    )
    async with upstream.opened(), serving(tmp_path, upstream.url) as shop:
        counted = shop.shop.bodies
        async with shop.client.stream(
            "POST", "/v1/chat/completions", headers=shop.headers, json=shop.chat_body(stream=True)
        ) as first:
            await anext(first.aiter_raw())
            assert counted.bytes == len(first.request.content)
            counted.bytes_max = counted.bytes + 50
            refused = await shop.chat()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
            assert refused.headers["retry-after"] == "2"
            assert len(upstream.received) == 1
        while counted.bytes:  # noqa: ASYNC110 - nothing tells that a request has ended altogether
            await asyncio.sleep(0.01)
        counted.bytes_max = 5000
        assert (await shop.chat()).status_code == 200
        assert counted.bytes == 0
        assert len(shop.rows("SELECT 1 FROM reservation")) == 2

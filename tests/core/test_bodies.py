"""The bodies of all requests together take no more memory than they may."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import bodies
from relay.core.bodies import Bodies, memory_bytes
from relay.core.errors import OverloadedError
from tests.shops import serving
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
            share = open_shares.enter_context(counted.share())
            for size in pieces:
                if taken + size > 100:
                    with pytest.raises(OverloadedError):
                        share.take(size)
                else:
                    share.take(size)
                    taken += size
                assert counted.bytes == taken
    assert counted.bytes == 0


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

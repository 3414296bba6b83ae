"""Many streams at once: each customer gets their own words, whole, and every stream is posted."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from relay.core.ledger.verify import verify
from tests.faults.answers import Wire
from tests.shops import Running, serving
from tests.upstreams import Received, Step, Upstream, stream

CHAT = Wire(is_anthropic=False, is_stream=True)


def own_words(number: int) -> str:
    """Return a stream of ten words that belong to one customer alone."""
    words = [f"w{number}x{place}." for place in range(10)]
    halves = [
        Wire(is_anthropic=False, is_stream=True, first=a, second=b).output
        for a, b in zip(words[::2], words[1::2], strict=True)
    ]
    return CHAT.begin + "".join(halves) + CHAT.stop() + CHAT.end


def answer(received: Received) -> list[Step]:
    """Answer with the asker's own words, cut at random places, with pauses that let the streams interleave."""
    number = int(str(received.document["user"]))
    return stream(own_words(number), seed=number, pause_s=0.002)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Running]:
    async with Upstream(answer).opened() as upstream, serving(tmp_path, upstream.url, credit="1000") as running:
        yield running


async def ask_all(shop: Running, count: int) -> list[httpx.Response]:
    """Open *count* streams at once."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=shop.url, limits=limits, timeout=60) as client:

        async def ask(number: int) -> httpx.Response:
            body = shop.chat_body(stream=True, user=str(number))
            return await client.post("/v1/chat/completions", json=body, headers=shop.headers)

        return await asyncio.gather(*[ask(number) for number in range(count)])


async def test_a_hundred_customers_get_only_their_own_words(shop: Running) -> None:
    """Ten words each, in order, byte for byte, and none of another's."""
    responses = await ask_all(shop, 100)
    expected = [f"w{number}x{place}." for number in range(100) for place in range(10)]
    assert [word for response in responses for word in re.findall(r"w\d+x\d+\.", response.text)] == expected
    assert [response.text.endswith(CHAT.stop(None) + CHAT.end) for response in responses] == [True] * 100


async def test_five_hundred_streams_end_whole_and_are_posted(shop: Running) -> None:
    """Each costs 0.006 credits: 3 credits in all, and nothing stays held."""
    responses = await ask_all(shop, 500)
    assert [response.text.endswith(CHAT.end) for response in responses] == [True] * 500
    [posted] = shop.rows(
        "select count(*) as rows, sum(charge_nano) as nano from request_log where outcome = 'complete'"
    )
    [held] = shop.rows("select sum(pending_nano) as nano from book")
    assert (posted, held) == ({"rows": 500, "nano": 3_000_000_000}, {"nano": 0})
    assert verify(shop.data) == []

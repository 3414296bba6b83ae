"""Many streams at once: each customer gets their own words, whole, and every stream is posted."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from relay.core.ledger.verify import verify
from tests.faults.answers import Wire
from tests.faults.forms import FORMS
from tests.faults.wire import request, send
from tests.shops import Running, reselling
from tests.upstreams import Received, Step, stream

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


@asynccontextmanager
async def shop_of(folder: Path, count: int) -> AsyncIterator[Running]:
    """Serve a shop whose upstream goes on with an answer only once *count* have begun."""

    def script(received: Received) -> Iterator[Step]:
        steps = answer(received)
        yield from steps[:5]
        while len(upstream.received) < count:
            yield 0.01
        yield from steps[5:]

    async with reselling(folder, script, credit="1000") as (upstream, running):
        yield running


async def ask_all(shop: Running, count: int) -> list[str]:
    """Open *count* streams at once, each on a connection of its own."""
    form = FORMS["chat-stream"]

    async def ask(number: int) -> str:
        raw = request(form.path, form.body(user=b'"%d"' % number), {"x-api-key": shop.api_key})
        return (await send(shop.url, raw)).body.decode()

    return await asyncio.gather(*[ask(number) for number in range(count)])


async def test_a_hundred_customers_get_only_their_own_words(tmp_path: Path) -> None:
    """Ten words each, in order, byte for byte, and none of another's."""
    async with shop_of(tmp_path, 100) as shop:
        texts = await ask_all(shop, 100)
    expected = [f"w{number}x{place}." for number in range(100) for place in range(10)]
    assert [word for text in texts for word in re.findall(r"w\d+x\d+\.", text)] == expected
    assert [text.endswith(CHAT.stop(None) + CHAT.end) for text in texts] == [True] * 100


async def test_five_hundred_streams_end_whole_and_are_posted(tmp_path: Path) -> None:
    """All are open at once; each costs 0.006 credits, 3 in all, and nothing stays held."""
    async with shop_of(tmp_path, 500) as shop:
        texts = await ask_all(shop, 500)
    assert [text.endswith(CHAT.end) for text in texts] == [True] * 500
    [posted] = shop.rows(
        "select count(*) as rows, sum(charge_nano) as nano from request_log where outcome = 'complete'"
    )
    [held] = shop.rows("select sum(pending_nano) as nano from book")
    assert (posted, held) == ({"rows": 500, "nano": 3_000_000_000}, {"nano": 0})
    assert verify(shop.data) == []

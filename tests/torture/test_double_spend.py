"""Several `relay run` on one data folder: together they sell exactly what the customer can pay."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec

from relay.core.ledger.verify import verify
from tests.torture.books import read_books
from tests.torture.relays import Account, open_shop, running
from tests.upstreams import Received, Step, Upstream, document

PROCESS_COUNT = 4
CONNECTION_COUNT = 16
FUNDED_COUNT = 300
HELD_INPUT_TOKENS = 565
"""512 for what a request may count beyond its text, and one for two of the 106 bytes of its values."""
REQUEST = msgspec.json.encode(
    {"model": "gpt-sim", "max_tokens": 100, "messages": [{"role": "user", "content": "a" * 64}]}
)
PRICE_NANO = HELD_INPUT_TOKENS * 2_000 + 100 * 8_000
"""Every answer costs all that was held for it, so nothing ever comes back to be sold again."""


def answer(_: Received) -> Iterator[Step]:
    """Take a moment, and as many tokens as were held."""
    usage = {"prompt_tokens": HELD_INPUT_TOKENS, "completion_tokens": 100}
    choice = {"index": 0, "message": {"role": "assistant", "content": "spent"}, "finish_reason": "stop"}
    yield 0.01
    yield from document({"object": "chat.completion", "choices": [choice], "usage": usage})


async def buy_until_refused(session: aiohttp.ClientSession, url: str, statuses: list[int]) -> None:
    """Add the statuses of one purchase after the other, up to the first that is not 200."""
    status = 200
    while status == 200:
        async with session.post(f"{url}/v1/chat/completions", data=REQUEST) as response:
            await response.read()
            status = response.status
            statuses.append(status)


async def test_four_processes_sell_exactly_what_is_funded(tmp_path: Path) -> None:
    """Four processes with sixteen connections each grant 300 purchases on credit for 300, and not one more."""
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(answer).opened())
        account = Account("alice", FUNDED_COUNT * PRICE_NANO + 1, customer_count=1)
        [customer] = await open_shop(tmp_path, upstream.url, [account], random.Random(0))
        relays = [await stack.enter_async_context(running(tmp_path)) for _ in range(PROCESS_COUNT)]
        session = await stack.enter_async_context(aiohttp.ClientSession(headers=customer.headers))
        sold: list[list[int]] = [[] for _ in relays]
        async with asyncio.TaskGroup() as street:
            for relay, statuses in zip(relays, sold, strict=True):
                for _ in range(CONNECTION_COUNT):
                    street.create_task(buy_until_refused(session, relay.url, statuses))
    books = read_books(tmp_path / "data")
    assert {each.held_nano for each in books.reservations} == {PRICE_NANO}
    granted = [statuses.count(200) for statuses in sold]
    assert sum(granted) == FUNDED_COUNT
    assert min(granted) > 0, "without a race nothing is shown"
    assert [statuses.count(403) for statuses in sold] == [CONNECTION_COUNT] * PROCESS_COUNT
    assert len(upstream.received) == FUNDED_COUNT
    assert (books.balances, len(books.bills)) == ({"acc_alice": 1}, FUNDED_COUNT)
    assert verify(tmp_path / "data") == []

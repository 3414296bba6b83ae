"""Customers who buy without a pause, one purchase at a time each, and write down what they see."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import msgspec

from tests.torture.purchases import PIECE, Plan, Purchase, draw

END_MARKS = (b"data: [DONE]\n\n", b'data: {"type":"message_stop"}\n\n')
BREATH_S = 0.005
"""Between two purchases of a key, so that the time at which one was asked tells it from the next."""
REFUSED_S = 0.2
"""After a refusal: someone without credit asks again, but not a hundred times a second."""


@dataclass
class Customer:
    """Someone with a key of their own."""

    key_id: str
    api_key: str
    dice: random.Random

    @property
    def headers(self) -> dict[str, str]:
        """Headers that carry the key."""
        return {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}

    async def buy(self, url: str, purchases: dict[str, Purchase]) -> None:
        """Buy until the shop can't be reached any more."""
        async with aiohttp.ClientSession(url, headers=self.headers) as session:
            while True:
                await asyncio.sleep(BREATH_S)
                marker = f"purchase {len(purchases)}"
                purchase = Purchase(marker, self.key_id, draw(self.dice), asked_at=time.time())
                purchases[marker] = purchase
                try:
                    await _ask(session, purchase)
                except aiohttp.ClientConnectorError:
                    return
                except (aiohttp.ClientError, OSError):
                    # Cut in the middle; whether the shop is still there shows when it is asked again.
                    continue
                if purchase.status != 200:
                    await asyncio.sleep(REFUSED_S)


async def _ask(session: aiohttp.ClientSession, purchase: Purchase) -> None:
    path, body = _request(purchase.plan, purchase.marker)
    purchase.request_bytes = len(body)
    async with session.post(path, data=body) as response:
        purchase.status = response.status
        purchase.request_id = response.headers["x-request-id"]
        if response.status != 200:
            await response.read()
        elif purchase.plan.is_stream:
            await _listen(response, purchase)
        else:
            await response.read()
            purchase.ended_at = time.time()


def _request(plan: Plan, marker: str) -> tuple[str, bytes]:
    body: dict[str, object] = {"messages": [{"role": "user", "content": marker}], "stream": plan.is_stream}
    if plan.is_anthropic:
        return "/v1/messages", msgspec.json.encode({"model": "claude-sim", "max_tokens": 4000, **body})
    return "/v1/chat/completions", msgspec.json.encode({"model": "gpt-sim", **body})


async def _listen(response: aiohttp.ClientResponse, purchase: Purchase) -> None:
    leaves_after = purchase.plan.leaves_after
    async for event in _events(response):
        if PIECE.encode() in event:
            purchase.pieces_at.append(time.time())
        elif event.endswith(END_MARKS):
            purchase.ended_at = time.time()
        if leaves_after is not None and len(purchase.pieces_at) >= leaves_after:
            purchase.has_left = True
            response.close()
            return


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield each whole event of a stream."""
    rest = b""
    async for data in response.content.iter_any():
        *events, rest = (rest + data).split(b"\n\n")
        for event in events:
            yield event + b"\n\n"

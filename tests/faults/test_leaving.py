"""Customers who leave, and one who stays but takes nothing: the upstream is cut off, what was delivered is booked.

Rows 33 to 35 of field/reliability.md 3; a hang-up before the first byte stands in tests/core/test_pipeline.py.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.core import heartbeat, streaming
from relay.core.ledger.verify import verify
from tests.faults.answers import Wire
from tests.faults.forms import FORMS
from tests.faults.wire import request
from tests.shops import Running, reselling
from tests.upstreams import Step, Upstream

WIRES = {
    "chat-stream": Wire(is_anthropic=False, is_stream=True),
    "messages-stream": Wire(is_anthropic=True, is_stream=True),
}
WORDS = "word " * 4000


@asynccontextmanager
async def asking(shop: Running, form: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Ask over a connection with a small buffer, and leave in the end."""
    asked = socket.socket()
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asked.setblocking(False)
    host, port = shop.url.removeprefix("http://").split(":")
    await asyncio.get_running_loop().sock_connect(asked, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=asked, limit=1024)
    writer.write(request(FORMS[form].path, FORMS[form].body(), {"x-api-key": shop.api_key}))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def gone(upstream: Upstream) -> None:
    """Wait, less than a second, until the upstream has seen the relay leave."""
    async with asyncio.timeout(1):
        await upstream.received[0].gone.wait()


@pytest.mark.parametrize("form", WIRES)
@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "shut"])
async def test_a_customer_who_leaves_in_the_middle_pays_for_what_was_delivered(
    tmp_path: Path, form: str, is_reset: bool
) -> None:
    """4 tokens of output, and the input that Anthropic told or 13 tokens by the request's bytes."""
    steps = WIRES[form].begun(30.0)
    async with reselling(tmp_path, lambda _: steps) as (upstream, shop):
        async with asking(shop, form) as (reader, writer):
            await reader.readuntil(b" there")
            writer.transport.abort() if is_reset else writer.close()
            await gone(upstream)
            [row] = await shop.log()
        [held] = shop.rows("select sum(pending_nano) as nano from book")
        tokens = (1000, 4) if form == "messages-stream" else (14, 4)
        assert (row["outcome"], row["usage_source"]) == ("customer_gone", "estimated")
        assert ((row["input_tokens"], row["output_tokens"]), held["nano"]) == (tokens, 0)
        assert verify(shop.data) == []


@pytest.mark.parametrize("form", WIRES)
async def test_a_customer_who_takes_nothing_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Past the write deadline of 30 s, here 0.3, it is as if they had hung up: most was never delivered."""
    monkeypatch.setattr(streaming, "WRITE_DEADLINE_S", 0.3)
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)
    wire = Wire(WIRES[form].is_anthropic, is_stream=True, first=WORDS, second=WORDS)
    piece = wire.output.encode()
    endless: list[Step] = [b"%x\r\n" % len(piece) + piece + b"\r\n"] * 500
    steps = [*wire.begun(*endless), 30.0]
    async with reselling(tmp_path, lambda _: steps, credit="10000") as (upstream, shop):
        async with asking(shop, form):
            [row] = await shop.log()
            await gone(upstream)
        # 500 pieces of 40 000 bytes are 5 555 556 tokens by their bytes.
        assert (row["outcome"], row["usage_source"]) == ("customer_gone", "estimated")
        assert 0 < row["output_tokens"] < 3_000_000
        assert verify(shop.data) == []

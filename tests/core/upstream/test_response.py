"""How answers are let go of, and the deadline that waiting alone would never meet."""

import asyncio

import pytest

from relay import Deadlines, UpstreamResponse, UpstreamTimeoutError
from relay.core.upstream import UpstreamClient
from tests.core.raw_upstream import raw_upstream, whole, writes

from .answers import CHUNKED, PATIENT, read_all

DONE = CHUNKED + b"e\r\ndata: [DONE]\n\n\r\n"


async def test_a_stream_whose_framing_ends_later_keeps_its_connection(transport: UpstreamClient) -> None:
    """The last chunk may come behind the end mark: the next request goes over the same connection."""
    async with raw_upstream(writes(DONE, b"0\r\n\r\n", pause_s=0.03)) as upstream:
        for _ in range(3):
            response = await transport.send(upstream.request(), PATIENT)
            assert await response.read() == b"data: [DONE]\n\n"
            response.finish()
            await asyncio.sleep(0.1)
        assert upstream.connection_count == 1


async def test_a_stream_that_goes_on_after_its_end_loses_its_connection(transport: UpstreamClient) -> None:
    """More of a body is not waited for."""
    async with raw_upstream(writes(DONE, b"2\r\nno\r\n", pause_s=0.03)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert await response.read() == b"data: [DONE]\n\n"
        response.finish()
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_a_whole_answer_nobody_reads_keeps_its_connection(transport: UpstreamClient) -> None:
    """Closed or finished, an answer that has come is out of the way."""
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        first = await transport.send(upstream.request(), PATIENT)
        first.close()
        first.finish()
        (await transport.send(upstream.request(), PATIENT)).finish()
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert await first.read() == b""
        assert upstream.connection_count == 1


async def read_slowly(response: UpstreamResponse) -> None:
    for _ in range(1000):
        if not await response.read():
            return
        await asyncio.sleep(0.01)


async def test_a_stream_that_never_pauses_passes_total(transport: UpstreamClient) -> None:
    """An answer that always has something ready ends at ``total`` as well."""
    flood = [b"2000\r\n" + b"a" * 0x2000 + b"\r\n"] * 400
    async with raw_upstream(writes(CHUNKED, *flood, pause_s=0.0001)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(total_s=0.15))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await read_slowly(response)
        assert caught.value.deadline == "total"

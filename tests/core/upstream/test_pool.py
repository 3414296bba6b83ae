import asyncio

import pytest

from relay.core.upstream import UpstreamClient
from relay.core.upstream import pool as pool_module
from tests.core.raw_upstream import raw_upstream, whole, writes

from .answers import PATIENT, read_all


async def test_idle_connections_are_shut_in_time(transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody uses is shut from this side, before a load balancer does it."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_S", 0.05)
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        await asyncio.wait_for(upstream.gone.wait(), 1)
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert upstream.connection_count == 2


async def test_the_connection_used_last_goes_first(transport: UpstreamClient) -> None:
    """Of two idle connections the older one is left to end."""
    ports: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        await writes(whole(b"ok"))(reader, writer)

    async with raw_upstream(answer) as upstream:
        both = [await transport.send(upstream.request(), PATIENT) for _ in range(2)]
        for response in both:
            assert await read_all(response) == b"ok"
        for _ in range(5):
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
    older, newer = ports[:2]
    assert older != newer
    assert ports[2:] == [newer] * 5


async def test_leaving_the_client_shuts_what_is_idle() -> None:
    """Nothing stays open behind a closed client."""
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        async with UpstreamClient() as client:
            assert await read_all(await client.send(upstream.request(), PATIENT)) == b"ok"
            assert not upstream.gone.is_set()
        await asyncio.wait_for(upstream.gone.wait(), 1)

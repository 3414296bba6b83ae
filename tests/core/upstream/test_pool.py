import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from relay.core.upstream import UpstreamClient
from relay.core.upstream import pool as pool_module
from relay.core.upstream.connection import Connection
from relay.core.upstream.pool import KEEP_ALIVE_S, Pool
from relay.core.upstream.request_head import Origin
from tests.core.raw_upstream import RawUpstream, raw_upstream, whole, writes

from .answers import PATIENT, read_all

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")


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


ORIGIN = Origin("127.0.0.1", 80, False)


class SetLoop:
    """A loop as the pool uses it, whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self.timers.append((self.now_s + delay_s, callback))
        return asyncio.get_running_loop().call_later(3600, bool)

    def turn(self, seconds: float) -> None:
        self.now_s += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now_s]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, callback in due:
            callback()


async def answered(pool: Pool, upstream: RawUpstream) -> Connection:
    """Return a connection whose answer has been taken."""
    loop, port = asyncio.get_running_loop(), int(upstream.url.rpartition(":")[2])
    _, connection = await loop.create_connection(lambda: Connection(loop, pool.discard), "127.0.0.1", port)
    connection.send(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", b"")
    due_at = loop.time() + 5
    while not connection.is_complete:
        assert await connection.wait(lambda: due_at)
    assert connection.take() == b"ok"
    return connection


async def test_each_connection_is_shut_at_its_own_age() -> None:
    """One timer looks at all of them; once none is left it is not set again."""
    loop = SetLoop()
    pool = Pool(cast(asyncio.AbstractEventLoop, loop))
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        older = await answered(pool, upstream)
        newer = await answered(pool, upstream)
        pool.put(ORIGIN, older)
        loop.turn(30)
        pool.put(ORIGIN, newer)
        assert len(loop.timers) == 1
        loop.turn(KEEP_ALIVE_S - 30)
        await asyncio.wait_for(upstream.gone.wait(), 5)
        upstream.gone.clear()
        assert (older.loss, newer.loss) == ("shut", "")
        assert pool.take(ORIGIN) is newer
        assert pool.take(ORIGIN) is None
        pool.put(ORIGIN, newer)
        loop.turn(KEEP_ALIVE_S)
        await asyncio.wait_for(upstream.gone.wait(), 5)
        assert loop.timers == []


async def test_what_is_too_old_is_not_taken() -> None:
    """The sweep may come late; a load balancer does not wait for it."""
    loop = SetLoop()
    pool = Pool(cast(asyncio.AbstractEventLoop, loop))
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        pool.put(ORIGIN, await answered(pool, upstream))
        loop.now_s = KEEP_ALIVE_S
        assert pool.take(ORIGIN) is None
        await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_what_was_spoilt_a_moment_ago_is_not_taken() -> None:
    """More came than the answer, and was read; the loop has yet to tell that the connection is shut."""
    pool = Pool(asyncio.get_running_loop())
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        connection = await answered(pool, upstream)
        pool.put(ORIGIN, connection)
        connection.data_received(b"HTTP/1.1 ")
        assert (connection.loss, pool.take(ORIGIN)) == ("", None)
        pool.close()

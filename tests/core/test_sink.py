"""The way out: what is sent, and when a customer's leaving interrupts the work."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from relay.core import sink as way_out
from relay.core.errors import CustomerGoneError, ShuttingDownError
from relay.core.sink import Headers, Sink


class Wire:
    """A customer's socket, by hand."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.is_lost = False
        self.on_loss: Callable[[], None] | None = None
        self.written_s = 0.0
        self.room = asyncio.Event()
        self.room.set()
        self.sink = Sink(self, [(b"x-request-id", b"r1")])

    async def wait_for_room(self) -> None:
        await self.room.wait()

    def head(self, status: int, headers: Headers) -> None:
        self.sent.append((status, *headers))

    def put(self, data: bytes) -> bool:
        if self.is_lost or not self.room.is_set():
            return False
        self.sent.append(data)
        return True

    def end(self) -> None:
        self.sent.append("end")

    def abort(self) -> None:
        self.leave()

    def leave(self) -> None:
        self.is_lost = True
        if self.on_loss is not None:
            self.on_loss()


async def test_a_whole_answer_has_its_length_and_the_common_headers() -> None:
    """Head, body, end."""
    wire = Wire()
    with wire.sink as sink:
        await sink.whole(200, [(b"content-type", b"text/plain")], b"hi")
    head = (200, (b"x-request-id", b"r1"), (b"content-type", b"text/plain"), (b"content-length", b"2"))
    assert wire.sent == [head, b"hi", "end"]
    assert (sink.is_head_sent, sink.is_ended) == (True, True)


async def test_the_end_waits_until_the_body_has_gone_out() -> None:
    """A customer who has half an answer does not count as served."""
    wire = Wire()
    with wire.sink as sink:
        wire.room.clear()
        task = asyncio.create_task(sink.end(b"hi"))
        await asyncio.sleep(0.01)
        assert wire.sent == []
        assert sink.waiting_since_s is not None
        wire.room.set()
        await task
    assert wire.sent == [b"hi", "end"]
    assert sink.is_ended
    assert sink.waiting_since_s is None


async def test_a_whole_answer_ends_once_the_socket_has_let_go_of_it() -> None:
    """It takes any length at once: what it still keeps, the customer may never get."""
    wire = Wire()

    def put(data: bytes) -> bool:
        wire.room.clear()
        wire.sent.append(data)
        return True

    wire.sink.put = put
    task = asyncio.create_task(wire.sink.whole(200, [], b"hi"))
    await asyncio.sleep(0.01)
    assert wire.sent[1:] == [b"hi"]
    wire.room.set()
    await task
    assert wire.sent[1:] == [b"hi", "end"]


async def test_what_has_no_room_is_sent_once_there_is() -> None:
    """Nothing is sent twice or dropped; a customer who has left meanwhile is sent nothing."""
    wire = Wire()
    with wire.sink as sink:
        wire.room.clear()
        assert not sink.put(b"a")
        first = asyncio.create_task(sink.write(b"a"))
        await asyncio.sleep(0.01)
        assert wire.sent == []
        wire.room.set()
        await first
        wire.room.clear()
        last = asyncio.create_task(sink.write(b"b"))
        await asyncio.sleep(0.01)
        wire.leave()
        wire.room.set()
        await last
    assert wire.sent == [b"a"]


@pytest.mark.parametrize("is_whole", [True, False])
async def test_whoever_does_not_take_the_end_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, is_whole: bool) -> None:
    """Of a page or an error as well: who asks for thousands and reads none holds no place in the shop for ever."""
    monkeypatch.setattr(way_out, "WRITE_DEADLINE_S", 0.02)
    wire = Wire()
    wire.room.clear()
    await asyncio.wait_for(wire.sink.whole(200, [], b"hi") if is_whole else wire.sink.end(b"hi"), 5)
    assert wire.is_lost
    assert "end" not in wire.sent


async def test_a_long_end_has_the_time_that_the_slowest_pace_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of megabytes over a telephone is no customer who takes nothing."""
    given: list[float] = []

    async def within(deadline_s: float, writing: Coroutine[Any, Any, None]) -> None:
        given.append(deadline_s)
        await writing

    monkeypatch.setattr(way_out, "within", within)
    await Wire().sink.end(b"hi" * 8 * 1024)
    await Wire().sink.whole(200, [], b"hi" * 16 * 1024)
    assert given == [31, 32]


async def test_leaving_interrupts_what_is_listening() -> None:
    """The wait ends at once, as an error the pipeline knows; the task counts as cancelled no longer."""
    wire, task = Wire(), asyncio.current_task()
    assert task is not None
    with wire.sink as sink:
        asyncio.get_running_loop().call_soon(wire.leave)
        with pytest.raises(CustomerGoneError), sink.listening():
            await asyncio.wait_for(asyncio.Event().wait(), timeout=1)
        assert task.cancelling() == 0


async def test_hanging_up_counts_as_leaving() -> None:
    """A customer who takes nothing is treated as one who left."""
    wire = Wire()
    with wire.sink as sink:
        asyncio.get_running_loop().call_soon(sink.hang_up)
        with pytest.raises(CustomerGoneError), sink.listening():
            await asyncio.wait_for(asyncio.Event().wait(), timeout=1)


async def test_leaving_does_not_interrupt_what_is_not_listening() -> None:
    """A ledger's commit goes on; the next wait does not begin."""
    wire = Wire()
    with wire.sink as sink:
        with sink.listening():
            pass
        wire.leave()
        await asyncio.sleep(0.01)
        assert sink.has_left()
        with pytest.raises(CustomerGoneError), sink.listening():
            pytest.fail("the block must not begin")


async def test_a_cancellation_from_elsewhere_is_a_shutdown() -> None:
    """The server's own cancel becomes an error after which the exchange can still be settled."""
    wire = Wire()
    settled: list[str] = []

    async def exchange() -> None:
        with wire.sink as sink:
            try:
                with sink.listening():
                    await asyncio.Event().wait()
            except ShuttingDownError:
                await asyncio.sleep(0)
                settled.append("delivered part")

    task = asyncio.create_task(exchange())
    await asyncio.sleep(0.01)
    task.cancel()
    await task
    assert settled == ["delivered part"]


async def test_a_cancellation_of_what_is_not_listening_is_a_shutdown_too() -> None:
    """Such as of a wait for the ledger: its customer is answered, as all others are."""
    wire = Wire()

    async def exchange() -> None:
        with pytest.raises(ShuttingDownError), wire.sink:
            await asyncio.Event().wait()
        await wire.sink.whole(503, [], b"")

    task = asyncio.create_task(exchange())
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert wire.sent[-1] == "end"


async def test_a_sink_that_is_done_with_is_freed_at_once() -> None:
    """Every request has one: what only the collector can free would wait for thousands of others."""
    wire = Wire()
    sink = Sink(wire, [])
    gc.disable()
    try:
        with sink, sink.listening():
            await sink.whole(200, [], b"hi")
        kept = weakref.ref(sink)
        del sink
        assert kept() is None
    finally:
        gc.enable()

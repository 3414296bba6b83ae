"""The way out: what is sent, and when a customer's leaving interrupts the work."""

import asyncio
from typing import Any

import pytest

from relay.core.errors import CustomerGoneError, ShuttingDownError
from relay.core.sink import Sink


class Wire:
    """Both ends of an ASGI connection, by hand."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.left = asyncio.Event()
        self.sink = Sink(self.receive, self.send, [(b"x-request-id", b"r1")])

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def test_a_whole_answer_has_its_length_and_the_common_headers() -> None:
    """Head and body, two messages."""
    wire = Wire()
    async with wire.sink as sink:
        await sink.whole(200, [(b"content-type", b"text/plain")], b"hi")
    assert wire.sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"x-request-id", b"r1"), (b"content-type", b"text/plain"), (b"content-length", b"2")],
        },
        {"type": "http.response.body", "body": b"hi", "more_body": False},
    ]


async def test_a_large_answer_ends_when_it_has_gone_out() -> None:
    """The body is a message of its own, so that the end waits until the socket took it."""
    wire, body = Wire(), b"x" * 65_537
    async with wire.sink as sink:
        await sink.whole(200, [], body)
    assert wire.sent[1:] == [
        {"type": "http.response.body", "body": body, "more_body": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]


async def test_leaving_interrupts_what_is_listening() -> None:
    """The wait ends at once, as an error the pipeline knows."""
    wire = Wire()
    async with wire.sink as sink:
        asyncio.get_running_loop().call_soon(wire.left.set)
        with pytest.raises(CustomerGoneError), sink.listening():
            await asyncio.wait_for(asyncio.Event().wait(), timeout=1)


async def test_leaving_does_not_interrupt_what_is_not_listening() -> None:
    """A ledger's commit goes on; the next wait does not begin."""
    wire = Wire()
    async with wire.sink as sink:
        wire.left.set()
        await asyncio.sleep(0.01)
        assert sink.has_left()
        with pytest.raises(CustomerGoneError), sink.listening():
            pytest.fail("the block must not begin")


async def test_a_cancellation_from_elsewhere_is_a_shutdown() -> None:
    """The server's own cancel becomes an error after which the exchange can still be settled."""
    wire = Wire()
    settled: list[str] = []

    async def exchange() -> None:
        async with wire.sink as sink:
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

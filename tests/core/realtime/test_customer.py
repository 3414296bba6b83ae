"""The customer's end: frames of both kinds, and every way in which a customer can be gone."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from relay.core.errors import CustomerGoneError
from relay.core.realtime.customer import Customer


class Server:
    """What an ASGI server gives and takes."""

    def __init__(self, messages: Iterable[dict[str, Any]] = (), error: Exception | None = None) -> None:
        self._messages = iter(messages)
        self._error = error
        self.taken: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return next(self._messages)

    async def send(self, message: dict[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        self.taken.append(message)

    def customer(self) -> Customer:
        return Customer(self.receive, self.send)


async def test_frames_come_in_either_form() -> None:
    """Text stays text; the greeting of the server is none."""
    customer = Server(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": ""},
            {"type": "websocket.receive", "bytes": b"", "text": None},
            {"type": "websocket.disconnect", "code": 1005},
        ]
    ).customer()
    assert [await customer.receive(), await customer.receive()] == ["", b""]
    with pytest.raises(CustomerGoneError):
        await customer.receive()


async def test_frames_go_out_in_either_form() -> None:
    """A reason is cut to what a close frame has room for."""
    server = Server()
    customer = server.customer()
    await customer.accept("realtime", [(b"a", b"b")])
    await customer.send("text")
    await customer.send(b"bytes")
    await customer.close(1011, "x" * 200)
    assert server.taken == [
        {"type": "websocket.accept", "subprotocol": "realtime", "headers": [(b"a", b"b")]},
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"bytes"},
        {"type": "websocket.close", "code": 1011, "reason": "x" * 123},
    ]


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed already")])
async def test_a_write_that_fails_says_that_the_customer_is_gone(error: Exception) -> None:
    """Closing what is closed is no error."""
    customer = Server(error=error).customer()
    with pytest.raises(CustomerGoneError):
        await customer.send("x")
    await customer.close(1000, "")
    assert customer.waited_s(asyncio.get_running_loop().time()) == 0


async def test_a_write_that_waits_is_measured() -> None:
    """From when it began; nothing waits where nothing is written."""
    is_writing, has_room = asyncio.Event(), asyncio.Event()

    async def send(_: dict[str, Any]) -> None:
        is_writing.set()
        await has_room.wait()

    customer = Customer(Server().receive, send)
    now_s = asyncio.get_running_loop().time()
    assert customer.waited_s(now_s) == 0
    writing = asyncio.ensure_future(customer.send("x"))
    await is_writing.wait()
    assert 59 < customer.waited_s(now_s + 60) <= 60
    has_room.set()
    await writing
    assert customer.waited_s(now_s + 60) == 0

"""Whatever an upstream writes: an answer or a lost connection, and no more is held than is said."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from relay.core.upstream.connection import BUFFER_BYTES, FRAMING_BYTES_MAX, Connection
from tests.rubbish import DOCUMENTS, Check, Rubbish, a_few, a_million

STATUS_LINES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 000 x", b"HTTP/1.1 103 x",
    b"HTTP/1.1 101 x", b"HTTP/2",
)  # fmt: skip
FRAMINGS = (b"transfer-encoding: chunked", b"content-length: 5", b"connection: close")
HTTP_HEADERS = (
    b"content-length: 99999999999999999999", b"transfer-encoding: chunked", b"content-length: 5", b"connection: close",
    b"connection: upgrade\r\nupgrade: x", b"content-type: text/event-stream", b"x: \xff", b" folded", b"no colon",
    b"retry-after: 3",
)  # fmt: skip
LONG = (b"HTTP/1.1 200 " + b"x" * 80_000, b"x: " + b"y" * 80_000, b"5;" + b"x" * 80_000, b"12000\r\n" + b"x" * 80_000)
CHUNKS = (
    b"5\r\nhello\r\n", b"5;x=y\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"ffffffffffffffffff\r\n", b"hello",
    b"-1\r\n",
)  # fmt: skip


class Socket:
    """A transport that leads nowhere."""

    def __init__(self) -> None:
        self.is_paused = self.is_shut = False

    def get_extra_info(self, name: str) -> Any:
        return self

    def get_write_buffer_size(self) -> int:
        return 0

    def fileno(self) -> int:
        return 0

    def abort(self) -> None:
        self.is_shut = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def writelines(self, pieces: Sequence[bytes]) -> None:
        """Send nothing."""


def answer_of(rubbish: Rubbish) -> bytes:
    framing = rubbish.pick(FRAMINGS)
    others = [rubbish.pick(HTTP_HEADERS) for _ in range(int(rubbish.chance() * rubbish.chance() * 4))]
    lines = [rubbish.pick(STATUS_LINES) if rubbish.chance() < 0.2 else STATUS_LINES[0], framing, *others]
    body = b"".join(rubbish.pick(CHUNKS) for _ in range(int(rubbish.chance() * 5)))
    if framing == FRAMINGS[0] and rubbish.chance() < 0.7:
        body = CHUNKS[0] * int(rubbish.chance() * 3) + b"0\r\n\r\n"
    return rubbish.sometimes_spoilt(b"\r\n".join(lines) + b"\r\n\r\n" + body) + (
        rubbish.pick(LONG) if rubbish.chance() < 0.01 else b""
    )


def check_connections(seed: bytes, count: int) -> None:
    """Let a connection read *count* answers: what it gives is a part of them, and what it holds is bounded."""
    rubbish, loop = Rubbish(seed), asyncio.new_event_loop()
    try:
        for _ in range(count):
            check_connection(rubbish, loop, answer_of(rubbish))
    finally:
        loop.close()


def check_connection(rubbish: Rubbish, loop: asyncio.AbstractEventLoop, data: bytes) -> None:
    connection, socket = Connection(loop, lambda _: None), Socket()
    connection.connection_made(cast(asyncio.Transport, socket))
    connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
    for piece in rubbish.cut(data):
        if socket.is_paused and rubbish.chance() < 0.5:
            taken = connection.take()
            assert taken
        connection.data_received(piece)
        if socket.is_shut:
            break
        loop.call_soon(loop.stop)
        loop.run_forever()  # a turn, behind which a socket that was read a lot of is read on
        assert socket.is_paused == (connection._size > BUFFER_BYTES)
        assert sum(map(len, (*connection.headers, *connection.headers.values()))) <= FRAMING_BYTES_MAX + len(piece)
    assert connection.take() in data or b"transfer-encoding" in data
    connection.connection_lost(None)
    assert connection.loss


@a_few(check_connections)
def test_whatever_comes_is_read_or_refused_by_name(check: Check, seed: bytes) -> None:
    """Whatever an upstream writes."""
    check(seed, 5)


@a_million(check_connections)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """The same, for `make fuzz`."""
    check(seed, DOCUMENTS)

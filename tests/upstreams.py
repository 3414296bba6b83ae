"""An upstream that says exactly what a test wrote down, over a real socket."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec

NO_LINGER = struct.pack("ii", 1, 0)
"""Makes a close send RST, and drop what was not read yet."""

Step = bytes | float | str
"""Bytes to write, seconds to wait, ``"shut"`` to end the connection in order, ``"reset"`` to cut it with a TCP reset."""

TURNS: Sequence[Step] = [0.002] * 50
"""A pause that is long in turns of the loop: what has reached a socket is noticed in it, however busy the machine is."""


@dataclass
class Received:
    """One request as it came in, and when its sender left."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def document(self) -> dict[str, object]:
        """The body as JSON."""
        return msgspec.json.decode(self.body, type=dict[str, object])


Script = Callable[[Received], Iterable[Step]]
"""Says the steps of an answer; each is asked for once the one before has been done."""


def document(body: object, status: int = 200, headers: Sequence[str] = ()) -> list[Step]:
    """Return the steps that answer with a whole JSON document (or the bytes given)."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(raw)}", *headers, "", ""]
    return ["\r\n".join(lines).encode() + raw]


def stream(text: str | bytes, *, seed: int | None = None, ending: str = "whole", pause_s: float = 0.0) -> list[Step]:
    """Return the steps that answer with an event stream, cut at random places under *seed*.

    *ending* is ``whole`` for a body ended in order, ``reset`` for a connection cut in the middle,
    ``open`` for one that hangs.
    """
    raw = text.encode() if isinstance(text, str) else text
    steps: list[Step] = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"]
    for piece in pieces(raw, seed):
        steps.append(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if pause_s:
            steps.append(pause_s)
    endings: dict[str, Step] = {"whole": b"0\r\n\r\n", "reset": "reset", "open": 30.0}
    return [*steps, endings[ending]]


def pieces(raw: bytes, seed: int | None) -> list[bytes]:
    """Cut *raw* at random places; whole where *seed* is None."""
    if seed is None or len(raw) < 2:
        return [raw] if raw else []
    dice = random.Random(seed)
    cuts = sorted({dice.randrange(1, len(raw)) for _ in range(dice.randrange(1, 40))})
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


class Upstream:
    """A server on loopback that answers every request by *script*."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.received: list[Received] = []
        self.connection_count = 0
        self.url = ""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Upstream"]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        try:
            early = b""
            while True:
                request = await _read_request(reader, early)
                self.received.append(request)
                watch = asyncio.ensure_future(reader.read(1))
                is_usable = False
                with suppress(ConnectionError):
                    is_usable = await self._play(self.script(request), writer, watch)
                watch.cancel()
                await asyncio.wait([watch])  # only then may the next request be read
                early = b"" if watch.cancelled() or watch.exception() else watch.result()
                if not watch.cancelled() and not early:
                    request.gone.set()
                if not is_usable:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _play(self, steps: Iterable[Step], writer: asyncio.StreamWriter, left: "asyncio.Future[bytes]") -> bool:
        """Do *steps*; say whether the connection may be used again."""
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.wait([left], timeout=step)
                if left.done():
                    return False
            elif step == "shut":
                return False
            else:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                writer.transport.abort()
                return False
        return True


async def _read_request(reader: asyncio.StreamReader, early: bytes) -> Received:
    head = early + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)

"""An upstream that writes whatever bytes a test wants, on a real socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from relay import UpstreamRequest


class RawUpstream:
    """Counts connections, keeps the bytes of every request, and sees peers leave."""

    def __init__(self) -> None:
        self.url = ""
        self.connection_count = 0
        self.requests: list[bytes] = []
        self.gone = asyncio.Event()

    def request(self, headers: dict[str, str] | None = None, body: bytes = b"{}") -> UpstreamRequest:
        return UpstreamRequest(url=f"{self.url}/v1/x", headers=headers or {}, body=body)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Writes one answer; whoever shuts the writer ends the connection."""


@asynccontextmanager
async def raw_upstream(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawUpstream]:
    """Run an upstream whose nth request gets the nth of *answers*, the last one for ever."""
    upstream = RawUpstream()

    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connection_count += 1
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                upstream.requests.append(head + await reader.readexactly(length))
                await answers[min(len(upstream.requests), len(answers)) - 1](reader, writer)
        upstream.gone.set()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256, ssl=tls)
    upstream.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        for task in tasks:
            if task:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


def writes(*pieces: bytes, pause_s: float = 0.0) -> Answer:
    """Return an answer of *pieces*, each in a segment of its own; the connection stays open."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            if writer.is_closing():
                return  # the peer has left, and uvloop lets nobody write behind it
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s or 0.005)

    return answer


def writes_and_shuts(*pieces: bytes) -> Answer:
    """Return an answer of *pieces* with the end of the connection behind them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writes(*pieces)(reader, writer)
        writer.close()

    return answer


def writes_and_resets(*pieces: bytes) -> Answer:
    """Return an answer of *pieces* with a reset behind them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writes(*pieces)(reader, writer)
        writer.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER, 0 s: close sends RST
        writer.close()

    return answer


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer with the right length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

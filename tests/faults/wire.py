"""Requests as raw bytes: a client that sends whatever it likes, and reads what comes back."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec


@dataclass(frozen=True)
class Reply:
    """One answer, its body whole and unchunked."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error object of either dialect."""
        document = msgspec.json.decode(self.body, type=dict[str, Any])
        error: dict[str, Any] = document["error"]
        return error


def request(
    path: str, body: bytes, headers: dict[str, str] | None = None, *, method: str = "POST", has_length: bool = True
) -> bytes:
    """Return a request that closes its connection; header values are written as they are."""
    lines = [f"{method} {path} HTTP/1.1", "host: shop", "connection: close"]
    if has_length:
        lines.append(f"content-length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def send(url: str, *pieces: bytes, is_shut: bool = False) -> Reply:
    """Send *pieces*, shut the sending half if asked to, and return the answer."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**20)
    try:
        for piece in pieces:
            writer.write(piece)
        if is_shut:
            writer.write_eof()
        return parse(await _read_to_end(reader))
    finally:
        writer.transport.abort()


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    """Return what came until the end; a server that refuses an upload may end it by a reset."""
    pieces: list[bytes] = []
    try:
        while piece := await reader.read(2**16):
            pieces.append(piece)
    except ConnectionError:
        pass
    assert pieces, "the connection was shut without an answer"
    return b"".join(pieces)


def parse(raw: bytes) -> Reply:
    """Return the answer that *raw* is."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunk(body)
    return Reply(int(first.split()[1]), headers, body)


def _unchunk(body: bytes) -> bytes:
    pieces: list[bytes] = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(body[:length])
        body = body[length + 2 :] if length else b""
    return b"".join(pieces)

"""A reply before it is cut into steps, and the honest way to send it."""

from typing import Literal

import msgspec

from relay.plugins.channels.simulator.answer import Answer, Kind
from relay.plugins.channels.simulator.dialects import DIALECTS

Step = bytes | float | Literal["reset", "close", "hang"]
"""Bytes to write, seconds to wait, or how the connection ends: reset, closed, or left hanging."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Status, headers and body; a stream has a piece per event, anything else is one piece."""

    status: int = 200
    content_type: str = "application/json"
    headers: tuple[str, ...] = ()
    pieces: list[bytes]
    is_stream: bool = False
    kind: Kind = "openai_chat"

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)


def write_down(answer: Answer, *, stream: bool) -> Reply:
    """Return *answer* in its dialect, whole or as a stream."""
    dialect = DIALECTS[answer.kind]
    if not stream:
        return Reply(pieces=[dialect.body(answer)], kind=answer.kind)
    return Reply(content_type=dialect.STREAM_TYPE, pieces=dialect.events(answer), is_stream=True, kind=answer.kind)


def error_reply(kind: Kind, status: int, name: str, message: str, *headers: str) -> Reply:
    """Return an error in the form of *kind*; *name* is its type at most vendors."""
    return Reply(status=status, headers=headers, pieces=[DIALECTS[kind].error(status, name, message)], kind=kind)


def head(reply: Reply, framing: str) -> bytes:
    """Return status line and headers; *framing* is the header that says where the body ends."""
    lines = [f"HTTP/1.1 {reply.status} Simulated", f"content-type: {reply.content_type}", *reply.headers, framing]
    return "\r\n".join(line for line in lines if line).encode() + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return *data* as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def honest(reply: Reply, first_s: float = 0.0, pace_s: float = 0.0) -> list[Step]:
    """Return the steps that write *reply* whole and clean, an event every *pace_s*."""
    steps: list[Step] = [first_s] if first_s else []
    if not reply.is_stream:
        return [*steps, head(reply, f"content-length: {len(reply.body)}") + reply.body]
    steps.append(head(reply, "transfer-encoding: chunked"))
    for piece in reply.pieces:
        steps += [chunk(piece), pace_s] if pace_s else [chunk(piece)]
    return [*steps, b"0\r\n\r\n"]

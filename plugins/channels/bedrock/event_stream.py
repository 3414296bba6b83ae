"""Converts Bedrock's binary event stream to the server-sent events that Anthropic itself would send.

A frame is a prelude (its length, the length of its headers, a CRC-32 of both), headers, a payload
and a CRC-32 of everything before it; numbers are big-endian. In an answer, each frame holds one
event in base64. Sources: Smithy 2.0 "Amazon Event Stream"; wire/DIALECTS.md 2.1 and
w:anthropic/bedrock-invoke-stream; read 2026-11-24.
"""

import re
from zlib import crc32

import msgspec

from .refusals import meaning_of, message_of, render_error

FRAME_BYTES_MAX = 6 * 1024 * 1024
"""Room for an event of 4 MiB in base64, far more than any of Claude's; a larger size is an error."""
PRELUDE_BYTES = 12
CRC_BYTES = 4
_STRING = 7
_VALUE_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Sizes of header values by type, for those with a fixed size: booleans, integers, a timestamp, a UUID."""
_SIZED = (6, _STRING)
_NAME = re.compile(r"[a-z_]{1,64}")
_BROKEN = b"event: error\ndata: " + render_error("api_error", "the event stream is broken") + b"\n\n"


class _Chunk(msgspec.Struct):
    bytes: bytes


class _Event(msgspec.Struct):
    type: str


_CHUNK = msgspec.json.Decoder(_Chunk)
_EVENT = msgspec.json.Decoder(_Event)


class EventStream:
    """Is fed with bytes as they come, and returns the events that are complete; the same for every cut.

    An exception of AWS becomes an error event, and so does anything that is no frame: as no frame
    can be found after it, the stream ends there.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_broken = False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return whole server-sent events."""
        if self._is_broken:
            return b""
        self._buffer += data
        events: list[bytes] = []
        start = 0
        try:
            while size := _frame_size(self._buffer, start):
                events.append(_event_of(bytes(self._buffer[start : start + size])))
                start += size
        except (ValueError, IndexError, RecursionError):
            # msgspec's errors and UnicodeDecodeError are ValueErrors
            self._is_broken = True
            self._buffer.clear()
            return b"".join((*events, _BROKEN))
        del self._buffer[:start]
        return b"".join(events)


def _frame_size(buffer: bytearray, start: int) -> int:
    """Return the size of the frame at *start*, or 0 if it is not complete yet.

    Raises:
        ValueError: There is no valid prelude.
    """
    if len(buffer) < start + PRELUDE_BYTES:
        return 0
    prelude = buffer[start : start + PRELUDE_BYTES]
    size, headers_size = int.from_bytes(prelude[:4]), int.from_bytes(prelude[4:8])
    if crc32(prelude[:8]) != int.from_bytes(prelude[8:]):
        raise ValueError("the checksum of a prelude is wrong")
    if size > FRAME_BYTES_MAX or headers_size + PRELUDE_BYTES + CRC_BYTES > size:
        raise ValueError("a frame has a size that can't be")
    return size if len(buffer) >= start + size else 0


def _event_of(frame: bytes) -> bytes:
    """Return the server-sent event of a whole *frame*; empty for events of other types.

    Raises:
        ValueError, IndexError: It is no frame, or not one of an answer.
    """
    if crc32(frame[:-CRC_BYTES]) != int.from_bytes(frame[-CRC_BYTES:]):
        raise ValueError("the checksum of a frame is wrong")
    payload_at = PRELUDE_BYTES + int.from_bytes(frame[4:8])
    headers = _headers(frame[PRELUDE_BYTES:payload_at])
    payload = frame[payload_at:-CRC_BYTES]
    match headers.get(":message-type"):
        case "event":
            return _sse(_CHUNK.decode(payload).bytes) if headers.get(":event-type") == "chunk" else b""
        case "exception":
            return _error_event(headers.get(":exception-type", ""), message_of(payload) or "")
        case "error":
            return _error_event(headers.get(":error-code", ""), headers.get(":error-message", ""))
        case _:
            raise ValueError("a frame does not say what it is")


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers that are strings; all others are skipped by their sizes."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        kind, at_value = data[name_end], name_end + 1
        if kind in _SIZED:
            size, at_value = int.from_bytes(data[at_value : at_value + 2]), at_value + 2
        else:
            size = _VALUE_BYTES.get(kind, len(data))
        if at_value + size > len(data):
            raise ValueError("a header is longer than all of them")
        if kind == _STRING:
            headers[data[at + 1 : name_end].decode()] = data[at_value : at_value + size].decode()
        at = at_value + size
    return headers


def _sse(event: bytes) -> bytes:
    name = _EVENT.decode(event).type
    if not _NAME.fullmatch(name):
        raise ValueError("an event has no name")
    if b"\n" in event or b"\r" in event:
        event = msgspec.json.format(event, indent=-1)
    return b"event: %s\ndata: %s\n\n" % (name.encode(), event)


def _error_event(exception: str, message: str) -> bytes:
    return b"event: error\ndata: " + render_error(meaning_of(exception)[1], message) + b"\n\n"

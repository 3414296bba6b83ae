"""Frames of an AWS event stream, as bedrock-runtime writes them, and the recorded answer of Claude."""

import json
from base64 import b64decode, b64encode
from zlib import crc32

import pytest

from tests.core.wire import FOLDER

RECORDING = "anthropic/bedrock-invoke-stream"


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one frame."""
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2) + value.encode()
        for name, value in headers.items()
    )
    head = (16 + len(packed) + len(payload)).to_bytes(4) + len(packed).to_bytes(4)
    body = head + crc32(head).to_bytes(4) + packed + payload
    return body + crc32(body).to_bytes(4)


def chunk(event: str) -> bytes:
    """Return the frame of one event."""
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps({"bytes": b64encode(event.encode()).decode(), "p": "abcdef"}).encode())


def exception(name: str, message: str) -> bytes:
    """Return the frame of an exception."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def recorded() -> bytes:
    """Return the recorded stream."""
    path = FOLDER / f"{RECORDING}.json"
    if not path.is_file():
        pytest.skip(f"no recordings at {FOLDER}; set RELAY_WIRE to their folder")
    return b64decode(json.loads(path.read_text())["response"]["body_base64"])

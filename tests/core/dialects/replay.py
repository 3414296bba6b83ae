"""Recordings as exchanges: the request that was sent, and the bytes that came back."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES, rules_of_channel
from relay.core.dialects.dialect import DialectRules, NativeReader, StreamReader
from relay.core.exchange import Dialect, Exchange
from tests.core.dialects.recordings import Expected
from tests.core.wire import FOLDER


def exchange(dialect: Dialect, fields: dict[str, msgspec.Raw] | None = None, **headers: str) -> Exchange:
    """Return an exchange as it stands before its body was read, or with *fields* as if it was."""
    made = Exchange(
        id="req-1",
        dialect=dialect,
        operation="embeddings" if dialect == "embeddings" else "chat",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        received_at=datetime(2026, 11, 23, tzinfo=UTC),
        started_s=0.0,
    )
    made.fields = fields or {}
    made.query = "alt=sse" if dialect == "gemini_generate" else ""
    made.stream = dialect == "gemini_generate"
    return made


_OF_COST = re.compile(
    rb',\s*"(?:cost|cost_details|is_byok|cost_in_usd_ticks|market_cost)":\s*(?:\{[^{}]*\}|[0-9.e-]+|false)(?=\s*[,}])'
)


def as_shown(answer: bytes) -> bytes:
    """Return a recorded answer without what its upstream says it cost: in every recording it follows a count."""
    return _OF_COST.sub(b"", answer)


def recording(name: str) -> dict[str, Any]:
    """Return a whole recording, or skip where there are none."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no recordings at {FOLDER}; set RELAY_WIRE to their folder")
    recorded: dict[str, Any] = json.loads(path.read_text())
    return recorded


def request_fields(name: str) -> dict[str, msgspec.Raw]:
    """Return the top level of a recorded request's body; empty where none was recorded."""
    body = recording(name)["request"]["body"] or {}
    return {key: msgspec.Raw(json.dumps(value, ensure_ascii=False).encode()) for key, value in body.items()}


def answer_bytes(name: str) -> bytes:
    """Return a recorded answer as it was sent."""
    response = recording(name)["response"]
    text = response.get("sse") or response.get("body_text") or json.dumps(response.get("body"))
    return str(text).encode()


def reader_for(expected: Expected, *, usage_asked: bool) -> NativeReader:
    """Return a reader for a recording, its customer having asked for usage or not."""
    fields = request_fields(expected.name)
    fields["stream_options"] = msgspec.Raw(b'{"include_usage":true}' if usage_asked else b"null")
    return rules_for(expected).stream_reader(exchange(expected.dialect, fields))


def rules_for(expected: Expected) -> DialectRules:
    """Return the rules by which the channel of a recording is read."""
    return rules_of_channel(RULES[expected.dialect], is_reasoning_beside_output=expected.is_reasoning_beside_output)


def read(reader: StreamReader, reads: Sequence[bytes]) -> bytes:
    """Feed *reads* and the end of the body; return what went to the customer before the end mark."""
    return b"".join([*(reader.feed(data) for data in reads), reader.finish()])

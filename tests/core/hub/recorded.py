"""Recorded exchanges for the hub: as requests, as whole answers, and as streams cut at every byte."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from relay.core.dialects import RULES
from relay.core.exchange import Dialect, Exchange
from relay.core.hub.answer import StreamEvent
from relay.core.hub.codec import Opening
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import Request
from relay.core.hub.translation import TranslatedReader
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.core.dialects.replay import answer_bytes, exchange, reader_for, recording, request_fields, rules_for

INPUT_TOKENS = 5
OURS = re.compile(rb"call_relay[0-9a-f]{16}")
"""An id that relay made, for a call that came without one: another each time."""
OPENINGS: dict[Dialect, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"model": "m", "input": [{"role": "user", "content": "Hi"}]},
    "anthropic_messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}
"""The least that is a request."""
ANSWERED = Usage(input_tokens=3, output_tokens=2)
"""Used where a recording has no usage of its own."""


def bodies(dialect: Dialect) -> list[Expected]:
    """Return the recordings of whole answers in *dialect*."""
    return [expected for expected in BODIES if expected.dialect == dialect]


def streams(dialect: Dialect) -> list[Expected]:
    """Return the recordings of streams in *dialect*."""
    return [expected for expected in STREAMS if expected.dialect == dialect]


def raw(document: Any) -> msgspec.Raw:
    """Return *document* as it stands in what `asked` reads."""
    return msgspec.Raw(json.dumps(document).encode())


def asked(dialect: Dialect, body: dict[str, Any]) -> Exchange:
    """Return an exchange whose body is *body*, read as its dialect reads it."""
    made = exchange(dialect, {})
    RULES[dialect].read_request(made, json.dumps(body).encode())
    return made


def recorded_request(name: str) -> dict[str, Any] | None:
    """Return a recorded request's body, None where it was not recorded."""
    body: dict[str, Any] | None = recording(name)["request"]["body"]
    return body


def opening(**fields: Any) -> Opening:
    """Return what an encoder is told; *fields* belong to the customer's request."""
    request = Request(model="m", messages=(), **fields)
    return Opening(
        id="1", model="m", created_at_s=1_700_000_000, input_tokens=INPUT_TOKENS, request=request, query="alt=sse"
    )


def translated_body(expected: Expected, to: Dialect) -> bytes:
    """Return a recorded answer as a customer of *to* gets it."""
    body = answer_bytes(expected.name)
    reading = rules_for(expected).read_body(exchange(expected.dialect, request_fields(expected.name)), body)
    answer = CODECS[expected.dialect].decode_answer(body)
    return CODECS[to].encode_answer(answer, reading.usage or ANSWERED, opening())


def translator(expected: Expected, to: Dialect) -> TranslatedReader:
    """Return a reader of a recorded stream for a customer of *to* who asked for usage."""
    native = reader_for(expected, usage_asked=True)
    decoder, encoder = CODECS[expected.dialect].stream_decoder(), CODECS[to].stream_encoder(opening())
    return TranslatedReader(native, decoder, encoder, INPUT_TOKENS)


def translated_stream(expected: Expected, to: Dialect, size: int | None = None) -> bytes:
    """Return a recorded stream as a customer of *to* gets it, its bytes read *size* at a time."""
    reader, data = translator(expected, to), answer_bytes(expected.name)
    pieces = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
    stream = b"".join([*(reader.feed(piece) for piece in pieces), reader.finish(), reader.end])
    return OURS.sub(b"call_relaymade", stream)


def read_each(dialect: Dialect, *said: dict[str, Any]) -> list[list[StreamEvent]]:
    """Return what a decoder of *dialect* makes of each event of a stream, and last of its end."""
    decoder = CODECS[dialect].stream_decoder()
    read = [list(decoder.feed(b"data: " + json.dumps(each).encode() + b"\n\n")) for each in said]
    return [*read, list(decoder.finish())]


def events(stream: bytes) -> Iterator[dict[str, Any]]:
    """Yield the documents of a stream of server-sent events, without end mark and what was cut off."""
    *whole, _ = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    for line in b"\n".join(whole).split(b"\n"):
        if line.startswith(b"data:") and b"[DONE]" not in line and line.strip() != b"data:":
            document = msgspec.json.decode(line.removeprefix(b"data:").strip())
            if isinstance(document, dict):
                yield document

"""Whatever a customer asks for is sent or refused by name, and whatever AWS sends becomes events or a failure."""

import contextlib
import json
from base64 import b64encode
from collections.abc import Sequence
from fractions import Fraction
from typing import Any
from zlib import crc32

import msgspec
import pytest

from relay import ChannelPlugin, ChannelSection, RejectedError, UpstreamRequest, UpstreamStatusError
from relay.core.dialects import ENDPOINTS
from relay.core.dialects.fields import read_object
from relay.core.exchange import ChannelRequest
from relay.core.sse import Splitter
from relay.plugins.channels.anthropic import Anthropic, AnthropicConfig
from relay.plugins.channels.azure_openai import AzureOpenAI, AzureOpenAIConfig
from relay.plugins.channels.bedrock import event_stream
from relay.plugins.channels.bedrock.channel import Bedrock, BedrockConfig, Gathered, _count
from relay.plugins.channels.bedrock.event_stream import EventStream
from relay.plugins.channels.bedrock.refusals import REFUSAL_BYTES_MAX, message_of, render_error
from relay.plugins.channels.gemini import Gemini, GeminiConfig
from relay.plugins.channels.openai import OpenAI, OpenAIConfig
from relay.plugins.channels.vertex.channel import Vertex, VertexConfig
from tests.core.dialects.replay import exchange
from tests.core.dialects.rubbish import events_pool, request_of
from tests.rubbish import DOCUMENTS, Check, Rubbish, a_few, a_million
from tests.services import services

FRAME_BYTES_MAX = 400
"""So small that rubbish reaches it."""
SECTION = ChannelSection(name="one", use="channels", base_url="https://up.example", models=("m",), groups=("g",))
CONFORMING = OpenAIConfig(
    output_limit="max_completion_tokens",
    developer_role=False,
    reasoning_content_default=" ",
    nine_character_call_ids=True,
    refused_fields=("logit_bias",),
    at_most={"temperature": Fraction(1), "top_p": Fraction(1, 2), "max_completion_tokens": Fraction(100)},
)
CHANNELS: tuple[ChannelPlugin[Any], ...] = (
    OpenAI(CONFORMING, services(), msgspec.structs.replace(SECTION, dialects=OpenAI.dialects)),
    AzureOpenAI(AzureOpenAIConfig(), services(), SECTION),
    Anthropic(AnthropicConfig(), services(), SECTION),
    Gemini(GeminiConfig(), services(), SECTION),
    Bedrock(BedrockConfig(region="us-east-1"), services(), SECTION),
    Vertex(VertexConfig(publisher="anthropic"), services(), SECTION),
    Vertex(VertexConfig(publisher="google"), services(), SECTION),
)
HEADERS = (
    (":message-type", "event"), (":message-type", "exception"), (":message-type", "error"), (":event-type", "chunk"),
    (":exception-type", "throttlingException"), (":error-code", "x"), (":error-message", "é"),
    (":content-type", "application/json"),
)  # fmt: skip
VALUES = {
    0: b"",
    1: b"",
    2: b"a",
    3: b"ab",
    4: b"abcd",
    5: b"abcdefgh",
    6: b"\x00\x02ab",
    7: b"\x00\x02ab",
    8: b"abcdefgh",
    9: b"x" * 16,
    10: b"",
}


def built(channel: ChannelPlugin[Any], request: ChannelRequest) -> bytes:
    """Return the body that *channel* sends for *request*."""
    if isinstance(channel, Vertex):
        assert channel._url(request, "p")
        return channel._body(request)
    made: UpstreamRequest = channel.build(request, "sk-up")
    return made.body


def check_requests(seed: bytes, count: int) -> None:
    """Let every channel that speaks its dialect send what *count* requests become."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        body, rules = request_of(rubbish), rubbish.pick(ENDPOINTS)
        made = exchange(rules.name)
        made.model = "m"
        try:
            rules.read_request(made, body)
        except RejectedError:
            continue
        for channel in CHANNELS:
            if rules.name in channel.dialects:
                check_sent(channel, rules.prepare(made, "sent"))


def check_sent(channel: ChannelPlugin[Any], request: ChannelRequest) -> None:
    """See that *channel* sends a document, or has no place for what is asked."""
    operation = request.operation
    try:
        read_object(built(channel, request))
    except UpstreamStatusError as error:
        if error.failure != "misrouted":
            raise
    except KeyError as error:
        if error.args[0] not in (operation, (request.dialect, operation), (operation, request.stream)):
            raise


def frame_of(rubbish: Rubbish) -> bytes:
    """Return a frame whose checksums are right, around headers and a payload that may not be."""
    headers = b"".join(_header(rubbish, *rubbish.pick(HEADERS)) for _ in range(int(rubbish.chance() * 4)))
    if rubbish.chance() < 0.7:
        headers += _header(rubbish, *HEADERS[0]) + _header(rubbish, *HEADERS[3])
    _, tokens = rubbish.pick(events_pool("messages"))
    data = b"".join(tokens) if rubbish.chance() < 0.6 else rubbish.damaged(tokens)
    payload = json.dumps({"bytes": b64encode(data).decode()}).encode() if rubbish.chance() < 0.8 else rubbish.value()
    headers, payload = rubbish.sometimes_spoilt(headers), rubbish.sometimes_spoilt(payload)
    head = (16 + len(headers) + len(payload)).to_bytes(4) + len(headers).to_bytes(4)
    body = head + crc32(head).to_bytes(4) + headers + payload
    return body + crc32(body).to_bytes(4)


def _header(rubbish: Rubbish, name: str, value: str) -> bytes:
    data = value.encode()
    kind, packed = (7, len(data).to_bytes(2) + data) if rubbish.chance() < 0.95 else rubbish.pick(tuple(VALUES.items()))
    return bytes([len(name)]) + name.encode() + bytes([kind]) + packed


def check_frames(seed: bytes, count: int) -> None:
    """Let *count* streams of AWS be read: what comes out are whole events, the same for every cut."""
    rubbish = Rubbish(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_stream, "FRAME_BYTES_MAX", FRAME_BYTES_MAX)
        for _ in range(count):
            frames = b"".join(frame_of(rubbish) for _ in range(int(rubbish.chance() * 4)))
            check_stream(rubbish.cut(rubbish.sometimes_spoilt(frames)))


def check_stream(pieces: Sequence[bytes]) -> None:
    stream, told = EventStream(), b""
    for piece in pieces:
        told += stream.feed(piece)
        assert len(stream._buffer) < FRAME_BYTES_MAX
    assert EventStream().feed(b"".join(pieces)) == told
    splitter = Splitter()
    events = splitter.feed(told)
    assert not splitter.rest
    for event in events:
        assert event.startswith(b"event: ")
        assert event.count(b"\n") == 3


def check_answers(seed: bytes, count: int) -> None:
    """Let *count* counts and refusals of AWS be read: each is one of the dialect, or a failure by name."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        body = (
            rubbish.object(("inputTokens", "message"), {}) if rubbish.chance() < 0.9 else b"x" * 2 * REFUSAL_BYTES_MAX
        )
        gathered = Gathered(bytes)
        for piece in rubbish.cut(body):
            gathered(piece)
        assert gathered(b"") == body[:REFUSAL_BYTES_MAX]
        with contextlib.suppress(UpstreamStatusError):
            assert json.loads(_count(body))["input_tokens"] is not None
        message = message_of(body)
        assert message is None or json.loads(render_error("invalid_request_error", message))


@a_few(check_requests, check_frames, check_answers)
def test_whatever_comes_is_read_or_refused_by_name(check: Check, seed: bytes) -> None:
    """Requests by every channel; AWS's frames, none held without bound; counts and refusals."""
    check(seed, 10)


@a_million(check_requests, check_frames, check_answers)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """The same, for `make fuzz`."""
    check(seed, DOCUMENTS)

"""Characters that an upstream cut in two reach customers of other dialects whole, or break the stream."""

import json
import time
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.errors import UpstreamBrokenError
from relay.core.exchange import Dialect
from relay.core.hub.codecs import CODECS
from relay.core.hub.halves import Rejoiner
from relay.core.hub.translation import TranslatedReader
from relay.core.usage import Usage
from tests.core.dialects.replay import exchange

from .recorded import events, opening

FIRST, SECOND = "\ud83d", "\ude00"
CHAT_END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def event(document: dict[str, Any], name: str = "") -> bytes:
    """Return an event whose document is escaped as Python and others do it."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(document).encode() + b"\n\n"


def chat(*texts: str) -> list[bytes]:
    """Return chunks of chat."""
    return [event({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}) for text in texts]


def messages(*texts: str) -> list[bytes]:
    """Return a beginning of Messages and its deltas."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    begun: dict[str, Any] = {
        "type": "message_start",
        "message": {"id": "a", "model": "m", "content": [], "usage": usage},
    }
    block: dict[str, Any] = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas: list[dict[str, Any]] = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts
    ]
    return [event(each, str(each["type"])) for each in (begun, block, *deltas)]


def gemini(*texts: str) -> list[bytes]:
    """Return answers of Gemini."""
    return [event({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]}) for text in texts]


def reader(dialect: Dialect, to: Dialect) -> TranslatedReader:
    """Return a reader of a stream in *dialect* for a customer of *to*."""
    native = RULES[dialect].stream_reader(exchange(dialect, {}))
    return TranslatedReader(native, CODECS[dialect].stream_decoder(), CODECS[to].stream_encoder(opening()), 1)


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        ("openai_chat", chat("Hi " + FIRST, SECOND + "!")),
        ("openai_chat", chat(FIRST, SECOND + FIRST, SECOND)),
        ("openai_chat", chat("\U0001f600", "\\ud83d")),
        ("anthropic_messages", messages("Hi " + FIRST, SECOND + "!")),
        ("gemini_generate", gemini("Hi " + FIRST, SECOND + "!")),
    ],
)
def test_a_character_that_was_cut_in_two_arrives_whole(dialect: Dialect, stream: list[bytes]) -> None:
    """And what only looks like half of one stays as it is."""
    to: Dialect = "gemini_generate" if dialect == "openai_chat" else "openai_chat"
    read = b"".join(map(reader(dialect, to).feed, stream))
    said = "".join(
        each["choices"][0]["delta"].get("content") or ""
        if to == "openai_chat"
        else each["candidates"][0]["content"]["parts"][0]["text"]
        for each in events(read)
    )
    assert said in ("Hi \U0001f600!", "\U0001f600\U0001f600", "\U0001f600\\ud83d")


@pytest.mark.parametrize("stream", [chat("Hi" + FIRST, FIRST), chat(SECOND), chat("Hi " + FIRST + " there")])
def test_half_a_character_without_its_other_half_breaks_the_stream(stream: list[bytes]) -> None:
    """Nothing is lost in silence."""
    reading = reader("openai_chat", "anthropic_messages")
    with pytest.raises(UpstreamBrokenError):
        b"".join(map(reading.feed, stream))


def test_half_a_character_at_the_end_is_none() -> None:
    """The limit cut the answer there."""
    reading = reader("openai_chat", "anthropic_messages")
    read = b"".join(map(reading.feed, [*chat("Hi" + FIRST), CHAT_END])) + reading.end
    texts = [each["delta"]["text"] for each in events(read) if each["type"] == "content_block_delta"]
    assert (texts, reading.native.is_ended) == (["Hi"], True)


def responses(last: str) -> list[bytes]:
    """Return a stream of Responses that the limit cut behind *last*, which its ends tell again."""
    part = {"type": "output_text", "text": f"Hi {last}", "annotations": []}
    item = {"type": "message", "id": "i", "role": "assistant", "status": "incomplete", "content": [part]}
    told = {"id": "r", "model": "m", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    stream: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r", "model": "m"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "Hi "},
        {"type": "response.output_text.delta", **place, "delta": last},
        {"type": "response.output_text.done", **place, "text": f"Hi {last}"},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.incomplete", "response": {**told, "output": [item], "usage": usage}},
    ]
    return [event(each, str(each["type"])) for each in stream]


@pytest.mark.parametrize("last", ["x" + FIRST, "x\\" + FIRST])
def test_half_a_character_that_the_ends_of_responses_repeat_is_none(last: str) -> None:
    """Where the limit cut it; a backslash before it is no escape of it."""
    reading = reader("openai_responses", "openai_chat")
    read = events(b"".join(map(reading.feed, responses(last))) + reading.end)
    choices = [choice for each in read for choice in each["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == "Hi " + last.removesuffix(FIRST)
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["length"]
    assert reading.native.usage() == Usage(input_tokens=5, output_tokens=3)


def test_the_end_and_the_figures_beside_half_a_character_are_read() -> None:
    """Gemini tells them with every piece."""
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    stream = [
        event({"candidates": [{"content": {"parts": [{"text": text}]}, **more}], "usageMetadata": usage})
        for text, more in (("A" + FIRST, {}), (SECOND + ".", {"finishReason": "STOP"}))
    ]
    reading = reader("gemini_generate", "openai_chat")
    read = events(b"".join(map(reading.feed, stream)) + reading.finish() + reading.end)
    choices = [choice for each in read for choice in each["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == "A\U0001f600."
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert reading.native.usage() == Usage(input_tokens=5, output_tokens=3)


def test_events_without_halves_stay_as_they_are() -> None:
    """Pairs, escapes of escapes, and a call's arguments, which are JSON within JSON."""
    rejoiner = Rejoiner()
    for whole in (rb'{"a":"\ud83d\ude00"}', rb'{"a":"\\ud83d"}', rb'{"a":"{\"b\":\"\\ud83d"}', b"[DONE]"):
        assert (rejoiner.join(whole), rejoiner.half) == (whole, b"")


def test_an_escape_of_an_escape_hides_no_half() -> None:
    """Each backslash before it is looked at; what it escapes is not taken for the other half."""
    rejoiner = Rejoiner()
    assert rejoiner.join(rb'{"a":"\\ud83d","b":"\\\\\ud83d"}') == rb'{"a":"\\ud83d","b":"\\\\"}'
    assert rejoiner.join(rb'{"a":"\"\ude00","b":"\ude00"}') == rb'{"a":"\"\ude00","b":"\ud83d\ude00"}'


def test_a_large_event_is_searched_about_once() -> None:
    """A picture of 20 MiB beside an emoji, in less time than a look behind every byte takes."""
    event = rb'{"text":"\ud83d\ude00","inlineData":"' + b"A" * (20 << 20) + b'"}'
    rejoiner = Rejoiner()
    begun = time.process_time()
    assert rejoiner.join(event) is event
    assert time.process_time() - begun < 0.3

"""Events with half of a character are read all the same, and pass as they came."""

import json
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.exchange import Dialect
from relay.core.lone_halves import decode_halves
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import exchange

FIRST, SECOND = "\ud83d", "\ude00"
COUNTED = {"input_tokens": 5, "output_tokens": 3}
CHAT_COUNTED = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
GEMINI_COUNTED = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
STREAMS: dict[Dialect, list[dict[str, Any]]] = {
    "openai_chat": [
        {"model": "m", "choices": [{"index": 0, "delta": {"content": "A" + FIRST}}]},
        {"choices": [{"index": 0, "delta": {"content": SECOND}, "finish_reason": "stop"}], "usage": CHAT_COUNTED},
    ],
    "openai_responses": [
        {"type": "response.created", "response": {"id": "r", "model": "m"}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "A" + FIRST},
        {
            "type": "response.completed",
            "response": {"status": "completed", "output": [{"text": "A" + FIRST}], "usage": COUNTED},
        },
    ],
    "anthropic_messages": [
        {"type": "message_start", "message": {"model": "m", "usage": {**COUNTED, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "A" + FIRST}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": COUNTED},
        {"type": "message_stop"},
    ],
    "gemini_generate": [
        {"candidates": [{"content": {"parts": [{"text": "A" + FIRST}]}}], "modelVersion": "m"},
        {
            "candidates": [{"content": {"parts": [{"text": SECOND}]}, "finishReason": "STOP"}],
            "usageMetadata": GEMINI_COUNTED,
        },
    ],
}


@pytest.mark.parametrize("dialect", STREAMS)
def test_what_stands_beside_half_a_character_counts(dialect: Dialect) -> None:
    """Text, end and figures; the customer gets what came, byte for byte."""
    names = dialect in ("openai_responses", "anthropic_messages")
    raw = b"".join(
        (f"event: {each['type']}\n" if names else "").encode() + b"data: " + json.dumps(each).encode() + b"\n\n"
        for each in STREAMS[dialect]
    )
    raw += b"data: [DONE]\n\n" if dialect == "openai_chat" else b""
    along = RULES[dialect].stream_reader(exchange(dialect, {}))
    assert along.feed(raw) + along.finish() + along.end == raw
    assert (along.usage(), along.model_returned) == (Usage(input_tokens=5, output_tokens=3), "m")
    assert along.is_ended
    assert derive_outcome(along.evidence()) == "complete"


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (rb'"a\ud83d"', "a\ufffd"),
        (rb'"\ude00\uD83D\uDE00"', "\ufffd\U0001f600"),
        (rb'"\\ud83d\\\ud83d"', "\\ud83d\\\ufffd"),
    ],
)
def test_each_lone_half_is_read_as_one_replacement(data: bytes, read: str) -> None:
    """Pairs, and what only looks like half, stay."""
    assert decode_halves(msgspec.json.decode, data) == read


@pytest.mark.parametrize("data", [b"[DONE]", rb'["\ud83d"', rb'"\\ud83d'])
def test_what_is_no_json_is_not_read(data: bytes) -> None:
    """A half is not all that is amiss."""
    with pytest.raises(msgspec.DecodeError):
        decode_halves(msgspec.json.decode, data)

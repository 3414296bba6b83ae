"""Every dialect keeps the protocol that core is programmed against."""

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.dialect import DialectRules, NativeReader, is_of_type
from relay.core.exchange import Dialect
from tests.core.dialects.replay import exchange


@pytest.mark.parametrize(
    ("name", "operation", "path"),
    [
        ("openai_chat", "chat", "/v1/chat/completions"),
        ("anthropic_messages", "chat", "/v1/messages"),
        ("embeddings", "embeddings", "/v1/embeddings"),
        ("images", "image_generation", "/v1/images/generations"),
        ("audio", "transcription", "/v1/audio/transcriptions"),
    ],
)
def test_a_dialect_stands_under_its_own_name(name: Dialect, operation: str, path: str) -> None:
    """With the operation and the path it serves."""
    rules: DialectRules = RULES[name]
    assert (rules.name, rules.operation, rules.path) == (name, operation, path)


@pytest.mark.parametrize("name", ["openai_chat", "anthropic_messages"])
def test_a_fresh_reader_has_seen_nothing(name: Dialect) -> None:
    """No output, no end, no error, no figures, no model; the frame of an answer is in the bound."""
    reader: NativeReader = RULES[name].stream_reader(exchange(name))
    assert (reader.is_output_seen, reader.is_ended, reader.end, reader.error) == (False, False, b"", None)
    assert (reader.usage(), reader.model_returned) == (None, None)
    assert (reader.output_bound_tokens, reader.output_counted_tokens) == (8, 0)


@pytest.mark.parametrize(
    ("content_type", "stream_type", "is_one"),
    [
        ("text/event-stream; charset=utf-8", "text/event-stream", True),
        ("Text/Event-Stream", "text/event-stream", True),
        ("application/json", "text/event-stream", False),
        ("audio/mpeg", "audio/", True),
        ("application/octet-stream", "audio/", True),
        ("application/json", "audio/", False),
        ("application/octet-stream", "text/event-stream", False),
    ],
)
def test_a_stream_is_known_by_its_content_type(content_type: str, stream_type: str, is_one: bool) -> None:
    """Sound is of many kinds, or of none that is named."""
    assert is_of_type(content_type, stream_type) is is_one

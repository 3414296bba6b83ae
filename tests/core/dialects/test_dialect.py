"""Every dialect keeps the protocol that core is programmed against."""

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.dialect import DialectRules, StreamReader
from relay.core.exchange import Dialect
from tests.core.dialects.replay import exchange


@pytest.mark.parametrize(
    ("name", "operation", "path"),
    [
        ("openai_chat", "chat", "/v1/chat/completions"),
        ("anthropic_messages", "chat", "/v1/messages"),
        ("embeddings", "embeddings", "/v1/embeddings"),
    ],
)
def test_a_dialect_stands_under_its_own_name(name: Dialect, operation: str, path: str) -> None:
    """With the operation and the path it serves."""
    rules: DialectRules = RULES[name]
    assert (rules.name, rules.operation, rules.path) == (name, operation, path)


@pytest.mark.parametrize("name", ["openai_chat", "anthropic_messages"])
def test_a_fresh_reader_has_seen_nothing(name: Dialect) -> None:
    """No output, no end, no error, no figures, no model; the frame of an answer is in the bound."""
    reader: StreamReader = RULES[name].stream_reader(exchange(name))
    assert (reader.is_output_seen, reader.is_ended, reader.end, reader.error) == (False, False, b"", None)
    assert (reader.usage(), reader.model_returned) == (None, None)
    assert (reader.output_bound_tokens, reader.output_counted_tokens) == (8, 0)

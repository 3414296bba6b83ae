"""A vendor's words lose what names it, and keep what helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.sanitise import sanitise


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Incorrect key sk-abcdEFGH1234: see https://platform.openai.com/account",
            "Incorrect key [removed]: see [removed]",
        ),
        ("Rate limit for org-AbC123xyz on gpt-4o", "Rate limit for [removed] on gpt-4o"),
        ("key invalid-*****2345 is bad", "key [removed] is bad"),
        ("failed (request id: 2024010100000000000000000000)", "failed [removed]"),
        ("failed, request_id=abc-123", "failed, [removed]"),
        ("dial tcp 10.1.2.3:8080: refused by api.deepseek.com/v1", "dial tcp [removed]: refused by [removed]"),
        ("write to support@openai.com", "write to [removed]"),
        (
            "by oneapi.shop.top, relay.foo.vip/v1, api.foo.uk or y.site",
            "by [removed], [removed], [removed] or [removed]",
        ),
        ("at new-api:3000, localhost:8000 or [2001:db8::17]:8080", "at [removed], [removed] or [removed]"),
        ("keys AKIAIOSFODNN7EXAMPLE sess-abc123def456 hf_abcdefgh", "keys [removed] [removed] [removed]"),
        (
            "region asia-northeast1, max-tokens:4096, gpt-4o-mini:2024, asyncio.run",
            "region asia-northeast1, max-tokens:4096, gpt-4o-mini:2024, asyncio.run",
        ),
        (
            "messages.0.content: gpt-4o-mini takes at most 8192 tokens, e.g. [1:2]",
            "messages.0.content: gpt-4o-mini takes at most 8192 tokens, e.g. [1:2]",
        ),
        ("id 0cbe6006-faec-9854-bf8b-c906d75c3bd8 unknown", "id [removed] unknown"),
        ("a\x00b\r\nc\x1b[31m\u2028d", "a b c [31m d"),
        ("messages.1.content.0.type: Expected `thinking`", "messages.1.content.0.type: Expected `thinking`"),
        ("temperature must be <= 1.0, got 2.5", "temperature must be <= 1.0, got 2.5"),
        ("model gpt-4o-mini-2024-07-18 takes no `stop`", "model gpt-4o-mini-2024-07-18 takes no `stop`"),
    ],
)
def test_message_loses_what_names_the_upstream(message: str, expected: str) -> None:
    """Hosts, keys, organisations, ids and control characters go; what helps the customer stays."""
    assert sanitise(message) == expected


@given(st.text(max_size=3000))
def test_message_is_one_printable_line_of_bounded_length(message: str) -> None:
    """Whatever an upstream writes, at most 500 printable characters of it come out."""
    cleaned = sanitise(message)
    assert len(cleaned) <= 500
    assert cleaned.isprintable()


@pytest.mark.parametrize("piece", ["api-", "api--", "proxy-", "a.", "a-", "x@", "org-", "[a:", "api:1"])
def test_what_almost_names_a_host_stays(piece: str) -> None:
    """However often it is repeated: a search that grew with the power of its length would not come to an end."""
    assert sanitise(piece * 2000) == (piece * 2000)[:499] + "…"

"""Names that tell which model is meant, and names that don't."""

import pytest

from relay.core.hub.model_names import is_vendors_name


@pytest.mark.parametrize(
    ("model", "is_told"),
    [
        ("gpt-4o", True),
        ("gpt-35-turbo", True),
        ("openai/gpt-oss-120b", True),
        ("o3-mini", True),
        ("us.anthropic.claude-opus-4-7-v1:0", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-7", True),
        ("models/gemini-3-pro", True),
        ("DeepSeek-V3.2", True),
        ("gpt-prod", False),
        ("gpt5", False),
        ("prod-o3", False),
        ("foo3", False),
        ("", False),
    ],
)
def test_a_name_tells_where_it_is_the_vendors(model: str, is_told: bool) -> None:
    """At its beginning, or behind a path's or a vendor's own."""
    assert is_vendors_name(model) is is_told

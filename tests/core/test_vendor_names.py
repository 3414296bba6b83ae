"""What an upstream may say in the place of a name, and what of it is kept."""

import pytest

from relay.core.vendor_names import NO_NAME, kept_name


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-5[1m]",
        "ft:gpt-4o-mini-2024-07-18:acme::9abc",
        "accounts/fireworks/models/deepseek-v3p1",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5",
        "claude-3-5-sonnet-v2@20241022",
        "@cf/meta/llama-3.1-8b-instruct",
        "MAX_TOKENS",
        "a" * 128,
        "",
        None,
    ],
)
def test_a_name_is_kept_as_it_is(name: str | None) -> None:
    """The names of vendors' models, stop reasons and errors; and that there was none."""
    assert kept_name(name) == name


@pytest.mark.parametrize("words", ["two words", "line\nbreak", "请写一首诗", "name\n", "a" * 129, "-", '"quoted"'])
def test_what_can_be_no_name_is_not_kept(words: str) -> None:
    """A sentence, another alphabet, or what is longer than any name."""
    assert kept_name(words) == NO_NAME

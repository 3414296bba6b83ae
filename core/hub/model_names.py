"""Recognises names of models that translations treat by name."""

import re

_VENDORS_NAME = re.compile(
    r"(?:^|[./])(?:gpt-\d|gpt-oss|chatgpt-|o\d|codex-|computer-use-|claude-|gemini-|deepseek-)", re.I
)


def is_vendors_name(model: str) -> bool:
    """Return whether *model* is, after any path, a name that its vendor gave it.

    >>> [is_vendors_name(model) for model in ("gpt-5.1", "us.anthropic.claude-opus-4-7-v1:0", "DeepSeek-V3.2")]
    [True, True, True]
    >>> [is_vendors_name(model) for model in ("gpt-prod", "fast", "arn:aws:bedrock:us-east-1:1:inference-profile/a1b2")]
    [False, False, False]
    """
    return _VENDORS_NAME.search(model) is not None

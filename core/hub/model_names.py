"""Recognises names of models that translations treat by name."""

import re

_TELLING = re.compile(r"(?:^|[./])(?:gpt-\d|gpt-oss|chatgpt-|o\d|codex-|computer-use-|claude-|gemini-|deepseek-)", re.I)


def tells(model: str) -> bool:
    """Return whether *model* is its vendor's name of one, after any path.

    >>> tells("gpt-5.1"), tells("us.anthropic.claude-opus-4-7-v1:0"), tells("DeepSeek-V3.2")
    (True, True, True)
    >>> tells("gpt-prod"), tells("fast"), tells("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2")
    (False, False, False)
    """
    return _TELLING.search(model) is not None

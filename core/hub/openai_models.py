"""What OpenAI's own models take that others who speak its dialects don't, and the other way round.

Known by name, as a request says nothing else of its model.
"""

import re

from .conversation import Effort

_OWN = re.compile(r"(openai/)?(gpt-|chatgpt-|o\d|codex-|computer-use-)")
_REASONING = re.compile(r"(openai/)?(o\d|gpt-[5-9](?!-chat)|codex-)")


def is_own(model: str) -> bool:
    """Return whether *model* is OpenAI's: it refuses unknown fields (``top_k``, ``reasoning_content``).

    >>> is_own("gpt-4o"), is_own("o4-mini"), is_own("gpt-oss-120b"), is_own("deepseek-chat")
    (True, True, False, False)
    """
    return _OWN.match(model) is not None and "gpt-oss" not in model


def is_reasoning(model: str) -> bool:
    """Return whether *model* is one of OpenAI's that reason: it refuses ``max_tokens`` and ``stop``.

    Source: w:openai-chat/err-400-param, by wire/DIALECTS.md 5.2, read 2026-11-24.

    >>> is_reasoning("gpt-5-mini"), is_reasoning("o3"), is_reasoning("gpt-4.1"), is_reasoning("gpt-5-chat-latest")
    (True, True, False, False)
    """
    return _REASONING.match(model) is not None


def takes_sampling(model: str, effort: Effort | None) -> bool:
    """Return whether *model* takes ``temperature``, ``top_p`` and penalties: while it reasons it refuses them.

    Source: platform.openai.com guides/latest-model, as quoted by vercel/ai#10932, read 2026-11-24.

    >>> takes_sampling("gpt-4o", None), takes_sampling("gpt-5.1", "none"), takes_sampling("o3", None)
    (True, True, False)
    """
    return effort == "none" or not is_reasoning(model)

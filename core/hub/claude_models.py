"""What Anthropic's models accept of thinking, sampling and tool choice: each generation refuses more than the last.

Models are recognised by name, as a request says nothing else about them. Source, unless another is named: the migration
guides of platform.claude.com/docs/en/models (opus-5-5, sonnet-5-5, haiku-5-5, fable-5, fable-5-1) and
docs.aws.amazon.com claude-messages-adaptive-thinking, read 2026-11-30.
"""

import re
from collections.abc import Sequence
from typing import Literal

from .conversation import Effort

_NAME = re.compile(r"claude-(?P<family>opus|sonnet|haiku|fable|mythos)-(?P<version>\d{1,2}(?:[-.]\d{1,2})?(?!\d))?")
_OLDEST = re.compile(r"claude-(?:3-(?:opus|sonnet|haiku)|v?2|instant)")
_ALWAYS = ("fable", "mythos")
"""Families in which every model decides for itself how much to think, and can't be told not to."""
_NEVER = (99, 0)
_MEASURES_FROM = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5, 0)}
_DEMANDS_UNTIL = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1), "mythos": (5, 1)}
OUTPUT_TOKENS_ACCEPTED = 32_000
"""A limit of output that all models from 4 on accept; Opus 4.1 accepts no more. Claude Code asks for as much.

Source: BerriAI/litellm#14785, read 2026-11-30.
"""
_SAMPLES_UNTIL = {"opus": (4, 7), "sonnet": (5, 0), "haiku": (5, 0)}


def measures_by_effort(model: str) -> bool:
    """Return whether *model* accepts an effort, and chooses its budget itself; the newest refuse a budget.

    >>> [measures_by_effort(f"claude-{name}") for name in ("haiku-4-5", "haiku-5-5", "sonnet-4-6", "mythos-preview")]
    [False, True, True, True]
    """
    family, version = _read(model)
    return family in _ALWAYS or version >= _MEASURES_FROM.get(family, _NEVER)


def takes_sampling(model: str) -> bool:
    """Return whether *model* accepts ``temperature``, ``top_p`` and ``top_k``.

    Source: also platform.claude.com thinking, as quoted by agno-agi/agno#9933, read 2026-11-30.

    >>> [takes_sampling(f"claude-{name}") for name in ("opus-4-6", "opus-4-7", "haiku-5-5", "sonnet-4-20250514")]
    [True, False, False, True]
    """
    family, version = _read(model)
    return family not in _ALWAYS and version < _SAMPLES_UNTIL.get(family, _NEVER)


def switch_off(model: str) -> Literal["disabled", "between_tools"] | None:
    """Return the type of ``thinking`` that turns it off for *model*, or down to the least; None if there is none.

    Source: also platform.claude.com whats-new-sonnet-5-5, read 2026-11-30.

    >>> [switch_off(f"claude-{name}") for name in ("opus-5", "haiku-5-5", "sonnet-5-5", "opus-5-5", "fable-5")]
    ['disabled', 'disabled', 'between_tools', None, None]
    """
    family, version = _read(model)
    if family in _ALWAYS or (family == "opus" and version >= (5, 5)):
        return None
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def takes_demands(model: str) -> bool:
    """Return whether *model* may be forced to call a tool; the newest of those that think unasked refuse that.

    >>> [takes_demands(f"claude-{name}") for name in ("opus-5", "haiku-5-5", "sonnet-5-5", "fable-5", "fable-5-1")]
    [True, True, False, True, False]
    """
    family, version = _read(model)
    return version < _DEMANDS_UNTIL.get(family, _NEVER)


def efforts(model: str) -> Sequence[Effort]:
    """Return the efforts that *model* accepts, the lowest first.

    Source: platform.claude.com effort, as quoted by deepagents-code's ANTHROPIC_EFFORTS_NO_XHIGH
    (reference.langchain.com), read 2026-11-30.

    >>> efforts("claude-opus-4-6"), efforts("claude-opus-4-7")
    (('low', 'medium', 'high', 'max'), ('low', 'medium', 'high', 'xhigh', 'max'))
    """
    family, version = _read(model)
    if version >= (5, 0) or (family == "opus" and version >= (4, 7)):
        return ("low", "medium", "high", "xhigh", "max")
    return ("low", "medium", "high", "max")


def output_limit(model: str) -> int:
    """Return the limit for a request that names none, since the API requires one: the most that is surely accepted.

    Before 4 that is 8192, and before 3.5 it is 4096. A low one would not do: Codex, among others, never names a limit,
    and treats an answer that was cut off as a failure.
    Source: UKGovernmentBEIS/inspect_ai#2675, openai/codex#36180, continuedev/continue#4225, read 2026-11-30.

    >>> [output_limit(f"claude-{name}") for name in ("opus-4", "mythos-preview", "3-5-haiku-latest", "3-opus", "2.1")]
    [32000, 32000, 8192, 4096, 4096]
    """
    family, version = _read(model)
    if family in _ALWAYS or version >= (4, 0):
        return OUTPUT_TOKENS_ACCEPTED
    return 4096 if _OLDEST.search(model) else 8192


def _read(model: str) -> tuple[str, tuple[int, int]]:
    """Return family and version of *model*, whatever AWS or others add to its name; none for names of the old form."""
    found = _NAME.search(model)
    if found is None:
        return "", (0, 0)
    major, _, minor = (found["version"] or "").replace(".", "-").partition("-")
    return found["family"], (int(major or 0), int(minor or 0))

"""Converts how much a model should think: an effort in some dialects, tokens in others.

Source: CLIProxyAPI's table (help.router-for.me), by wire/DIALECTS.md 5.5, read 2026-11-24;
``max`` is Anthropic's word for no limit, and gets the highest figure.
"""

from collections.abc import Mapping, Sequence

from .conversation import Effort, Reasoning

BUDGETS: Mapping[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 32768,
}
"""Thinking tokens by effort."""
EFFORTS: Sequence[Effort] = tuple(BUDGETS)
"""All efforts, the lowest first."""


def effort_within(effort: Effort, taken: Sequence[Effort]) -> Effort:
    """Return the highest of *taken*, which is in order, that is not above *effort*; if all are above it, the lowest.

    Thinking costs money, so a model is not asked to think more than the customer asked for, if that is possible.

    >>> effort_within("xhigh", ("low", "high", "max")), effort_within("none", ("low", "high"))
    ('high', 'low')
    """
    within = [each for each in taken if EFFORTS.index(each) <= EFFORTS.index(effort)]
    return within[-1] if within else taken[0]


def effort_of(reasoning: Reasoning) -> Effort | None:
    """Return the effort that *reasoning* asks for; None if it leaves that to the model.

    A budget between two efforts counts as the lower.

    >>> effort_of(Reasoning(budget_tokens=4000)), effort_of(Reasoning(budget_tokens=100))
    ('low', 'minimal')
    """
    if reasoning.is_off:
        return "none"
    if reasoning.effort is not None or reasoning.budget_tokens is None:
        return reasoning.effort
    if reasoning.budget_tokens <= 0:
        return "none"
    within = [effort for effort, tokens in BUDGETS.items() if tokens <= reasoning.budget_tokens and effort != "max"]
    return within[-1] if len(within) > 1 else "minimal"


def budget_of(reasoning: Reasoning) -> int | None:
    """Return the thinking tokens that *reasoning* asks for; None if it leaves that to the model.

    >>> budget_of(Reasoning(effort="high"))
    24576
    """
    if reasoning.is_off:
        return 0
    if reasoning.budget_tokens is not None:
        return reasoning.budget_tokens
    return BUDGETS[reasoning.effort] if reasoning.effort is not None else None

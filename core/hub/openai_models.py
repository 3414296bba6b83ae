"""What OpenAI's own models accept that others who speak its dialects don't, and the reverse.

Models are recognised by name, as a request says nothing else about them.
"""

import re
from collections.abc import Sequence

from .conversation import Effort, Reasoning
from .effort import effort_of, effort_within
from .request_body import LeftOut

_OWN = re.compile(r"(openai/)?(gpt-|chatgpt-|o\d|codex-|computer-use-)")
_WITHOUT_TOOLS_IN_CHAT = re.compile(r"(openai/)?gpt-(5\.([4-9]|\d\d)|[6-9])(?![\d.]*-chat)")
_GROK_REASONING = re.compile(r"grok-(?!.*non-reasoning)")
_REASONING = re.compile(r"(openai/)?(o\d|gpt-[5-9](?!-chat)|codex-)")


OUTPUT_TOKENS_LEAST = 16
"""Responses refuses a lower limit. Source: the 400 in vectorize-io/hindsight#58, read 2026-11-30."""


def is_own(model: str) -> bool:
    """Return whether *model* is OpenAI's: it refuses unknown fields (``top_k``, ``reasoning_content``).

    >>> is_own("gpt-4o"), is_own("o4-mini"), is_own("gpt-oss-120b"), is_own("deepseek-chat")
    (True, True, False, False)
    """
    return _OWN.match(model) is not None and "gpt-oss" not in model


def is_reasoning(model: str) -> bool:
    """Return whether *model* is one of OpenAI's that reason: these refuse ``max_tokens``.

    Source: w:openai-chat/err-400-param, by wire/DIALECTS.md 5.2, read 2026-11-24.

    >>> is_reasoning("gpt-5-mini"), is_reasoning("o3"), is_reasoning("gpt-4.1"), is_reasoning("gpt-5-chat-latest")
    (True, True, False, False)
    """
    return _REASONING.match(model) is not None


def refuses_stop(model: str) -> bool:
    """Return whether *model* answers a ``stop`` with a 400: those of OpenAI and xAI that reason.

    Source: lidge-jun/opencodex#5278, BerriAI/litellm#12635 and langchain-ai/langchain#38335 for xAI, read 2026-12-01.
    """
    return is_reasoning(model) or _GROK_REASONING.match(model) is not None


def lacks_tools_in_chat(model: str) -> bool:
    """Return whether *model* refuses tools in chat while it reasons, as it does by default; Responses accepts both.

    Source: the 400 in openai/openai-openapi#541 and onyx-dot-app/onyx#15008, BerriAI/litellm#34569, read 2026-11-30.

    >>> [lacks_tools_in_chat(f"gpt-{name}") for name in ("5.3-codex", "5.4", "6.1-sol", "5.4-chat-latest", "6.1-chat")]
    [False, True, True, False, False]
    """
    return _WITHOUT_TOOLS_IN_CHAT.match(model) is not None


_TAKEN_BY_OTHERS: Sequence[tuple[re.Pattern[str], Sequence[Effort]]] = [
    (re.compile(r"(?:deepseek/)?deepseek-"), ("none", "low", "high", "max")),
    (re.compile(r"(?:x-ai/)?grok-4\.3"), ("none", "low", "medium", "high")),
    (re.compile(r"(?:x-ai/)?grok-4\.5|(?:openai/)?gpt-oss"), ("low", "medium", "high")),
    (re.compile(r"(?:x-ai/)?grok-4\.6"), ("low", "medium", "high", "xhigh")),
    (re.compile(r"kimi-k3|(?:zai-)?glm-5[.-]3"), ("low", "high", "max")),
    (re.compile(r"grok-(?:3(?!-mini)|4(?:$|-(?:0709|1-|fast|latest)|[.-]20(?!-multi))|code-)"), ()),
    (re.compile(r"magistral-medium|mistral-large|(?:code|dev|mini)stral|pixtral|open-mi[sx]tral"), ()),
]
"""As `_TAKEN`, for models of other vendors. Grok refuses ``max``, and from 4.5 on ``none``; gpt-oss at Groq refuses both,
Kimi and GLM refuse ``none``. The other efforts that are not listed would be taken for the next higher one. Older models
of xAI and most of Mistral's refuse the field, whatever it says.

Sources: api-docs.deepseek.com guides/thinking_mode, read 2026-11-30; theopenco/llmgateway#3669 and enricoros/big-AGI#1104
for Grok; console.groq.com docs/reasoning, as quoted by theopenco/llmgateway#3422; dev.to/aihubmix
kimi-k31-pro-migration-guide; anomalyco/models.dev#7334 and esengine/DeepSeek-Reasonix#9642 for GLM;
NousResearch/hermes-agent#23435, neavo/LinguaGacha#771 and NousResearch/hermes-agent#11243,
withceleste/celeste-python#311 for those that refuse the field; read 2026-12-01.
"""
_THINKS_UNASKED = re.compile(r"grok-(?:4|code)(?!.*-non-)|magistral-")
"""Models of those that think, although they can't be told how much. Source: NousResearch/hermes-agent#23435."""
_WITH_MAX: Sequence[Effort] = ("low", "medium", "high", "xhigh", "max")
_TAKEN: Sequence[tuple[re.Pattern[str], Sequence[Effort]]] = [
    (re.compile(r"gpt-5\.[12]-chat"), ("medium",)),
    (re.compile(r"gpt-5-pro"), ("high",)),
    (re.compile(r"o\d|codex-|gpt-5-codex|gpt-5\.1-codex(?!-max)"), ("low", "medium", "high")),
    (re.compile(r"gpt-5(?![.\d])"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gpt-[\d.]+-codex"), ("low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-5\.1"), ("none", "low", "medium", "high")),
    (re.compile(r"gpt-5\.[2-5]"), ("none", "low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-(?:5\.|6-(?:sol|luna)|6\.1-terra)"), ("none", *_WITH_MAX)),
    (re.compile(r""), _WITH_MAX),
]
"""Efforts by model, the lowest first; the first pattern that matches counts.

Source: learn.microsoft.com ReasoningEffort of @azure/ai-projects; anomalyco/opencode#4451; RayBytes/ChatMock#101; read
2026-11-29; of GPT-5.6 anomalyco/opencode#36141, of GPT-6 and 6.2 developers.openai.com models, of 6.1 Sol
dev.to/aihubmix, of 6 Sol and Luna docs.litellm.ai gpt_6_sol_luna, of 6 Astra bolna-ai/bolna#1019, of those for ChatGPT
Laisky/one-api#285; read 2026-11-30.
"""


_HIGH_OR_NONE = re.compile(r"mistral-(?:small|medium)|magistral-small")
"""Mistral's models that think refuse all other efforts.

Source: architects-toolkit/SmartHopper#647 (the 400), withceleste/celeste-python#311, read 2026-12-01.
"""


def effort_taken(model: str, effort: Effort | None) -> Effort | None:
    """Return the effort that *model* accepts for *effort*, as `effort_within`; None if it accepts none at all.

    For models of others that are not listed it is unchanged.

    >>> effort_taken("gpt-5-mini", "none"), effort_taken("gpt-5.1", "minimal"), effort_taken("gpt-5.5", "max")
    ('minimal', 'none', 'xhigh')
    >>> effort_taken("deepseek-v4-pro", "medium"), effort_taken("qwen3-max", "medium")
    ('low', 'medium')
    """
    if effort is None:
        return None
    if _HIGH_OR_NONE.match(model):
        return "none" if effort == "none" else "high"
    name, table = (model.removeprefix("openai/"), _TAKEN) if is_reasoning(model) else (model, _TAKEN_BY_OTHERS)
    taken = next((efforts for pattern, efforts in table if pattern.match(name)), None)
    if taken is None:
        return effort
    return effort_within(effort, taken) if taken else None


def is_unable(model: str) -> bool:
    """Return whether *model* is one of OpenAI's that can't reason.

    >>> is_unable("gpt-4o"), is_unable("o3"), is_unable("deepseek-chat")
    (True, False, False)
    """
    return is_own(model) and not is_reasoning(model)


def effort_sent(model: str, reasoning: Reasoning, left_out: LeftOut) -> Effort | None:
    """Return the effort to send to *model*; None to send no such field.

    What *reasoning* asks for is left out if *model* can't reason, or always does but is asked not to.

    >>> left_out = LeftOut()
    >>> effort_sent("gpt-6-sol", Reasoning(effort="none"), left_out), left_out.names
    ('none', [])
    >>> effort_sent("gpt-6-astra", Reasoning(effort="none"), left_out), left_out.names
    ('low', ['thinking'])
    """
    asked = effort_of(reasoning)
    sent = None if is_unable(model) else effort_taken(model, asked)
    if asked == "none":
        is_carried = sent == "none" or (sent is None and not _THINKS_UNASKED.match(model))
    else:
        is_carried = sent is not None or asked is None
    if reasoning.is_adaptive or not is_carried:
        left_out.note("thinking")
    return sent


def takes_sampling(model: str, effort: Effort | None) -> bool:
    """Return whether *model* accepts ``temperature``, ``top_p`` and penalties: while it reasons it refuses them.

    Source: platform.openai.com guides/latest-model, as quoted by vercel/ai#10932, read 2026-11-24.

    >>> takes_sampling("gpt-4o", None), takes_sampling("gpt-5.1", "none"), takes_sampling("o3", None)
    (True, True, False)
    """
    return not is_reasoning(model) or effort_taken(model, effort) == "none"

"""Reads the usage that Gemini reports, and makes its counts disjoint.

Source: wire/DIALECTS.md 3.1 and 3.2, read 2026-11-24.
"""

import re
from collections import Counter
from typing import NamedTuple

import msgspec

from ..usage import Usage
from .figures import Figures, UntrueFigureError, is_other_total, read_figure, read_figures


class DetailNames(NamedTuple):
    """The names of a usage's details, each a list of modalities with their tokens, and of the tokens in them."""

    prompt: str
    cached: str
    tools: str
    output: str
    tokens: str


_DETAILS = DetailNames(
    "promptTokensDetails", "cacheTokensDetails", "toolUsePromptTokensDetails", "candidatesTokensDetails", "tokenCount"
)
"""Source: googleapis/python-genai types.py 3.4.0, ``GenerateContentResponseUsageMetadata``, read 2026-11-30."""
is_billed_by_answer = re.compile(r"gemini-[12](?!\d)").search
"""Finds whether a model's searches are billed once per answer, as those of Gemini 2.5 and older are."""
_NUMBERS = {2: "IMAGE", 4: "AUDIO"}
"""Modalities by their numbers, which clients can ask for with ``enum-encoding=int``.

Source: google-ai-generativelanguage 0.12.1, v1beta/types/content.py, ``Modality``, read 2026-11-30.
"""


def read_gemini_usage(usage: object) -> Usage | None:
    """Return the usage in a ``usageMetadata`` object; None if it has no figures.

    Thoughts, and what tools add to the prompt, are not included in the other counts; cached tokens
    are part of the prompt.

    Raises:
        UntrueFigureError: A figure can't be true.
    """
    figures = read_figures(usage)
    if figures.get("promptTokenCount") is None and figures.get("candidatesTokenCount") is None:
        return None
    prompt = read_figure(figures, "promptTokenCount")
    thoughts = read_figure(figures, "thoughtsTokenCount")
    cache_read = min(read_figure(figures, "cachedContentTokenCount"), prompt)
    of_tools = read_figure(figures, "toolUsePromptTokenCount")
    output = read_figure(figures, "candidatesTokenCount") + thoughts
    usage = Usage(
        input_tokens=prompt - cache_read + of_tools,
        cache_read_tokens=cache_read,
        output_tokens=output,
        reasoning_tokens=thoughts,
        is_total_contradicted=is_other_total(figures, "totalTokenCount", prompt + of_tools + output),
    )
    return note_media(usage, figures, _DETAILS)


def note_media(usage: Usage, figures: Figures, names: DetailNames) -> Usage:
    """Return *usage* with the audio and picture tokens of its details, each limited to the tokens it is part of.

    Cached audio and pictures count as cached input, at the price of cached text.

    Raises:
        UntrueFigureError: A figure can't be true.
    """
    prompt, cached, tools, output = (
        _read_details(figures.get(name), names.tokens)
        for name in (names.prompt, names.cached, names.tools, names.output)
    )
    audio, image = (max(0, prompt[kind] - cached[kind]) + tools[kind] for kind in ("AUDIO", "IMAGE"))
    written = usage.output_tokens - usage.reasoning_tokens
    return msgspec.structs.replace(
        usage,
        audio_input_tokens=min(audio, usage.input_tokens),
        audio_output_tokens=min(output["AUDIO"], written),
        image_input_tokens=min(image, usage.input_tokens),
        image_output_tokens=min(output["IMAGE"], written),
    )


def _read_details(details: object, name: str) -> Counter[str]:
    """Return the tokens of each modality, by its name in capitals."""
    if details is None:
        return Counter()
    if not isinstance(details, list):
        raise UntrueFigureError("details are no list")
    tokens: Counter[str] = Counter()
    for each in details:
        part = read_figures(each)
        modality = part.get("modality")
        kind = _NUMBERS.get(modality, "") if isinstance(modality, int) else str(modality).upper()
        tokens[kind] += read_figure(part, name)
    return tokens

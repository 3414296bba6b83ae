"""Usage as Gemini reports it, made disjoint. Source: wire/DIALECTS.md 3.1 and 3.2, read 2026-11-24."""

from ..usage import Usage
from .figures import is_other_total, read_figure, read_figures


def read_gemini_usage(usage: object) -> Usage | None:
    """Return what ``usageMetadata`` says; None where it holds no figures.

    Thoughts and what tools put into the prompt stand beside the other counts here; cached tokens
    are a part of the prompt.

    Raises:
        UntrueFigureError: A figure that can't be true.
    """
    figures = read_figures(usage)
    if figures.get("promptTokenCount") is None and figures.get("candidatesTokenCount") is None:
        return None
    prompt = read_figure(figures, "promptTokenCount")
    thoughts = read_figure(figures, "thoughtsTokenCount")
    cache_read = min(read_figure(figures, "cachedContentTokenCount"), prompt)
    of_tools = read_figure(figures, "toolUsePromptTokenCount")
    output = read_figure(figures, "candidatesTokenCount") + thoughts
    return Usage(
        input_tokens=prompt - cache_read + of_tools,
        cache_read_tokens=cache_read,
        output_tokens=output,
        reasoning_tokens=thoughts,
        is_total_contradicted=is_other_total(figures, "totalTokenCount", prompt + of_tools + output),
    )

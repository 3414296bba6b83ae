"""Usage as OpenAI and those who copy it report it, converted to disjoint counts.

Source: wire/DIALECTS.md 3, read 2026-11-23.
"""

from ..usage import Usage
from .figures import Figures, is_other_total, read_figure, read_figures
from .upstream_costs import read_upstream_cost


def read_openai_usage(usage: object, *, is_reasoning_beside_output: bool = False) -> Usage | None:
    """Return the usage in a ``usage`` object; None if it holds no figures.

    Cached and cache-written tokens are parts of ``prompt_tokens`` here. Some hosts report more of them
    than of the whole (Azure's Grok), so the parts are limited to the whole.

    Args:
        usage: The object as decoded.
        is_reasoning_beside_output: The channel leaves reasoning out of ``completion_tokens``
            (xAI's chat, Gemini's OpenAI form): then the output is the total less the prompt.

    Raises:
        UntrueFigureError: A figure that can't be true.
    """
    figures = read_figures(usage)
    if figures.get("prompt_tokens") is None:
        return None
    prompt = read_figure(figures, "prompt_tokens")
    output = read_figure(figures, "completion_tokens")
    if figures.get("completion_tokens") is None and figures.get("total_tokens") is None:
        return None
    if is_reasoning_beside_output or figures.get("completion_tokens") is None:
        output = max(output, read_figure(figures, "total_tokens") - prompt)
    prompt_details = read_figures(figures.get("prompt_tokens_details"))
    output_details = read_figures(figures.get("completion_tokens_details"))
    if is_reasoning_beside_output and figures.get("total_tokens") is None:
        output += read_figure(output_details, "reasoning_tokens")
    audio = read_figure(prompt_details, "audio_tokens") or read_figure(figures, "audio_tokens")
    if audio and read_figure(figures, "total_tokens") == prompt + audio + output:
        prompt += audio  # Mistral leaves sound out of its prompt (wire/DIALECTS.md 3.3)
    cache_read = min(_read_cached(figures, prompt_details), prompt)
    cache_write = min(_read_cache_written(prompt_details), prompt - cache_read)
    reasoning = read_figure(output_details, "reasoning_tokens")
    expected = prompt + output
    if is_reasoning_beside_output and reasoning:
        # Gemini's OpenAI form does not count its thoughts apart, so its total can't be checked.
        expected = prompt + read_figure(figures, "completion_tokens") + reasoning
    return Usage(
        input_tokens=prompt - cache_read - cache_write,
        cache_read_tokens=cache_read,
        cache_write_5m_tokens=cache_write,
        output_tokens=output,
        reasoning_tokens=reasoning,
        audio_input_tokens=audio,
        audio_output_tokens=read_figure(output_details, "audio_tokens"),
        # OpenAI's name in the prompt, OpenRouter's in the completion (w:openrouter/stream).
        image_input_tokens=min(read_figure(prompt_details, "image_tokens"), prompt - cache_read - cache_write),
        image_output_tokens=min(read_figure(output_details, "image_tokens"), output),
        web_search_count=_read_searches(figures),
        upstream_cost_nano=read_upstream_cost(figures),
        is_total_contradicted=is_other_total(figures, "total_tokens", expected),
    )


def _read_cached(figures: Figures, prompt_details: Figures) -> int:
    """Return the tokens read from a cache: by OpenAI's name and most others', by DeepSeek's, then by Moonshot's."""
    return (
        read_figure(prompt_details, "cached_tokens")
        or read_figure(figures, "prompt_cache_hit_tokens")
        or read_figure(figures, "cached_tokens")
    )


def _read_cache_written(prompt_details: Figures) -> int:
    """Return the tokens written to a cache: by OpenAI's name, then by Qwen's.

    Source: alibabacloud.com model-studio context-cache, read 2026-11-29.
    """
    return read_figure(prompt_details, "cache_write_tokens") or read_figure(
        prompt_details, "cache_creation_input_tokens"
    )


def _read_searches(figures: Figures) -> int:
    """Return the searches that the upstream's own tools made: OpenRouter's newer name and its older, then Perplexity's.

    Source: OpenRouterTeam/python-sdk docs/components/chatusage.mdx, openrouter.ai/docs BodyServerToolUse;
    perplexityai/perplexity-py types/shared/usage_info.py, read 2026-11-30.
    """
    of_tools = (read_figures(figures.get(name)) for name in ("server_tool_use_details", "server_tool_use"))
    counts = (read_figure(each, "web_search_requests") for each in of_tools)
    return max(*counts, read_figure(figures, "num_search_queries"))

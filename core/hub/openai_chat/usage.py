"""Writes usage in OpenAI's words. Source: wire/DIALECTS.md 3.4, read 2026-11-24."""

from typing import Any

from ...usage import Usage


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return the ``usage`` object of a completion, in which cached and written tokens are part of the prompt."""
    prompt = usage.all_input_tokens
    prompt_details = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.audio_input_tokens}
    if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
        prompt_details["cache_write_tokens"] = written
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }

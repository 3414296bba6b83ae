"""Writes usage in Anthropic's words. Source: wire/DIALECTS.md 3.4, read 2026-11-24."""

from typing import Any

from ...usage import Usage


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return the ``usage`` object of a message, in which cached and written tokens are not part of the input."""
    written: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.web_search_count:
        written["server_tool_use"] = {"web_search_requests": usage.web_search_count}
    return written

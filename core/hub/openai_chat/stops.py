"""Reasons for the end of an answer, in chat's words and the hub's. Source: wire/DIALECTS.md 4, read 2026-11-24."""

from collections.abc import Mapping

from ..answer import Stop

STOPS: Mapping[str, Stop] = {
    "stop": "end",
    "length": "limit",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "filtered",
    "sensitive": "filtered",
    "model_length": "context_full",
    "insufficient_system_resource": "limit",
    "network_error": "limit",
    "error": "limit",
}
"""All of chat's own words, then vendors', of which the last three cut an answer short: Zhipu's and
DeepSeek's (presets/zhipu.yaml, presets/deepseek.yaml), Mistral's ``model_length`` and ``error``, which is also
OpenRouter's (docs.mistral.ai and openrouter.ai, API references, read 2026-11-29). Any other counts as ``end``."""

FINISH_REASONS: Mapping[Stop | None, str] = {
    None: "stop",
    "end": "stop",
    "stop_sequence": "stop",
    "limit": "length",
    "context_full": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "filtered": "content_filter",
    "paused": "stop",
    "compaction": "stop",
    "bad_tool_call": "stop",
}

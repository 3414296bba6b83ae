"""Why an answer ended, in chat's words and the hub's. Source: wire/DIALECTS.md 4, read 2026-11-24."""

from collections.abc import Mapping

from ..answer import Stop

STOPS: Mapping[str, Stop] = {
    "stop": "end",
    "length": "limit",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "filtered",
    "sensitive": "filtered",
    "insufficient_system_resource": "limit",
    "network_error": "limit",
}
"""Every word that chat has; then Zhipu's and DeepSeek's own, of which the last two cut an answer short
(presets/zhipu.yaml, presets/deepseek.yaml). What is not here is an end."""

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

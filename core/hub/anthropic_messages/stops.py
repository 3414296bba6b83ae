"""Reasons for the end of an answer, in Anthropic's words and the hub's. Source: wire/DIALECTS.md 4, read 2026-11-24."""

from collections.abc import Mapping

from ..answer import Stop

STOPS: Mapping[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "limit",
    "model_context_window_exceeded": "context_full",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause_turn": "paused",
    "compaction": "compaction",
}
"""All words of Messages; any other counts as ``end``."""

STOP_REASONS: Mapping[Stop | None, str] = {
    None: "end_turn",
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "limit": "max_tokens",
    "context_full": "model_context_window_exceeded",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "filtered": "refusal",
    "paused": "pause_turn",
    "compaction": "compaction",
    "bad_tool_call": "end_turn",
}

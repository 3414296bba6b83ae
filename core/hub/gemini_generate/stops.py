"""Reasons for the end of an answer, in Gemini's words and the hub's.

Source: wire/DIALECTS.md 4, read 2026-11-24; `FinishReason` of google-genai 3.4.0, read 2026-11-30.
"""

from collections.abc import Mapping

from ...dialects.gemini_answer import REFUSALS, reason_word
from ..answer import Stop

STOPS: Mapping[str, Stop] = {
    "STOP": "end",
    "NO_IMAGE": "end",
    "MAX_TOKENS": "limit",
    "CONTINUATION": "limit",
    "MALFORMED_RESPONSE": "limit",  # cut short, like the reasons of chat vendors that do so
    "MISSING_THOUGHT_SIGNATURE": "bad_tool_call",
    "MALFORMED_FUNCTION_CALL": "bad_tool_call",
    "UNEXPECTED_TOOL_CALL": "bad_tool_call",
    "TOO_MANY_TOOL_CALLS": "bad_tool_call",
    **dict.fromkeys(REFUSALS, "filtered"),
}
"""All of Gemini's words; any other counts as ``end``."""

FINISH_REASONS: Mapping[Stop | None, str] = {
    None: "STOP",
    "end": "STOP",
    "stop_sequence": "STOP",
    "limit": "MAX_TOKENS",
    "context_full": "MAX_TOKENS",
    "tool_use": "STOP",
    "refusal": "SAFETY",
    "filtered": "SAFETY",
    "paused": "STOP",
    "compaction": "STOP",
    "bad_tool_call": "MALFORMED_FUNCTION_CALL",
}


def stop_of(reason: str | int | None, *, has_called: bool) -> Stop | None:
    """Return the stop of an answer; whether a tool was called is known from its parts, not from *reason*."""
    stop = STOPS.get(reason_word(reason), "end") if reason is not None else None
    return "tool_use" if has_called and stop in (None, "end", "bad_tool_call") else stop

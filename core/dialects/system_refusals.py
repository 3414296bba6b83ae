"""What to send instead of a request that was refused for system text within its conversation.

Claude takes such text from 4.8 on, and Qwen's chat templates take it at the beginning only. Claude Code goes by the
model's name, and sends it to every name that it doesn't know, such as a shop's own for an older model.
Source: wire/DIALECTS.md 5.1; tried with 2.1.197 on 2026-11-30.
"""

import re
from collections.abc import Mapping

import msgspec

from ..errors import UpstreamStatusError
from ..exchange import ChannelRequest, Dialect

_REFUSED = re.compile(
    r"(?i)\brole\W+system\W+is not supported|\bunexpected role\W+system\b(?!\W+after)|\bunknown variant\W+system\b"
    r"|(?<!for serving )\bbut got\W+system\b|\bsystem message must be at the beginning\b"
)
"""Claude 4.7's words, those of older models, of others who speak Messages, and of Qwen's templates, as in vLLM.

Source: BerriAI/litellm#32831, QwenLM/Qwen#2244, anthropics/claude-code#63469, vllm-project/vllm#41114, read 2026-11-30.
"""
_MISPLACED = re.compile(r"(?i)\bunexpected role\W+system\W+after\b|\bfor serving but got\W+system\b")
"""Mistral's words, also in vLLM: it accepts such text after a user's. Source: mistral-common validator.py, read 2026-11-30."""
_OPENING: Mapping[Dialect, int] = {"anthropic_messages": 0, "openai_chat": 1}
"""How many messages at the beginning may be the system's."""
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_SYSTEM, _USER = (msgspec.Raw(b'"system"'), msgspec.Raw(b'"developer"')), msgspec.Raw(b'"user"')


def said_by_the_user(request: ChannelRequest, error: UpstreamStatusError) -> bool:
    """If *error* refuses system text within the conversation, send it as the user's; say whether *request* changed."""
    return bool(_REFUSED.search(error.message)) and let_the_user_say(request)


def said_by_the_user_here(request: ChannelRequest, error: UpstreamStatusError) -> bool:
    """Do the same if *error* refuses the text only at this place; elsewhere, the same model accepts it."""
    return bool(_MISPLACED.search(error.message)) and let_the_user_say(request)


def let_the_user_say(request: ChannelRequest) -> bool:
    """Turn system text within the conversation of *request* into the user's; say whether there is any."""
    if request.dialect not in _OPENING:
        return False
    try:
        messages = _MESSAGES.decode(request.fields.get("messages", b""))
    except (ValueError, RecursionError):
        return False
    refused = [message for message in messages[_OPENING[request.dialect] :] if message.get("role") in _SYSTEM]
    if not refused:
        return False
    for message in refused:
        message["role"] = _USER
    request.set("messages", messages)
    return True

"""What to send instead, once, of a request that was refused for system text within its conversation.

Claude takes such text from 4.8 on. Claude Code goes by the model's name, and sends it to every name that it doesn't
know, such as a shop's own for an older model. Source: wire/DIALECTS.md 5.1; tried with 2.1.197 on 2026-11-30.
"""

import re

import msgspec

from ..errors import UpstreamStatusError
from ..exchange import ChannelRequest

_REFUSED = re.compile(r"(?i)\brole\W+system\W+is not supported|\bunexpected role\W+system\b")
"""Claude 4.7's words, and those of older models. Source: BerriAI/litellm#32831, read 2026-11-30."""
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_SYSTEM, _USER = msgspec.Raw(b'"system"'), msgspec.Raw(b'"user"')


def said_by_the_user(request: ChannelRequest, error: UpstreamStatusError) -> bool:
    """Make the system text that *error* complains about the user's; say whether *request* is worth sending again."""
    if request.dialect != "anthropic_messages" or not _REFUSED.search(error.message):
        return False
    try:
        messages = _MESSAGES.decode(request.fields.get("messages", b""))
    except (ValueError, RecursionError):
        return False
    refused = [message for message in messages if message.get("role") == _SYSTEM]
    if not refused:
        return False
    for message in refused:
        message["role"] = _USER
    request.set("messages", messages)
    return True

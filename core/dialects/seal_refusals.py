"""What to send, once, instead of a request that was refused for another account's seals.

Thinking blocks, encrypted reasoning and thought signatures are checked by the account that made
them. A conversation that had to move still has those of its last account. Source: wire/DIALECTS.md 6,
read 2026-11-24.
"""

import re
from typing import Any

import msgspec

from ..errors import UpstreamStatusError
from ..exchange import ChannelRequest

_BAD_SIGNATURE = re.compile(
    r"(?i)invalid\W+signature\W+in\W+thinking|thinking\W+blocks?\b.*cannot be modified|disabled.*cannot contain\W+thinking"
)
_THINKING_EXPECTED = re.compile(r"(?i)expected\W+(?:redacted_)?thinking\b")
_BAD_REASONING = re.compile(r"(?i)could not be (?:verified|decrypted)|invalid_encrypted_content")
_BAD_THOUGHT = re.compile(r"(?i)(?:missing|invalid|corrupted)\b.*\bthought[_ ]signature")
_BAD_DETAILS = re.compile(r"(?i)reasoning_details")
_SKIPPED_SIGNATURE = "skip_thought_signature_validator"


def unsealed(request: ChannelRequest, error: UpstreamStatusError) -> bool:
    """Remove the seals that *error* complains about from *request*; say whether it is worth sending again."""
    complaint = f"{error.error_type} {error.message}"
    match request.dialect:
        case "anthropic_messages" if _BAD_SIGNATURE.search(complaint):
            return _edit(request, "messages", _without_thinking)
        case "anthropic_messages" if _THINKING_EXPECTED.search(complaint) and "thinking" in request.fields:
            del request.fields["thinking"]
            _edit(request, "messages", _without_thinking)
            return True
        case "openai_responses" if _BAD_REASONING.search(complaint):
            return _edit(request, "input", lambda items: [item for item in items if not _is_of(item, "reasoning")])
        case "gemini_generate" if _BAD_THOUGHT.search(complaint):
            return _edit(request, "contents", lambda contents: list(map(_with_skipped_signature, contents)))
        case "openai_chat" if any(each.search(complaint) for each in (_BAD_DETAILS, _BAD_SIGNATURE, _BAD_THOUGHT)):
            return _edit(request, "messages", _without_details)
    return False


def _edit(request: ChannelRequest, name: str, edit: Any) -> bool:
    """Let *edit* change the turns under *name*; say whether it did."""
    try:
        before = msgspec.json.decode(request.fields[name]) if name in request.fields else None
    except (ValueError, RecursionError):  # a number beyond any float, or nested very deep
        return False
    if not isinstance(before, list):
        return False
    after = edit(before)
    if after == before:
        return False
    request.set(name, after)
    return True


def _without_thinking(messages: list[Any]) -> list[Any]:
    kept = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = [block for block in content if not _is_of(block, "thinking", "redacted_thinking")]
            if not content:
                continue  # the API refuses an empty turn
            message = {**message, "content": content}
        kept.append(message)
    return kept


def _without_details(messages: list[Any]) -> list[Any]:
    """Return *messages* without OpenRouter's seals, which other hosts may refuse altogether."""
    return [
        {name: value for name, value in message.items() if name != "reasoning_details"}
        if isinstance(message, dict)
        else message
        for message in messages
    ]


def _with_skipped_signature(content: Any) -> Any:
    """Return a turn without its signatures, except that the first call gets a placeholder."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return content
    bare = [
        {name: value for name, value in part.items() if name not in ("thoughtSignature", "thought_signature")}
        if isinstance(part, dict)
        else part
        for part in parts
    ]
    first = next(
        (part for part in bare if isinstance(part, dict) and {"functionCall", "function_call"} & part.keys()), None
    )
    if first is not None:
        first["thoughtSignature"] = _SKIPPED_SIGNATURE
    return {**content, "parts": bare}


def _is_of(block: Any, *kinds: str) -> bool:
    return isinstance(block, dict) and block.get("type") in kinds

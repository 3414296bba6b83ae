"""What a request has its upstream read besides what it brings: by id, by address, by the upstream's own tools.

No bound follows from such a request, so it is looked for only where an upstream's figures exceed the one that there is.
Sources, read 2026-11-30: openai-python 3.54.0 types/responses and types/chat, anthropic-sdk-python 2.12.0 types/beta,
google-genai 3.4 types, for the names of members; ``audio_url`` is vLLM's, ``document_url`` Mistral's, ``video`` and
``enable_search`` Qwen's, ``web_search`` Qianfan's, ``search_parameters`` xAI's.
"""

import re
from collections.abc import Mapping

import msgspec

from .estimate import is_beyond, media_bound
from .exchange import Exchange

_MEMBERS = frozenset(
    {
        "audio_url", "cachedContent", "cached_content", "container", "document_url", "enable_search", "fileId", "fileUri",
        "file_id", "file_uri", "file_url", "mcp_servers", "plugins", "search_parameters", "vector_store_ids", "video",
        "web_search", "web_search_options",
    }
)  # fmt: skip
"""Names under which something stands that is kept elsewhere, or that fetches it."""
_KINDS = frozenset({"item_reference", "url"})
"""Types of a part, or of what it is read from, that say the same."""
_CUSTOMERS_TOOLS = re.compile(
    r"(?:custom|function|namespace|local_shell|apply_patch|(?:bash|computer|memory|text_editor)_\d+)$"
)
"""Types of tools that the customer runs, or that only gather some."""
_OF_TOOLS = frozenset({"args", "arguments", "input_schema", "parameters", "response"})
"""What is said to tools and by them: text, whatever it looks like."""
_DECLARATIONS = frozenset({"functionDeclarations", "function_declarations"})


def believed_bound(exchange: Exchange, told_tokens: int, bound_tokens: int) -> int:
    """Return the most input that a figure of the upstream's can tell of, for a request bounded by *bound_tokens*.

    That is what was *told*, where so much may have been read: media can be packed, and what is referred to has no bound.
    """
    if not is_beyond(told_tokens, bound_tokens):
        return bound_tokens
    fields = exchange.fields
    is_packed = not is_beyond(told_tokens, bound_tokens + media_bound(fields))
    return told_tokens if is_packed or exchange.has_unseen_input or reads_beyond(fields) else bound_tokens


def reads_beyond(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Say whether the request in *fields* names anything outside itself, or a tool that its upstream runs by itself."""
    try:
        request = {name: msgspec.json.decode(raw) for name, raw in fields.items()}
    except (ValueError, RecursionError):
        return True  # a number beyond any float, or nested very deep: whatever it holds can't be told
    tools = request.pop("tools", None)
    listed = tools if isinstance(tools, list) else [tools]  # Google's APIs take one without brackets
    return any(map(_is_hosted, listed)) or _names_others(request)


def _is_hosted(tool: object) -> bool:
    if not isinstance(tool, dict):
        return False
    if tool.get("type") is not None:
        return _CUSTOMERS_TOOLS.match(str(tool["type"])) is None
    return "name" not in tool and not tool.keys() <= _DECLARATIONS


def _names_others(request: object) -> bool:
    waiting = [request]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if any(value.get(name) is not None for name in _MEMBERS) or _is_elsewhere(value):
                return True
            is_call = str(value.get("type", "")).endswith("tool_use")
            waiting += [
                member for name, member in value.items() if name not in _OF_TOOLS and not (is_call and name == "input")
            ]
    return False


def _is_elsewhere(part: Mapping[str, object]) -> bool:
    """Say whether *part* is a reference by its type, or sound of an earlier answer, which is named by its id."""
    kind, audio = part.get("type"), part.get("audio")
    return (isinstance(kind, str) and kind in _KINDS) or (isinstance(audio, dict) and "id" in audio)

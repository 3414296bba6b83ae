"""What a request refers to outside itself: by an id or address, or through a tool that the upstream runs.

This matters in two cases. A refusal that mentions such a thing blames the request, not our key (failures/blame.py).
And how much an upstream reads there can't be told from the request, so any figure of the upstream's is believed; for
media within the request there is a bound, though a wide one.
Sources, read 2026-11-30: openai-python 3.54.0 types/responses and types/chat, anthropic-sdk-python 2.12.0 types/beta,
google-genai 3.4 types, for the names of members; ``audio_url`` is vLLM's, ``document_url`` Mistral's, ``video`` and
``enable_search`` Qwen's, ``web_search`` Qianfan's, ``search_parameters`` xAI's.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from .estimate import is_beyond
from .exchange import Exchange

PICTURE_FIGURE_TOKENS = 12_500
"""A quarter of the most tokens of a picture: with gpt-4o-mini 2 833, and 5 667 for each of up to eight tiles.

Source: community.openai.com 1262691 (8 512 counted with a few words for one tile), read 2026-11-30.
"""
MEDIA_FIGURE_TOKENS = 250_000
"""A quarter of the most tokens of a document or video, however compressed: Claude's or Gemini's context of a million.

Source: support.claude.com 8606395, read 2026-11-30.
"""
_MEDIUM = re.compile(r"(?:input_|computer_)?(?:audio|document|file|image|screenshot|video)(?:_url)?")
"""Types of what holds media, in all dialects; Gemini's ``inlineData`` has a MIME type instead."""
_PICTURE = re.compile("image|screenshot")
# Names of members, in lower case and without underscores; ids and urls after their owner's name (see `_members_of`).
_READ_IN_FULL = (
    r"(?:file|vectorstore)ids?|(?:audio|document|file)ur[il]|container|cachedcontent|video"
    r"|(?:itemreference|audio)\.id|url\.url"
)
"""Their values locate something that may be of any length."""
_READ_IN_PART = (
    r"(?:ragfile|container|skill|connector|previousresponse|previousinteraction|previousmessage|approvalrequest)ids?"
    r"|\w*ur[il]|.*\.url|conversation|filesearchstorenames|ragcorpus|datastore|(?:prompt|conversation|container)\.id"
)
"""The same, but handled elsewhere.

Pictures are bounded, `Exchange.has_unseen_input` marks a continued answer, a tool has its type.
"""
_READS_BY_ITSELF = r"enablesearch|mcpservers|plugins|searchparameters|websearch(?:options)?"
"""Whatever their values, the upstream searches for something."""
_NAME_LENGTH_MAX = 64
"""Characters; more than any of these names has.

Matching a name of megabytes for each item of a long list would take hours.
"""
_REFERENCE = re.compile(f"{_READ_IN_FULL}|{_READ_IN_PART}")
_UNBOUNDED = re.compile(f"{_READ_IN_FULL}|{_READS_BY_ITSELF}")
_TELLING = (str, list, dict)
"""Of a list's members, those that may refer; a prompt may be a million numbers."""
_REFERRING_KINDS = frozenset({"item_reference", "url"})
_OF_TOOLS = frozenset({"args", "arguments", "input_schema", "parameters", "properties", "response"})
"""What is passed to tools and returned by them: only text, whatever it looks like."""
_CUSTOMERS_TOOLS = re.compile(
    r"(?:custom|function|namespace|local_shell|apply_patch|(?:bash|computer|memory|text_editor)_\d+)$"
)
"""Types of tools that the customer runs, or that only group others."""
_DECLARATIONS = frozenset({"functionDeclarations", "function_declarations"})


def believed_bound(exchange: Exchange, told_tokens: int, bound_tokens: int) -> int:
    """Return the most input tokens that are credible for a request whose bound is *bound_tokens*.

    That is *told_tokens*, the upstream's figure, if so much may have been read: media can be compressed, and what a
    request refers to has no bound.
    """
    if not is_beyond(told_tokens, bound_tokens):
        return bound_tokens
    fields = exchange.fields
    is_packed = not is_beyond(told_tokens, bound_tokens + media_bound(fields))
    return told_tokens if is_packed or exchange.has_unseen_input or reads_beyond(fields) else bound_tokens


def media_bound(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the tokens by which the upstream's own count of the media in a request may exceed `input_bound`.

    They count wherever they stand: at the worst, too large a figure is believed of a request that looks odd.
    """
    return sum(_medium_bound(name, value) for name, value in _members(read_values(fields) or {}))


def _medium_bound(name: str, value: Any) -> int:
    if not isinstance(value, dict):
        return 0
    kind = _text(value, "type")
    if name == "inlinedata":
        kind = _text(value, "mimeType") or _text(value, "mime_type")
    elif not _MEDIUM.fullmatch(kind):
        return 0
    return PICTURE_FIGURE_TOKENS if _PICTURE.search(kind) else MEDIA_FIGURE_TOKENS


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def reads_beyond(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Say whether the request in *fields* makes its upstream read more than it contains, without any bound."""
    request = read_values(fields)
    if request is None:
        return True  # nobody knows what it contains
    tools = request.pop("tools", None)
    listed = tools if isinstance(tools, list) else [tools]  # Google's APIs accept a single one without a list
    is_named = any(value is not None and _UNBOUNDED.fullmatch(name) for name, value in _members(request))
    return is_named or any(map(_is_hosted, listed))


def references(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each id and address of something outside *request*."""
    for name, value in _members(request):
        if isinstance(value, str) and _REFERENCE.fullmatch(name) and not value.startswith("data:"):
            yield name, value


def read_values(fields: Mapping[str, msgspec.Raw]) -> dict[str, Any] | None:
    """Return what *fields* hold; None where that can't be told: a number beyond any float, or nested very deep."""
    try:
        return {name: msgspec.json.decode(value) for name, value in fields.items()}
    except (ValueError, RecursionError):
        return None


def _is_hosted(tool: object) -> bool:
    if not isinstance(tool, dict):
        return False
    kind = tool.get("type")
    if kind is not None:
        return not isinstance(kind, str) or _CUSTOMERS_TOOLS.match(kind) is None
    return "name" not in tool and not tool.keys() <= _DECLARATIONS


def _members(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the members of *request* at any depth, each with its name, except what is passed to tools."""
    waiting = [(_plain(name), value) for name, value in request.items()]
    while waiting:
        name, value = waiting.pop()
        yield name, value
        if isinstance(value, list):
            waiting += [(name, item) for item in value if isinstance(item, _TELLING)]
        elif isinstance(value, dict):
            waiting += _members_of(name, value)


def _members_of(name: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the members of *holder*, called *name*; ids and urls with their owner, as in ``prompt.id``."""
    kind = _text(holder, "type")
    if kind.endswith("tool_use"):
        return
    owner = kind if kind in _REFERRING_KINDS else name
    for each, value in holder.items():
        if each not in _OF_TOOLS:
            yield _plain(f"{owner}.{each}" if each in ("id", "url") else each), value


def _plain(name: str) -> str:
    """Return *name* in the form of the tables, or "" if it is longer than any of theirs."""
    return name.replace("_", "").lower() if len(name) <= _NAME_LENGTH_MAX else ""

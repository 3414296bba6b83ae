"""Finds the tools in a request that its upstream runs itself and bills in addition to tokens.

A tool for which the model has no price is refused, and so is one whose use no answer reports: else the shop would
bear the cost. Web searches are included because they are held for; without a price they cost only their tokens.
Left out is what costs only tokens: web fetch, remote MCP, tool search, pictures drawn, Gemini's code execution and
file search.

Sources, read 2026-11-30: openai-python 3.54.0 types/responses/tool_param.py (a container of 1 GB is the usual one,
larger ones are dearer: llmcfo.com/research/built-in-tools-costs); Anthropic's "Code execution tool" (free where web
search or web fetch of 20260209 is there); google-genai 3.4.0 types.py ``Tool``; docs.x.ai developers/pricing;
console.groq.com docs/tool-use/built-in-tools; openrouter.ai docs, "PDF Inputs", "Server Tools" and tool/web-fetch;
platform.moonshot.cn docs/guide/use-web-search. xAI's ``search_parameters``, once paid by the source, are gone (410,
says docs.apiyi.com grok/web-search) but for gateways.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from .exchange import Exchange
from .raw_search import has_escaped_letter, mentions

_BILLED: Mapping[str, Mapping[str, str]] = {
    "openai_chat": {
        "browser_search": "browser_search",
        "code_interpreter": "chat_code_interpreter",
        "live_search": "live_search",
    },
    "openai_responses": {
        "code_interpreter": "code_interpreter",
        "file_search": "file_search",
        "shell": "shell",
        "x_search": "x_search",
        "code_execution": "x_code_execution",
        "collections_search": "collections_search",
        "attachment_search": "attachment_search",
    },
    "anthropic_messages": {"code_execution": "code_execution"},
    "gemini_generate": {
        "googleMaps": "google_maps",
        "enterpriseWebSearch": "enterprise_web_search",
        "retrieval": "retrieval",
        "googleSearch": "web_search",
        "googleSearchRetrieval": "web_search",
    },
    "gemini_interactions": {"google_maps": "google_maps", "retrieval": "retrieval", "google_search": "web_search"},
}
"""Our names of the tools, by the customer's dialect and the tool's type. `ToolPrices` has those that can be counted."""
_DATED = re.compile(r"_(?:preview|20\d{6})(?:_20\d{2}_\d{2}_\d{2})?$")
_FREES_CODE = re.compile(r"web_(?:search|fetch)_(20\d{6})$")
_FREES_CODE_SINCE = "20260209"
MOONSHOTS_SEARCH = "$web_search"
"""A builtin function of Moonshot's; no other function's name may begin with a dollar sign."""
_OPENROUTERS = "openrouter:"
_FREE_OF_OPENROUTER = ("openrouter:datetime", "openrouter:apply_patch")
_FREE_FETCH = ("openrouter:web_fetch", "openrouter")
"""The tool, and the one of its engines that costs nothing whatever the model; others are paid by the page."""
_FREE_ENGINES = ("native", "pdf-text", "cloudflare-ai")


def hosted_tools(exchange: Exchange) -> dict[str, str]:
    """Return the separately billed tools that *exchange* offers, each with the field that asks for it."""
    if exchange.operation != "chat":
        return {}
    fields = exchange.fields
    offered = [*_read(bytes(fields.get("tools", b"null"))), *_tools_of_turns(fields)]
    found = {tool: f"tools.{kind}" for each in offered for kind, tool in _billed(exchange.dialect, each)}
    if any(map(_frees_code, offered)):
        found.pop("code_execution", None)
    for name in ("web_search_options", "enable_search"):
        if bytes(fields.get(name, b"null")) not in (b"null", b"false"):
            found["web_search"] = name
    if _searches_live(bytes(fields.get("search_parameters", b"null"))):
        found["live_search"] = "search_parameters"
    plugins = _read(bytes(fields.get("plugins", b"null")))
    return {**found, **{tool: "plugins" for plugin in plugins for tool in _billed_plugin(plugin)}}


_Object = dict[str, msgspec.Raw]
_read_objects = msgspec.json.Decoder(list[_Object] | _Object | None).decode
_read_object = msgspec.json.Decoder(_Object).decode


def _read(raw: bytes) -> list[_Object]:
    """Return the objects of a list, or the single object instead of one; none if no vendor would accept it."""
    try:
        read = _read_objects(raw)
    except ValueError:
        return []
    return [read] if isinstance(read, dict) else read or []


def _tools_of_turns(fields: Mapping[str, msgspec.Raw]) -> Iterator[_Object]:
    """Yield the tools that turns of Responses bring along: loaded by a search for tools, or added in between."""
    turns = bytes(fields.get("input", b"null"))
    if mentions(turns, b'"tools"') or has_escaped_letter(turns):
        for turn in _read(turns):
            yield from _read(bytes(turn.get("tools", b"null")))


def _member(holder: _Object, *names: str) -> str:
    """Return the text in *holder* under the path *names*; empty if there is none."""
    try:
        for name in names[:-1]:
            holder = _read_object(holder[name])
        return msgspec.json.decode(holder[names[-1]], type=str)
    except (ValueError, KeyError):
        return ""


def _billed(dialect: str, tool: _Object) -> Iterator[tuple[str, str]]:
    """Yield each billed type of *tool*, and our name of it; a tool of Gemini's has a member for each of its types."""
    billed = _BILLED.get(dialect, {})
    for kind in map(_camel, tool) if dialect == "gemini_generate" else [_member(tool, "type")]:
        plain = _DATED.sub("", kind)
        is_moonshots = plain == "builtin_function" and _member(tool, "function", "name") == MOONSHOTS_SEARCH
        if is_moonshots or plain.removeprefix(_OPENROUTERS).startswith("web_search"):
            yield kind, "web_search"
        elif plain.startswith(_OPENROUTERS) and plain not in _FREE_OF_OPENROUTER:
            if (plain, _member(tool, "parameters", "engine")) != _FREE_FETCH:
                yield kind, plain
        elif plain == "code_interpreter" and plain in billed:
            # A container with more memory than usual has its own price.
            memory = _member(tool, "container", "memory_limit")
            yield kind, billed[plain] + (f"_{memory}" if memory not in ("", "1g") else "")
        elif plain in billed and not (plain == "shell" and _member(tool, "environment", "type") in ("", "local")):
            yield kind, billed[plain]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _frees_code(tool: _Object) -> bool:
    found = _FREES_CODE.match(_member(tool, "type"))
    return found is not None and found[1] >= _FREES_CODE_SINCE


def _searches_live(parameters: bytes) -> bool:
    return any(_member(each, "mode") != "off" for each in _read(parameters))


def _billed_plugin(plugin: _Object) -> Iterator[str]:
    """Yield what of an OpenRouter plugin costs more than tokens: searches, OCR of pages, other models."""
    if bytes(plugin.get("enabled", b"true")) == b"false":
        return
    match _member(plugin, "id"):
        case "web":
            yield "web_search"
        case "file-parser" if _member(plugin, "pdf", "engine") not in _FREE_ENGINES:
            yield "file-parser"
        case "fusion":
            yield "fusion"

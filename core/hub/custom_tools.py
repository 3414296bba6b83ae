"""Turns tools that take free text into functions with one string, ``input``, for upstreams that only know functions.

OpenAI's own models know both kinds; Codex patches files with a custom tool. For all others the
tool is written as a function, and its calls are turned back on the way to the customer.
"""

import msgspec

from .conversation import NamedTool, Request, Tool, ToolCall

_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Arguments(msgspec.Struct):
    input: str


def as_function(tool: Tool) -> Tool:
    """Return *tool* as a function; a grammar goes into its description."""
    if tool.kind == "function":
        return tool
    is_free = bytes(_members(tool.grammar).get("type", b"")) == b'"text"'
    grammar = ""
    if tool.grammar is not None and not is_free:
        grammar = f"\n\nThe input follows this grammar:\n{bytes(tool.grammar).decode()}"
    return Tool(name=tool.name, description=(tool.description or "") + grammar, schema=_SCHEMA, cache=tool.cache)


def call_as_function(call: ToolCall) -> ToolCall:
    """Return an earlier call as one of a function."""
    if call.kind == "function":
        return call
    arguments = msgspec.json.encode({"input": call.arguments}).decode()
    return msgspec.structs.replace(call, arguments=arguments, kind="function")


def flat_grammar(written: msgspec.Raw | None) -> msgspec.Raw | None:
    """Return the format of a chat custom tool in the form of Responses and the hub; other forms are left unchanged.

    Source: openai-python 3.54.0 types/chat chat_completion_custom_tool_param.py, read 2026-11-30.

    >>> bytes(flat_grammar(msgspec.Raw(b'{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}')))
    b'{"type":"grammar","syntax":"regex","definition":"a+"}'
    """
    members = _members(written)
    grammar = _members(members.pop("grammar", None))
    return msgspec.Raw(msgspec.json.encode({**members, **grammar})) if grammar else written


def nested_grammar(written: msgspec.Raw | None) -> msgspec.Raw | None:
    """Return the format of a custom tool in the form of chat, where a grammar is an object of its own.

    >>> bytes(nested_grammar(msgspec.Raw(b'{"type":"grammar","syntax":"regex","definition":"a+"}')))
    b'{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}'
    """
    members = _members(written)
    kind = members.pop("type", msgspec.Raw())
    return (
        msgspec.Raw(msgspec.json.encode({"type": kind, "grammar": members})) if bytes(kind) == b'"grammar"' else written
    )


def _members(document: msgspec.Raw | None) -> dict[str, msgspec.Raw]:
    try:
        return _MEMBERS.decode(document) if document is not None else {}
    except (ValueError, RecursionError):
        return {}


def allowed_by_kind(request: Request) -> list[NamedTool]:
    """Return the tools that the customer allowed to be called; empty if all are."""
    customs = custom_names(request)
    return [NamedTool(name, "custom" if name in customs else "function") for name in request.allowed_tools]


def custom_names(request: Request) -> frozenset[str]:
    """Return the names of the customer's custom tools."""
    return frozenset(tool.name for tool in request.tools if isinstance(tool, Tool) and tool.kind == "custom")


def input_of(arguments: str) -> str:
    """Return the free text in a function's *arguments*; if they can't be read, as after a cut, all of them.

    >>> input_of('{"input":"4 + 4"}')
    '4 + 4'
    """
    try:
        return msgspec.json.decode(arguments, type=_Arguments).input
    except msgspec.DecodeError:
        return arguments

"""Decodes a Responses request into the hub's form."""

from collections.abc import Iterable
from typing import TypeGuard

import msgspec

from ...dialects.fields import Fields, is_given, read_optional_text, read_value
from ...errors import BadRequestError
from ...exchange import Exchange
from ..conversation import (
    Effort,
    Message,
    NamedTool,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Request,
    Role,
    Sampling,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)
from ..raw import given
from ..seals import with_seals_of_calls
from ..unread import Read, unread
from .wire import SHARED, Item, read_item


class _Tool(msgspec.Struct):
    type: str = ""
    name: str = ""
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    format: msgspec.Raw = msgspec.Raw()


class _Choice(msgspec.Struct):
    type: str = ""
    name: str = ""
    mode: str = "auto"
    tools: list[_Tool] = []


class _Format(msgspec.Struct):
    type: str = "text"
    name: str = ""
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct):
    effort: Effort | None = None
    summary: str | None = None


_INPUT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_TOOLS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TOOL = msgspec.json.Decoder(_Tool)
_CHOICE = msgspec.json.Decoder(_Choice | str | None)
_TEXT_OPTIONS = msgspec.json.Decoder(_Text | None)
_REASONING = msgspec.json.Decoder(_Reasoning | None)
_INCLUDE = msgspec.json.Decoder(list[str] | None)
_NUMBER = msgspec.json.Decoder(float | None)
_WHOLE = msgspec.json.Decoder(int | None)
_SWITCH = msgspec.json.Decoder(bool | None)

_PIECE = Read(
    {"type", "text", "refusal", "image_url", "detail", "file_id", "file_url", "file_data", "filename"},
    types={"input_text", "output_text", "text", "summary_text", "refusal", "input_image", "input_file"},
)
_KNOWN = Read(
    {
        "model", "instructions", "stream", "parallel_tool_calls", "include", "max_output_tokens", "temperature",
        "top_p", "user", "prompt_cache_key", "store", "previous_response_id", "background",
    },
    {
        "input": Read(
            {
                "type", "id", "status", "role", "summary", "encrypted_content", "call_id", "name", "arguments", "input",
                "result", "output_format",
            },
            {"content": _PIECE, "output": _PIECE},
            SHARED,
        ),
        "tools": Read({"type", "name", "description", "parameters", "strict", "format"}, types={"function", "custom"}),
        "tool_choice": Read({"type", "name", "mode", "tools"}),
        "text": Read({"verbosity"}, {"format": Read({"type", "name", "description", "schema", "strict"})}),
        "reasoning": Read({"effort", "summary"}),
    },
)  # fmt: skip
"""What is read; all other members are named as dropped, such as the ``annotations`` of earlier answers."""
_SPARED = frozenset({"web_search_call", "tool_search_call", "tool_search_output"})
"""Items that the tools which Codex always offers leave in its conversations."""
_UNANSWERABLE = ("previous_response_id", "background")


def decode_request(exchange: Exchange) -> Request:
    """Return a Responses request in the hub's form.

    Raises:
        BadRequestError: A field is invalid; names it.
    """
    fields = exchange.fields
    text: _Text = read_value(fields, "text", _TEXT_OPTIONS) or _Text()
    messages, tools, dropped = (
        with_seals_of_calls(tuple(_messages(fields)), "openai_responses"),
        tuple(_tools(fields)),
        [*unread(fields, _KNOWN), *_unkept(fields)],
    )
    if _is_codex(exchange):
        # Codex always offers tools that it can do without (wire/DIALECTS.md 5.2).
        dropped += [f"tools.{tool.kind}" for tool in tools if isinstance(tool, Native)]
        dropped += [f"input.{part.kind}" for message in messages for part in message.parts if _is_spared(part)]
        tools = tuple(tool for tool in tools if isinstance(tool, Tool))
        messages = tuple(_without_spared(messages))
    return Request(
        model=exchange.model,
        messages=messages,
        stream=exchange.stream,
        tools=tools,
        tool_choice=_tool_choice(fields),
        allowed_tools=_allowed_tools(fields),
        is_parallel=read_value(fields, "parallel_tool_calls", _SWITCH),
        output_format=_output_format(text),
        reasoning=_reasoning(fields),
        sampling=Sampling(
            output_tokens_max=read_value(fields, "max_output_tokens", _WHOLE),
            temperature=read_value(fields, "temperature", _NUMBER),
            top_p=read_value(fields, "top_p", _NUMBER),
        ),
        verbosity=text.verbosity,
        user=read_optional_text(fields, "user"),
        cache_key=read_optional_text(fields, "prompt_cache_key"),
        unanswerable=tuple(name for name in _UNANSWERABLE if is_given(fields, name, b"false")),
        dropped=tuple(dropped),
    )


def _unkept(fields: Fields) -> Iterable[str]:
    """Yield the names of what is to be stored or included with the answer, except for the sealed reasoning."""
    if read_value(fields, "store", _SWITCH):
        yield "store"
    included: list[str] = read_value(fields, "include", _INCLUDE) or []
    yield from (f"include.{name}" for name in included if name != "reasoning.encrypted_content")


def _is_codex(exchange: Exchange) -> bool:
    """Say whether the client is Codex. Source: w:clients/codex-responses-stream, headers, read 2026-11-24."""
    names = (exchange.headers.get("originator", ""), exchange.headers.get("user-agent", ""))
    return any(name.casefold().startswith("codex") for name in names)


def _is_spared(part: Part) -> TypeGuard[Native]:
    """Say whether *part* comes from a tool that Codex can do without, and that only OpenAI has."""
    return isinstance(part, Native) and part.kind in _SPARED


def _without_spared(messages: Iterable[Message]) -> Iterable[Message]:
    for message in messages:
        parts = tuple(part for part in message.parts if not _is_spared(part))
        if parts or not message.parts:
            yield msgspec.structs.replace(message, parts=parts)


def _messages(fields: Fields) -> Iterable[Message]:
    if (instructions := read_optional_text(fields, "instructions")) is not None:
        yield Message(role="system", parts=(Text(text=instructions),))
    asked: str | list[msgspec.Raw] | None = read_value(fields, "input", _INPUT)
    if isinstance(asked, str):
        yield Message(role="user", parts=(Text(text=asked),))
        return
    # The items of a turn follow one another; what an assistant thought, said and called is one message.
    role: Role | None = None
    parts: list[Part] = []
    for raw in asked or ():
        item, its_parts = _item(raw)
        its_role = _role(item, its_parts)
        if role is not None and (its_role != role or role != "assistant"):
            yield Message(role=role, parts=tuple(parts))
            parts = []
        role = its_role
        parts += its_parts
    if role is not None:
        yield Message(role=role, parts=tuple(parts))


def _item(raw: msgspec.Raw) -> tuple[Item, tuple[Part, ...]]:
    try:
        return read_item(raw)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param="input") from exc


def _role(item: Item, parts: tuple[Part, ...]) -> Role:
    if item.type != "message":
        return "user" if any(isinstance(part, ToolResult) for part in parts) else "assistant"
    match item.role:
        case "system" | "developer" | "user" | "assistant" as role:
            return role
    raise BadRequestError(param="input")


def _tools(fields: Fields) -> Iterable[Tool | Native]:
    for raw in read_value(fields, "tools", _TOOLS) or ():
        tool: _Tool = read_value({"tools": raw}, "tools", _TOOL)
        match tool.type:
            case "function":
                yield Tool(
                    name=tool.name,
                    description=tool.description,
                    schema=given(tool.parameters),
                    is_strict=tool.strict,
                )
            case "custom":
                grammar = given(tool.format)
                yield Tool(name=tool.name, description=tool.description, kind="custom", grammar=grammar)
            case kind:
                yield Native(dialect="openai_responses", kind=kind, document=msgspec.Raw(bytes(raw)))


def _tool_choice(fields: Fields) -> ToolChoice | None:
    choice: _Choice | str | None = read_value(fields, "tool_choice", _CHOICE)
    match choice:
        case None:
            return None
        case "auto" | "none" | "required" as word:
            return word
        case _Choice(type="function", name=name):
            return NamedTool(name)
        case _Choice(type="custom", name=name):
            return NamedTool(name, "custom")
        case _Choice(type="allowed_tools", mode=mode):
            return "required" if mode == "required" else "auto"
    raise BadRequestError(param="tool_choice")


def _allowed_tools(fields: Fields) -> tuple[str, ...]:
    choice = read_value(fields, "tool_choice", _CHOICE)
    return tuple(tool.name for tool in choice.tools) if isinstance(choice, _Choice) else ()


def _output_format(text: _Text) -> OutputFormat | None:
    asked = text.format
    if asked is None or asked.type == "text":
        return None
    return OutputFormat(
        schema=given(asked.schema), name=asked.name, description=asked.description, is_strict=asked.strict
    )


def _reasoning(fields: Fields) -> Reasoning:
    asked: _Reasoning = read_value(fields, "reasoning", _REASONING) or _Reasoning()
    return Reasoning(
        effort=asked.effort,
        is_off=asked.effort == "none",
        summary=asked.summary,
        is_shown=True if asked.summary is not None else None,
    )

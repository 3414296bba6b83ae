"""Decodes a Messages request into the hub's form."""

from collections.abc import Iterable

import msgspec

from ...dialects.fields import Fields, is_given, read_value
from ...errors import BadRequestError
from ...exchange import Exchange
from ..conversation import (
    CacheMark,
    Effort,
    Message,
    NamedTool,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Request,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)
from ..raw import given
from ..seals import with_seals_of_calls
from ..strict_schemas import is_strict
from ..unread import Read, unread
from .wire import SHARED, Cache, read_parts


class _Message(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw]


class _Tool(msgspec.Struct):
    type: str | None = None
    name: str = ""
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    cache_control: Cache | None = None


class _Choice(msgspec.Struct):
    type: str = "auto"
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct):
    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class _Format(msgspec.Struct):
    type: str = ""
    schema: msgspec.Raw = msgspec.Raw()


class _Output(msgspec.Struct):
    effort: Effort | None = None
    format: _Format | None = None


class _Metadata(msgspec.Struct):
    user_id: str | None = None


_CONTENT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_MESSAGES = msgspec.json.Decoder(list[_Message])
_TOOLS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TOOL = msgspec.json.Decoder(_Tool)
_CHOICE = msgspec.json.Decoder(_Choice | None)
_THINKING = msgspec.json.Decoder(_Thinking | None)
_OUTPUT = msgspec.json.Decoder(_Output | None)
_FORMAT = msgspec.json.Decoder(_Format | None)
_METADATA = msgspec.json.Decoder(_Metadata | None)
_NUMBER = msgspec.json.Decoder(float | None)
_WHOLE = msgspec.json.Decoder(int | None)
_STOP = msgspec.json.Decoder(list[str] | None)

_OF_BLOCKS = frozenset(
    {
        "type", "text", "thinking", "signature", "data", "id", "name", "input", "tool_use_id", "content", "is_error",
        "title", "caller",
    }
)  # fmt: skip
_WITHIN_BLOCKS = {
    "source": Read({"type", "media_type", "data", "url", "file_id"}),
    "cache_control": Read({"type", "ttl"}),
}
_BLOCK = Read(_OF_BLOCKS - {"content"}, {**_WITHIN_BLOCKS, "content": Read(_OF_BLOCKS, _WITHIN_BLOCKS, SHARED)}, SHARED)
_KNOWN = Read(
    {
        "model", "stream", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "mcp_servers",
        "container", "thread",
    },
    {
        "system": _BLOCK,
        "messages": Read({"role"}, {"content": _BLOCK}),
        "tools": Read(
            {"type", "name", "description", "input_schema", "strict"},
            {"cache_control": _WITHIN_BLOCKS["cache_control"]},
            {"custom"},
        ),
        "tool_choice": Read({"type", "name", "disable_parallel_tool_use"}),
        "thinking": Read({"type", "budget_tokens", "display"}),
        "output_config": Read({"effort"}, {"format": Read({"type", "schema"})}),
        "output_format": Read({"type", "schema"}),
        "metadata": Read({"user_id"}),
    },
)  # fmt: skip
"""What is read; all other members are named as dropped, such as a document's ``context``."""
_BILLING_LINE = "x-anthropic-billing-header:"
"""How Claude Code's first block of system text begins, which is for Anthropic's books and differs in each request.

Other vendors' caches compare how prompts begin, so with it they would never be hit. Source: anthropics/claude-code#68900,
sgl-project/sglang#21064, read 2026-11-30.
"""


def decode_request(exchange: Exchange) -> Request:
    """Return a Messages request in the hub's form.

    Raises:
        BadRequestError: A field is invalid; names it.
    """
    fields = exchange.fields
    choice: _Choice | None = read_value(fields, "tool_choice", _CHOICE)
    metadata: _Metadata | None = read_value(fields, "metadata", _METADATA)
    is_serial = choice.disable_parallel_tool_use if choice is not None else None
    sent = _parts("system", read_value(fields, "system", _CONTENT))
    system = tuple(part for part in sent if not _is_billing_line(part))
    return Request(
        model=exchange.model,
        messages=with_seals_of_calls(tuple(_messages(fields, system)), "anthropic_messages"),
        stream=exchange.stream,
        tools=tuple(_tools(fields)),
        tool_choice=_tool_choice(choice),
        is_parallel=not is_serial if is_serial is not None else None,
        output_format=_output_format(fields),
        reasoning=_reasoning(fields),
        sampling=_sampling(fields),
        user=metadata.user_id if metadata is not None else None,
        unanswerable=tuple(name for name in ("mcp_servers", "container", "thread") if is_given(fields, name, b"[]"))
        + (("max_tokens",) if exchange.output_tokens_asked == 0 else ()),
        dropped=unread(fields, _KNOWN) + (("system.billing_line",) if len(system) < len(sent) else ()),
    )


def _is_billing_line(part: Part) -> bool:
    return isinstance(part, Text) and part.text.startswith(_BILLING_LINE) and "\n" not in part.text


def _messages(fields: Fields, system: tuple[Part, ...]) -> Iterable[Message]:
    if system:
        yield Message(role="system", parts=system)
    for message in read_value(fields, "messages", _MESSAGES):
        match message.role:
            case "user" | "assistant" | "system":
                yield Message(role=message.role, parts=_parts("messages", message.content))
            case _:
                raise BadRequestError(param="messages")


def _parts(name: str, content: str | list[msgspec.Raw] | None) -> tuple[Part, ...]:
    try:
        return read_parts(content)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param=name) from exc


def _tools(fields: Fields) -> Iterable[Tool | Native]:
    for raw in read_value(fields, "tools", _TOOLS) or ():
        tool: _Tool = read_value({"tools": raw}, "tools", _TOOL)
        if tool.type not in (None, "custom"):
            yield Native(dialect="anthropic_messages", kind=tool.type, document=msgspec.Raw(bytes(raw)))
            continue
        yield Tool(
            name=tool.name,
            description=tool.description,
            schema=given(tool.input_schema),
            is_strict=tool.strict,
            cache=CacheMark(tool.cache_control.ttl) if tool.cache_control is not None else None,
        )


def _tool_choice(choice: _Choice | None) -> ToolChoice | None:
    match choice:
        case None:
            return None
        case _Choice(type="auto" | "none" as word):
            return word
        case _Choice(type="any"):
            return "required"
        case _Choice(type="tool", name=name):
            return NamedTool(name)
    raise BadRequestError(param="tool_choice")


def _output_format(fields: Fields) -> OutputFormat | None:
    output: _Output | None = read_value(fields, "output_config", _OUTPUT)
    asked: _Format | None = output.format if output is not None else None
    asked = asked or read_value(fields, "output_format", _FORMAT)
    if asked is None:
        return None
    schema = given(asked.schema)
    try:
        # Claude follows schemas with optional members too, which OpenAI refuses as strict.
        return OutputFormat(schema=schema, is_strict=schema is not None and is_strict(schema))
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param="output_config.format.schema") from exc


def _reasoning(fields: Fields) -> Reasoning:
    thinking: _Thinking | None = read_value(fields, "thinking", _THINKING)
    output: _Output | None = read_value(fields, "output_config", _OUTPUT)
    effort = output.effort if output is not None else None
    if thinking is None:
        return Reasoning(effort=effort)
    return Reasoning(
        effort=effort,
        budget_tokens=thinking.budget_tokens,
        is_adaptive=thinking.type == "adaptive",
        is_off=thinking.type in ("disabled", "between_tools"),
        is_shown=_is_shown(thinking),
    )


def _is_shown(thinking: _Thinking) -> bool | None:
    """Say whether thinking is to be shown; None if that is left to a model that decides how much to think."""
    match thinking:
        case _Thinking(type="disabled" | "between_tools") | _Thinking(type="adaptive", display=None):
            return None
        case _:
            return thinking.display != "omitted"


def _sampling(fields: Fields) -> Sampling:
    return Sampling(
        output_tokens_max=read_value(fields, "max_tokens", _WHOLE),
        temperature=read_value(fields, "temperature", _NUMBER),
        top_p=read_value(fields, "top_p", _NUMBER),
        top_k=read_value(fields, "top_k", _WHOLE),
        stop=tuple(read_value(fields, "stop_sequences", _STOP) or ()),
    )

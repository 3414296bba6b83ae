"""Decodes a chat request into the hub's form."""

from collections.abc import Iterable

import msgspec

from ...dialects.fields import Fields, is_given, read_optional_text, read_value
from ...errors import BadRequestError
from ...exchange import Exchange
from ..conversation import (
    Audio,
    CacheMark,
    Effort,
    File,
    FileId,
    Image,
    Inline,
    Message,
    NamedTool,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from ..custom_tools import flat_grammar
from ..media import AUDIO_TYPES, read_address
from ..raw import given
from ..unread import Read, unread
from .thoughts import Detail, read_details
from .wire import Allowed, Call, Custom, Function, Picture, read_call, read_pictures


class _Address(msgspec.Struct):
    url: str = ""
    detail: str | None = None


class _Sound(msgspec.Struct):
    data: str = ""
    format: str = ""


class _File(msgspec.Struct):
    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class _Cache(msgspec.Struct):
    ttl: str | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""
    image_url: _Address | str | None = None
    input_audio: _Sound | None = None
    file: _File | None = None
    cache_control: _Cache | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str = ""
    function_call: Function | None = None
    images: msgspec.Raw = msgspec.Raw()


class _Schema(msgspec.Struct):
    name: str = ""
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    json_schema: _Schema | None = None


class _Switch(msgspec.Struct):
    type: str = "enabled"
    budget_tokens: int | None = None


class _Options(msgspec.Struct):
    include_usage: bool | None = None


_PART = msgspec.json.Decoder(_Part)
_PICTURES = msgspec.json.Decoder(list[Picture])
_MESSAGES = msgspec.json.Decoder(list[_Message])
_TOOLS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TOOL = msgspec.json.Decoder(Call)
_FUNCTIONS = msgspec.json.Decoder(list[Function] | None)
_CHOICE = msgspec.json.Decoder(Call | str | None)
_FUNCTION_CHOICE = msgspec.json.Decoder(Function | str | None)
_FORMAT = msgspec.json.Decoder(_Format | None)
_STOP = msgspec.json.Decoder(str | list[str] | None)
_NUMBER = msgspec.json.Decoder(float | None)
_WHOLE = msgspec.json.Decoder(int | None)
_EFFORT = msgspec.json.Decoder(Effort | None)
_THINKING = msgspec.json.Decoder(_Switch | bool | None)
_OPTIONS = msgspec.json.Decoder(_Options | None)
_SWITCH = msgspec.json.Decoder(bool | None)

_PART_TYPES = {"text", "refusal", "image_url", "input_audio", "file"}
_NAME = Read({"name"})
_SAID = {
    "content": Read(
        {"type", "text", "refusal"},
        {
            "image_url": Read({"url", "detail"}),
            "input_audio": Read({"data", "format"}),
            "file": Read({"file_id", "file_data", "filename"}),
            "cache_control": Read({"type", "ttl"}),
        },
        _PART_TYPES,
    ),
    "tool_calls": Read(
        {"id", "type", "index"},
        {
            "function": Read({"name", "arguments"}),
            "custom": Read({"name", "input"}),
            "extra_content": Read(set(), {"google": Read({"thought_signature"})}),
        },
    ),
    "function_call": Read({"name", "arguments"}),
    "images": Read({"type", "index"}, {"image_url": Read({"url"})}),
}
_FUNCTION = Read({"name", "description", "parameters", "strict"})
_KNOWN = Read(
    {
        "model", "stream", "parallel_tool_calls", "reasoning_effort", "max_tokens", "max_completion_tokens",
        "temperature", "top_p", "top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "n", "verbosity",
        "user", "prompt_cache_key", "audio", "modalities", "web_search_options", "store",
    },
    {
        "messages": Read(
            {"role", "name", "refusal", "reasoning_content", "reasoning", "reasoning_details", "tool_call_id"}, _SAID
        ),
        "tools": Read(
            {"type"}, {"function": _FUNCTION, "custom": Read({"name", "description", "format"})}, {"function", "custom"}
        ),
        "functions": _FUNCTION,
        "function_call": _NAME,
        "tool_choice": Read({"type", "allowed_tools"}, {"function": _NAME, "custom": _NAME}),
        "response_format": Read({"type"}, {"json_schema": Read({"name", "description", "schema", "strict"})}),
        "thinking": Read({"type", "budget_tokens"}),
        "stream_options": Read({"include_usage"}),
    },
)  # fmt: skip
"""What is read; all other members are named as dropped, such as the ``annotations`` of earlier answers."""


def decode_request(exchange: Exchange) -> Request:
    """Return a chat request in the hub's form.

    Raises:
        BadRequestError: A field is invalid; names it.
    """
    fields = exchange.fields
    options: _Options | None = read_value(fields, "stream_options", _OPTIONS)
    return Request(
        model=exchange.model,
        messages=tuple(_messages(fields)),
        stream=exchange.stream,
        tools=tuple(_tools(fields)),
        tool_choice=_tool_choice(fields),
        allowed_tools=_allowed_tools(fields),
        is_parallel=read_value(fields, "parallel_tool_calls", _SWITCH),
        output_format=_output_format(fields),
        reasoning=_reasoning(fields),
        sampling=_sampling(fields, exchange.choice_count),
        verbosity=read_optional_text(fields, "verbosity"),
        user=read_optional_text(fields, "user"),
        cache_key=read_optional_text(fields, "prompt_cache_key"),
        is_usage_asked=options is not None and bool(options.include_usage),
        unanswerable=tuple(_unanswerable(fields)),
        dropped=unread(fields, _KNOWN) + (("store",) if bytes(fields.get("store", b"")) == b"true" else ()),
    )


def _unanswerable(fields: Fields) -> Iterable[str]:
    """Yield the names of fields that ask for what no other dialect has."""
    for name in ("audio", "web_search_options"):
        if is_given(fields, name):
            yield name
    if b"audio" in bytes(fields.get("modalities", b"")):
        yield "modalities"
    asked: _Format | None = read_value(fields, "response_format", _FORMAT)
    if asked is not None and asked.type not in ("text", "json_object", "json_schema"):
        yield "response_format"  # a grammar, which some vendors of chat know


def _messages(fields: Fields) -> Iterable[Message]:
    for message in read_value(fields, "messages", _MESSAGES):
        match message.role:
            case "system" | "developer" | "user":
                parts = (*_content(message.content), *_given_pictures(message))
                yield Message(role=message.role, parts=parts, name=message.name)
            case "assistant":
                yield Message(role="assistant", parts=tuple(_assistant_parts(message)), name=message.name)
            case "tool" | "function":
                # The old form has no ids: a function's name serves as the id of its one call.
                call_id = message.tool_call_id or message.name or ""
                parts = tuple(_content(message.content))
                yield Message(role="user", parts=(ToolResult(call_id=call_id, parts=parts, name=message.name),))
            case _:
                raise BadRequestError(param="messages")


def _content(content: str | list[msgspec.Raw] | None) -> Iterable[Part]:
    if content is None:
        return
    if isinstance(content, str):
        yield Text(text=content)
        return
    for raw in content:
        yield _part(raw, read_value({"messages": raw}, "messages", _PART))


def _part(raw: msgspec.Raw, part: _Part) -> Part:
    """Return one part; one of a type that only some vendors of chat know is kept unchanged.

    A part may have a cache mark like Anthropic's blocks. Source: openrouter.ai prompt caching, read 2026-11-29.
    """
    cache = CacheMark(part.cache_control.ttl or "") if part.cache_control is not None else None
    match part:
        case _Part(type="text"):
            return Text(text=part.text, cache=cache)
        case _Part(type="refusal"):
            return Refusal(text=part.refusal)
        case _Part(type="image_url", image_url=str() as url):
            return Image(source=read_address(url), cache=cache)
        case _Part(type="image_url", image_url=_Address() as address):
            return Image(source=read_address(address.url), detail=address.detail, cache=cache)
        case _Part(type="input_audio", input_audio=_Sound() as sound):
            media_type = AUDIO_TYPES.get(sound.format, f"audio/{sound.format}")
            return Audio(source=Inline(media_type, sound.data), cache=cache)
        case _Part(type="file", file=_File(file_id=str() as file_id)):
            return File(source=FileId("openai_chat", file_id), cache=cache)
        case _Part(type="file", file=_File(file_data=str() as data, filename=name)):
            return File(source=read_address(data), name=name, cache=cache)
        case _Part(type="" | "image_url" | "input_audio" | "file"):
            raise BadRequestError(param="messages")
    return Native(dialect="openai_chat", kind=part.type, document=msgspec.Raw(bytes(raw)))


def _assistant_parts(message: _Message) -> Iterable[Part]:
    """Yield the parts of an assistant's message, in the order in which they arose."""
    thinking = message.reasoning_content if message.reasoning_content is not None else message.reasoning
    if thoughts := list(read_details(message.reasoning_details or ())):
        yield from thoughts  # the same, with its seals
    elif thinking is not None:
        yield Thinking(text=thinking)
    for part in _content(message.content):
        if part != Text(text=""):
            yield part
    if message.refusal:
        yield Refusal(text=message.refusal)
    yield from _drawn_pictures(message)
    for call in message.tool_calls or ():
        yield read_call(call)
    if message.function_call is not None:
        called = message.function_call
        yield ToolCall(id=called.name or "", name=called.name or "", arguments=called.arguments or "")


def _drawn_pictures(message: _Message) -> Iterable[Part]:
    """Yield the pictures that a model drew, in OpenRouter's form; any other form is kept unchanged."""
    try:
        yield from read_pictures(_PICTURES.decode(given(message.images) or b"[]"))
    except msgspec.ValidationError:
        yield from _given_pictures(message)


def _given_pictures(message: _Message) -> Iterable[Native]:
    """Yield ``images`` of any other form or role unchanged.

    No vendor documents it, but dropping it would lose input.
    """
    pictures = given(message.images)
    if pictures is not None and bytes(pictures) != b"[]":
        yield Native(dialect="openai_chat", kind="images", document=pictures)


def _tools(fields: Fields) -> Iterable[Tool | Native]:
    for raw in read_value(fields, "tools", _TOOLS) or ():
        tool: Call = read_value({"tools": raw}, "tools", _TOOL)
        if tool.custom is not None:
            custom = tool.custom
            grammar = flat_grammar(given(custom.format))
            yield Tool(name=custom.name, description=custom.description, kind="custom", grammar=grammar)
        elif tool.function is not None:
            yield _tool(tool.function)
        elif tool.type in (None, "function", "custom"):
            raise BadRequestError(param="tools")
        else:  # a vendor's own, such as Moonshot's `builtin_function`
            yield Native(dialect="openai_chat", kind=tool.type, document=msgspec.Raw(bytes(raw)))
    for function in read_value(fields, "functions", _FUNCTIONS) or ():
        yield _tool(function)


def _tool(function: Function) -> Tool:
    return Tool(
        name=function.name or "",
        description=function.description,
        schema=given(function.parameters),
        is_strict=function.strict,
    )


def _tool_choice(fields: Fields) -> ToolChoice | None:
    choice: Call | str | None = read_value(fields, "tool_choice", _CHOICE)
    old_choice: Function | str | None = read_value(fields, "function_call", _FUNCTION_CHOICE)
    match choice if choice is not None else old_choice:
        case None:
            return None
        case "auto" | "none" | "required" as word:
            return word
        case Call(allowed_tools=Allowed(mode=mode)):
            return "required" if mode == "required" else "auto"
        case Call(custom=Custom(name=name)):
            return NamedTool(name, "custom")
        case Call(function=Function(name=name)) | Function(name=name):
            return NamedTool(name or "")
    raise BadRequestError(param="tool_choice")


def _allowed_tools(fields: Fields) -> tuple[str, ...]:
    choice = read_value(fields, "tool_choice", _CHOICE)
    if not isinstance(choice, Call) or choice.allowed_tools is None:
        return ()
    named = (tool.function or tool.custom for tool in choice.allowed_tools.tools)
    return tuple(tool.name for tool in named if tool is not None and tool.name)


def _output_format(fields: Fields) -> OutputFormat | None:
    asked: _Format | None = read_value(fields, "response_format", _FORMAT)
    if asked is None or asked.type == "text":
        return None
    if asked.json_schema is None:
        return OutputFormat()
    named = asked.json_schema
    return OutputFormat(
        schema=given(named.schema), name=named.name, description=named.description, is_strict=named.strict
    )


def _reasoning(fields: Fields) -> Reasoning:
    effort: Effort | None = read_value(fields, "reasoning_effort", _EFFORT)
    switch: _Switch | bool | None = read_value(fields, "thinking", _THINKING)
    is_off = effort == "none" or switch is False or (isinstance(switch, _Switch) and switch.type == "disabled")
    is_on = switch is not None and not is_off
    # The budget is Anthropic's own, in its OpenAI form. Source: platform.claude.com api/openai-sdk, read 2026-11-24.
    budget = switch.budget_tokens if isinstance(switch, _Switch) and is_on else None
    return Reasoning(
        effort=effort,
        budget_tokens=budget,
        is_off=is_off,
        is_adaptive=is_on and effort is None and budget is None,
    )


def _sampling(fields: Fields, choice_count: int) -> Sampling:
    stop: str | list[str] | None = read_value(fields, "stop", _STOP)
    limits = (read_value(fields, name, _WHOLE) for name in ("max_completion_tokens", "max_tokens"))
    return Sampling(
        output_tokens_max=next((limit for limit in limits if limit is not None), None),
        temperature=read_value(fields, "temperature", _NUMBER),
        top_p=read_value(fields, "top_p", _NUMBER),
        top_k=read_value(fields, "top_k", _WHOLE),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=read_value(fields, "seed", _WHOLE),
        presence_penalty=read_value(fields, "presence_penalty", _NUMBER),
        frequency_penalty=read_value(fields, "frequency_penalty", _NUMBER),
        choice_count=choice_count,
    )

"""Decodes a request in Gemini's form into the hub's form."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any

import msgspec

from ...dialects.fields import Fields, read_value
from ...errors import BadRequestError
from ...exchange import Exchange
from ..conversation import (
    Effort,
    Message,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Request,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from ..raw import given
from ..unread import Read, unread
from .schemas import read_schema
from .wire import DIALECT, Response, camel_case, in_camel_case, read_part


class _Turn(msgspec.Struct):
    role: str | None = None
    parts: msgspec.Raw = msgspec.Raw()


class _Declaration(msgspec.Struct, rename="camel"):
    name: str = ""
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    parameters_json_schema: msgspec.Raw = msgspec.Raw()


class _Calling(msgspec.Struct, rename="camel"):
    mode: str = "AUTO"
    allowed_function_names: list[str] = []


class _ToolConfig(msgspec.Struct, rename="camel"):
    function_calling_config: _Calling | None = None


class _Thinking(msgspec.Struct, rename="camel"):
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool | None = None


class _Config(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: msgspec.Raw = msgspec.Raw()
    response_json_schema: msgspec.Raw = msgspec.Raw()
    thinking_config: _Thinking | None = None
    response_modalities: list[str] | None = None
    speech_config: msgspec.Raw = msgspec.Raw()


_SYSTEM = msgspec.json.Decoder(_Turn | str | None)
_TURN = msgspec.json.Decoder(_Turn)
_TOOL = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw] | None)
_DECLARATION = msgspec.json.Decoder(_Declaration)
_TOOL_CONFIG = msgspec.json.Decoder(_ToolConfig | None)
_CONFIG = msgspec.json.Decoder(_Config | None)

_BLOB = Read({"mimeType", "data", "fileUri"})
_MEDIA = {"inlineData": _BLOB, "fileData": _BLOB}
_OF_PARTS = {"text", "thought", "thoughtSignature"}
_PART = Read(
    _OF_PARTS,
    {
        **_MEDIA,
        "functionCall": Read({"name", "args", "id"}),
        "functionResponse": Read({"name", "response", "id"}, {"parts": Read(_OF_PARTS, _MEDIA)}),
    },
)
_KNOWN = Read(
    {"cachedContent", "model"},
    {
        "systemInstruction": Read({"role"}, {"parts": _PART}),
        "contents": Read({"role"}, {"parts": _PART}),
        "tools": Read(set(), {"functionDeclarations": Read({*_Declaration.__struct_encode_fields__})}),
        "toolConfig": Read(set(), {"functionCallingConfig": Read({*_Calling.__struct_encode_fields__})}),
        "generationConfig": Read(
            {*_Config.__struct_encode_fields__, "candidateCount"} - {"thinkingConfig"},
            {"thinkingConfig": Read({*_Thinking.__struct_encode_fields__})},
        ),
    },
)
"""What is read; all other members are named as dropped, such as ``videoMetadata`` of a part."""
_LEVELS: dict[str, Effort] = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


def decode_request(exchange: Exchange) -> Request:
    """Return one of Gemini's requests in the hub's form.

    Raises:
        BadRequestError: A field is invalid; names it.
    """
    fields = {camel_case(name): raw for name, raw in exchange.fields.items()}
    # If a field has both spellings, the one in camel case counts, whichever comes first.
    fields.update((name, raw) for name, raw in exchange.fields.items() if name in fields)
    config: _Config = _read_camel(fields, "generationConfig", _CONFIG, "thinkingConfig") or _Config()
    chosen: _ToolConfig = _read_camel(fields, "toolConfig", _TOOL_CONFIG, "functionCallingConfig") or _ToolConfig()
    calling = chosen.function_calling_config
    is_validated = calling is not None and calling.mode == "VALIDATED"
    return Request(
        model=exchange.model,
        messages=tuple(_messages(fields)),
        stream=exchange.stream,
        tools=tuple(_tools(fields)),
        tool_choice=_tool_choice(calling) if calling is not None else None,
        allowed_tools=tuple(calling.allowed_function_names) if calling is not None else (),
        output_format=_output_format(config),
        reasoning=_reasoning(config.thinking_config or _Thinking()),
        sampling=_sampling(config, exchange.choice_count),
        unanswerable=tuple(_unanswerable(fields, config)),
        dropped=unread(fields, _KNOWN, camel_case)
        + (("toolConfig.functionCallingConfig.mode",) if is_validated else ()),
    )


def _read_camel(fields: Fields, name: str, decoder: msgspec.json.Decoder[Any], *nested: str) -> Any:
    """Return the object under *name* as *decoder* reads it, with its members in either spelling."""
    if given(fields.get(name, msgspec.Raw())) is None:
        return None
    try:
        return decoder.decode(in_camel_case(fields[name], *nested))
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param=name) from exc


def _unanswerable(fields: Fields, config: _Config) -> Iterable[str]:
    if given(fields.get("cachedContent", msgspec.Raw())) is not None:
        yield "cachedContent"
    if given(config.speech_config) is not None:
        yield "generationConfig.speechConfig"
    if any(modality.upper() != "TEXT" for modality in config.response_modalities or ()):
        yield "generationConfig.responseModalities"


def _messages(fields: Fields) -> Iterable[Message]:
    names = _Calls()
    system: _Turn | str | None = read_value(fields, "systemInstruction", _SYSTEM)
    if isinstance(system, str):
        yield Message(role="system", parts=(Text(text=system),))
    elif system is not None:
        yield Message(role="system", parts=tuple(_parts(system, names)))
    for raw in _repeated(fields, "contents"):
        turn: _Turn = read_value({"contents": raw}, "contents", _TURN)
        role: Role = "assistant" if turn.role == "model" else "user"
        yield Message(role=role, parts=tuple(_parts(turn, names)))


def _repeated(fields: Fields, name: str) -> list[msgspec.Raw]:
    """Return the values of a repeated field; Google accepts a single one without brackets."""
    raw = given(fields.get(name, msgspec.Raw()))
    if raw is not None and bytes(raw).startswith(b"{"):
        return [raw]
    members: list[msgspec.Raw] | None = read_value(fields, name, _LIST)
    return members or []


class _Calls:
    """Matches results to calls. Gemini seldom gives ids, so results belong to calls by name, in order."""

    def __init__(self) -> None:
        self._count = 0
        self._ids: defaultdict[str, deque[str]] = defaultdict(deque)
        """By name, in order; an id whose result has come by id stays until its turn, and is then skipped."""
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._passed: Counter[tuple[str, str]] = Counter()

    def called(self, call: ToolCall, given_id: str | None) -> ToolCall:
        """Return *call* with an id by which its result will find it."""
        call_id = given_id or f"call_{self._count}"
        self._count += 1
        self._ids[call.name].append(call_id)
        self._waiting[call.name, call_id] += 1
        return msgspec.structs.replace(call, id=call_id)

    def answered(self, response: Response) -> str:
        """Return the id of the call that *response* answers."""
        if response.id is None:
            return self._next(response.name)
        call = (response.name, response.id)
        if self._waiting[call]:
            self._waiting[call] -= 1
            self._passed[call] += 1
        return response.id

    def _next(self, name: str) -> str:
        """Return the id of the call of *name* that has waited longest; the name itself if none waits."""
        ids = self._ids[name]
        while ids:
            call = (name, ids.popleft())
            if not self._passed[call]:
                self._waiting[call] -= 1
                return call[1]
            self._passed[call] -= 1
        return name


def _parts(turn: _Turn, calls: _Calls) -> Iterable[Part]:
    for raw in _repeated({"contents.parts": turn.parts}, "contents.parts") if bytes(turn.parts) else ():
        try:
            document, part = read_part(raw)
            result = _result(document.function_response, calls) if document.function_response is not None else None
        except (ValueError, RecursionError) as exc:
            raise BadRequestError(param="contents.parts") from exc
        if result is not None:
            yield result  # its media are read like any part
        elif isinstance(part, ToolCall) and document.function_call is not None:
            yield calls.called(part, document.function_call.id)
        elif part is not None:
            yield part


def _result(response: Response, calls: _Calls) -> ToolResult:
    """Return a function's result; if it is one text under one of the API's own names, only the text."""
    value = msgspec.json.decode(response.response) if bytes(response.response) else {}
    text = bytes(response.response).decode()
    is_error = False
    if isinstance(value, dict) and len(value) == 1:
        [(word, answer)] = value.items()
        if word in ("output", "result", "error") and isinstance(answer, str):
            text, is_error = answer, word == "error"
    media = [part for raw in response.parts or () for part in (read_part(raw)[1],) if part is not None]
    return ToolResult(
        call_id=calls.answered(response), parts=(Text(text=text), *media), name=response.name, is_error=is_error
    )


def _tools(fields: Fields) -> Iterable[Tool | Native]:
    for described in _repeated(fields, "tools"):
        tool: dict[str, msgspec.Raw] = read_value({"tools": described}, "tools", _TOOL)
        for name, raw in tool.items():
            if camel_case(name) != "functionDeclarations":
                document = msgspec.Raw(msgspec.json.encode({name: raw}))
                yield Native(dialect=DIALECT, kind=camel_case(name), document=document)
                continue
            for declared in _repeated({"tools": raw}, "tools"):
                yield _tool(_read_camel({"tools": declared}, "tools", _DECLARATION))


def _tool(declared: _Declaration) -> Tool:
    schema = given(declared.parameters_json_schema)
    if schema is None and (described := given(declared.parameters)) is not None:
        schema = _schema(described, "tools")
    return Tool(name=declared.name, description=declared.description, schema=schema)


def _schema(described: msgspec.Raw, param: str) -> msgspec.Raw:
    try:
        return read_schema(described)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param=param) from exc


def _tool_choice(calling: _Calling) -> ToolChoice:
    match calling.mode:
        case "ANY":
            return "required"
        case "NONE":
            return "none"
    return "auto"


def _output_format(config: _Config) -> OutputFormat | None:
    schema = given(config.response_json_schema)
    if schema is None and (described := given(config.response_schema)) is not None:
        schema = _schema(described, "generationConfig.responseSchema")
    if schema is None and config.response_mime_type != "application/json":
        return None
    return OutputFormat(schema=schema)


def _reasoning(thinking: _Thinking) -> Reasoning:
    budget = thinking.thinking_budget
    return Reasoning(
        effort=_LEVELS.get((thinking.thinking_level or "").upper()),
        budget_tokens=budget if budget is not None and budget > 0 else None,
        is_adaptive=budget == -1,
        is_off=budget == 0,
        is_shown=thinking.include_thoughts,
    )


def _sampling(config: _Config, choice_count: int) -> Sampling:
    return Sampling(
        output_tokens_max=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=int(config.top_k) if config.top_k is not None else None,
        stop=tuple(config.stop_sequences or ()),
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        choice_count=choice_count,
    )

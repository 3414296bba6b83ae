"""Encodes the hub's form of a request for a channel that speaks Responses."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import NotCarriedError
from ...exchange import Dialect
from ..conversation import (
    File,
    FileId,
    Image,
    Inline,
    Link,
    Message,
    NamedTool,
    Native,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from ..custom_tools import allowed_by_kind
from ..effort import effort_of
from ..media import write_address
from ..openai_models import OUTPUT_TOKENS_LEAST, effort_sent, is_own, is_reasoning, is_unable, takes_sampling
from ..places import names_used
from ..raw import kept_object
from ..request_body import EncodedRequest, LeftOut, encode_members, kind_of, native_tool, present
from ..strict_schemas import openai_tools

DIALECT: Dialect = "openai_responses"
_NEVER_CARRIED = ("top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "cache_control", "messages.name")


def encode_request(request: Request) -> EncodedRequest:
    """Return *request* in this dialect. The upstream is told to store nothing: its reasoning travels sealed instead.

    Raises:
        NotCarriedError: A part, a tool or a setting that Responses can't express.
    """
    if request.sampling.choice_count > 1:
        raise NotCarriedError(param="n", dialect=DIALECT)
    left_out = LeftOut(names_used(request, _NEVER_CARRIED))
    body: dict[str, Any] = {"model": request.model, "input": list(_items(request, left_out)), "store": False}
    if request.stream:
        body["stream"] = True
    _add_tools(body, request, openai_tools(request.tools, left_out))
    sampling = request.sampling
    is_sampled = takes_sampling(request.model, effort_of(request.reasoning))
    values = {
        "max_output_tokens": _limit(request, left_out),
        "temperature": left_out.unless(is_sampled, "temperature", sampling.temperature),
        "top_p": left_out.unless(is_sampled, "top_p", sampling.top_p),
        "reasoning": _reasoning(request, left_out),
        "include": ["reasoning.encrypted_content"] if is_reasoning(request.model) else None,
        "text": _text(request),
        "user": request.user,
        "prompt_cache_key": request.cache_key,
    }
    body.update(present(values))
    return EncodedRequest(encode_members(body), left_out.names)


def settings(request: Request) -> dict[str, Any]:
    """Return the settings of *request* that every response repeats, those that must be written in Responses' form."""
    body: dict[str, Any] = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    _add_tools(body, request, request.tools)
    body["text"] = {"format": {"type": "text"}, **(_text(request) or {})}
    return body


def _limit(request: Request, left_out: LeftOut) -> int | None:
    """Return the customer's limit, raised to what OpenAI accepts: clients ask for one token as a test."""
    limit = request.sampling.output_tokens_max
    if limit is None or limit >= OUTPUT_TOKENS_LEAST or not is_own(request.model):
        return limit
    left_out.note("max_tokens")
    return OUTPUT_TOKENS_LEAST


def _items(request: Request, left_out: LeftOut) -> Iterable[dict[str, Any]]:
    kinds: dict[str, str] = {}
    """The kind of each call so far, by its id; a later turn may use the same id again."""
    for message in request.messages:
        kinds.update((part.id, part.kind) for part in message.parts if isinstance(part, ToolCall))
        if message.role == "assistant":
            yield from _assistant_items(message)
        elif message.role == "user":
            yield from _user_items(message, kinds, left_out)
        else:
            yield {"role": message.role, "content": _pieces(message.parts, left_out)}


def _user_items(message: Message, kinds: Mapping[str, str], left_out: LeftOut) -> Iterable[dict[str, Any]]:
    """Yield the items of a user's turn: first each tool result, of its call's kind by *kinds*, then the rest."""
    parts = [part for part in message.parts if not isinstance(part, ToolResult)]
    for part in message.parts:
        if isinstance(part, ToolResult):
            is_custom = kinds.get(part.call_id) == "custom"
            kind = "custom_tool_call_output" if is_custom else "function_call_output"
            yield {"type": kind, "call_id": part.call_id, "output": _output(part, left_out)}
    if parts:
        yield {"role": "user", "content": _pieces(parts, left_out)}


def _output(result: ToolResult, left_out: LeftOut) -> Any:
    if all(isinstance(part, Text) for part in result.parts):
        return "\n\n".join(part.text for part in result.parts if isinstance(part, Text))
    return _pieces(result.parts, left_out)


def _assistant_items(message: Message) -> Iterable[dict[str, Any]]:
    """Yield what an assistant thought, said and called, each as an item of its own, in order."""
    for part in message.parts:
        match part:
            case Thinking(seal=seal, text=text):
                # Only the account that sealed it can read it; all other thinking is left out.
                if seal is not None and seal.dialect == DIALECT:
                    summary = [{"type": "summary_text", "text": text}] if text else []
                    item: dict[str, Any] = {"type": "reasoning", "summary": summary, "encrypted_content": seal.value}
                    yield {**item, "id": seal.id} if seal.id else item
            case ToolCall(kind="custom"):
                yield {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
            case ToolCall():
                call = {"call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
                yield {"type": "function_call", **call}
            case Text(text=text):
                yield {"role": "assistant", "content": [{"type": "output_text", "text": text}]}
            case Refusal(text=text):
                yield {"role": "assistant", "content": [{"type": "refusal", "refusal": text}]}
            case Native(dialect="openai_responses", document=document, is_piece=is_piece):
                kept = kept_object(document)
                yield {"role": "assistant", "content": [kept]} if is_piece else kept
            case _:
                raise NotCarriedError(param=f"input.{kind_of(part)}", dialect=DIALECT)


def _pieces(parts: Iterable[Part], left_out: LeftOut) -> list[dict[str, Any]]:
    return [_piece(part, left_out) for part in parts]


def _piece(part: Part, left_out: LeftOut) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(source=Inline() | Link() as source, detail=detail):
            return present({"type": "input_image", "image_url": write_address(source), "detail": detail or "auto"})
        case Image(source=FileId(dialect="openai_responses", id=file_id), detail=detail):
            return {"type": "input_image", **present({"file_id": file_id, "detail": detail})}
        case File():
            return {"type": "input_file", **_file(part, left_out), **present({"detail": part.detail})}
        case Native(dialect="openai_responses", document=document, is_piece=True):
            return kept_object(document)
    raise NotCarriedError(param=f"input.{kind_of(part)}", dialect=DIALECT)


def _file(file: File, left_out: LeftOut) -> dict[str, str]:
    match file.source:
        case Inline() as source:
            return {"filename": file.name or "document", "file_data": write_address(source)}
        case Link(url=url):
            written = {"file_url": url}
        case FileId(dialect="openai_responses" | "openai_chat", id=file_id):
            written = {"file_id": file_id}
        case _:
            raise NotCarriedError(param="input.file", dialect=DIALECT)
    if file.name is not None:
        left_out.note("messages.content.filename")
    return written


def _add_tools(body: dict[str, Any], request: Request, tools: Iterable[Tool | Native]) -> None:
    if not request.tools:
        return
    body["tools"] = [_tool(tool) for tool in tools]
    choice = request.tool_choice
    if request.allowed_tools:
        allowed = [_chosen(tool) for tool in allowed_by_kind(request)]
        mode = "required" if choice == "required" else "auto"
        body["tool_choice"] = {"type": "allowed_tools", "mode": mode, "tools": allowed}
    elif isinstance(choice, NamedTool):
        body["tool_choice"] = _chosen(choice)
    elif choice is not None:
        body["tool_choice"] = choice
    if request.is_parallel is not None:
        body["parallel_tool_calls"] = request.is_parallel


def _chosen(tool: NamedTool) -> dict[str, str]:
    return {"type": tool.kind, "name": tool.name}


def _tool(tool: Tool | Native) -> Any:
    if isinstance(tool, Native):
        return native_tool(tool, DIALECT)
    if tool.kind == "custom":
        custom = {"name": tool.name, "description": tool.description, "format": tool.grammar}
        return {"type": "custom", **present(custom)}
    return {
        "type": "function",
        "name": tool.name,
        **present({"description": tool.description}),
        "parameters": tool.schema,
        # The default is true, with which many schemas of other dialects would be refused.
        "strict": bool(tool.is_strict),
    }


def _reasoning(request: Request, left_out: LeftOut) -> dict[str, Any] | None:
    reasoning = request.reasoning
    effort = effort_sent(request.model, reasoning, left_out)
    if is_unable(request.model):
        return None
    is_shown = reasoning.is_adaptive if reasoning.is_shown is None else reasoning.is_shown
    summary = reasoning.summary or ("auto" if is_shown else None)
    return present({"effort": effort, "summary": summary}) or None


def _text(request: Request) -> dict[str, Any] | None:
    text: dict[str, Any] = {}
    asked = request.output_format
    if asked is not None and asked.schema is None:
        text["format"] = {"type": "json_object"}
    elif asked is not None:
        named = {"name": asked.name or "answer", "description": asked.description, "schema": asked.schema}
        text["format"] = {"type": "json_schema", **present(named), "strict": bool(asked.is_strict)}
    if request.verbosity is not None:
        text["verbosity"] = request.verbosity
    return text or None

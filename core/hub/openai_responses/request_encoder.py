"""Encodes the hub's form of a request for a channel that speaks Responses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

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
from ..openai_models import (
    OUTPUT_TOKENS_LEAST,
    effort_taken,
    is_effort_unsaid,
    is_own,
    is_reasoning,
    is_unable,
    takes_sampling,
)
from ..places import has_cache_marks, has_file_names, has_loosened_tools, has_names
from ..raw import kept_object
from ..request_body import encode_members, kind_of, native_tool, present
from ..strict_schemas import openai_tools

DIALECT: Dialect = "openai_responses"


def encode_request(request: Request) -> dict[str, msgspec.Raw]:
    """Return the body's top level. The upstream is told to store nothing: its reasoning travels sealed instead.

    Raises:
        NotCarriedError: A part, a tool or a setting that Responses can't express.
    """
    if request.sampling.choice_count > 1:
        raise NotCarriedError(param="n", dialect=DIALECT)
    body: dict[str, Any] = {"model": request.model, "input": list(_items(request)), "store": False}
    if request.stream:
        body["stream"] = True
    _add_tools(body, request, openai_tools(request.tools))
    sampling = request.sampling
    reasoning = _reasoning(request)
    is_sampled = takes_sampling(request.model, effort_of(request.reasoning))
    values = {
        "max_output_tokens": OUTPUT_TOKENS_LEAST if _is_limit_raised(request) else sampling.output_tokens_max,
        "temperature": sampling.temperature if is_sampled else None,
        "top_p": sampling.top_p if is_sampled else None,
        "reasoning": reasoning,
        "include": ["reasoning.encrypted_content"] if is_reasoning(request.model) else None,
        "text": _text(request),
        "user": request.user,
        "prompt_cache_key": request.cache_key,
    }
    body.update(present(values))
    return encode_members(body)


def settings(request: Request) -> dict[str, Any]:
    """Return the settings of *request* that every response repeats, those that must be written in Responses' form."""
    body: dict[str, Any] = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    _add_tools(body, request, request.tools)
    body["text"] = {"format": {"type": "text"}, **(_text(request) or {})}
    return body


def dropped(request: Request) -> Sequence[str]:
    """Return the names of what is left out, as the channel can answer without it."""
    sampling = request.sampling
    is_sampled = takes_sampling(request.model, effort_of(request.reasoning))
    names = {
        "temperature": sampling.temperature is not None and not is_sampled,
        "top_p": sampling.top_p is not None and not is_sampled,
        "max_tokens": _is_limit_raised(request),
        "top_k": sampling.top_k is not None,
        "stop": bool(sampling.stop),
        "seed": sampling.seed is not None,
        "presence_penalty": sampling.presence_penalty is not None,
        "frequency_penalty": sampling.frequency_penalty is not None,
        "thinking": request.reasoning.is_adaptive or is_effort_unsaid(request.model, effort_of(request.reasoning)),
        "cache_control": has_cache_marks(request),
        "messages.name": has_names(request),
        "messages.content.filename": has_file_names(request, Link, FileId),
        "tools.strict": has_loosened_tools(request),
    }
    return [name for name, is_dropped in names.items() if is_dropped]


def _is_limit_raised(request: Request) -> bool:
    """Say whether the customer's limit, such as one token in a client's test, is below what OpenAI accepts."""
    limit = request.sampling.output_tokens_max
    return limit is not None and limit < OUTPUT_TOKENS_LEAST and is_own(request.model)


def _items(request: Request) -> Iterable[dict[str, Any]]:
    kinds: dict[str, str] = {}
    """Of the calls so far, by their ids, which may come again in a later turn."""
    for message in request.messages:
        kinds.update((part.id, part.kind) for part in message.parts if isinstance(part, ToolCall))
        if message.role == "assistant":
            yield from _assistant_items(message)
        elif message.role == "user":
            yield from _user_items(message, kinds)
        else:
            yield {"role": message.role, "content": [_piece(part) for part in message.parts]}


def _user_items(message: Message, kinds: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """Yield the items of a user's turn: first each tool result, of its call's kind by *kinds*, then the rest."""
    parts = [part for part in message.parts if not isinstance(part, ToolResult)]
    for part in message.parts:
        if isinstance(part, ToolResult):
            is_custom = kinds.get(part.call_id) == "custom"
            kind = "custom_tool_call_output" if is_custom else "function_call_output"
            yield {"type": kind, "call_id": part.call_id, "output": _output(part)}
    if parts:
        yield {"role": "user", "content": [_piece(part) for part in parts]}


def _output(result: ToolResult) -> Any:
    if all(isinstance(part, Text) for part in result.parts):
        return "\n\n".join(part.text for part in result.parts if isinstance(part, Text))
    return [_piece(part) for part in result.parts]


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


def _piece(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(source=Inline() | Link() as source, detail=detail):
            return present({"type": "input_image", "image_url": write_address(source), "detail": detail or "auto"})
        case Image(source=FileId(dialect="openai_responses", id=file_id), detail=detail):
            return {"type": "input_image", **present({"file_id": file_id, "detail": detail})}
        case File(source=Inline() as source, name=name, detail=detail):
            told_file = {"filename": name or "document", "file_data": write_address(source), "detail": detail}
            return {"type": "input_file", **present(told_file)}
        case File(source=Link(url=url), detail=detail):
            return {"type": "input_file", **present({"file_url": url, "detail": detail})}
        case File(source=FileId(dialect="openai_responses" | "openai_chat", id=file_id), detail=detail):
            return {"type": "input_file", **present({"file_id": file_id, "detail": detail})}
        case Native(dialect="openai_responses", document=document, is_piece=True):
            return kept_object(document)
    raise NotCarriedError(param=f"input.{kind_of(part)}", dialect=DIALECT)


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


def _reasoning(request: Request) -> dict[str, Any] | None:
    effort = effort_taken(request.model, effort_of(request.reasoning))
    if is_unable(request.model):
        return None
    reasoning = request.reasoning
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

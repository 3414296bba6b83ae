"""Encodes the hub's form of a request for a chat channel."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ...errors import NotCarriedError
from ...exchange import Dialect
from ..conversation import (
    Audio,
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
    Seal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from ..custom_tools import allowed_by_kind, as_function, call_as_function, nested_grammar
from ..effort import effort_of
from ..media import audio_format, is_text, text_of, write_address
from ..openai_models import effort_sent, is_own, is_reasoning, refuses_stop, takes_sampling
from ..places import is_close_look, names_used
from ..raw import kept_object
from ..request_body import EncodedRequest, LeftOut, allowed_among, encode_members, native_tool, not_carried, present
from ..seals import SKIPPED_SIGNATURE
from ..strict_schemas import openai_tools
from .thoughts import write_detail

DIALECT: Dialect = "openai_chat"
_WANTS_THINKING = re.compile(r"(?i)(deepseek/)?deepseek-")
"""Models that refuse a turn with tool calls unless it has its thinking, even if empty; elsewhere they ignore it.

Source: w:documented/deepseek-400-reasoning-content, by wire/DIALECTS.md 6, read 2026-11-24.
"""

_SWITCHES_THINKING = re.compile(r"deepseek-")
"""Models whose thinking is turned off by a switch, not by an effort; ``deepseek/deepseek-`` of other sellers are not.

Source: api-docs.deepseek.com guides/thinking_mode, read 2026-11-30.
"""
_NEVER_CARRIED = ("cache_control", "thinking.display")


def encode_request(request: Request) -> EncodedRequest:
    """Return *request* in this dialect.

    Raises:
        BadRequestError: A text file is not text.
        NotCarriedError: A part or a tool that chat can't express.
    """
    left_out = LeftOut(names_used(request, _NEVER_CARRIED))
    body: dict[str, Any] = {"model": request.model, "messages": list(_messages(request, left_out))}
    if request.stream:
        body["stream"] = True
    _add_tools(body, request, left_out)
    _add_sampling(body, request, left_out)
    _add_wishes(body, request, left_out)
    return EncodedRequest(encode_members(body), left_out.names)


def _add_tools(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    own = is_own(request.model)
    tools = tuple(openai_tools(request.tools, left_out))
    if not own:
        allowed = allowed_among(tools, request.allowed_tools)
        tools = tuple(as_function(tool) if isinstance(tool, Tool) else tool for tool in allowed)
    if tools:
        body["tools"] = list(map(_tool, tools))
    choice = request.tool_choice
    if request.allowed_tools and own:
        mode = "required" if choice == "required" else "auto"
        chosen = [_chosen(tool) for tool in allowed_by_kind(request)]
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": chosen}}
    elif isinstance(choice, NamedTool):
        choice = choice if own else NamedTool(choice.name)
        body["tool_choice"] = _chosen(choice)
    elif choice is not None and tools:
        body["tool_choice"] = choice
    elif choice == "required":
        left_out.note("tool_choice")
    if request.is_parallel is not None and tools:
        body["parallel_tool_calls"] = request.is_parallel


def _chosen(tool: NamedTool) -> dict[str, Any]:
    return {"type": tool.kind, tool.kind: {"name": tool.name}}


def _tool(tool: Tool | Native) -> Any:
    if isinstance(tool, Native):
        return native_tool(tool, DIALECT)
    if tool.kind == "custom":
        custom = {"name": tool.name, "description": tool.description, "format": nested_grammar(tool.grammar)}
        return {"type": "custom", "custom": present(custom)}
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
        "strict": tool.is_strict,
    }
    return {"type": "function", "function": present(function)}


def _add_sampling(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    sampling, own, reasons = request.sampling, is_own(request.model), is_reasoning(request.model)
    is_sampled = takes_sampling(request.model, effort_of(request.reasoning))
    values = {
        "temperature": left_out.unless(is_sampled, "temperature", sampling.temperature),
        "top_p": left_out.unless(is_sampled, "top_p", sampling.top_p),
        "presence_penalty": left_out.unless(is_sampled, "presence_penalty", sampling.presence_penalty),
        "frequency_penalty": left_out.unless(is_sampled, "frequency_penalty", sampling.frequency_penalty),
        "max_completion_tokens" if reasons else "max_tokens": sampling.output_tokens_max,
        "top_k": left_out.unless(not own, "top_k", sampling.top_k),
        "stop": left_out.unless(not refuses_stop(request.model), "stop", list(sampling.stop) or None),
        "seed": sampling.seed,
        "n": sampling.choice_count if sampling.choice_count > 1 else None,
    }
    body.update(present(values))


def _add_wishes(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    own = is_own(request.model)
    effort = effort_sent(request.model, request.reasoning, left_out)
    is_switched_off = effort == "none" and _SWITCHES_THINKING.match(request.model) is not None
    values = {
        "response_format": _format(request),
        "reasoning_effort": None if is_switched_off else effort,
        "thinking": {"type": "disabled"} if is_switched_off else None,
        "verbosity": left_out.unless(own, "verbosity", request.verbosity),
        "user": request.user,
        "prompt_cache_key": left_out.unless(own, "prompt_cache_key", request.cache_key),
    }
    body.update(present(values))


def _format(request: Request) -> dict[str, Any] | None:
    asked = request.output_format
    if asked is None:
        return None
    if asked.schema is None:
        return {"type": "json_object"}
    schema = {
        "name": asked.name or "answer",
        "description": asked.description,
        "schema": asked.schema,
        "strict": asked.is_strict,
    }
    return {"type": "json_schema", "json_schema": present(schema)}


def _messages(request: Request, left_out: LeftOut) -> Iterable[dict[str, Any]]:
    thinks_back = _WANTS_THINKING.match(request.model) is not None
    for message in _with_results_together(request.messages):
        match message.role:
            case "system" | "developer":
                yield _named(message, {"role": "system", "content": _joined(message.parts)})
            case "user":
                yield from _user_messages(message, left_out)
            case "assistant":
                written = _assistant_message(message, request.model)
                if thinks_back and "tool_calls" in written:
                    written.setdefault("reasoning_content", "")
                yield _named(message, written)


def _with_results_together(messages: Sequence[Message]) -> Iterable[Message]:
    """Yield *messages*, with adjacent tool results in one: what chat puts after results must come after all of them."""
    for are_results, group in groupby(messages, _are_results):
        turn = list(group)
        if are_results:
            yield Message(role="user", parts=tuple(part for message in turn for part in message.parts))
        else:
            yield from turn


def _are_results(message: Message) -> bool:
    return bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)


def _named(message: Message, written: dict[str, Any]) -> dict[str, Any]:
    return written if message.name is None else {**written, "name": message.name}


def _user_messages(message: Message, left_out: LeftOut) -> Iterable[dict[str, Any]]:
    """Yield the messages of a user's turn: first each tool result, as it answers the last message's calls.

    Chat accepts only text as a tool's result; its pictures follow as the user's.
    """
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            texts = [each for each in part.parts if isinstance(each, Text)]
            yield {"role": "tool", "tool_call_id": part.call_id, "content": _joined(texts)}
            parts += [each for each in part.parts if not isinstance(each, Text)]
        else:
            parts.append(part)
    if len(parts) == 1 and isinstance(parts[0], Text):
        yield _named(message, {"role": "user", "content": parts[0].text})
    elif parts:
        yield _named(message, {"role": "user", "content": [_part(part, left_out) for part in parts]})


def _assistant_message(message: Message, model: str) -> dict[str, Any]:
    own = is_own(model)
    for part in message.parts:
        if not isinstance(part, Text | ToolCall | Refusal | Thinking):
            raise not_carried(part, DIALECT)
    texts = [part for part in message.parts if isinstance(part, Text)]
    called = [part for part in message.parts if isinstance(part, ToolCall)]
    calls = [_call(part) if own else _signed(_call(call_as_function(part)), part.seal, model) for part in called]
    refusals = [part.text for part in message.parts if isinstance(part, Refusal)]
    thoughts = [part.text for part in message.parts if isinstance(part, Thinking) and not part.is_redacted]
    sealed = [part for part in message.parts if isinstance(part, Thinking) and _is_own(part.seal)]
    written: dict[str, Any] = {"role": "assistant", "content": _joined(texts) if texts else None}
    if thoughts and not own:
        # Some want it back, the others ignore it. Source: wire/DIALECTS.md 5.5, read 2026-11-24.
        written["reasoning_content"] = "\n\n".join(thoughts)
    if sealed and not own:
        written["reasoning_details"] = [write_detail(index, part) for index, part in enumerate(sealed)]
    if refusals:
        written["refusal"] = "".join(refusals)
    if calls:
        written["tool_calls"] = calls
    elif not texts and not refusals:
        written["content"] = ""
    return written


def _is_own(seal: Seal | None) -> bool:
    """Say whether an upstream of this dialect made *seal*, as OpenRouter does."""
    return seal is not None and seal.dialect == DIALECT


def _call(call: ToolCall) -> dict[str, Any]:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _signed(written: dict[str, Any], seal: Seal | None, model: str) -> dict[str, Any]:
    """Return a call with Gemini's signature, as Google's form of chat wants it back.

    A placeholder goes only to Gemini.
    """
    if seal is None or seal.dialect != "gemini_generate":
        return written
    if seal.value != SKIPPED_SIGNATURE or "gemini" in model.lower():
        written["extra_content"] = {"google": {"thought_signature": seal.value}}
    return written


def _part(part: Part, left_out: LeftOut) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(source=FileId()) | File(source=FileId(dialect="anthropic_messages" | "gemini_generate")):
            raise NotCarriedError(param="messages.content.file_id", dialect=DIALECT)
        case Image(source=Inline() | Link() as source, detail=detail):
            return {"type": "image_url", "image_url": present({"url": write_address(source), "detail": detail})}
        case File(source=Inline() | FileId() as source):
            if is_close_look(part.detail):
                left_out.note("messages.content.detail")
            return _file(source, part.name, left_out)
        case Audio(source=source) if (known := audio_format(source.media_type)) is not None:
            return {"type": "input_audio", "input_audio": {"data": source.data, "format": known}}
        case Native(dialect="openai_chat", document=document):
            return kept_object(document)
    raise not_carried(part, DIALECT)


def _file(source: Inline | FileId, name: str | None, left_out: LeftOut) -> dict[str, Any]:
    if isinstance(source, Inline) and not is_text(source):
        return {"type": "file", "file": {"filename": name or "document", "file_data": write_address(source)}}
    if name is not None:
        left_out.note("messages.content.filename")
    if isinstance(source, FileId):
        return {"type": "file", "file": {"file_id": source.id}}
    # Chat accepts only PDFs as files. Source: developers.openai.com guides/file-inputs, read 2026-11-30.
    return {"type": "text", "text": text_of(source)}


def _joined(parts: Iterable[Part]) -> str:
    """Return the text of *parts*, separated by blank lines."""
    texts: list[str] = []
    for part in parts:
        if not isinstance(part, Text):
            raise not_carried(part, DIALECT)
        texts.append(part.text)
    return "\n\n".join(texts)

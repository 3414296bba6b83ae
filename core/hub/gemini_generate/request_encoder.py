"""Encodes the hub's form of a request for a channel to Gemini."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from ...errors import NotCarriedError
from ..conversation import (
    Audio,
    Effort,
    File,
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
from ..custom_tools import as_function, call_as_function
from ..effort import budget_of, effort_of, effort_within
from ..places import answerable, names_used, split_opening
from ..raw import raw_arguments
from ..request_body import EncodedRequest, LeftOut, encode_members, kind_of, native_tool, present, system_texts
from ..seals import SKIPPED_SIGNATURE
from .addresses import media_type_of
from .wire import DIALECT, write_signature

_BY_LEVEL = re.compile(r"gemini-(?:[3-9]|\d\d)")
_BY_BUDGET = re.compile(r"gemini-2\.5")
_BUDGETS = (
    (re.compile(r"gemini-2\.5-.*pro"), 128, 32_768),
    (re.compile(r"gemini-2\.5-flash-lite"), 512, 24_576),
    (re.compile(r"gemini-2\.5"), 1, 24_576),
)
"""The smallest and largest thinking budget of a model; the first pattern that matches counts.

Source: ai.google.dev thinking, as quoted by snailyp/gemini-balance#160, read 2026-11-29.
"""
_LEVELS: Sequence[tuple[re.Pattern[str], Sequence[Effort]]] = (
    (re.compile(r"gemini-3-pro"), ("low", "high")),
    (re.compile(r"gemini-3(?:\.[0-6])?-flash"), ("minimal", "low", "medium", "high")),
    (re.compile(r""), ("low", "medium", "high")),
)
"""The levels that a model knows, the lowest first; the first pattern that matches counts.

Source: firebase.google.com thinking, as quoted by checkmarble/llmberjack#14; docs.cloud.google.com gemini-3-8-flash; of
Gemini 3 Pro hexdocs.pm gemini_ex ThinkingLevel; read 2026-11-30.
"""

_NEVER_CARRIED = (
    "user", "parallel_tool_calls", "verbosity", "prompt_cache_key", "cache_control", "messages.name",
    "messages.content.detail", "messages.content.filename", "tools.strict", "response_format.description",
)  # fmt: skip


def encode_request(request: Request) -> EncodedRequest:
    """Return *request* in this dialect; model and method are in the path.

    Raises:
        NotCarriedError: A part, a tool or a setting that Gemini can't express.
    """
    left_out = LeftOut(names_used(request, _NEVER_CARRIED))
    opening, rest = split_opening(answerable(request.messages))
    body: dict[str, Any] = {"contents": _contents(rest, request.model)}
    if system := [{"text": text.text} for text in system_texts(opening, DIALECT)]:
        body["systemInstruction"] = {"parts": system}
    _add_tools(body, request)
    if config := _config(request, left_out):
        body["generationConfig"] = config
    return EncodedRequest(encode_members(body), left_out.names)


def _contents(rest: Sequence[Message], model: str) -> list[dict[str, Any]]:
    """Return the turns, alternately the user's and the model's."""
    names: dict[str, str] = {}
    """The tool of each call so far, by the call's id; a later turn may use the same id again."""
    contents: list[dict[str, Any]] = []
    for message in _with_results_in_order(rest):
        names.update((part.id, part.name) for part in message.parts if isinstance(part, ToolCall))
        role = "model" if message.role == "assistant" else "user"
        parts = _sealed([each for part in message.parts for each in _parts(part, names, model)], model)
        if not parts:
            continue
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _with_results_in_order(messages: Sequence[Message]) -> Iterable[Message]:
    """Yield *messages*, with the results of each turn in the order of the last calls, by which older models match them."""
    places: dict[str, int] = {}
    for _, group in groupby(messages, lambda message: message.role == "assistant"):
        turn = list(group)
        called = [part.id for message in turn for part in message.parts if isinstance(part, ToolCall)]
        places = {call_id: place for place, call_id in enumerate(called)} or places
        results = [part for message in turn for part in message.parts if isinstance(part, ToolResult)]
        results.sort(key=lambda result: places.get(result.call_id, len(places)))
        ordered = iter(results)
        for message in turn:
            parts = (next(ordered) if isinstance(part, ToolResult) else part for part in message.parts)
            yield msgspec.structs.replace(message, parts=tuple(parts))


def _sealed(parts: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    """Return *parts* with the signature that Gemini 3 requires on the first call of a turn."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first and _BY_LEVEL.match(model):
        first["thoughtSignature"] = SKIPPED_SIGNATURE
    return parts


def _parts(part: Part, names: dict[str, str], model: str) -> Iterable[dict[str, Any]]:
    match part:
        case Text(text=text, seal=seal):
            sealed = _own(seal)
            if text or sealed:
                yield {"text": text, **sealed}
        case Refusal(text=text):
            yield {"text": text}
        case Thinking():
            return  # thoughts are not sent back; their signatures are on other parts
        case ToolCall():
            yield _call(call_as_function(part), model)
        case ToolResult():
            yield from _result(part, part.name or names.get(part.call_id, part.call_id), names, model)
        case Image(source=Inline() as source, seal=Seal() as seal):
            yield {"inlineData": {"mimeType": source.media_type, "data": source.data}, **_own(seal)}
        case Image(source=Inline() as source) | File(source=Inline() as source) | Audio(source=source):
            yield {"inlineData": {"mimeType": source.media_type, "data": source.data}}
        case Image(source=Link() as link) | File(source=Link() as link) if media_type := media_type_of(link, model):
            yield {"fileData": {"mimeType": media_type, "fileUri": link.url}}
        case Native(dialect="gemini_generate", document=document):
            yield msgspec.json.decode(document)
        case _:
            raise _not_carried(part)


def _not_carried(part: Part) -> NotCarriedError:
    suffix = "_url" if isinstance(part, Image | File) and isinstance(part.source, Link) else ""
    return NotCarriedError(param=f"messages.content.{kind_of(part)}{suffix}", dialect=DIALECT)


def _own(seal: Seal | None) -> dict[str, str]:
    """Return *seal* as a signature, if it is Gemini's own; no other is sent to it."""
    return {"thoughtSignature": seal.value} if seal is not None and seal.dialect == DIALECT else {}


def _identified(call_id: str, model: str) -> dict[str, str]:
    """Return the id by which Gemini 3 matches a call and its result; older models use name and order.

    Source: `FunctionResponse.id` of google-genai 3.4.0; that 3.5 requires it and 2.5 does not know it,
    ShinChven/remix-studio#35 and Darkatse/TauriTavern#84; read 2026-11-30.
    """
    return {"id": call_id} if _BY_LEVEL.match(model) else {}


def _call(call: ToolCall, model: str) -> dict[str, Any]:
    named = {**_identified(call.id, model), "name": call.name}
    written: dict[str, Any] = {"functionCall": {**named, "args": raw_arguments(call.arguments)}}
    if call.seal is not None and call.seal.dialect == DIALECT:
        written["thoughtSignature"] = write_signature(call.seal)
    return written


def _result(result: ToolResult, name: str, names: dict[str, str], model: str) -> Iterable[dict[str, Any]]:
    """Yield a result as an object, and its media after it."""
    text = "\n\n".join(part.text for part in result.parts if isinstance(part, Text))
    named = {**_identified(result.call_id, model), "name": name}
    yield {"functionResponse": {**named, "response": {"error" if result.is_error else "output": text}}}
    for part in result.parts:
        if not isinstance(part, Text):
            yield from _parts(part, names, model)


def _add_tools(body: dict[str, Any], request: Request) -> None:
    # A list of the functions that may be called is accepted only with mode ANY.
    # Source: ai.google.dev function-calling, read 2026-11-24.
    left = set(request.allowed_tools) if request.tool_choice == "auto" else set()
    usable = [tool for tool in request.tools if isinstance(tool, Tool) and (not left or tool.name in left)]
    declared = [_declaration(as_function(tool)) for tool in usable]
    tools: list[Any] = [{"functionDeclarations": declared}] if declared else []
    tools += [native_tool(tool, DIALECT) for tool in request.tools if isinstance(tool, Native)]
    if tools:
        body["tools"] = tools
    if declared and (calling := _calling(request)) is not None:
        body["toolConfig"] = {"functionCallingConfig": calling}


def _declaration(tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.schema is not None:
        written["parametersJsonSchema"] = tool.schema
    return written


def _calling(request: Request) -> dict[str, Any] | None:
    match request.tool_choice:
        case NamedTool(name=name):
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case "required":
            return {"mode": "ANY", **present({"allowedFunctionNames": list(request.allowed_tools) or None})}
        case "none":
            return {"mode": "NONE"}
        case "auto":
            return {"mode": "AUTO"}
    return None


def _config(request: Request, left_out: LeftOut) -> dict[str, Any]:
    sampling, asked = request.sampling, request.output_format
    values = {
        "maxOutputTokens": sampling.output_tokens_max,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "stopSequences": list(sampling.stop) or None,
        "seed": sampling.seed,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "candidateCount": sampling.choice_count if sampling.choice_count > 1 else None,
        "responseMimeType": "application/json" if asked is not None else None,
        "responseJsonSchema": asked.schema if asked is not None else None,
        "thinkingConfig": _thinking(request, left_out),
    }
    return present(values)


def _thinking(request: Request, left_out: LeftOut) -> dict[str, Any] | None:
    """Return how much to think, as a level or a budget, whichever the model uses; None if it has no setting for it."""
    reasoning, model = request.reasoning, request.model
    effort = effort_of(reasoning)
    if effort is None and not reasoning.is_adaptive and reasoning.is_shown is None:
        return None
    shown = reasoning.is_shown if reasoning.is_shown is not None else not reasoning.is_off
    thinking: dict[str, Any] = {"includeThoughts": True} if shown else {}
    if _BY_LEVEL.match(model):
        is_carried = effort != "none"  # it always thinks
        if effort is not None:
            taken = next(levels for pattern, levels in _LEVELS if pattern.match(model))
            thinking["thinkingLevel"] = effort_within(effort, taken)
    elif _BY_BUDGET.match(model):
        budget = -1 if reasoning.is_adaptive and effort is None else budget_of(reasoning)
        if budget is not None:
            thinking["thinkingBudget"] = _budget_taken(model, budget)
        is_carried = effort != "none" or thinking["thinkingBudget"] == 0
    else:
        is_carried = effort in (None, "none")  # it can't think
        thinking = {}
    if not is_carried:
        left_out.note("thinking")
    return thinking or None


def _budget_taken(model: str, budget: int) -> int:
    """Return the nearest budget that *model* accepts; -1 leaves it to the model, and Pro can't be told not to think."""
    least, most = next(((least, most) for pattern, least, most in _BUDGETS if pattern.match(model)), (0, 0))
    if budget < 0 or (budget == 0 and "pro" not in model):
        return budget
    return min(max(budget, least), most)

"""Encodes the hub's form of a request for a channel that speaks Messages."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ...errors import NotCarriedError
from ...exchange import Dialect
from ..claude_models import (
    OUTPUT_TOKENS_ACCEPTED,
    efforts,
    measures_by_effort,
    output_limit,
    switch_off,
    takes_demands,
    takes_sampling,
)
from ..conversation import (
    CacheMark,
    File,
    FileId,
    Image,
    Inline,
    Link,
    Message,
    NamedTool,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from ..custom_tools import as_function, call_as_function
from ..effort import BUDGETS, budget_of, effort_of, effort_within
from ..media import is_text, text_of
from ..places import answerable, names_used, split_opening
from ..raw import raw_arguments
from ..request_body import (
    EncodedRequest,
    LeftOut,
    allowed_among,
    encode_members,
    native_tool,
    not_carried,
    present,
    system_texts,
)
from ..seals import write_seal
from ..strict_schemas import as_object, claude_schema

DIALECT: Dialect = "anthropic_messages"
BUDGET_TOKENS_MIN = 1024
ANSWER_TOKENS = 4096
"""The least room for the answer after the thinking if the request names no limit."""
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")
_NEVER_CARRIED = (
    "seed", "presence_penalty", "frequency_penalty", "verbosity", "prompt_cache_key", "messages.name",
    "messages.content.detail", "response_format.description",
)  # fmt: skip


def encode_request(request: Request) -> EncodedRequest:
    """Return *request* in this dialect.

    Raises:
        BadRequestError: A text file is not text.
        NotCarriedError: A part, a tool or a setting that Messages can't express.
    """
    if request.sampling.choice_count > 1:
        raise NotCarriedError(param="n", dialect=DIALECT)
    left_out = LeftOut(names_used(request, _NEVER_CARRIED))
    opening, rest = split_opening(answerable(request.messages))
    body: dict[str, Any] = {"model": request.model}
    if system := [_text(part) for part in system_texts(opening, DIALECT)]:
        body["system"] = system[0]["text"] if len(system) == 1 and len(system[0]) == 2 else system
    body["messages"] = _turns(rest)
    if request.stream:
        body["stream"] = True
    _add_tools(body, request, left_out)
    _add_thinking(body, request, left_out)
    _add_sampling(body, request, left_out)
    return EncodedRequest(encode_members(body), left_out.names)


def _turns(rest: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the messages: user and assistant in turn, results of tools before the user's text."""
    turns: list[dict[str, Any]] = []
    for message in rest:
        role = "assistant" if message.role == "assistant" else "user"
        if role == "assistant" and (drawn := next((part for part in message.parts if isinstance(part, Image)), None)):
            # "'image' blocks are not permitted within assistant turns", as epam/ai-dial-adapter-bedrock#306 quotes
            # the API, read 2026-11-29. Left out, or as the user's, it would change the conversation.
            raise not_carried(drawn, DIALECT)
        blocks = [block for part in message.parts for block in _blocks(part)]
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    if turns and turns[-1]["role"] == "assistant" and (last := turns[-1]["content"][-1])["type"] == "text":
        # "final assistant content cannot end with trailing whitespace", as vercel/ai#2124 and langchain-ai/langchain#35071
        # quote the API, read 2026-11-30.
        last["text"] = last["text"].rstrip()
    return turns


def _blocks(part: Part) -> Iterable[dict[str, Any]]:
    match part:
        case Text(text=text) | Refusal(text=text):
            if text.strip():  # the API refuses blank blocks: LibreChat-AI/agents#124, read 2026-11-30
                yield _text(part) if isinstance(part, Text) else {"type": "text", "text": text}
        case Thinking():
            yield from _thinking(part)
        case ToolCall():
            yield _cached(
                {
                    "type": "tool_use",
                    "id": _id(part.id),
                    "name": part.name,
                    "input": raw_arguments(call_as_function(part).arguments),
                },
                part.cache,
            )
        case ToolResult():
            yield _result(part)
        case Image(source=source, cache=cache):
            yield _cached({"type": "image", "source": _source(source)}, cache)
        case File(source=source, name=name, cache=cache):
            titled = {"title": name} if name is not None else {}
            yield _cached({"type": "document", "source": _source(source), **titled}, cache)
        case Native(dialect="anthropic_messages", document=document):
            yield msgspec.json.decode(document)
        case _:
            raise not_carried(part, DIALECT)


def _text(part: Text) -> dict[str, Any]:
    return _cached({"type": "text", "text": part.text}, part.cache)


def _cached(block: dict[str, Any], cache: CacheMark | None) -> dict[str, Any]:
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral", **({"ttl": cache.ttl} if cache.ttl else {})}
    return block


def _thinking(part: Thinking) -> Iterable[dict[str, Any]]:
    """Yield thinking that Claude signed; it would refuse any other."""
    if part.seal is None or part.seal.dialect != "anthropic_messages":
        return
    if part.is_redacted:
        yield {"type": "redacted_thinking", "data": part.seal.value}
    else:
        yield {"type": "thinking", "thinking": part.text, "signature": write_seal(part.seal, "anthropic_messages")}


def _id(call_id: str) -> str:
    """Return *call_id* in a form that the API accepts; ids that differ only in what it refuses stay apart."""
    return _STRANGE.sub(lambda found: f"_{ord(found[0]):x}_", call_id) or "call"


def _result(result: ToolResult) -> dict[str, Any]:
    content = [block for part in result.parts for block in _blocks(part)]
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        block["content"] = content[0]["text"]
    elif content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return _cached(block, result.cache)


def _source(source: Inline | Link | FileId) -> dict[str, Any]:
    match source:
        case Inline() if is_text(source):  # the API takes PDFs in base64, and any text as plain text
            return {"type": "text", "media_type": "text/plain", "data": text_of(source)}
        case Inline(media_type=media_type, data=data):
            return {"type": "base64", "media_type": media_type, "data": data}
        case Link(url=url):
            return {"type": "url", "url": url}
        case FileId(dialect="anthropic_messages", id=file_id):
            return {"type": "file", "file_id": file_id}
    raise NotCarriedError(param="messages.content.file_id", dialect=DIALECT)


def _add_tools(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    tools = [_tool(tool) for tool in _callable(request)]
    if _demands(request) and not (tools and takes_demands(request.model)):
        left_out.note("tool_choice")
    if not tools:
        return
    body["tools"] = tools
    choice: dict[str, Any] | None = None
    match request.tool_choice:
        case NamedTool() | "required" if not takes_demands(request.model):
            choice = {"type": "auto"}
        case NamedTool(name=name):
            choice = {"type": "tool", "name": name}
        case "required":
            choice = {"type": "any"}
        case "auto" | "none" as word:
            choice = {"type": word}
    if request.is_parallel is not None and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": not request.is_parallel}
    if choice is not None:
        body["tool_choice"] = choice


def _callable(request: Request) -> Sequence[Tool | Native]:
    """Return the tools that may be called; only the demanded one if the model can't be told to call it."""
    choice, allowed = request.tool_choice, allowed_among(request.tools, request.allowed_tools)
    if isinstance(choice, NamedTool) and not takes_demands(request.model):
        return allowed_among(allowed, [choice.name]) or allowed
    return allowed


def _tool(tool: Tool | Native) -> Any:
    if isinstance(tool, Native):
        return native_tool(tool, DIALECT)
    tool = as_function(tool)
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    schema = as_object(tool.schema or msgspec.Raw(b"{}"))
    written["input_schema"] = claude_schema(schema) if tool.is_strict else schema
    if tool.is_strict:
        written["strict"] = True
    return _cached(written, tool.cache)


def _is_thinking_asked(request: Request) -> bool:
    reasoning = request.reasoning
    return reasoning.is_adaptive or bool(budget_of(reasoning))


def _thinks(request: Request) -> bool:
    """Say whether to ask for thinking: not if a tool call is forced, as Claude refuses both together.

    Source: docs extended-thinking, as quoted by run-llama/llama_index#19641, read 2026-11-29.
    """
    is_measured = measures_by_effort(request.model) or _budget(request) is not None
    return _is_thinking_asked(request) and is_measured and not (_demands(request) and takes_demands(request.model))


def _demands(request: Request) -> bool:
    """Say whether a tool call is forced."""
    return bool(request.tools) and request.tool_choice not in (None, "auto", "none")


def _budget(request: Request) -> int | None:
    """Return the thinking tokens to ask for; None if they don't fit into the customer's limit, which includes them."""
    asked, limit = budget_of(request.reasoning), request.sampling.output_tokens_max
    budget = max(BUDGETS["medium"] if asked is None else asked, BUDGET_TOKENS_MIN)
    if limit is None:
        return min(budget, OUTPUT_TOKENS_ACCEPTED - ANSWER_TOKENS)
    if budget < limit:
        return budget
    return max(limit // 2, BUDGET_TOKENS_MIN) if limit > BUDGET_TOKENS_MIN else None


def _add_thinking(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    """Ask for thinking: by an effort if the model accepts one, else by a budget below the limit."""
    reasoning, limit = request.reasoning, request.sampling.output_tokens_max
    effort = effort_of(reasoning)
    output: dict[str, Any] = {}
    if request.output_format is not None and request.output_format.schema is not None:
        output["format"] = {"type": "json_schema", "schema": claude_schema(request.output_format.schema)}
    elif request.output_format is not None:
        # JSON of any form: the prompt must ask for it anyway, and Anthropic's own OpenAI form ignores the field.
        left_out.note("response_format")
    if effort == "none":
        if (switch := switch_off(request.model)) is not None:
            body["thinking"] = {"type": switch}
        else:  # it always thinks
            left_out.note("thinking")
            output["effort"] = efforts(request.model)[0]
    elif _thinks(request):
        budget = _budget(request)
        if measures_by_effort(request.model) or budget is None:
            body["thinking"] = {"type": "adaptive", **_display(reasoning)}
            if effort is not None:
                output["effort"] = effort_within(effort, efforts(request.model))
        else:
            hidden = {"display": "omitted"} if reasoning.is_shown is False else {}
            body["thinking"] = {"type": "enabled", "budget_tokens": budget, **hidden}
            limit = limit or max(budget + ANSWER_TOKENS, output_limit(request.model))
    elif _is_thinking_asked(request):
        left_out.note("thinking")
    if output:
        body["output_config"] = output
    body["max_tokens"] = limit or output_limit(request.model)


def _display(reasoning: Reasoning) -> dict[str, str]:
    """Return how thinking is to be shown: the newest models show none unless asked, as other dialects do unasked.

    Source: zed-industries/zed#54217, read 2026-11-29.
    """
    if reasoning.is_shown is None and reasoning.is_adaptive:
        return {}
    return {"display": "omitted" if reasoning.is_shown is False else "summarized"}


def _add_sampling(body: dict[str, Any], request: Request, left_out: LeftOut) -> None:
    sampling = request.sampling
    # "`top_k` must be unset when thinking is enabled"; top_p too, or at least 0.95, depending on the model.
    # Source: quarkiverse/quarkus-langchain4j#1812, n8n-io/n8n#14288, SEMOSS/Semoss#1655, read 2026-11-30.
    is_sampled = takes_sampling(request.model) and not _thinks(request)
    temperature = left_out.unless(is_sampled, "temperature", sampling.temperature)
    if temperature is not None and temperature > 1:
        raise NotCarriedError(param="temperature", dialect=DIALECT)
    # The API refuses blank stop sequences. Source: BerriAI/litellm#3286, read 2026-11-30.
    stop = [sequence for sequence in sampling.stop if sequence.strip()]
    if len(stop) < len(sampling.stop):
        left_out.note("stop")
    values = {
        "temperature": temperature,
        "top_p": left_out.unless(is_sampled and temperature is None, "top_p", sampling.top_p),
        "top_k": left_out.unless(is_sampled, "top_k", sampling.top_k),
        "stop_sequences": stop or None,
        "metadata": {"user_id": request.user} if request.user is not None else None,
    }
    body.update(present(values))

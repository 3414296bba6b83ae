"""Conversations, answers and streams at random, and what two of them have in common whatever dialect they went through.

The *gist* of something is all that every dialect carries: texts, pictures, calls with their
arguments as values, results, in the order that `docs/dialects.md` tells (results before the turn's
text, pictures of results behind them; of tools those that may be called). Ids are numbered, as Gemini has none.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from relay.core.exchange import Dialect
from relay.core.hub.answer import (
    Answer,
    Begun,
    Choice,
    Cited,
    Delta,
    NativeDelta,
    PartBegun,
    PartEnded,
    Sealed,
    Stopped,
    StreamEvent,
)
from relay.core.hub.conversation import (
    Citation,
    Effort,
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
    Seal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from relay.core.hub.effort import budget_of
from relay.core.hub.strict_schemas import claude_schema

Gist = dict[str, Any]

MODELS: dict[Dialect, str] = {
    "openai_chat": "qwen3-max",
    "openai_responses": "gpt-oss-120b",
    "anthropic_messages": "claude-sonnet-4-5",
    "gemini_generate": "gemini-2.5-flash",
}
"""A model for each dialect that takes every wish below, in one measure or another."""
ORIGINS: list[Dialect] = ["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"]

texts = st.text(min_size=1, max_size=12).filter(str.strip)
"""Claude takes no blank ones."""
names = st.from_regex(r"[a-z_]{1,9}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
arguments = st.dictionaries(st.text(max_size=4), values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
seals = st.builds(
    Seal,
    dialect=st.sampled_from(ORIGINS),
    value=st.from_regex(r"[A-Za-z0-9+/]{4,12}={0,2}", fullmatch=True),
)
images = st.builds(
    Image, source=st.builds(Inline, media_type=st.just("image/png"), data=st.sampled_from(["aGk=", "aG8="]))
)
sources = st.lists(
    st.builds(Citation, url=st.sampled_from(["https://a.example", "https://b.example"]), title=texts),
    max_size=2,
    unique_by=lambda each: (each.url, each.title),
)
"""Each is told once: where the answer says it counts for two only in a dialect that can say where."""
schemas = st.sampled_from(
    [
        b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}',
        b'{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}},"additionalProperties":false}',
    ]
).map(msgspec.Raw)


@st.composite
def calls(draw: st.DrawFn, first: int) -> list[ToolCall]:
    """Draw the calls of one turn, numbered from *first*."""
    drawn = draw(st.lists(st.tuples(names, arguments), max_size=3))
    return [ToolCall(id=f"call_{first + index}", name=name, arguments=told) for index, (name, told) in enumerate(drawn)]


@st.composite
def talks(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw a talk: perhaps a system text, then turns; each call gets its result in the turn after it."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(role="system", parts=(Text(text=draw(texts)),)))
    asked = st.lists(texts.map(lambda text: Text(text=text)) | images, min_size=1, max_size=3)
    messages.append(Message(role="user", parts=tuple(draw(asked))))
    call_count = 0
    for _ in range(draw(st.integers(0, 3))):
        called = draw(calls(call_count))
        call_count += len(called)
        said = [Text(text=draw(texts))] if not called or draw(st.booleans()) else []
        messages.append(Message(role="assistant", parts=(*said, *called)))
        results = [_result(draw, call) for call in draw(st.permutations(called))]
        rest = draw(asked) if not results or draw(st.booleans()) else []
        messages.append(Message(role="user", parts=(*results, *rest)))
    return tuple(messages)


def _result(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    parts = draw(st.lists(images, max_size=1))
    return ToolResult(call_id=call.id, parts=(Text(text=draw(texts)), *parts), is_error=draw(st.booleans()))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request with all that there is to wish for."""
    tools = draw(
        st.lists(
            st.builds(Tool, name=names, description=st.none() | texts, schema=schemas),
            max_size=3,
            unique_by=lambda tool: tool.name,
        )
    )
    choices = st.sampled_from(["auto", "none", "required"]) | st.sampled_from([tool.name for tool in tools] or ["f"])
    choice = draw(st.none() | choices) if tools else None
    known: Any = choice if choice in (None, "auto", "none", "required") else NamedTool(choice)
    efforts: st.SearchStrategy[Effort] = st.sampled_from(["low", "medium", "high"])
    return Request(
        model="m",
        messages=draw(talks()),
        stream=draw(st.booleans()),
        tools=tuple(tools),
        tool_choice=known,
        is_parallel=draw(st.none() | st.booleans()) if tools and choice != "none" else None,
        output_format=draw(st.none() | schemas.map(lambda schema: OutputFormat(schema=schema, name="answer"))),
        reasoning=draw(st.builds(Reasoning, effort=st.none() | efforts)),
        sampling=Sampling(
            output_tokens_max=draw(st.integers(30_000, 60_000)),
            temperature=draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
            top_p=draw(st.sampled_from([None, 0.5])),
            stop=tuple(draw(st.lists(texts, max_size=2))),
            seed=draw(st.none() | st.integers(0, 9)),
        ),
        user=draw(st.none() | texts),
    )


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Draw an answer: a refusal, or thinking, text with its sources, pictures and calls, with or without seals."""
    if draw(st.integers(0, 5)) == 0:
        parts: list[Part] = [Refusal(text=draw(texts))]
        return Answer(model="m", choices=(Choice(parts=tuple(parts), stop="refusal"),))
    thoughts = draw(st.lists(st.builds(Thinking, text=texts, seal=st.none() | seals), max_size=1))
    said = draw(st.lists(st.builds(Text, text=texts, citations=sources.map(tuple)), max_size=1))
    shown = draw(st.lists(images, max_size=2))
    called = [
        msgspec.structs.replace(call, seal=Seal("gemini_generate", "AVSoXO4A") if draw(st.booleans()) else None)
        for call in draw(calls(0))
    ]
    stop = draw(st.sampled_from(["tool_use" if called else "end", "limit", "filtered"]))
    choice = Choice(parts=(*thoughts, *said, *shown, *called), stop=stop)  # type: ignore[arg-type]  # hypothesis knows no Literal
    return Answer(model="m", choices=(choice,))


@st.composite
def streams(draw: st.DrawFn) -> tuple[Answer, list[StreamEvent]]:
    """Draw an answer and the events of it, its calls open at the same time and their pieces in any order."""
    answer = draw(answers())
    [choice] = answer.choices
    events: list[StreamEvent] = [Begun(model=answer.model)]
    waiting: list[list[StreamEvent]] = []
    for index, part in enumerate(choice.parts):
        pieces = _pieces(index, part, draw(st.integers(1, 4)))
        if isinstance(part, ToolCall):
            waiting.append(pieces)
        else:
            events += pieces
    events += [pieces.pop(0) for pieces in waiting]
    ends = [pieces.pop() for pieces in waiting]
    while any(waiting):
        events.append(draw(st.sampled_from([pieces for pieces in waiting if pieces])).pop(0))
    return answer, [*events, *ends, Stopped(stop=choice.stop)]


def _pieces(index: int, part: Part, size: int) -> list[StreamEvent]:
    """Return the events of one part, its text *size* characters a piece."""
    match part:
        case ToolCall(arguments=text):
            begun: Part = msgspec.structs.replace(part, arguments="")
        case Text(text=text) | Thinking(text=text) | Refusal(text=text):
            begun = type(part)(text="")
        case Image():
            return [PartBegun(index=index, part=part), PartEnded(index=index)]
        case _:
            raise AssertionError(part)
    deltas = [Delta(index=index, text=text[at : at + size]) for at in range(0, len(text), size)]
    seal = part.seal if isinstance(part, Thinking) else None
    sealed = [Sealed(index=index, seal=seal)] if seal is not None else []
    cited = [Cited(index=index, citation=each) for each in part.citations] if isinstance(part, Text) else []
    return [PartBegun(index=index, part=begun), *deltas, *cited, *sealed, PartEnded(index=index)]


def collected(events: Iterable[StreamEvent]) -> Answer:
    """Return the answer that *events* add up to; each must stand where `StreamDecoder` says."""
    begun, *rest = events
    assert isinstance(begun, Begun)
    parts: list[Part] = []
    opened: set[int] = set()
    stop = None
    for event in rest:
        assert stop is None
        match event:
            case PartBegun(index=index, part=part):
                assert index == len(parts)
                parts.append(part)
                opened.add(index)
            case Delta(index=index, text=text):
                assert index in opened
                parts[index] = _longer(parts[index], text)
            case Sealed(index=index, seal=seal):
                assert index in opened
                parts[index] = msgspec.structs.replace(parts[index], seal=seal)
            case Cited(index=index, citation=citation):
                part = parts[index]
                assert isinstance(part, Text)
                parts[index] = msgspec.structs.replace(part, citations=(*part.citations, citation))
            case NativeDelta(index=index, document=document):
                parts[index] = _longer(parts[index], bytes(document).decode())
            case PartEnded(index=index):
                opened.remove(index)
            case Stopped():
                assert not opened
                stop = event
    assert stop is not None
    return Answer(model=begun.model, choices=(Choice(parts=tuple(parts), stop=stop.stop),))


def _longer(part: Part, text: str) -> Part:
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=part.arguments + text)
    if isinstance(part, Native):
        return msgspec.structs.replace(part, document=msgspec.Raw(bytes(part.document) + text.encode()))
    assert isinstance(part, Text | Thinking | Refusal)
    return msgspec.structs.replace(part, text=part.text + text)


def gist_of_request(request: Request, left_out: Iterable[str]) -> Gist:
    """Return the gist of *request*, without what is *left_out* by its name."""
    numbers = _numbers(request.messages)
    asked = request.tool_choice
    choice = "required" if isinstance(asked, NamedTool) else asked or "auto"
    allowed = (asked.name,) if isinstance(asked, NamedTool) else request.allowed_tools
    tools = [tool for tool in request.tools if isinstance(tool, Tool) and (not allowed or tool.name in allowed)]
    wishes = {
        "stream": request.stream,
        "tool_choice": choice,
        "parallel_tool_calls": request.is_parallel,
        "output_format": _closed_schema(request.output_format),
        "thinking": budget_of(request.reasoning),
        "output_tokens_max": request.sampling.output_tokens_max,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "stop": request.sampling.stop,
        "seed": request.sampling.seed,
        "user": request.user,
        "tools": [(tool.name, tool.description, _schema(tool.schema)) for tool in tools],
    }
    turns = [gist for message in request.messages for gist in [_turn(message, numbers)] if gist != ("system", [])]
    return {"turns": _joined(turns), **{name: value for name, value in wishes.items() if name not in set(left_out)}}


def _closed_schema(asked: OutputFormat | None) -> Any:
    """Return the schema of an answer, closed: Claude takes no open one."""
    return _schema(claude_schema(asked.schema)) if asked is not None and asked.schema is not None else None


def _schema(schema: msgspec.Raw | None) -> Any:
    return json.loads(bytes(schema)) if schema is not None else None


def _numbers(messages: Iterable[Message]) -> dict[str, int]:
    ids = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    return {call_id: number for number, call_id in enumerate(ids)}


def _turn(message: Message, numbers: dict[str, int]) -> tuple[str, list[Any]]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    rest: list[Part] = [each for result in results for each in result.parts if not isinstance(each, Text)]
    rest += [part for part in message.parts if not isinstance(part, ToolResult)]
    answered = sorted((numbers[result.call_id], gist_of_parts(result.parts, {})[0]) for result in results)
    return message.role, [*(("result", *each) for each in answered), *gist_of_parts(rest, numbers)]


def _joined(turns: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    """Join neighbours of one role; results before all else."""
    joined: list[tuple[str, list[Any]]] = []
    for role, parts in turns:
        if joined and joined[-1][0] == role:
            joined[-1] = (role, [*joined[-1][1], *parts])
        else:
            joined.append((role, parts))
    return [(role, sorted(parts, key=_place) if _has_results(parts) else parts) for role, parts in joined]


def _has_results(parts: list[Any]) -> bool:
    return any(part[0] == "result" for part in parts)


def _place(part: tuple[Any, ...]) -> tuple[int, Any]:
    """Return where *part* stands in a turn with results: they, as they were called for; pictures, by what they show."""
    match part:
        case ("result", number, _):
            return (0, number)
        case ("image", _, data):
            return (1, data)
    return (2, 0)


def gist_of_parts(parts: Sequence[Part], numbers: dict[str, int]) -> list[Any]:
    """Return the gist of *parts*: words in which a model declined are text to those who know no other."""
    gist: list[Any] = []
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                if text:  # one without only names sources
                    gist.append(("text", text))
            case Thinking(text=text) if text:  # one without only carries a seal
                gist.append(("thinking", text))
            case Image(source=Inline() as source):
                gist.append(("image", source.media_type, source.data))
            case ToolCall():
                number = numbers.get(part.id, len([each for each in gist if each[0] == "call"]))
                gist.append(("call", number, part.name, json.loads(part.arguments)))
    return gist


def gist_of_answer(answer: Answer) -> Gist:
    """Return the gist of *answer*: to some a refusal is a filter's word, to others a part."""
    [choice] = answer.choices
    has_refused = any(isinstance(part, Refusal) for part in choice.parts)
    stop = "refusal" if has_refused or choice.stop == "filtered" else choice.stop
    cited = [(each.url, each.title) for part in choice.parts if isinstance(part, Text) for each in part.citations]
    return {"parts": gist_of_parts(choice.parts, {}), "sources": cited, "stop": stop}

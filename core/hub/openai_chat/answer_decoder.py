"""A whole completion, read into the hub's form."""

from collections.abc import Iterable

import msgspec

from ..answer import Answer, Choice
from ..conversation import Citation, Part, Refusal, Text, Thinking, ToolCall
from ..names import new_call_id
from .stops import STOPS
from .wire import Call, Function, read_call


class _Url(msgspec.Struct):
    url: str = ""
    title: str = ""
    start_index: int | None = None
    end_index: int | None = None


class _Annotation(msgspec.Struct):
    url_citation: _Url | None = None


class _Piece(msgspec.Struct):
    """A part of Mistral's content, where it is a list; other kinds carry no text of the answer."""

    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    content: str | list[_Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    annotations: list[_Annotation] | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[_Choice] = []


_read = msgspec.json.Decoder(_Completion).decode


def decode_answer(body: bytes) -> Answer:
    """Return what a completion says; of a content filter's, without a message, the reason alone."""
    completion = _read(body)
    return Answer(
        id=completion.id or "",
        model=completion.model,
        choices=tuple(_choice(choice) for choice in completion.choices),
        created_at_s=int(completion.created) if completion.created is not None else None,
    )


def _choice(choice: _Choice) -> Choice:
    parts = tuple(_parts(choice.message)) if choice.message is not None else ()
    stop = STOPS.get(choice.finish_reason, "end") if choice.finish_reason is not None else None
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        stop = "tool_use"  # some hosts say "stop" beside calls
    return Choice(parts=parts, stop=stop)


def _parts(message: _Message) -> Iterable[Part]:
    thinking = message.reasoning_content or message.reasoning
    if thinking:
        yield Thinking(text=thinking)
    content = message.content
    text = content if isinstance(content, str) else "".join(piece.text for piece in content or ())
    if text:
        yield Text(text=text, citations=tuple(_citations(message)))
    if message.refusal:  # some hosts always send one, mostly empty
        yield Refusal(text=message.refusal)
    for call in message.tool_calls or ():
        yield with_id(read_call(call))
    if message.function_call is not None:
        called = message.function_call
        yield ToolCall(id=called.name, name=called.name, arguments=called.arguments or "")


def _citations(message: _Message) -> Iterable[Citation]:
    for annotation in message.annotations or ():
        if (source := annotation.url_citation) is not None:
            yield Citation(url=source.url, title=source.title, start=source.start_index, end=source.end_index)


def with_id(call: ToolCall) -> ToolCall:
    """Return *call* with an id of ours where the upstream gave none (Gemini's OpenAI form)."""
    return call if call.id else msgspec.structs.replace(call, id=new_call_id())

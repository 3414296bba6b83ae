"""Decodes a whole completion into the hub's form."""

from collections.abc import Iterable

import msgspec

from ..answer import Answer, Choice, new_call_id, stop_beside_calls
from ..conversation import Citation, Part, Refusal, Text, Thinking, ToolCall
from .stops import STOPS
from .thoughts import read_details
from .wire import Call, Function, Said, Searched, read_annotation, read_call, read_found, read_pictures, texts_of


class _Message(Said):
    tool_calls: list[Call] | None = None
    function_call: Function | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None


class _Completion(Searched):
    model: str | None = None
    created: float | str | None = None
    choices: list[_Choice] | None = None


_read = msgspec.json.Decoder(_Completion).decode


def decode_answer(body: bytes) -> Answer:
    """Return a completion in the hub's form; a content filter's has no message, only the finish reason."""
    completion = _read(body)
    found = tuple(read_found(completion)) if completion.has_found else ()
    return Answer(
        model=completion.model,
        choices=tuple(_choice(choice, found) for choice in completion.choices or ()),
        created_at_s=int(completion.created) if isinstance(completion.created, float) else None,
    )


def _choice(choice: _Choice, found: tuple[Citation, ...]) -> Choice:
    parts = tuple(_parts(choice.message, found)) if choice.message is not None else ()
    stop = STOPS.get(choice.finish_reason, "end") if choice.finish_reason else None
    if any(isinstance(part, ToolCall) for part in parts):
        stop = stop_beside_calls(stop)
    return Choice(parts=parts, stop=stop)


def _parts(message: _Message, found: tuple[Citation, ...]) -> Iterable[Part]:
    yield from _thoughts(message)
    text = texts_of(message.content)
    named = tuple(each for annotation in message.annotations or () for each in read_annotation(annotation))
    if text or named or found:
        yield Text(text=text, citations=named or found)
    if message.refusal:  # some hosts always send one, mostly empty
        yield Refusal(text=message.refusal)
    yield from read_pictures(message.images)
    for call in message.tool_calls or ():
        yield with_id(read_call(call))
    if message.function_call is not None:
        called = message.function_call
        yield ToolCall(id=called.name or "", name=called.name or "", arguments=called.arguments or "")


def _thoughts(message: _Message) -> Iterable[Thinking]:
    """Yield the thinking; if ``reasoning_details`` have seals, they are used, as they repeat it (OpenRouter)."""
    details = list(read_details(message.reasoning_details or ()))
    if not any(thought.seal is not None for thought in details):
        details = []
    if (thinking := message.read_thinking()) and not any(thought.text for thought in details):
        yield Thinking(text=thinking)
    yield from details


def with_id(call: ToolCall) -> ToolCall:
    """Return *call*, with an id of ours if the upstream gave none (Gemini's OpenAI form)."""
    return call if call.id else msgspec.structs.replace(call, id=new_call_id())

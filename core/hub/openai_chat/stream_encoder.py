"""Encodes the hub's events as a stream of chunks."""

from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..codec import Opening
from ..conversation import Image, Inline, Link, Part, Refusal, Seal, Text, Thinking, ToolCall
from ..custom_tools import custom_names, input_of
from .answer_encoder import finish_reason, write_citation, write_picture, write_signature, write_usage
from .thoughts import write_detail

_encode = msgspec.json.encode


class ChatStreamEncoder:
    """See `StreamEncoder`. Begins with a role, ends with the finish reason, the usage if asked for, and ``[DONE]``.

    Clients add up the chunks, and use the index to tell apart the entries of a list in a delta.
    """

    __slots__ = ("_counts", "_customs", "_has_refused", "_head", "_opening", "_parts", "_stops")

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._customs = custom_names(opening.request)
        self._head = b""
        self._parts: dict[int, _OpenPart] = {}
        self._counts: dict[tuple[int, str], int] = {}
        """The number of entries in each list of each choice."""
        self._has_refused: set[int] = set()
        """Choices in which the model declined in words."""
        self._stops: list[Stopped] = []

    def feed(self, event: StreamEvent) -> bytes:
        match event:
            case Delta(index=index, text=text):
                part = self._parts.get(index)
                return part.add(text) if part is not None else b""
            case PartBegun():
                return self._begin_part(event)
            case PartEnded(index=index):
                ended = self._parts.pop(index, None)
                return ended.end() if ended is not None else b""
            case Begun(model=model):
                return self._begin(model)
            case Stopped():
                self._stops.append(event)
            case Cited(index=index, citation=citation) if index in self._parts:
                return self._entry(self._parts[index].choice_index, "annotations", write_citation(citation))
            case Sealed(index=index, seal=seal) if index in self._parts:
                return self._seal(self._parts[index], seal)
        return b""

    def finish(self, usage: Usage) -> bytes:
        """Return the finish reasons, the usage if it was asked for, and the end mark."""
        ends = [self._stop(stop) for stop in self._stops or [Stopped(stop=None)]]
        if self._opening.request.is_usage_asked:
            ends.append(self._head + b'"choices":[],"usage":' + _encode(write_usage(usage)) + b"}\n\n")
        return b"".join([*ends, b"data: [DONE]\n\n"])

    def _stop(self, stop: Stopped) -> bytes:
        reason = finish_reason(stop.stop, has_refused=stop.choice_index in self._has_refused)
        return self._chunk(stop.choice_index, {}, reason)

    def _begin(self, model: str | None) -> bytes:
        opening = self._opening
        known = {
            "id": f"chatcmpl-{opening.id}",
            "object": "chat.completion.chunk",
            "created": opening.created_at_s,
            "model": model or opening.model,
        }
        self._head = b"data: " + _encode(known)[:-1] + b","
        return self._chunk(0, {"role": "assistant", "content": ""})

    def _chunk(self, choice_index: int, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": choice_index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._head + b'"choices":[' + _encode(choice) + b"]}\n\n"

    def _entry(self, choice_index: int, name: str, entry: dict[str, Any]) -> bytes:
        """Return the next entry of the list *name* in a choice's message."""
        return self._chunk(choice_index, {name: [{"index": self._place(choice_index, name), **entry}]})

    def _place(self, choice_index: int, name: str) -> int:
        place = self._counts.get((choice_index, name), 0)
        self._counts[choice_index, name] = place + 1
        return place

    def _begin_part(self, begun: PartBegun) -> bytes:
        part, choice_index = begun.part, begun.choice_index
        match part:
            case ToolCall():
                return self._begin_call(begun.index, choice_index, part)
            case Thinking():
                opened = self._parts[begun.index] = self._open(choice_index, part)
                return self._begin_thought(opened, part)
            case Text(text=text) | Refusal(text=text):
                if isinstance(part, Refusal):
                    self._has_refused.add(choice_index)
                opened = self._parts[begun.index] = self._open(choice_index, part)
                return opened.add(text) if text else b""
            case Image(source=Inline() | Link() as source):
                return self._entry(choice_index, "images", write_picture(source))
        return b""  # a part that chat can't express

    def _begin_thought(self, opened: "_OpenPart", part: Thinking) -> bytes:
        if part.is_redacted:
            return self._chunk(opened.choice_index, {"reasoning_details": [write_detail(opened.place, part)]})
        begun = opened.add(part.text) if part.text else b""
        return begun + self._seal(opened, part.seal) if part.seal is not None else begun

    def _begin_call(self, index: int, choice_index: int, call: ToolCall) -> bytes:
        is_custom = call.kind == "custom" or call.name in self._customs
        opened = self._open(choice_index, call, is_custom=is_custom)
        self._parts[index] = opened
        text = {"name": call.name, "input" if is_custom else "arguments": ""}
        kind = "custom" if is_custom else "function"
        piece: dict[str, Any] = {"index": opened.place, "id": call.id, "type": kind, kind: text}
        begun = self._chunk(choice_index, {"tool_calls": [{**piece, **write_signature(call.seal)}]})
        return begun + opened.add(call.arguments) if call.arguments else begun

    def _open(self, choice_index: int, part: Part, *, is_custom: bool = False) -> "_OpenPart":
        """Return an open part, with the bytes that surround each piece of its text."""
        before = self._head + b'"choices":[{"index":%d,"delta":' % choice_index
        behind = b'},"logprobs":null,"finish_reason":null}]}\n\n'
        match part:
            case ToolCall():
                place = self._place(choice_index, "tool_calls")
                field = b'"custom":{"input":' if is_custom else b'"function":{"arguments":'
                before += b'{"tool_calls":[{"index":%d,' % place + field
                # To the upstream, the custom tool was a function: its free text is inside JSON that is not whole yet.
                kind = _OpenInput if is_custom and part.kind == "function" else _OpenPart
                return kind(part, choice_index, place, before, b"}}]" + behind, is_bare=not is_custom)
            case Thinking():
                place = self._place(choice_index, "reasoning_details")
                between = b',"reasoning_details":[{"index":%d,"type":"reasoning.text","text":' % place
                before += b'{"reasoning_content":'
                return _OpenPart(part, choice_index, place, before, b"}]" + behind, between=between)
            case Refusal():
                return _OpenPart(part, choice_index, 0, before + b'{"refusal":', behind)
        return _OpenPart(part, choice_index, 0, before + b'{"content":', behind)

    def _seal(self, opened: "_OpenPart", seal: Seal) -> bytes:
        """Return the chunk with the seal of a thought or a call; no other part has a place for one."""
        if isinstance(opened.part, Thinking):
            sealed = write_detail(opened.place, Thinking(text="", seal=seal, is_redacted=opened.part.is_redacted))
            return self._chunk(opened.choice_index, {"reasoning_details": [sealed]})
        if isinstance(opened.part, ToolCall) and (extra := write_signature(seal)):
            return self._chunk(opened.choice_index, {"tool_calls": [{"index": opened.place, **extra}]})
        return b""


class _OpenPart(msgspec.Struct, eq=False):
    """An open part, and what surrounds each piece of it in a chunk."""

    part: Part
    choice_index: int
    place: int
    before: bytes
    behind: bytes
    between: bytes = b""
    """Only for a thought: what comes between a piece and its repetition."""
    is_bare: bool = False
    """Whether this is a call of a function for which no arguments have come yet."""

    def add(self, text: str) -> bytes:
        """Return the chunk with *text*."""
        if self.is_bare:
            self.is_bare = False
        piece = _encode(text)
        if self.between:
            return self.before + piece + self.between + piece + self.behind
        return self.before + piece + self.behind

    def end(self) -> bytes:
        """Return what must be added at the end: clients parse the arguments, and an empty text is no JSON."""
        return self.before + b'"{}"' + self.behind if self.is_bare else b""


class _OpenInput(_OpenPart, eq=False):
    """The call of a customer's custom tool, which the upstream knew as a function: it is sent once it is whole."""

    pieces: list[str] = []

    def add(self, text: str) -> bytes:
        """Keep *text*."""
        self.pieces.append(text)
        return b""

    def end(self) -> bytes:
        """Return the chunk with the free text."""
        return super().add(input_of("".join(self.pieces)))

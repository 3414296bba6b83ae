"""Encodes the hub's events as a stream of response events.

Responses repeats everything: after the deltas comes the whole item, and at the end the whole
response. So the items are kept until the end: nothing else here grows with the answer.
"""

from io import StringIO
from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..codec import Opening
from ..conversation import Citation, Part, Refusal, Text, Thinking, ToolCall
from ..custom_tools import custom_names, input_of
from ..seals import seal_beside
from .answer_encoder import (
    DIALECT,
    call_item,
    message_item,
    reasoning_item,
    write_citation,
    write_item,
    write_response,
)

_encode = msgspec.json.encode
_Delta = tuple[bytes, bytes, bytes]
"""A delta event: the bytes before its sequence number, between that and the text, and after the text."""


class ResponsesStreamEncoder:
    """See `StreamEncoder`. Several items may be open at the same time, each with its own index."""

    __slots__ = ("_customs", "_model", "_open", "_opening", "_output", "_sequence", "_stop")

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._customs = custom_names(opening.request)
        self._sequence = 0
        self._model: str | None = None
        self._output: list[dict[str, Any] | None] = []
        self._open: dict[int, _OpenItem] = {}
        self._stop = Stopped(stop=None)

    def feed(self, event: StreamEvent) -> bytes:
        match event:
            case Delta(index=index, text=text):
                opened = self._open.get(index)
                return self._add(opened, text) if opened is not None else b""
            case PartBegun(index=index, part=part):
                return self._begin(index, part)
            case PartEnded(index=index):
                opened = self._open.pop(index, None)
                return self._end(opened) if opened is not None else b""
            case Begun(model=model):
                self._model = model
                response = write_response(self._opening, model, None, [], None)
                return self._event("response.created", response=response) + self._event(
                    "response.in_progress", response=response
                )
            case Sealed(index=index, seal=seal):
                if (opened := self._open.get(index)) is not None:
                    opened.part = msgspec.structs.replace(opened.part, seal=seal)
            case Cited(index=index, citation=citation):
                opened = self._open.get(index)
                return self._cite(opened, citation) if opened is not None else b""
            case Stopped():
                self._stop = event
        return b""

    def finish(self, usage: Usage) -> bytes:
        """Return the last event, which has the whole response."""
        output = [item for item in self._output if item is not None]
        response = write_response(self._opening, self._model, self._stop.stop, output, usage)
        return self._event(f"response.{response['status']}", response=response)

    def _event(self, kind: str, **members: Any) -> bytes:
        document = {"type": kind, "sequence_number": self._sequence, **members}
        self._sequence += 1
        return b"event: " + kind.encode() + b"\ndata: " + _encode(document) + b"\n\n"

    def _begin(self, index: int, part: Part) -> bytes:
        """Begin an item; one that is already whole is also ended, and one that Responses can't express is left out."""
        output_index = len(self._output)
        name = f"{self._opening.id}_{output_index}"
        is_custom = isinstance(part, ToolCall) and (part.kind == "custom" or part.name in self._customs)
        opened = _OpenItem(part, name, output_index, is_custom)
        match part:
            case Text() | Refusal():
                item = message_item(name, status="in_progress")
            case Thinking():
                item = reasoning_item(name, Thinking(text=""))
            case ToolCall():
                item = call_item(name, part, self._customs, status="in_progress")
                item["input" if is_custom else "arguments"] = ""  # clients add the deltas to it
            case _:
                return self._whole(part)
        self._output.append(None)
        self._open[index] = opened
        opened.id = item["id"]
        opened.delta = _delta(opened)
        begun = self._event("response.output_item.added", output_index=output_index, item=item)
        begun += self._begin_inside(opened)
        text = part.arguments if isinstance(part, ToolCall) else part.text
        return begun + self._add(opened, text) if text else begun

    def _whole(self, part: Part) -> bytes:
        output_index = len(self._output)
        item = write_item(part, f"{self._opening.id}_{output_index}", self._customs)
        if item is None:
            return b""
        self._output.append(item)
        added = self._event("response.output_item.added", output_index=output_index, item=item)
        return added + self._event("response.output_item.done", output_index=output_index, item=item)

    def _begin_inside(self, opened: "_OpenItem") -> bytes:
        """Begin the content part or summary part inside an item; a call has none."""
        match opened.part:
            case Text() | Refusal():
                piece = _piece(opened.part, "", [])
                return self._event("response.content_part.added", **opened.place, content_index=0, part=piece)
            case Thinking(is_redacted=False):
                piece = {"type": "summary_text", "text": ""}
                return self._event("response.reasoning_summary_part.added", **opened.place, summary_index=0, part=piece)
        return b""

    def _add(self, opened: "_OpenItem", text: str) -> bytes:
        opened.written.write(text)
        if opened.delta is None:
            return b""
        before, after, end = opened.delta
        sequence, self._sequence = self._sequence, self._sequence + 1
        return b"%b%d%b%b%b" % (before, sequence, after, _encode(text), end)

    def _cite(self, opened: "_OpenItem", citation: Citation) -> bytes:
        index = len(opened.citations)
        opened.citations.append(citation)
        return self._event(
            "response.output_text.annotation.added",
            **opened.place,
            content_index=0,
            annotation_index=index,
            annotation=write_citation(citation),
        )

    def _end(self, opened: "_OpenItem") -> bytes:
        text = opened.written.getvalue()
        match opened.part:
            case Text():
                done = self._event(
                    "response.output_text.done", **opened.place, content_index=0, text=text, logprobs=[]
                ) + self._end_content(opened, text)
            case Refusal():
                done = self._event(
                    "response.refusal.done", **opened.place, content_index=0, refusal=text
                ) + self._end_content(opened, text)
            case Thinking(is_redacted=False):
                part = {"type": "summary_text", "text": text}
                done = self._event(
                    "response.reasoning_summary_text.done", **opened.place, summary_index=0, text=text
                ) + self._event("response.reasoning_summary_part.done", **opened.place, summary_index=0, part=part)
            case ToolCall(kind=kind):
                done = self._end_call(opened, text, kind)
            case _:
                done = b""
        item = self._item(opened, text)
        self._output[opened.output_index] = item
        done += self._event("response.output_item.done", output_index=opened.output_index, item=item)
        thought = seal_beside(opened.part, DIALECT) if isinstance(opened.part, ToolCall) else None
        return done + self._whole(thought) if thought is not None else done

    def _end_content(self, opened: "_OpenItem", text: str) -> bytes:
        piece = _piece(opened.part, text, opened.citations)
        return self._event("response.content_part.done", **opened.place, content_index=0, part=piece)

    def _end_call(self, opened: "_OpenItem", text: str, kind: str) -> bytes:
        if not opened.is_custom:
            return self._event("response.function_call_arguments.done", **opened.place, arguments=text or "{}")
        free_text = text if kind == "custom" else input_of(text)
        delta = b""
        if kind == "function":
            delta = self._event("response.custom_tool_call_input.delta", **opened.place, delta=free_text)
        return delta + self._event("response.custom_tool_call_input.done", **opened.place, input=free_text)

    def _item(self, opened: "_OpenItem", text: str) -> dict[str, Any]:
        match opened.part:
            case ToolCall() as call:
                return call_item(opened.name, msgspec.structs.replace(call, arguments=text), self._customs)
            case Thinking() as thinking:
                return {**reasoning_item(opened.name, msgspec.structs.replace(thinking, text=text)), "id": opened.id}
        return message_item(opened.name, _piece(opened.part, text, opened.citations))


class _OpenItem(msgspec.Struct, eq=False):
    """An open item: its part, what has come of it so far, and its place in the output."""

    part: Part
    name: str
    output_index: int
    is_custom: bool
    id: str = ""
    delta: _Delta | None = None
    written: StringIO = msgspec.field(default_factory=StringIO)
    citations: list[Citation] = []

    @property
    def place(self) -> dict[str, Any]:
        """The members by which each event of an item says where it belongs."""
        return {"item_id": self.id, "output_index": self.output_index}


def _delta(opened: _OpenItem) -> _Delta | None:
    """Return the delta event of an item; None if no delta can be written before the item is whole."""
    inside, end = b"", b"}\n\n"
    match opened.part:
        case Text():
            kind, inside, end = b"output_text", b',"content_index":0', b',"logprobs":[]}\n\n'
        case Refusal():
            kind, inside = b"refusal", b',"content_index":0'
        case Thinking():
            kind, inside = b"reasoning_summary_text", b',"summary_index":0'
        case ToolCall(kind="function") if opened.is_custom:
            return None  # the free text is inside JSON that is not whole yet
        case _:
            kind = b"custom_tool_call_input" if opened.is_custom else b"function_call_arguments"
    before = b'event: response.%b.delta\ndata: {"type":"response.%b.delta","sequence_number":' % (kind, kind)
    place = b',"item_id":%b,"output_index":%d' % (_encode(opened.id), opened.output_index)
    return before, place + inside + b',"delta":', end


def _piece(part: Part, text: str, citations: list[Citation]) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": list(map(write_citation, citations)), "logprobs": []}

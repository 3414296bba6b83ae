"""Decodes a stream of message events into the hub's events."""

from collections.abc import Sequence

import msgspec

from ...sse import event_name_and_data
from ..answer import (
    Begun,
    Cited,
    Delta,
    NativeDelta,
    PartBegun,
    PartEnded,
    Sealed,
    Stopped,
    StreamEvent,
    stop_beside_calls,
)
from ..conversation import Thinking, ToolCall
from ..raw import refuse_unread
from ..seals import read_seal
from .stops import STOPS
from .wire import read_citation, read_part


class _Message(msgspec.Struct):
    model: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: msgspec.Raw = msgspec.Raw()
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: msgspec.Raw = msgspec.Raw()
    delta: _Delta | None = None


class _Piece(msgspec.Struct):
    """A delta of an unknown type."""

    delta: msgspec.Raw


_read_piece = msgspec.json.Decoder(_Piece).decode
_read = msgspec.json.Decoder(_Event).decode


class MessagesStreamDecoder:
    """See `StreamDecoder`. Blocks come one after another, each with its index."""

    __slots__ = ("_has_called", "_is_stopped", "_open", "_part_count")

    def __init__(self) -> None:
        self._has_called = False
        self._is_stopped = False
        self._part_count = 0
        self._open: dict[int, int] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        _, data = event_name_and_data(event)
        try:
            read = _read(data)
        except (ValueError, RecursionError):
            refuse_unread(data, "index", ("content_block_start", "content_block_delta"))
            return ()
        match read.type:
            case "content_block_delta" if read.delta is not None and read.index in self._open:
                return self._take_delta(self._open[read.index], read.delta, data)
            case "content_block_start" if bytes(read.content_block):
                return (self._begin(read.index, read.content_block),)
            case "content_block_stop" if read.index in self._open:
                return (PartEnded(index=self._open.pop(read.index)),)
            case "message_start":
                message = read.message or _Message()
                return (Begun(model=message.model),)
            case "message_delta" if read.delta is not None and read.delta.stop_reason is not None:
                self._is_stopped = True
                named = STOPS.get(read.delta.stop_reason, "end")
                stop = stop_beside_calls(named) if self._has_called else named
                return (Stopped(stop=stop, stop_sequence=read.delta.stop_sequence),)
        return ()

    def finish(self) -> Sequence[StreamEvent]:
        """Return why the stream ended if no event said it although tools were called."""
        return (Stopped(stop="tool_use"),) if self._has_called and not self._is_stopped else ()

    def _begin(self, block_index: int, block: msgspec.Raw) -> StreamEvent:
        part = read_part(block)
        if isinstance(part, ToolCall):
            self._has_called = True
            part = msgspec.structs.replace(part, arguments="" if part.arguments == "{}" else part.arguments)
        elif isinstance(part, Thinking) and not part.is_redacted:
            part = msgspec.structs.replace(part, seal=None)
        index = self._open[block_index] = self._part_count
        self._part_count += 1
        return PartBegun(index=index, part=part)

    def _take_delta(self, index: int, delta: _Delta, data: bytes) -> Sequence[StreamEvent]:
        match delta.type:
            case "text_delta":
                return _more(index, delta.text)
            case "thinking_delta":
                return _more(index, delta.thinking)
            case "input_json_delta":
                return _more(index, delta.partial_json)
            case "signature_delta":
                seal = read_seal(delta.signature, "anthropic_messages") if delta.signature else None
                return (Sealed(index=index, seal=seal),) if seal is not None else ()
            case "citations_delta" if bytes(delta.citation):
                return (Cited(index=index, citation=read_citation(delta.citation)),)
        # A type that no other dialect knows, such as the summary of a compaction.
        document = msgspec.Raw(bytes(_read_piece(data).delta))
        return (NativeDelta(index=index, dialect="anthropic_messages", document=document),)


def _more(index: int, text: str | None) -> Sequence[StreamEvent]:
    return (Delta(index=index, text=text),) if text else ()

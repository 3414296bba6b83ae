"""A stream of message events, read into the hub's events."""

from collections.abc import Sequence

import msgspec

from ...sse import event_name_and_data
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..conversation import Text, Thinking, ToolCall
from ..seals import read_seal
from .stops import STOPS
from .wire import Cited as CitedBlock
from .wire import read_citation, read_part


class _Message(msgspec.Struct):
    id: str = ""
    model: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: CitedBlock | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: msgspec.Raw = msgspec.Raw()
    delta: _Delta | None = None


_read = msgspec.json.Decoder(_Event).decode


class MessagesStreamDecoder:
    """See `StreamDecoder`. Blocks come one after the other, each with its index."""

    __slots__ = ("_open", "_part_count")

    def __init__(self) -> None:
        self._part_count = 0
        self._open: dict[int, int] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """Return what one event says."""
        _, data = event_name_and_data(event)
        try:
            said = _read(data)
        except (ValueError, RecursionError):
            return ()
        match said.type:
            case "content_block_delta" if said.delta is not None and said.index in self._open:
                return self._take_delta(self._open[said.index], said.delta)
            case "content_block_start" if bytes(said.content_block):
                return (self._begin(said.index, said.content_block),)
            case "content_block_stop" if said.index in self._open:
                return (PartEnded(index=self._open.pop(said.index)),)
            case "message_start":
                message = said.message or _Message()
                return (Begun(id=message.id, model=message.model),)
            case "message_delta" if said.delta is not None and said.delta.stop_reason is not None:
                stop = STOPS.get(said.delta.stop_reason, "end")
                return (Stopped(stop=stop, stop_sequence=said.delta.stop_sequence),)
        return ()

    def finish(self) -> Sequence[StreamEvent]:
        """Return nothing: the stream itself says why it ended."""
        return ()

    def _begin(self, block_index: int, block: msgspec.Raw) -> StreamEvent:
        part = read_part(block)
        if isinstance(part, ToolCall):
            part = msgspec.structs.replace(part, arguments="" if part.arguments == "{}" else part.arguments)
        elif isinstance(part, Text | Thinking) and not (isinstance(part, Thinking) and part.is_redacted):
            part = msgspec.structs.replace(part, seal=None)
        index = self._open[block_index] = self._part_count
        self._part_count += 1
        return PartBegun(index=index, part=part)

    def _take_delta(self, index: int, delta: _Delta) -> Sequence[StreamEvent]:
        match delta.type:
            case "text_delta" if delta.text:
                return (Delta(index=index, text=delta.text),)
            case "thinking_delta" if delta.thinking:
                return (Delta(index=index, text=delta.thinking),)
            case "input_json_delta" if delta.partial_json:
                return (Delta(index=index, text=delta.partial_json),)
            case "signature_delta" if delta.signature:
                return (Sealed(index=index, seal=read_seal(delta.signature, "anthropic_messages")),)
            case "citations_delta" if delta.citation is not None:
                return (Cited(index=index, citation=read_citation(delta.citation)),)
        return ()

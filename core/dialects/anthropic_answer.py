"""Reads along answers in Anthropic's Messages form, also as Vertex sends them.

Source: wire/DIALECTS.md 2.4 and 3, read 2026-11-23.
"""

import msgspec

from ..estimate import plausible
from ..exchange import Exchange
from ..lone_halves import decode_halves
from ..references import believed_bound
from ..sse import BOM, event_name_and_data
from ..usage import Usage
from .anthropic_usage import read_anthropic_usage
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error, read_document
from .event_reader import EventReader
from .figures import UntrueFigureError, read_number
from .tally import Tally

FIGURES_MAX = 100
"""Several times the members of any known usage; in a stream, all that ever came are counted together."""


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    name: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    content: msgspec.Raw = msgspec.Raw()
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    usage: object = None


class _Event(msgspec.Struct):
    """Any event of a stream; only what can matter is decoded."""

    type: str = ""
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: object = None
    error: msgspec.Raw = msgspec.Raw()


_read_block = msgspec.json.Decoder(_Block).decode
_read_event = msgspec.json.Decoder(_Event, float_hook=read_number).decode
_read_message = msgspec.json.Decoder(_Message, float_hook=read_number).decode


class MessagesStreamReader(EventReader):
    """Reads along one stream of message events; see `StreamReader`."""

    __slots__ = ("_has_final_output", "_is_kept", "_is_untrue", "_usage", "_usage_read")

    def __init__(self, exchange: Exchange, *, thinking_asked: bool, is_kept: bool) -> None:
        super().__init__(exchange, thinking_asked)
        self._is_kept = is_kept
        self._usage: dict[str, object] = {}
        self._usage_read: Usage | None = None
        """The usage that those figures come to; None until it is needed, and again once new ones have come."""
        self._is_untrue = False
        self._has_final_output = False
        """The output figure came with ``message_delta``; that of ``message_start`` has only the first tokens."""

    def _take(self, event: bytes) -> bool:
        name, data = event_name_and_data(event)
        if not data:
            return True
        if name == b"error":
            return self._fail(data)
        try:
            read = decode_halves(_read_event, data)
        except (ValueError, RecursionError):
            # Of an unknown form, or no JSON: passed on unread.
            return True
        return self._take_event(event, data, read)

    def _take_event(self, event: bytes, data: bytes, read: _Event) -> bool:
        match read.type:
            case "content_block_delta" if read.delta is not None:
                self._take_delta(event, read.delta)
            case "content_block_start" if read.content_block is not None:
                _tally_block(self, read.content_block)
            case "message_start" if read.message is not None:
                self.model_returned = read.message.model
                self.answer_id = read.message.id if self._is_kept else None
                self._merge(read.message.usage)
            case "message_delta":
                if read.delta is not None and read.delta.stop_reason:
                    self.stop_reason = read.delta.stop_reason
                self._has_final_output |= self._merge(read.usage)
            case "message_stop":
                return self._end_with(self._dressed(event))
            case "error":
                return self._fail(data)
            case "" if bytes(read.error) not in (b"", b"null"):
                return self._fail(data)  # another dialect's error, from a relay in between
        return True

    def _dressed(self, event: bytes) -> bytes:
        """Return an event with its name, without which Anthropic's SDK fails (wire/DIALECTS.md 2.7)."""
        name, data = event_name_and_data(event)
        if name or not data:
            return event
        try:
            return b"event: %b\n%b" % (_read_event(data).type.encode(), event.removeprefix(BOM).lstrip(b"\r\n"))
        except (ValueError, RecursionError):
            return event

    def _learn(self, event: bytes, key: bytes, text: str, *, is_thinking: bool = False) -> None:
        """Remember the frame of an event, unless it has no name, in which case it never passes unchanged."""
        if event.startswith(b"event:"):
            self._frame.learn(event, key, text, is_thinking=is_thinking)

    def _take_delta(self, event: bytes, delta: _Delta) -> None:
        match delta.type:
            case "text_delta" if delta.text:
                self.add_text(len(delta.text.encode()))
                self._learn(event, b'"text":', delta.text)
            case "thinking_delta" if delta.thinking:
                self.add_thinking(len(delta.thinking.encode()))
                self._learn(event, b'"thinking":', delta.thinking, is_thinking=True)
            case "input_json_delta" if delta.partial_json:
                self.add_arguments(len(delta.partial_json.encode()))
                self._learn(event, b'"partial_json":', delta.partial_json)
            case "compaction_delta":
                self.add_text(len(bytes(delta.content)))

    def _merge(self, usage: object) -> bool:
        """Replace the figures that came again; say whether *usage* has one for the output.

        Figures are cumulative, so they are never added up; older models repeat only some of them.
        """
        if not isinstance(usage, dict):
            self._is_untrue |= usage is not None
            return False
        self._usage_read = None
        self._usage.update((name, figure) for name, figure in usage.items() if figure is not None)
        if len(self._usage) > FIGURES_MAX:
            self._usage.clear()
            self._is_untrue = True
        return usage.get("output_tokens") is not None

    def _figures(self) -> Usage | None:
        if self._is_untrue:
            raise UntrueFigureError("usage is no object")
        if self._usage_read is None:
            self._usage_read = read_anthropic_usage(self._usage)
        usage = _with_tools(self._usage_read, self)
        is_over = self.is_ended or self.stop_reason is not None
        if usage is None or not is_over or self._has_final_output:
            return usage
        bound = believed_bound(self._exchange, usage.all_input_tokens, self._request_bound())
        usage = plausible(usage, bound, None)
        source = "disputed" if usage.source == "disputed" else "estimated"
        return msgspec.structs.replace(usage, output_tokens=self.output_counted_tokens, source=source)


def read_message_body(exchange: Exchange, body: bytes, *, thinking_asked: bool, is_kept: bool) -> BodyReading:
    """Read a whole message; see `DialectRules.read_body`."""
    message = read_document(_read_message, body, "a message")
    if message.type == "error" or message.content is None:
        raise disguised_error(body)
    tally = Tally()
    tally.stop_reason = message.stop_reason
    for raw in message.content:
        _tally_raw(tally, raw)
    return tallied_reading(
        exchange,
        tally,
        lambda: _with_tools(read_anthropic_usage(message.usage), tally),
        model_returned=message.model,
        thinking_asked=thinking_asked,
        answer_id=message.id if is_kept else None,
    )


def _with_tools(usage: Usage | None, tally: Tally) -> Usage | None:
    return usage and msgspec.structs.replace(usage, tool_counts=tally.tool_counts)


def _tally_raw(tally: Tally, raw: msgspec.Raw) -> None:
    """Count a block of a body. One of an unknown form counts as output, and is never an error."""
    try:
        _tally_block(tally, _read_block(raw))
    except (ValueError, RecursionError):
        tally.note_answer()
        tally.add(len(bytes(raw)))


def _tally_block(tally: Tally, block: _Block) -> None:
    """Count a block: in a stream its beginning, in a body the whole.

    In a stream, the text of a block follows in deltas, and an empty text block is no output yet. A
    block of a type not named here is output that the customer sees, such as a result or a summary.
    """
    tally.begin_block()
    match block.type:
        case "text":
            if block.text:
                tally.add_text(len(block.text.encode()))
        case "thinking":
            tally.note_thinking()
            if block.thinking:
                tally.add_thinking(len(block.thinking.encode()))
        case "redacted_thinking":
            tally.note_thinking()
            tally.is_output_seen = True
        case kind if kind.endswith("tool_use"):
            tally.begin_tool_call()
            if kind == "server_tool_use" and bytes(block.name).endswith(b'code_execution"'):
                tally.note_tool("code_execution", "answer")
            if len(bytes(block.input)) > 2:
                tally.add(len(bytes(block.input)))
        case _:
            tally.note_answer()

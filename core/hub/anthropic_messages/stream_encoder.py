"""Encodes the hub's events as a stream of message events.

Here blocks come strictly one after another. If another dialect has several parts open at once
(parallel tool calls), the later ones wait for their turn, with what has come of them.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Begun, Cited, Delta, NativeDelta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..codec import Opening
from ..conversation import Native, Part, Refusal, Text, Thinking, ToolCall
from ..seals import seal_beside, write_seal
from .answer_encoder import blocks, citation_block, stop_reason, write_usage

_encode = msgspec.json.encode
_DELTAS: dict[type[Part], bytes] = {
    Text: b'{"type":"text_delta","text":',
    Refusal: b'{"type":"text_delta","text":',
    Thinking: b'{"type":"thinking_delta","thinking":',
    ToolCall: b'{"type":"input_json_delta","partial_json":',
    Native: b'{"type":"input_json_delta","partial_json":',
}


class MessagesStreamEncoder:
    """See `StreamEncoder`."""

    __slots__ = (
        "_before",
        "_block_index",
        "_current",
        "_has_refused",
        "_is_thinking",
        "_opening",
        "_stop",
        "_waiting",
    )

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._block_index = -1
        self._current: int | None = None
        """The part whose block is open."""
        self._is_thinking = False
        """Whether that block is a thought: no other has a place for a seal."""
        self._before = b""
        """The bytes before each piece of the open block's text."""
        self._waiting: OrderedDict[int, list[StreamEvent]] = OrderedDict()
        """The parts that began while another was open, each with its events."""
        self._has_refused = False
        self._stop = Stopped(stop=None)

    def feed(self, event: StreamEvent) -> bytes:
        """Return the message events for *event*, if it is its part's turn."""
        match event:
            case Delta(index=index, text=text) if index == self._current:
                return self._before + _encode(text) + b"}}\n\n"
            case PartBegun(index=index):
                self._has_refused |= isinstance(event.part, Refusal)
                if self._current is not None:
                    self._waiting[index] = [event]
                    return b""
                return self._begin(event)
            case Begun(model=model):
                return self._message_start(model)
            case Stopped():
                self._stop = event
                return b""
            case Delta() | Sealed() | Cited() | NativeDelta() | PartEnded():
                return self._take(event.index, event)

    def finish(self, usage: Usage) -> bytes:
        """Return the stop reason, the usage and the end mark."""
        why = stop_reason(self._stop.stop, has_refused=self._has_refused)
        delta = {"stop_reason": why, "stop_sequence": self._stop.stop_sequence}
        ended = {"type": "message_delta", "delta": delta, "usage": write_usage(usage)}
        return _event("message_delta", ended) + _event("message_stop", {"type": "message_stop"})

    def _take(self, index: int, event: StreamEvent) -> bytes:
        if index != self._current:
            if (waiting := self._waiting.get(index)) is not None:
                waiting.append(event)
            return b""
        match event:
            case Sealed(seal=seal) if self._is_thinking:
                return self._delta({"type": "signature_delta", "signature": write_seal(seal, "anthropic_messages")})
            case Cited(citation=cited):
                return self._delta({"type": "citations_delta", "citation": citation_block(cited)})
            case NativeDelta(dialect="anthropic_messages", document=document):
                return self._delta(msgspec.json.decode(document))
            case PartEnded():
                return self._end()
        return b""

    def _end(self) -> bytes:
        """End the open block, and write the parts that waited for it."""
        stopped = _event("content_block_stop", {"type": "content_block_stop", "index": self._block_index})
        self._current = None
        pieces = [stopped]
        while self._waiting and self._current is None:
            _, events = self._waiting.popitem(last=False)
            later = self._waiting
            self._waiting = OrderedDict()
            pieces += [self.feed(event) for event in events]
            self._waiting = later
        return b"".join(pieces)

    def _begin(self, begun: PartBegun) -> bytes:
        part = begun.part
        block = next(iter(_opening_blocks(part)), None)
        if block is None:
            return b""  # a part that Messages can't express: its deltas are dropped, as no block is open
        thought = seal_beside(part, "anthropic_messages") if isinstance(part, ToolCall) else None
        before = self._begin(PartBegun(index=begun.index, part=thought)) + self._end() if thought is not None else b""
        self._current = begun.index
        self._is_thinking = isinstance(part, Thinking)
        self._block_index += 1
        head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
        self._before = head % self._block_index + _DELTAS.get(type(part), b"{")
        started = {"type": "content_block_start", "index": self._block_index, "content_block": block}
        pieces = [before, _event("content_block_start", started)]
        match part:
            case ToolCall(arguments=text) | Text(text=text) | Refusal(text=text) | Thinking(text=text) if text:
                pieces.append(self._before + _encode(text) + b"}}\n\n")
        if isinstance(part, Thinking) and part.seal is not None and not part.is_redacted:
            signature = write_seal(part.seal, "anthropic_messages")
            pieces.append(self._delta({"type": "signature_delta", "signature": signature}))
        return b"".join(pieces)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        document = {"type": "content_block_delta", "index": self._block_index, "delta": delta}
        return _event("content_block_delta", document)

    def _message_start(self, model: str | None) -> bytes:
        """Return the beginning; clients show its input figure, so it has an estimate (DIALECTS 3.4)."""
        usage = write_usage(Usage(input_tokens=self._opening.input_tokens))
        message: dict[str, Any] = {
            "id": f"msg_{self._opening.id}",
            "type": "message",
            "role": "assistant",
            "model": model or self._opening.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return _event("message_start", {"type": "message_start", "message": message})


def _opening_blocks(part: Part) -> Iterable[dict[str, Any]]:
    """Yield a block as it begins: without its text, which follows in deltas."""
    match part:
        case Text() | Refusal():
            yield {"type": "text", "text": ""}
        case Thinking(is_redacted=False):
            yield {"type": "thinking", "thinking": "", "signature": ""}
        case ToolCall(id=call_id, name=name):
            yield {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        case Native(dialect="anthropic_messages") | _:
            yield from blocks(part)


def _event(name: str, document: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode(document) + b"\n\n"

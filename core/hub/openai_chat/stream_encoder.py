"""The hub's events, written as a stream of chunks."""

from typing import Any

import msgspec

from ...usage import Usage
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..codec import Opening
from ..conversation import Image, Inline, Part, Refusal, Text, Thinking, ToolCall
from .answer_encoder import write_citation, write_picture
from .stops import FINISH_REASONS
from .usage import write_usage

_encode = msgspec.json.encode
_FIELDS: dict[type[Part], bytes] = {
    Text: b'{"content":',
    Thinking: b'{"reasoning_content":',
    Refusal: b'{"refusal":',
}


class ChatStreamEncoder:
    """See `StreamEncoder`. Begins with a role, ends with the finish reason, usage where asked, and ``[DONE]``."""

    __slots__ = ("_bare_calls", "_call_counts", "_head", "_opening", "_parts", "_stops")

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._head = b""
        self._parts: dict[int, tuple[bytes, bytes]] = {}
        """By a part's index: what stands before and behind each piece of it in a chunk."""
        self._call_counts: dict[int, int] = {}
        self._bare_calls: set[int] = set()
        """Calls for which no argument has come yet."""
        self._stops: list[Stopped] = []

    def feed(self, event: StreamEvent) -> bytes:
        """Return the chunk that *event* is."""
        match event:
            case Delta(index=index, text=text):
                if self._bare_calls:
                    self._bare_calls.discard(index)
                part = self._parts.get(index)
                return part[0] + _encode(text) + part[1] if part is not None else b""
            case PartBegun():
                return self._begin_part(event)
            case PartEnded(index=index):
                ended = self._parts.pop(index, None)
                if ended is not None and index in self._bare_calls:
                    return ended[0] + b'"{}"' + ended[1]  # clients parse what came, and nothing is no JSON
            case Begun(model=model):
                self._head = self._chunk_head(model)
                return self._chunk(0, {"role": "assistant", "content": ""})
            case Stopped():
                self._stops.append(event)
            case Cited(citation=citation):
                return self._chunk(0, {"annotations": [write_citation(citation)]})
            case Sealed():
                pass  # chat has no field for it in a stream; see `Affinity` for where talks go on
        return b""

    def finish(self, usage: Usage) -> bytes:
        """Return the finish reasons, the usage if it was asked for, and the end mark."""
        ends = [self._chunk(stop.choice_index, {}, FINISH_REASONS[stop.stop]) for stop in self._stops]
        if self._opening.request.is_usage_asked:
            ends.append(self._head + b'"choices":[],"usage":' + _encode(write_usage(usage)) + b"}\n\n")
        return b"".join([*ends, b"data: [DONE]\n\n"])

    def _chunk_head(self, model: str | None) -> bytes:
        opening = self._opening
        known = {
            "id": f"chatcmpl-{opening.id}",
            "object": "chat.completion.chunk",
            "created": opening.created_at_s,
            "model": model or opening.model,
        }
        return b"data: " + _encode(known)[:-1] + b","

    def _chunk(self, choice_index: int, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": choice_index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._head + b'"choices":[' + _encode(choice) + b"]}\n\n"

    def _begin_part(self, begun: PartBegun) -> bytes:
        part, choice_index = begun.part, begun.choice_index
        before = self._head + b'"choices":[{"index":%d,"delta":' % choice_index
        behind = b'},"logprobs":null,"finish_reason":null}]}\n\n'
        match part:
            case ToolCall():
                place = self._call_counts.get(choice_index, 0)
                self._call_counts[choice_index] = place + 1
                if part.kind == "function" and not part.arguments:
                    self._bare_calls.add(begun.index)
                field = b'"function":{"arguments":' if part.kind == "function" else b'"custom":{"input":'
                self._parts[begun.index] = (before + b'{"tool_calls":[{"index":%d,' % place + field, b"}}]" + behind)
                return self._chunk(choice_index, {"tool_calls": [_first_piece(place, part)]})
            case Text(text=text) | Thinking(text=text) | Refusal(text=text):
                self._parts[begun.index] = (before + _FIELDS[type(part)], behind)
                return self.feed(Delta(index=begun.index, text=text)) if text else b""
            case Image(source=Inline() as source):
                return self._chunk(choice_index, {"images": [write_picture(source)]})
        return b""  # a part that chat has no form for


def _first_piece(place: int, call: ToolCall) -> dict[str, Any]:
    text = {"name": call.name, "arguments" if call.kind == "function" else "input": call.arguments}
    piece: dict[str, Any] = {"index": place, "id": call.id, "type": call.kind, call.kind: text}
    if call.seal is not None and call.seal.dialect == "gemini_generate":
        piece["extra_content"] = {"google": {"thought_signature": call.seal.value}}
    return piece

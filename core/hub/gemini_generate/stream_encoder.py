"""Encodes the hub's events as a stream of Gemini's answers: server-sent events, or one array."""

from typing import Any

import msgspec

from ...dialects.gemini_generate import is_array
from ...usage import Usage
from ..answer import Begun, Cited, Delta, PartBegun, PartEnded, Sealed, Stopped, StreamEvent
from ..codec import Opening
from ..conversation import Citation, Part, Refusal, Text, Thinking, ToolCall
from .answer_encoder import finish_reason, write_call, write_grounding, write_part, write_usage
from .wire import write_signature

_encode = msgspec.json.encode


class GeminiStreamEncoder:
    """See `StreamEncoder`. A call is written once it is whole, as Gemini has no deltas of calls."""

    __slots__ = ("_calls", "_cited", "_is_array", "_is_first", "_kinds", "_known", "_opening", "_parts", "_stops")

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._is_array = is_array(opening.query)
        self._is_first = True
        self._known = b""
        self._parts: dict[int, tuple[int, Part]] = {}
        self._calls: dict[int, list[str]] = {}
        self._cited: list[Citation] = []
        self._stops: list[Stopped] = []
        self._kinds: set[type[Part]] = set()

    def feed(self, event: StreamEvent) -> bytes:
        match event:
            case Delta(index=index, text=text):
                return self._add(index, text)
            case PartBegun(index=index, part=part, choice_index=choice_index):
                return self._begin(index, part, choice_index)
            case PartEnded(index=index):
                return self._end(index)
            case Begun(model=model):
                known = {"modelVersion": model or self._opening.model, "responseId": self._opening.id}
                self._known = b"," + _encode(known)[1:]
            case Sealed(index=index, seal=seal) if index in self._parts:
                choice_index, part = self._parts[index]
                self._parts[index] = choice_index, msgspec.structs.replace(part, seal=seal)
                if not isinstance(part, ToolCall):
                    thought = {"thought": True} if isinstance(part, Thinking) else {}
                    sealed = {"text": "", **thought, "thoughtSignature": write_signature(seal)}
                    return self._answer(choice_index, sealed)
            case Cited(citation=citation):
                self._cited.append(citation)
            case Stopped():
                self._stops.append(event)
        return b""

    def finish(self, usage: Usage) -> bytes:
        """Return the last answer, with the finish reason and the usage, and the end of an array."""
        candidates = []
        for stop in self._stops or [Stopped(stop=None)]:
            content = {"parts": [{"text": ""}], "role": "model"}
            candidate = {
                "content": content,
                "finishReason": finish_reason(stop.stop, *self._kinds),
                "index": stop.choice_index,
            }
            if self._cited:
                candidate["groundingMetadata"] = write_grounding(self._cited)
            candidates.append(candidate)
        last = _encode({"candidates": candidates, "usageMetadata": write_usage(usage)})[:-1] + self._known
        return self._framed(last) + (b"\r\n]" if self._is_array else b"")

    def _begin(self, index: int, part: Part, choice_index: int) -> bytes:
        self._kinds.add(type(part))
        match part:
            case ToolCall(arguments=arguments):
                self._parts[index] = choice_index, part
                self._calls[index] = [arguments] if arguments else []
                return b""
            case Text(text="", seal=None) | Thinking(text="", seal=None) | Refusal(text=""):
                self._parts[index] = choice_index, part
                return b""
            case Text() | Thinking() | Refusal():
                self._parts[index] = choice_index, part
        written = write_part(part)
        return self._answer(choice_index, written) if written is not None else b""

    def _add(self, index: int, text: str) -> bytes:
        if index in self._calls:
            self._calls[index].append(text)
            return b""
        if index not in self._parts:
            return b""  # of a part that Gemini can't express
        choice_index, part = self._parts[index]
        return self._answer(
            choice_index, {"text": text, "thought": True} if isinstance(part, Thinking) else {"text": text}
        )

    def _end(self, index: int) -> bytes:
        choice_index, part = self._parts.pop(index, (0, None))
        pieces = self._calls.pop(index, None)
        if not isinstance(part, ToolCall) or pieces is None:
            return b""
        written = write_call(msgspec.structs.replace(part, arguments="".join(pieces)))
        return self._answer(choice_index, written) if written is not None else b""

    def _answer(self, choice_index: int, part: dict[str, Any]) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": choice_index}
        return self._framed(b'{"candidates":[' + _encode(candidate) + b"]" + self._known)

    def _framed(self, document: bytes) -> bytes:
        """Return one answer in the framing that was asked for."""
        is_first, self._is_first = self._is_first, False
        if self._is_array:
            return (b"[" if is_first else b",\r\n") + document
        return b"data: " + document + b"\r\n\r\n"

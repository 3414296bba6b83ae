"""The simulator's side of Realtime: a plain object that is fed with a client's events and answers each.

The client makes the turns: no voice is detected. Each response is text or audio, as the session or
the request asks, and ends at once. Text counts as in any other dialect; a second of audio counts 10
tokens of input or 20 of output. Each response reads the whole conversation again, and nothing is cached.
Shapes: OpenAI API reference, Realtime client and server events, and ``types/realtime`` of its
Python SDK 3.54, read 2026-11-29.
"""

import base64
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from relay.plugins.channels.simulator.answer import pieces, tokens
from relay.plugins.channels.simulator.asked import items
from relay.plugins.channels.simulator.sound import (
    HEARD_TOKENS_PER_S,
    PCM_BYTES_PER_S,
    SPOKEN_TOKENS_PER_S,
    pcm,
)

SECONDS_PER_WORD = 0.1
WORDS_MAX = 30
Event = dict[str, Any]


class RealtimeSession:
    """One session of Realtime with *model*."""

    def __init__(self, model: str) -> None:
        self._session: Event = {
            "type": "realtime",
            "object": "realtime.session",
            "id": "sess_sim",
            "model": model,
            "output_modalities": ["audio"],
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24_000}, "transcription": None},
                "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy"},
            },
        }
        self._text_tokens = self._sound_tokens = 0
        """The input of the next response."""
        self._buffered_bytes = 0
        self._words = ""
        self._count = 0

    def begin(self) -> list[str]:
        """Return the events for a new connection."""
        return self._written([("session.created", {"session": self._session})])

    def hear(self, frame: str | bytes) -> list[str]:
        """Return the events that answer one frame of the client's."""
        try:
            event = msgspec.json.decode(frame, type=dict[str, Any])
            return self._written(list(self._answers(event)))
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return self._written([_refusal("an event that can't be read")])

    def _answers(self, event: Event) -> Iterator[tuple[str, Event]]:
        match event.get("type"):
            case "session.update":
                self._session = _merged(self._session, event["session"])
                yield "session.updated", {"session": self._session}
            case "conversation.item.create":
                item = {"id": self._id("item"), **event["item"]}
                self._read(item)
                yield from _added(item)
            case "input_audio_buffer.append":
                self._buffered_bytes += len(base64.b64decode(event["audio"]))
            case "input_audio_buffer.clear":
                self._buffered_bytes = 0
                yield "input_audio_buffer.cleared", {}
            case "input_audio_buffer.commit":
                yield from self._committed()
            case "response.create":
                yield from self._response(event.get("response") or {})
            case other:
                yield _refusal(f"no event {str(other)[:60]}")

    def _read(self, item: Event) -> None:
        """Count an item that joins the conversation, and remember the user's words in it."""
        for part in items(item.get("content")):
            if part.get("type") == "input_audio":
                self._sound_tokens += _heard_tokens(len(base64.b64decode(part["audio"])))
            elif "text" in part:
                self._text_tokens += tokens(part["text"])
                self._words = part["text"]

    def _committed(self) -> Iterator[tuple[str, Event]]:
        """Make an item of the buffer, and transcribe it if that was asked for."""
        if not self._buffered_bytes:
            yield _refusal("the buffer is empty")
            return
        seconds, heard = self._buffered_bytes / PCM_BYTES_PER_S, _heard_tokens(self._buffered_bytes)
        self._buffered_bytes, item_id = 0, self._id("item")
        self._sound_tokens += heard
        self._words = f"{seconds:.1f} seconds of sound"
        content = [{"type": "input_audio", "transcript": None}]
        yield "input_audio_buffer.committed", {"item_id": item_id, "previous_item_id": None}
        yield from _added({"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content})
        if self._session["audio"]["input"].get("transcription"):
            yield from _written_down(item_id, self._words, heard)

    def _response(self, asked: Event) -> Iterator[tuple[str, Event]]:
        is_text = (asked.get("output_modalities") or self._session["output_modalities"]) == ["text"]
        said = f"You said: {' '.join(self._words.split()[:WORDS_MAX])}. This is the simulator speaking."
        kind, field = ("text", "text") if is_text else ("audio", "transcript")
        response_id, item_id = self._id("resp"), self._id("item")
        place = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
        item = {"id": item_id, "type": "message", "role": "assistant", "status": "completed"}
        part, content = {"type": kind, field: said}, [{"type": f"output_{kind}", field: said}]
        base = {"object": "realtime.response", "id": response_id, "conversation_id": "conv_sim", "output": []}
        yield "response.created", {"response": {**base, "status": "in_progress", "usage": None}}
        item_place = {"response_id": response_id, "output_index": 0}
        yield "response.output_item.added", {**item_place, "item": {**item, "status": "in_progress", "content": []}}
        yield "conversation.item.added", {"item": {**item, "content": []}, "previous_item_id": None}
        yield "response.content_part.added", {**place, "part": {"type": kind, field: ""}}
        seconds = 0.0
        for piece in pieces(said):
            words = "response.output_text.delta" if is_text else "response.output_audio_transcript.delta"
            yield words, {**place, "delta": piece}
            if not is_text:
                seconds += SECONDS_PER_WORD
                yield (
                    "response.output_audio.delta",
                    {**place, "delta": base64.b64encode(pcm(SECONDS_PER_WORD)).decode()},
                )
        if is_text:
            yield "response.output_text.done", {**place, "text": said}
        else:
            yield "response.output_audio.done", place
            yield "response.output_audio_transcript.done", {**place, "transcript": said}
        yield "response.content_part.done", {**place, "part": part}
        yield "response.output_item.done", {**item_place, "item": {**item, "content": content}}
        yield "conversation.item.done", {"item": {**item, "content": content}, "previous_item_id": None}
        usage = self._usage(tokens(said), math.ceil(seconds * SPOKEN_TOKENS_PER_S))
        done = {**base, "status": "completed", "status_details": None, "output": [{**item, "content": content}]}
        yield "response.done", {"response": {**done, "usage": usage}}

    def _usage(self, written: int, spoken: int) -> Event:
        """Return the usage of a response, whose output becomes input of the next."""
        read_text, read_sound = self._text_tokens, self._sound_tokens
        self._text_tokens, self._sound_tokens = read_text + written, read_sound + spoken
        return {
            "total_tokens": read_text + read_sound + written + spoken,
            "input_tokens": read_text + read_sound,
            "output_tokens": written + spoken,
            "input_token_details": {
                "text_tokens": read_text,
                "audio_tokens": read_sound,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": written, "audio_tokens": spoken},
        }

    def _written(self, events: list[tuple[str, Event]]) -> list[str]:
        named = ({"type": kind, "event_id": self._id("event"), **members} for kind, members in events)
        return [msgspec.json.encode(event).decode() for event in named]

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_sim{self._count}"


def _added(item: Event) -> Iterator[tuple[str, Event]]:
    for kind in ("conversation.item.added", "conversation.item.done"):
        yield kind, {"item": item, "previous_item_id": None}


def _written_down(item_id: str, said: str, heard: int) -> Iterator[tuple[str, Event]]:
    kind, place = "conversation.item.input_audio_transcription", {"item_id": item_id, "content_index": 0}
    written = tokens(said)
    usage = {
        "type": "tokens",
        "total_tokens": heard + written,
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
    }
    for piece in pieces(said):
        yield f"{kind}.delta", {**place, "delta": piece}
    yield f"{kind}.completed", {**place, "transcript": said, "usage": usage}


def _refusal(message: str) -> tuple[str, Event]:
    said = {"type": "invalid_request_error", "code": "invalid_event", "message": message, "param": None}
    return "error", {"error": {**said, "event_id": None}}


def _heard_tokens(sound_bytes: int) -> int:
    return -(-sound_bytes * HEARD_TOKENS_PER_S // PCM_BYTES_PER_S)


def _merged(old: Event, new: Event) -> Event:
    """Return the settings *old* updated with those of *new*, at every depth."""
    merged = dict(old)
    for name, value in new.items():
        held = merged.get(name)
        merged[name] = _merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged

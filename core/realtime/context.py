"""What a session's next response may read, and what the present one has said: a plain object fed with events.

The upstream tells the truth with each ``response.done``; in between, this counts on from there.
Sound is 10 tokens a second heard and 20 spoken, whatever its coding.
Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24.
"""

import math
import re

import msgspec

from ..dialects.realtime_events import (
    APPEND,
    SOUND_DELTAS,
    TEXT_DELTAS,
    TOKENS_PER_SECOND,
    Measure,
    ResponseDone,
    SessionFacts,
    delta_length,
    delta_of,
)
from ..estimate import REQUEST_TOKENS, estimate_bytes, piece_bound
from ..usage import Usage

PCM_CHARS_PER_SECOND = 64_000
"""Base64 of 24 000 samples of two bytes."""
G711_CHARS_PER_SECOND = 10_666
"""Base64 of 8 000 samples of one byte."""
SPOKEN_TOKENS_PER_SECOND = 20
RESPONSES_MAX = 64
"""Responses under way that are told apart; what more of them say counts together."""
_SPEECH_AT = re.compile(r'"audio_(?:start|end)_ms"\s*:\s*(\d{1,9})')


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Input tokens, those of sound apart, for they cost more."""

    text: int = 0
    sound: int = 0

    def __add__(self, other: "Input") -> "Input":
        return Input(text=self.text + other.text, sound=self.sound + other.sound)

    def is_within(self, other: "Input") -> bool:
        """Neither kind is more than in *other*."""
        return self.text <= other.text and self.sound <= other.sound


class Context:
    """One session's conversation, as far as its cost goes."""

    def __init__(self) -> None:
        self._heard_per_second = self._spoken_per_second = PCM_CHARS_PER_SECOND
        self._known = Input()
        """What the last response read and said, by the upstream's own figures."""
        self._added = Measure()
        """What has come since."""
        self._added_before = Measure()
        """What of it the present response reads."""
        self._buffered_chars = 0
        self._speech_ms: int | None = None
        self._speech_start_ms = 0
        self.open_count = 0
        """Responses under way."""
        self._asked_count = 0
        """Responses that the customer has asked for, and the upstream has not taken up or refused yet."""
        self._said: dict[str, Said] = {}
        """What each response under way has said."""
        self._passing = Said()
        """The one whose delta is on its way to the customer."""

    def session_told(self, facts: SessionFacts) -> None:
        """Take note of the formats of sound."""
        if facts.input_format is not None:
            self._heard_per_second = _chars_per_second(facts.input_format)
        if facts.output_format is not None:
            self._spoken_per_second = _chars_per_second(facts.output_format)

    def customer_sent(self, kind: str, measure: Measure) -> None:
        """Count what the customer adds; sound for the buffer waits there."""
        if kind == APPEND:
            self._buffered_chars += measure.sound_chars
            return
        self._added += measure
        if kind == "response.create":
            self._asked_count += 1

    def request_failed(self) -> None:
        """Note that the upstream refused an event; the oldest that asked for a response, if any did."""
        self._asked_count = max(0, self._asked_count - 1)

    def buffer_changed(self, kind: str, frame: str) -> int:
        """Follow the upstream's ``input_audio_buffer`` events: of what was buffered, only speech becomes input.

        Returns:
            How much sound became input now, in characters.
        """
        became = 0
        at = _SPEECH_AT.search(frame)
        if kind == "input_audio_buffer.speech_started" and at is not None:
            self._speech_start_ms = int(at[1])
        elif kind == "input_audio_buffer.speech_stopped" and at is not None:
            self._speech_ms = max(0, int(at[1]) - self._speech_start_ms)
        elif kind in ("input_audio_buffer.committed", "input_audio_buffer.cleared"):
            if kind == "input_audio_buffer.committed":
                became = self._speech_chars()
                self._added += Measure(sound_chars=became)
            self._buffered_chars, self._speech_ms = 0, None
        return became

    @property
    def buffered_chars(self) -> int:
        """Sound that no turn has been made of yet."""
        return self._buffered_chars

    def seconds_heard(self, chars: int) -> int:
        """Return how long the customer's sound of so many characters lasts, in seconds, the last one begun counted."""
        return -(-chars // self._heard_per_second)

    def _speech_chars(self) -> int:
        if self._speech_ms is None:
            return self._buffered_chars
        return min(self._buffered_chars, self._heard_per_second * self._speech_ms // 1000)

    def response_began(self) -> None:
        """Note what the response reads; more may come while it is under way."""
        self.open_count += 1
        self._asked_count = max(0, self._asked_count - 1)
        self._added_before = self._added

    def response_sent(self, kind: str, frame: str) -> None:
        """Count a delta of a response that is about to be passed on."""
        response_id = delta_of(frame)
        if response_id not in self._said and len(self._said) >= RESPONSES_MAX:
            response_id = ""
        self._passing = self._said.setdefault(response_id, Said())
        self._passing.add(kind, delta_length(frame))

    def handed_over(self) -> None:
        """Note that what was counted last has reached the customer's socket."""
        self._passing.delivered = (self._passing.text_bytes, self._passing.sound_chars)

    def said_by(self, response_id: str | None) -> "Said":
        """Return what that response has said; all those under way together for None, and where its deltas did not name it."""
        said = self._said.get(response_id) if response_id is not None else None
        return said or sum(self._said.values(), Said())

    def response_ended(self, done: ResponseDone) -> None:
        """Go on from the upstream's own figures, where the response belongs to the conversation."""
        self.open_count = max(0, self.open_count - 1)
        self._said.pop(done.id, None)
        if self.open_count == 0:
            self._said.clear()
        if done.usage is not None and done.is_of_conversation:
            tokens = done.usage.all_input_tokens + done.usage.output_tokens
            sound = min(done.sound_tokens, tokens)
            self._known = Input(text=tokens - sound, sound=sound)
            self._added -= self._added_before
            self._added_before = Measure()

    @property
    def input_bound(self) -> Input:
        """What the next response may read, never below the truth; several beside each other read it each."""
        added = Input(
            text=REQUEST_TOKENS + self._added.text_bytes // 2 + self._added.media_tokens,
            sound=math.ceil((self._added.sound_chars + self._buffered_chars) * self._heard_ratio),
        )
        count = max(1, self.open_count + self._asked_count)
        each = self._known + added
        return Input(text=each.text * count, sound=each.sound * count)

    @property
    def output_bound_tokens(self) -> int:
        """What the responses under way have said, never below the truth."""
        said = self.said_by(None)
        return said.text_bound + math.ceil(self._spoken_tokens(said.sound_chars))

    @property
    def output_counted_tokens(self) -> int:
        """The same, as near the truth as can be had."""
        said = self.said_by(None)
        return estimate_bytes(said.text_bytes) + int(self._spoken_tokens(said.sound_chars))

    def delivered_usage(self, said: "Said") -> Usage:
        """Return the usage of a response that ends here: what it read, likely, and what was handed over of what it *said*.

        What the response before had read counts as cached, as upstreams do.
        """
        added = self._added_before
        heard = int(added.sound_chars * self._heard_ratio)
        text_bytes, sound_chars = said.delivered
        spoken = int(self._spoken_tokens(sound_chars))
        return Usage(
            input_tokens=estimate_bytes(added.text_bytes) + heard,
            cache_read_tokens=self._known.text + self._known.sound,
            audio_input_tokens=heard,
            output_tokens=estimate_bytes(text_bytes) + spoken,
            audio_output_tokens=spoken,
            source="estimated",
        )

    @property
    def _heard_ratio(self) -> float:
        return TOKENS_PER_SECOND / self._heard_per_second

    def _spoken_tokens(self, chars: int) -> float:
        return chars * SPOKEN_TOKENS_PER_SECOND / self._spoken_per_second


class Said:
    """What a response has said, in bytes of text and characters of sound; ``delivered`` is what of both was handed over."""

    __slots__ = ("delivered", "has_call", "has_text", "sound_chars", "text_bound", "text_bytes")

    def __init__(self) -> None:
        self.text_bytes = self.sound_chars = self.text_bound = 0
        self.delivered = (0, 0)
        self.has_text = self.has_call = False

    def add(self, kind: str, length: int) -> None:
        """Count a delta."""
        if kind in SOUND_DELTAS:
            self.sound_chars += length
        else:
            self.text_bytes += length
            self.text_bound += piece_bound(length)
        self.has_text |= kind in SOUND_DELTAS or kind in TEXT_DELTAS
        self.has_call |= kind.endswith("_arguments.delta")

    def __add__(self, other: "Said") -> "Said":
        both = Said()
        both.text_bytes = self.text_bytes + other.text_bytes
        both.sound_chars = self.sound_chars + other.sound_chars
        both.text_bound = self.text_bound + other.text_bound
        both.delivered = (self.delivered[0] + other.delivered[0], self.delivered[1] + other.delivered[1])
        both.has_text, both.has_call = self.has_text or other.has_text, self.has_call or other.has_call
        return both


def _chars_per_second(format: str) -> int:
    """Return the base64 that a second of sound takes; of G.711 for what has no known name, as it takes least."""
    return PCM_CHARS_PER_SECOND if format in ("pcm16", "audio/pcm") else G711_CHARS_PER_SECOND

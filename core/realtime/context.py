"""How much input a session's next response may read, and how much the present one has output.

A plain object, fed with events. Each ``response.done`` brings the upstream's own figures; in
between, this counts on from them. A second of audio is 10 input tokens or 20 output tokens,
whatever its format. Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24.
"""

import math
import re
from collections import deque

import msgspec

from ..dialects.realtime_events import (
    APPEND,
    SOUND_DELTAS,
    TEXT_DELTAS,
    Measure,
    ResponseDone,
    SessionFacts,
    delta_length,
    delta_of,
)
from ..dialects.realtime_usage import TOKENS_PER_SECOND
from ..estimate import REQUEST_TOKENS, estimate_bytes, piece_bound
from ..usage import Usage

PCM_CHARS_PER_SECOND = 64_000
"""24 000 samples of two bytes, in base64."""
G711_CHARS_PER_SECOND = 10_666
"""8 000 samples of one byte, in base64."""
SPOKEN_TOKENS_PER_SECOND = 20
RESPONSES_MAX = 64
"""Responses under way that are counted one by one; any beyond these are counted together."""
ENDED_MAX = 1024
"""How many ended responses are remembered, more than an hour of talk has: a repeated end must not be paid again."""
_SPEECH_AT = re.compile(r'"audio_(?:start|end)_ms"\s*:\s*(\d{1,9})')


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Input tokens; those of audio are kept apart, since they cost more."""

    text: int = 0
    sound: int = 0

    def __add__(self, other: "Input") -> "Input":
        return Input(text=self.text + other.text, sound=self.sound + other.sound)

    def is_within(self, other: "Input") -> bool:
        """Say whether neither kind is more than in *other*."""
        return self.text <= other.text and self.sound <= other.sound


class Context:
    """One session's conversation, as far as it matters for cost."""

    def __init__(self) -> None:
        self._heard_per_second = self._spoken_per_second = PCM_CHARS_PER_SECOND
        self._known = Input()
        """Input and output of the last response together, by the upstream's own figures."""
        self._added = Measure()
        """What has been added to the conversation since."""
        self._added_before = Measure()
        """The part of it that was there when the present response began."""
        self.buffered_chars = 0
        """Audio in the buffer that has not become input yet, in characters of base64."""
        self._speech_ms: int | None = None
        self._speech_start_ms = 0
        self._under_way: list[str] = []
        """The ids of the responses under way, the oldest first; "" for one whose id has not come yet."""
        self._asked_count = 0
        """Responses that the customer asked for and the upstream has neither begun nor refused yet."""
        self._outputs: dict[str, Output] = {}
        """The output so far of each response under way, by its id; under "" all that can't be told apart."""
        self._passing = Output()
        """The output of the response whose delta is on its way to the customer."""
        self._ended: deque[str] = deque(maxlen=ENDED_MAX)
        """The ids of the responses that ended last."""
        self._has_unnamed_ended = False

    def session_changed(self, facts: SessionFacts) -> None:
        """Note the audio formats that the upstream reports."""
        if facts.input_format is not None:
            self._heard_per_second = _chars_per_second(facts.input_format)
        if facts.output_format is not None:
            self._spoken_per_second = _chars_per_second(facts.output_format)

    def customer_sent(self, kind: str, measure: Measure) -> None:
        """Count what the customer adds; audio appended to the buffer becomes input only when it is committed."""
        if kind == APPEND:
            self.buffered_chars += measure.sound_chars
            return
        self._added += measure
        if kind == "response.create":
            self._asked_count += 1

    def request_failed(self) -> None:
        """Note that the upstream refused an event: one that asked for a response, if any such is waiting."""
        self._asked_count = max(0, self._asked_count - 1)

    def buffer_changed(self, kind: str, frame: str) -> int:
        """Follow the upstream's ``input_audio_buffer`` events; where it detects speech, only that becomes input.

        Returns:
            How much audio became input now, in characters of base64.
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
            self.buffered_chars, self._speech_ms = 0, None
        return became

    def seconds_heard(self, chars: int) -> int:
        """Return how long so many characters of the customer's audio last, in seconds, rounded up."""
        return -(-chars // self._heard_per_second)

    def _speech_chars(self) -> int:
        if self._speech_ms is None:
            return self.buffered_chars
        return min(self.buffered_chars, self._heard_per_second * self._speech_ms // 1000)

    @property
    def open_count(self) -> int:
        """Responses under way."""
        return len(self._under_way)

    def response_began(self, response_id: str) -> None:
        """Note what the response reads; more may be added while it is under way. A repeated notice changes nothing."""
        if response_id and response_id in self._under_way:
            return
        if response_id in self._ended:
            self._ended.remove(response_id)
        self._under_way.append(response_id)
        self._asked_count = max(0, self._asked_count - 1)
        self._added_before = self._added

    def response_sent(self, kind: str, frame: str) -> None:
        """Count a delta that is about to be passed on; its response is under way, even if its beginning was not told."""
        response_id = delta_of(frame)
        if response_id not in self._outputs:
            self._note_speaker(response_id)
            if len(self._outputs) >= RESPONSES_MAX:
                response_id = ""
        self._passing = self._outputs.setdefault(response_id, Output())
        self._passing.add(kind, delta_length(frame))

    def _note_speaker(self, response_id: str) -> None:
        """Count the response of a delta as under way.

        It may be the one that began without an id, which is then known. A delta without an id may belong to any.
        """
        if response_id in self._under_way or (self._under_way and not response_id):
            return
        if "" in self._under_way:
            self._under_way[self._under_way.index("")] = response_id
        else:
            self.response_began(response_id)

    def handed_over(self) -> None:
        """Note that the delta counted last has reached the customer's socket."""
        self._passing.delivered = (self._passing.text_bytes, self._passing.sound_chars)

    def output_of(self, response_id: str | None) -> "Output":
        """Return the output of that response, or all output that no id tells apart; for None, that of all under way."""
        if response_id is None:
            return sum(self._outputs.values(), Output())
        return self._outputs.get(self._meant(response_id)) or self._outputs.get("", Output())

    def _meant(self, response_id: str) -> str:
        """Return which response under way has ended: the one with this id, or one without an id, or the oldest."""
        known = [each for each in (response_id, "", *self._under_way[:1]) if each in self._under_way]
        return known[0] if known else response_id

    def response_ended(self, done: ResponseDone) -> None:
        """Take the upstream's own figures as the new base, if the response belongs to the conversation."""
        meant = self._meant(done.id)
        self._outputs.pop(meant, None)
        if self._under_way:
            self._under_way.remove(meant)
        else:
            self._asked_count = max(0, self._asked_count - 1)
        if done.id:
            self._ended.append(done.id)
        self._has_unnamed_ended |= not done.id
        if not self._under_way:
            self._outputs.clear()
        if done.usage is not None and done.is_of_conversation:
            tokens = done.usage.all_input_tokens + done.usage.output_tokens
            sound = min(done.sound_tokens, tokens)
            self._known = Input(text=tokens - sound, sound=sound)
            self._added -= self._added_before
            self._added_before = Measure()

    def has_ended(self, response_id: str) -> bool:
        """Say whether this response has ended before, and neither begun nor spoken since: it must not be paid again.

        An end without an id counts as repeated only if nothing is under way or asked for that it could be the end of.
        """
        if not response_id:
            return self._has_unnamed_ended and not (self._under_way or self._asked_count)
        return response_id in self._ended and "" not in self._under_way

    @property
    def input_bound(self) -> Input:
        """An upper bound of the input of the responses to come, each of which reads all of the conversation."""
        added = Input(
            text=REQUEST_TOKENS + self._added.text_bytes // 2 + self._added.media_tokens,
            sound=math.ceil((self._added.sound_chars + self.buffered_chars) * self._heard_ratio),
        )
        each, count = self._known + added, self.response_count
        return Input(text=each.text * count, sound=each.sound * count)

    @property
    def response_count(self) -> int:
        """How many responses are under way or asked for; at least one, as the upstream may begin one by itself."""
        return max(1, self.open_count + self._asked_count)

    @property
    def output_bound_tokens(self) -> int:
        """An upper bound of the output of the responses under way."""
        output = self.output_of(None)
        return output.text_bound + math.ceil(self._spoken_tokens(output.sound_chars))

    @property
    def output_counted_tokens(self) -> int:
        """The best estimate of the same."""
        output = self.output_of(None)
        return estimate_bytes(output.text_bytes) + int(self._spoken_tokens(output.sound_chars))

    def spoken_tokens(self, output: "Output") -> int:
        """Return the tokens of the sound of *output* that was handed over."""
        return int(self._spoken_tokens(output.delivered[1]))

    def delivered_usage(self, output: "Output") -> Usage:
        """Return the usage of a response that ends here: its likely input, and the part of *output* that was handed over.

        Input and output of the response before count as cached, as upstreams do it.
        """
        added = self._added_before
        heard = int(added.sound_chars * self._heard_ratio)
        spoken = self.spoken_tokens(output)
        return Usage(
            input_tokens=estimate_bytes(added.text_bytes) + heard,
            cache_read_tokens=self._known.text + self._known.sound,
            audio_input_tokens=heard,
            output_tokens=estimate_bytes(output.delivered[0]) + spoken,
            audio_output_tokens=spoken,
            source="estimated",
        )

    @property
    def _heard_ratio(self) -> float:
        return TOKENS_PER_SECOND / self._heard_per_second

    def _spoken_tokens(self, chars: int) -> float:
        return chars * SPOKEN_TOKENS_PER_SECOND / self._spoken_per_second


class Output:
    """The output of a response, in bytes of text and base64 characters of audio; ``delivered`` is what got through."""

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

    def __add__(self, other: "Output") -> "Output":
        both = Output()
        both.text_bytes = self.text_bytes + other.text_bytes
        both.sound_chars = self.sound_chars + other.sound_chars
        both.text_bound = self.text_bound + other.text_bound
        both.delivered = (self.delivered[0] + other.delivered[0], self.delivered[1] + other.delivered[1])
        both.has_text, both.has_call = self.has_text or other.has_text, self.has_call or other.has_call
        return both


def _chars_per_second(format: str) -> int:
    """Return how many characters of base64 a second takes; for an unknown format, the fewest that any has (G.711)."""
    return PCM_CHARS_PER_SECOND if format in ("pcm16", "audio/pcm") else G711_CHARS_PER_SECOND

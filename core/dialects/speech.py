"""Text to speech: ``/v1/audio/speech``, streamed as plain audio or as events with the audio in base64.

Plain audio has no end mark and no usage: it is whole when its body ends in order, and costs the
characters of its text, or the tokens that they likely make. Source: OpenAI API reference, "Create speech";
wire/DIALECTS.md 3.5 and w:openai-other/speech, read 2026-11-24.
"""

from collections.abc import Mapping
from typing import NoReturn

import msgspec

from ..errors import BadRequestError, RelayError
from ..estimate import input_estimate, is_beyond
from ..exchange import Evidence, Exchange
from ..usage import Usage
from .dialect import NativeReader, is_of_type
from .disguised import disguised_error
from .done_reader import DoneReader, EventFields
from .fields import missing_field, read_model, read_object, read_optional_text
from .figures import UntrueFigureError, read_figure, read_figures
from .kinds import SOME_TEXT, SPEECH, check_kinds
from .single import Single


class Speech(Single):
    """Rules of ``POST /v1/audio/speech``; see `DialectRules`."""

    def __init__(self) -> None:
        super().__init__("audio", "speech", "/v1/audio/speech", required=("input", SOME_TEXT), kinds=SPEECH)

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        exchange.model = read_model(fields)
        text = read_optional_text(fields, "input")
        if not text:
            raise BadRequestError(param="input") if "input" in fields else missing_field("input")
        read_optional_text(fields, "stream_format")
        check_kinds(fields, self._kinds)
        exchange.fields = fields
        exchange.stream = True
        exchange.unit_bound = exchange.unit_estimate = len(text)
        exchange.output_tokens_likely = 2 * spoken_tokens(exchange)

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream: that of events, or what any audio type begins with."""
        return "text/event-stream" if _is_in_events(exchange) else "audio/"

    def stream_reader(self, exchange: Exchange) -> "SpokenEventsReader | SoundReader":
        return SpokenEventsReader(exchange) if _is_in_events(exchange) else SoundReader(exchange)

    def read_body(self, exchange: Exchange, body: bytes) -> NoReturn:
        """Refuse a document where audio was asked for: it is an error sent with a success status."""
        raise disguised_error(body)

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return nothing: in the middle of audio only a broken connection can show that it is not whole."""
        return b""


class SoundReader(NativeReader):
    """Reads along one stream of plain audio, in which every byte is output; see `StreamReader`."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and return them."""
        if data and not self.is_output_seen:
            self.note_answer()
            self.output_bound_tokens = self.output_counted_tokens = spoken_tokens(self._exchange)
        return data

    def finish(self) -> bytes:
        """Note the end of the body, which came in order and so is the end of the audio."""
        self.is_ended = True
        return b""

    def usage(self) -> Usage | None:
        """Return the characters, and the tokens that they likely make; no output tokens before any audio came."""
        return spoken_usage(self._exchange, self.output_counted_tokens)

    def evidence(self) -> Evidence:
        return self.make_evidence(is_end_seen=self.is_ended, thinking_asked=False)


class SpokenEventsReader(DoneReader):
    """Reads along one stream of events that carry audio; see `StreamReader`."""

    __slots__ = ("_usage",)

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._usage: object = None

    def _note(self, fields: EventFields, event: bytes) -> bool:
        if fields.type == "speech.audio.done":
            self._usage, self.stop_reason = fields.usage, "done"
            return True
        if fields.type == "speech.audio.delta" and not self.is_output_seen:
            self.note_answer()
            self.output_bound_tokens = self.output_counted_tokens = spoken_tokens(self._exchange)
        return False

    def _figures(self) -> Usage | None:
        figures = read_figures(self._usage)
        if figures.get("output_tokens") is None:
            return spoken_usage(self._exchange, self.output_counted_tokens)
        output = read_figure(figures, "output_tokens")
        if is_beyond(output, spoken_tokens(self._exchange)):
            raise UntrueFigureError("more output than the text can make")
        return Usage(
            input_tokens=read_figure(figures, "input_tokens"),
            output_tokens=output,
            audio_output_tokens=output,
            unit_count=self._exchange.unit_estimate,
        )

    def _disputed(self) -> Usage:
        usage = spoken_usage(self._exchange, self.output_bound_tokens)
        return msgspec.structs.replace(usage, input_tokens=self._request_bound(), source="disputed")


def spoken_usage(exchange: Exchange, output_tokens: int) -> Usage:
    """Return the estimated usage of a spoken text, for when the upstream gives none."""
    return Usage(
        input_tokens=input_estimate(_read_by_the_model(exchange.fields)),
        output_tokens=output_tokens,
        audio_output_tokens=output_tokens,
        unit_count=exchange.unit_estimate,
        source="estimated",
    )


def _read_by_the_model(fields: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    given = {name: fields.get(name, msgspec.Raw(b"null")) for name in ("input", "instructions")}
    return {name: value for name, value in given.items() if bytes(value) != b"null"}


def spoken_tokens(exchange: Exchange) -> int:
    """Return the tokens that the text likely makes when spoken: three for every two bytes of UTF-8.

    A minute is about 840 bytes of text, and 1250 tokens. Source: OpenAI pricing of
    gpt-4o-mini-tts, 0.015 a minute at 12 a million, read 2026-11-24.
    """
    return len((read_optional_text(exchange.fields, "input") or "").encode()) * 3 // 2


def note_plain_sound(exchange: Exchange, content_type: str) -> None:
    """If *exchange* asked for events of speech but plain sound comes, treat that as what was asked for.

    OpenAI's ``tts-1`` and ``tts-1-hd`` ignore the wish, with status 200.
    Source: sfortis/openai_tts#73, read 2026-11-30.
    """
    if exchange.operation == "speech" and is_of_type(content_type, "audio/"):
        exchange.fields.pop("stream_format", None)


def _is_in_events(exchange: Exchange) -> bool:
    return read_optional_text(exchange.fields, "stream_format") == "sse"

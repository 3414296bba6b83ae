"""Speech to text: ``/v1/audio/transcriptions`` and ``/v1/audio/translations``, whole, streamed, or as subtitles.

The audio comes as a file in a form, which is passed on unchanged. Source: OpenAI API reference,
"Create transcription", and ``types/audio`` of its Python SDK 3.54; wire/DIALECTS.md 3.5,
w:openai-other/transcription-whisper and transcription-4o-stream, read 2026-11-24.
"""

import math
from contextlib import suppress
from typing import Any

import msgspec

from ..errors import BadRequestError
from ..estimate import DISPUTED_FACTOR, REQUEST_TOKENS, estimate_bytes, input_estimate, piece_bound
from ..exchange import Evidence, Exchange, Operation
from ..form import Form
from ..usage import Usage
from .dialect import BodyReading
from .disguised import disguised_error, read_document
from .done_reader import DoneReader, EventFields
from .fields import missing_field, read_bool, read_form_value, read_model, read_optional_text
from .figures import Figures, UntrueFigureError, read_figure, read_figures
from .kinds import FORM, SOME_TEXT
from .realtime_usage import TOKENS_PER_SECOND
from .single import Single
from .sound import seconds_bound, seconds_estimate, seconds_spoken

TEXT_FORMATS = frozenset({"text", "srt", "vtt"})
_ENDS = frozenset({"transcript.text.done", "transcription.done"})
"""OpenAI's last event, and Mistral's. Source: mistralai/client-python transcriptionstreamdone.py, read 2026-11-30."""
_PIECES_AS_TEXT = frozenset({"transcript.text.segment", "transcription.text.delta"})
"""Events that have their piece of text in ``text``, not ``delta``: OpenAI's segments, and Mistral's.

Source: mistralai/client-python transcriptionstreamtextdelta.py.
"""
SECONDS_FLOOR = 60
"""The least that a file's length counts as when the upstream's figure is checked: short files are mostly header."""


class _Transcript(msgspec.Struct):
    text: str | None = None
    duration: Any = None
    usage: Any = None


_read_transcript = msgspec.json.Decoder(_Transcript).decode


class Transcription(Single):
    """Rules of one of the two endpoints; see `DialectRules`."""

    def __init__(self, operation: Operation, path: str) -> None:
        super().__init__("audio", operation, path, required=("file", SOME_TEXT), kinds=FORM)

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Read the form in *body* as far as relay reads it, into ``exchange``."""
        form = Form(body, exchange.headers.get("content-type", ""))
        exchange.model = read_model(form.fields)
        read_optional_text(form.fields, "response_format")
        sounds = form.files("file")
        if len(sounds) != 1 or not sounds[0]:
            raise BadRequestError(param="file") if sounds else missing_field("file")
        if self.operation == "transcription":
            exchange.stream = read_bool(read_form_value(form.fields, "stream"), "stream")
        exchange.form, exchange.fields = form, form.fields
        exchange.unit_bound = seconds_bound(sounds[0])
        exchange.unit_estimate = seconds_estimate(sounds[0])
        exchange.audio_tokens_bound = TOKENS_PER_SECOND * exchange.unit_bound

    def input_bound(self, exchange: Exchange) -> int:
        """Return an upper bound of the input tokens: twice what audio of the greatest possible length counts."""
        return REQUEST_TOKENS + input_estimate(exchange.fields) + 2 * TOKENS_PER_SECOND * exchange.unit_bound

    def input_estimate(self, exchange: Exchange) -> int:
        return TOKENS_PER_SECOND * exchange.unit_estimate

    def stream_reader(self, exchange: Exchange) -> "TranscriptReader":
        return TranscriptReader(exchange)

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        """Read a whole answer of status 200: a document, or plain text if that was asked for."""
        is_text = read_optional_text(exchange.fields, "response_format") in TEXT_FORMATS
        transcript = _text_answer(body) if is_text else _json_answer(body)
        text = transcript.text or ""
        return BodyReading(
            usage=heard_usage(exchange, transcript.usage, transcript.duration, text),
            evidence=Evidence(has_text=bool(text.strip()), is_end_seen=True, output_bytes=len(text.encode())),
            content_type="text/plain; charset=utf-8" if is_text else "application/json",
        )


class TranscriptReader(DoneReader):
    """Reads along one stream of text; see `StreamReader`."""

    __slots__ = ("_text", "_usage")

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._usage: object = None
        self._text = ""

    def _note(self, fields: EventFields, event: bytes) -> bool:
        if fields.type in _ENDS:
            self._usage, self._text = fields.usage, fields.text if isinstance(fields.text, str) else ""
            self.stop_reason = "done"
            return True
        piece = fields.text if fields.type in _PIECES_AS_TEXT else fields.delta
        if isinstance(piece, str) and piece:
            self.add_text(len(piece.encode()))
        return False

    def _figures(self) -> Usage | None:
        return read_heard_usage(self._exchange, self._usage, None, self._text)

    def _disputed(self) -> Usage:
        return bound_usage(self._exchange, self.output_bound_tokens)


def heard_usage(exchange: Exchange, usage: object, duration: object, text: str) -> Usage:
    """Return the usage that an answer reports, or local bounds if that can't be true."""
    try:
        return read_heard_usage(exchange, usage, duration, text)
    except UntrueFigureError:
        return bound_usage(exchange, piece_bound(len(text.encode())))


def read_heard_usage(exchange: Exchange, usage: object, duration: object, text: str) -> Usage:
    """Return tokens and seconds: each as reported, else estimated from the other, the text or the file.

    So a model can be priced by either, whichever of the two its upstream counts in.

    Raises:
        UntrueFigureError: A figure can't be true.
    """
    figures = read_figures(usage)
    lengths = (figures.get("seconds"), figures.get("prompt_audio_seconds"), duration)
    length = next((length for length in lengths if length is not None), None)
    spoken = max(exchange.unit_estimate, min(seconds_spoken(text), exchange.unit_bound))
    seconds = spoken if length is None else _read_seconds(length, exchange)
    if figures.get("input_tokens") is None:
        if figures.get("prompt_audio_seconds") is not None and (heard := _read_mistral_usage(figures)) is not None:
            return msgspec.structs.replace(heard, unit_count=seconds)
        tokens = TOKENS_PER_SECOND * seconds
        likely = Usage(input_tokens=tokens, audio_input_tokens=tokens, unit_count=seconds)
        if length is not None:
            return likely
        return msgspec.structs.replace(likely, output_tokens=estimate_bytes(len(text.encode())), source="estimated")
    return Usage(
        input_tokens=read_figure(figures, "input_tokens"),
        audio_input_tokens=read_figure(read_figures(figures.get("input_token_details")), "audio_tokens"),
        output_tokens=read_figure(figures, "output_tokens"),
        unit_count=seconds,
    )


def _read_mistral_usage(figures: Figures) -> Usage | None:
    """Return the tokens of one of Mistral's transcriptions: audio is missing in its prompt, but part of its total.

    None if there is no total, or if it leaves no input.

    Source: docs.mistral.ai, Audio transcription (4 + 635, total 3264, for 203 seconds); mistralai/client-python
    usageinfo.py, read 2026-11-30.
    """
    prompt, output = read_figure(figures, "prompt_tokens"), read_figure(figures, "completion_tokens")
    details = read_figures(figures.get("prompt_tokens_details"))
    sound = max(0, read_figure(figures, "total_tokens") - prompt - output)
    if figures.get("total_tokens") is None or not prompt + sound:
        return None
    cached = min(read_figure(details, "cached_tokens"), prompt + sound)
    fresh = prompt + sound - cached
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=cached,
        audio_input_tokens=min(sound or read_figure(details, "audio_tokens"), fresh),
        output_tokens=output,
    )


def bound_usage(exchange: Exchange, output_tokens: int) -> Usage:
    """Return the most that the audio of a request can count, and its transcript, for figures that can't be true."""
    tokens = exchange.audio_tokens_bound
    return Usage(
        input_tokens=tokens,
        audio_input_tokens=tokens,
        output_tokens=output_tokens,
        unit_count=exchange.unit_bound,
        source="disputed",
    )


def _read_seconds(length: object, exchange: Exchange) -> int:
    """Return seconds, rounded up; older answers of whisper have them as text."""
    if isinstance(length, bool) or not isinstance(length, str | int | float):
        raise UntrueFigureError("seconds are no number")
    try:
        seconds = math.ceil(float(length))
    except (ValueError, OverflowError) as exc:
        raise UntrueFigureError("seconds are no number") from exc
    if not 0 <= seconds <= DISPUTED_FACTOR * max(exchange.unit_bound, SECONDS_FLOOR):
        raise UntrueFigureError("more seconds than the sound can have")
    return seconds


def _json_answer(body: bytes) -> _Transcript:
    transcript = read_document(_read_transcript, body, "a transcript")
    if transcript.text is None:
        raise disguised_error(body)
    return transcript


def _text_answer(body: bytes) -> _Transcript:
    """Return plain text as a transcript.

    Raises:
        UpstreamStatusError: The body is an error document instead.
    """
    if body.lstrip().startswith(b"{"):
        with suppress(ValueError, RecursionError):
            if "error" in msgspec.json.decode(body):
                raise disguised_error(body)
    return _Transcript(text=body.decode(errors="replace"))

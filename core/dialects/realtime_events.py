"""Frames of Realtime: finds the type of each from its beginning, and reads the few that matter.

A frame of audio is passed on unchanged and never decoded. The beta and the present version use
different names (``response.audio.delta``, ``response.output_audio.delta``); both are read.
Source: OpenAI API reference, Realtime client and server events, and ``types/realtime`` of its
Python SDK 3.54, read 2026-11-24.
"""

import re
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from ..errors import BadRequestError
from ..estimate import MEDIA_TOKENS_MAX
from ..usage import Usage
from .fields import read_object, read_value
from .figures import UntrueFigureError
from .realtime_usage import read_realtime_usage, sound_tokens_of

SOUND_DELTAS = frozenset({"response.audio.delta", "response.output_audio.delta"})
TEXT_DELTAS = frozenset(
    {
        "response.text.delta",
        "response.output_text.delta",
        "response.audio_transcript.delta",
        "response.output_audio_transcript.delta",
    }
)
APPEND = "input_audio_buffer.append"
_HEAD = re.compile(r'\s*\{\s*(?:"event_id"\s*:\s*"[^"\\]*"\s*,\s*)?"type"\s*:\s*"([^"\\]*)"')
_DELTA, _AUDIO, _NO_DELTA = '"delta"', '"audio"', '{"delta":""}'
_delta_begin = re.compile(rf'{_DELTA}\s*:\s*"')
_escape = re.compile(r"\\.", re.DOTALL)
ID_CHARS_MAX = 200
"""A longer id counts as none, as ids are kept."""
_TYPE = msgspec.json.Decoder(str)
_RESPONSE_ID = re.compile(rf'"response_id"\s*:\s*"([^"\\]{{0,{ID_CHARS_MAX}}})"')


class _Typed(msgspec.Struct):
    type: str = ""


class _Named(msgspec.Struct):
    event_id: str | None = None


_read_named = msgspec.json.Decoder(_Named).decode
_read_typed = msgspec.json.Decoder(_Typed, strict=False).decode


def event_type(frame: str) -> str:
    """Return the event type of the upstream's *frame*; empty if it is no event.

    >>> event_type('{"type":"response.done","event_id":"event_1"}')
    'response.done'
    >>> event_type('{"response":{"type":"x"},"type":"response.done"}')
    'response.done'
    """
    head = _HEAD.match(frame)
    if head is not None:
        return head[1]
    try:
        return _read_typed(frame).type
    except (ValueError, RecursionError):
        return ""


def is_plain_append(frame: str) -> bool:
    """Say whether the customer's *frame* can be nothing but audio for the buffer.

    It has one ``"type"``, and no escape that could spell another, so it can be passed on unread.
    """
    head = _HEAD.match(frame)
    return head is not None and head[1] == APPEND and frame.count('"type"') == 1 and "\\" not in frame


def delta_length(frame: str) -> int:
    """Return the length of the delta in *frame* as it is written, in characters; nearly all of *frame* if it has none.

    >>> delta_length('{"delta":"Hi","logprobs":[{"token":"Hi","logprob":-0.1}]}')
    2
    """
    plain = _escape.sub("--", frame)  # of the same length
    begin = _delta_begin.search(plain)
    if begin is None:
        return max(0, len(frame) - len(_NO_DELTA))
    end = plain.find('"', begin.end())
    return (len(frame) if end == -1 else end) - begin.end()


def sound_length(frame: str) -> int:
    """Return an upper bound of the audio in a plain append, in characters of base64."""
    start = frame.find('"', frame.find(_AUDIO) + len(_AUDIO))
    return max(0, frame.rfind('"') - start - 1)


def delta_of(frame: str) -> str:
    """Return the id of the response that the delta in *frame* belongs to; empty if none comes before the delta."""
    named = _RESPONSE_ID.search(frame, 0, max(0, frame.find(_DELTA)))
    return named[1] if named is not None else ""


Fields = dict[str, msgspec.Raw]


def read_customer_event(frame: str) -> tuple[str, Fields]:
    """Return the type and members of a customer's event; if a member is repeated, the last counts.

    Raises:
        BadRequestError: Not an object with a type.
    """
    fields = read_object(frame.encode())
    return read_value(fields, "type", _TYPE), fields


def event_id_of(frame: str | bytes) -> str | None:
    """Return the ``event_id`` of a customer's event; None if it has none, or is no event."""
    try:
        return _read_named(frame).event_id
    except (ValueError, RecursionError):
        return None


def render_event(fields: Fields) -> str:
    """Return the event of these members, each byte for byte as it came or was set."""
    members = (f"{msgspec.json.encode(name).decode()}:{bytes(value).decode()}" for name, value in fields.items())
    return "{" + ",".join(members) + "}"


class _Part(msgspec.Struct):
    type: object = None
    audio: object = None
    image_url: object = None


class _Item(msgspec.Struct):
    content: list[_Part] = []


class _Create(msgspec.Struct):
    input: list[_Item] | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """The size of a piece of a conversation: text in bytes, audio in characters of base64, pictures in tokens."""

    text_bytes: int = 0
    sound_chars: int = 0
    media_tokens: int = 0

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            text_bytes=self.text_bytes + other.text_bytes,
            sound_chars=self.sound_chars + other.sound_chars,
            media_tokens=self.media_tokens + other.media_tokens,
        )

    def __sub__(self, other: "Measure") -> "Measure":
        return Measure(
            text_bytes=self.text_bytes - other.text_bytes,
            sound_chars=self.sound_chars - other.sound_chars,
            media_tokens=self.media_tokens - other.media_tokens,
        )


def measure_event(kind: str, fields: Fields) -> Measure:
    """Return how much a customer's event may add to the model's input; what has an unknown form counts as text."""
    text_bytes = sum(len(bytes(value)) for name, value in fields.items() if name not in ("type", "event_id"))
    if kind == APPEND:
        return Measure(sound_chars=max(0, text_bytes - len('""')))
    items: list[_Item] = []
    try:
        if kind == "conversation.item.create":
            items = [msgspec.json.decode(fields.get("item", b"{}"), type=_Item)]
        elif kind == "response.create":
            items = msgspec.json.decode(fields.get("response", b"{}"), type=_Create).input or []
    except (ValueError, RecursionError):
        return Measure(text_bytes=text_bytes)
    parts = [part for item in items for part in item.content]
    sound = sum(len(part.audio) for part in parts if part.type == "input_audio" and isinstance(part.audio, str))
    pictures = [part.image_url for part in parts if part.type == "input_image" and isinstance(part.image_url, str)]
    return Measure(
        text_bytes=text_bytes - sound - sum(map(len, pictures)),
        sound_chars=sound,
        media_tokens=MEDIA_TOKENS_MAX * len(pictures),
    )


class _Transcription(msgspec.Struct):
    model: str | None = None


class _Format(msgspec.Struct):
    type: str | None = None


class _Side(msgspec.Struct):
    format: _Format | None = None
    transcription: _Transcription | None = None


class _Audio(msgspec.Struct):
    input: _Side | None = None
    output: _Side | None = None


class _Session(msgspec.Struct):
    model: str | None = None
    audio: _Audio | None = None
    input_audio_format: str | None = None
    output_audio_format: str | None = None
    input_audio_transcription: _Transcription | None = None


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a session that matter for money; None for what they don't mention.

    ``transcription_model`` is empty if transcription is asked for without naming a model.
    """

    model: str | None = None
    input_format: str | None = None
    output_format: str | None = None
    transcription_model: str | None = None


_read_session = msgspec.json.Decoder(_Session).decode


def read_session(session: bytes) -> SessionFacts:
    """Return the facts in the settings of a session, in the form of the beta or the present version.

    Raises:
        BadRequestError: They have neither form.
    """
    try:
        read = _read_session(session)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param="session") from exc
    audio = read.audio or _Audio()
    heard, spoken = audio.input or _Side(), audio.output or _Side()
    transcription = heard.transcription or read.input_audio_transcription
    return SessionFacts(
        model=read.model,
        input_format=heard.format.type if heard.format else read.input_audio_format,
        output_format=spoken.format.type if spoken.format else read.output_audio_format,
        transcription_model=None if transcription is None else transcription.model or "",
    )


def read_session_event(frame: str) -> SessionFacts:
    """Return the facts in an event that carries a session's settings; none if it can't be read."""
    try:
        return read_session(read_object(frame.encode()).get("session", b"{}"))
    except BadRequestError:
        return SessionFacts()


class _Response(msgspec.Struct):
    id: object = None
    status: object = None
    status_details: object = None
    conversation_id: object = None
    usage: object = None


class _Done(msgspec.Struct):
    response: _Response


Status = Literal["completed", "cancelled", "incomplete", "failed"]


class ResponseDone(msgspec.Struct, frozen=True, kw_only=True):
    """How a response ended.

    Attributes:
        id: The upstream's id; empty if it gave none, or one too long to be kept.
        status: The upstream's status; ``failed`` if it gave no known one.
        reason: Why it was cancelled or is incomplete, if it is.
        error: The error of a failed response.
        is_of_conversation: Its output became part of the conversation.
        usage: The upstream's figures; None if it gave none.
        sound_tokens: Audio tokens of input and output together, cached or not.
        is_disputed: The figures can't be true.
    """

    id: str = ""
    status: Status = "failed"
    reason: str | None = None
    error: Mapping[str, object] = {}
    is_of_conversation: bool = False
    usage: Usage | None = None
    sound_tokens: int = 0
    is_disputed: bool = False


_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_done = msgspec.json.Decoder(_Done).decode
_STATUSES: Mapping[object, Status] = {status: status for status in get_args(Status)}


def read_response_done(frame: str) -> ResponseDone:
    """Return how a response ended; an event of an unknown form counts as a failure without figures."""
    try:
        response = _read_done(frame).response
    except (ValueError, RecursionError):
        return ResponseDone()
    details = response.status_details if isinstance(response.status_details, dict) else {}
    error, reason = details.get("error"), details.get("reason")
    usage, sound_tokens, is_disputed = None, 0, False
    try:
        usage, sound_tokens = read_realtime_usage(response.usage), sound_tokens_of(response.usage)
    except UntrueFigureError:
        is_disputed = True
    return ResponseDone(
        id=response.id if isinstance(response.id, str) and len(response.id) <= ID_CHARS_MAX else "",
        status=_STATUSES.get(str(response.status), "failed"),
        reason=reason if isinstance(reason, str) else None,
        error=error if isinstance(error, dict) else {},
        is_of_conversation=response.conversation_id is not None,
        usage=usage,
        sound_tokens=sound_tokens,
        is_disputed=is_disputed,
    )


def read_response_id(frame: str) -> str:
    """Return the id in an event that carries a response; empty if it names none."""
    return read_response_done(frame).id


def with_error(frame: str, error: Mapping[str, object]) -> str:
    """Return the ``response.done`` in *frame* with its error replaced by *error*."""
    event = _read_members(frame)
    response = _read_members(event["response"])
    details = _read_members(response["status_details"])
    details["error"] = msgspec.Raw(msgspec.json.encode(error))
    response["status_details"] = msgspec.Raw(msgspec.json.encode(details))
    event["response"] = msgspec.Raw(msgspec.json.encode(response))
    return msgspec.json.encode(event).decode()

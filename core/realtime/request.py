"""What a customer may send into a session: everything except a model that the key may not use.

Frames of sound pass as they are. Every other one is decoded at its top level and encoded anew, so
that what was looked at is what is sent; rubbish is refused here, and the session goes on.
"""

from typing import Any

import msgspec

from ..dialects.realtime_events import (
    APPEND,
    Measure,
    is_plain_append,
    measure_event,
    read_customer_event,
    read_session,
    render_event,
    sound_length,
)
from ..errors import BadRequestError
from ..exchange import Candidate
from ..transport import Frame

TRANSCRIPTION_FIELD = "session.audio.input.transcription.model"


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The models of a session: by the customer's names, with the upstream's.

    Attributes:
        asked: The one that the session was opened with.
        sent: What the upstream calls it.
        transcribing: Those its sound may be transcribed by: sold by the same channel, priced, and allowed to the key.
    """

    asked: str
    sent: str
    transcribing: dict[str, str]

    def asked_name(self, sent: str) -> str:
        """Return what the customer is charged by for a transcription of the upstream's model *sent*."""
        return next((name for name, model in self.transcribing.items() if sent in (model, name)), self.asked)


def models_of(candidate: Candidate, asked: str, allowed: frozenset[str] | None, priced: frozenset[str]) -> Models:
    """Return the models of a session on *candidate*; *allowed* are the key's, None for any."""
    sold = candidate.channel.models.items()
    return Models(
        asked=asked,
        sent=candidate.model_sent,
        transcribing={name: sent for name, sent in sold if name in priced and (allowed is None or name in allowed)},
    )


class Passed(msgspec.Struct, frozen=True):
    """A frame that may be sent on: what it is, and how much it may add to what the model reads."""

    frame: str
    kind: str
    measure: Measure


def read_customer_frame(frame: Frame, models: Models) -> Passed:
    """Return what is sent upstream for a customer's *frame*.

    Raises:
        BadRequestError: Not an event, or one that asks for a model which is not the session's, or for a prompt that
            stands in the upstream's account.
    """
    if isinstance(frame, bytes):
        raise BadRequestError()
    if is_plain_append(frame):
        return Passed(frame, APPEND, Measure(sound_chars=sound_length(frame)))
    kind, fields = read_customer_event(frame)
    if kind.endswith("session.update") and "session" in fields:
        fields["session"] = _checked(fields["session"], models)
    for name in ("session", "response"):
        if name in fields and _is_prompted(fields[name]):
            raise BadRequestError("not_offered", param=f"{name}.prompt")
    return Passed(render_event(fields), kind, measure_event(kind, fields))


class _Prompted(msgspec.Struct):
    prompt: object = None


def _is_prompted(settings: msgspec.Raw) -> bool:
    """Say whether *settings* name a prompt; what are no settings is the upstream's to refuse."""
    try:
        return msgspec.json.decode(settings, type=_Prompted).prompt is not None
    except (ValueError, RecursionError):
        return False


def _checked(session: msgspec.Raw, models: Models) -> msgspec.Raw:
    """Return the settings of a session with the upstream's names of models in place of the customer's.

    Raises:
        BadRequestError: Another model, or a transcription by one that is not sold.
    """
    asked = read_session(bytes(session)).model
    try:
        settings = msgspec.json.decode(session)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(param="session") from exc
    if asked is not None:
        if asked not in (models.asked, models.sent):
            raise BadRequestError(param="session.model")
        settings["model"] = models.sent
    for transcription in _transcriptions(settings):
        if transcription.get("model") not in models.transcribing:
            raise BadRequestError("not_offered", param=TRANSCRIPTION_FIELD)
        transcription["model"] = models.transcribing[transcription["model"]]
    return msgspec.Raw(msgspec.json.encode(settings))


def _transcriptions(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the transcriptions that *settings* ask for, at the beta's place and at the present one."""
    heard = (settings.get("audio") or {}).get("input") or {}
    places = (heard.get("transcription"), settings.get("input_audio_transcription"))
    return [place for place in places if place is not None]

"""Checks what a customer sends into a session: the model must be the session's, prompts must be inline.

Frames of audio pass unchanged. All others are decoded at the top level and encoded again, so that
what was checked is what is sent; invalid frames are refused here, and the session goes on.
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
    """The models of a session, by the customer's names and the upstream's.

    Attributes:
        asked: The model that the session was opened with.
        sent: The upstream's name of it.
        transcribing: The models that may transcribe its audio, each with the upstream's name: they are sold by the
            same channel, have a price, and are allowed to the key.
    """

    asked: str
    sent: str
    transcribing: dict[str, str]

    def asked_name(self, sent: str) -> str | None:
        """Return the customer's name of the transcribing model *sent*; None if it is none of those."""
        return next((name for name, model in self.transcribing.items() if sent in (model, name)), None)


def models_of(candidate: Candidate, asked: str, allowed: frozenset[str] | None, priced: frozenset[str]) -> Models:
    """Return the models of a session on *candidate*; *allowed* are those that the key may use, None for any."""
    sold = candidate.channel.models.items()
    return Models(
        asked=asked,
        sent=candidate.model_sent,
        transcribing={name: sent for name, sent in sold if name in priced and (allowed is None or name in allowed)},
    )


class Passed(msgspec.Struct, frozen=True):
    """A frame that may be sent on: its event type, and how much it may add to the model's input."""

    frame: str
    kind: str
    measure: Measure


def read_customer_frame(frame: Frame, models: Models) -> Passed:
    """Return what is sent upstream for a customer's *frame*.

    Raises:
        BadRequestError: Not an event, or one that asks for another model than the session's, for a transcribing model
            that may not be used, or for a prompt that is stored in the upstream account.
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
    """Say whether *settings* name a stored prompt; if they can't be read, the upstream will refuse them."""
    try:
        return msgspec.json.decode(settings, type=_Prompted).prompt is not None
    except (ValueError, RecursionError):
        return False


def _checked(session: msgspec.Raw, models: Models) -> msgspec.Raw:
    """Return the settings of a session with the customer's model names replaced by the upstream's.

    Raises:
        BadRequestError: Another model than the session's, or a transcribing model that may not be used.
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
    """Return the transcriptions that *settings* ask for, from the places of the beta and of the present version."""
    heard = (settings.get("audio") or {}).get("input") or {}
    places = (heard.get("transcription"), settings.get("input_audio_transcription"))
    return [place for place in places if place is not None]

"""What all of Gemini's endpoints share: errors and model lists. Source: wire/DIALECTS.md 7, 8, read 2026-11-24."""

from collections.abc import Mapping, Sequence

import msgspec

from ..errors import RelayError
from .dialect import ModelEntry
from .meaning import Meaning, code_of, meaning_of, param_of, status_of

_NAMES: Mapping[Meaning, str] = {
    "bad_request": "INVALID_ARGUMENT",
    "bad_key": "UNAUTHENTICATED",
    "no_money": "RESOURCE_EXHAUSTED",
    "not_allowed": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "too_large": "INVALID_ARGUMENT",
    "too_many": "RESOURCE_EXHAUSTED",
    "fault": "INTERNAL",
    "overloaded": "UNAVAILABLE",
    "time_out": "DEADLINE_EXCEEDED",
}
_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def render_gemini_error(error: RelayError, text: str, request_id: str) -> bytes:
    """Return an error's body in Gemini's form; our code stands where theirs have a reason."""
    metadata = {"requestId": request_id}
    if (param := param_of(error)) is not None:
        metadata["field"] = param
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code_of(error), "metadata": metadata}
    fields = {"code": status_of(error), "message": text, "status": _NAMES[meaning_of(error)], "details": [reason]}
    return msgspec.json.encode({"error": fields})


def render_gemini_models(models: Sequence[ModelEntry]) -> bytes:
    """Return a list of models in Gemini's form, all on one page."""
    return msgspec.json.encode({"models": [_model(model) for model in models]})


def render_gemini_model(model: ModelEntry) -> bytes:
    """Return one model in Gemini's form."""
    return msgspec.json.encode(_model(model))


def _model(model: ModelEntry) -> dict[str, object]:
    return {
        "name": f"models/{model.name}",
        "displayName": model.name,
        "supportedGenerationMethods": _METHODS,
    }

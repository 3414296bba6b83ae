"""What all of Gemini's endpoints share: errors and model lists. Source: wire/DIALECTS.md 7, 8, read 2026-11-24."""

from collections.abc import Mapping, Sequence

import msgspec

from ..errors import RelayError
from .dialect import ModelEntry
from .meaning import Meaning, code_of, meaning_of, param_of

_STATUSES: Mapping[Meaning, tuple[int, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT"),
    "bad_key": (401, "UNAUTHENTICATED"),
    "no_money": (403, "RESOURCE_EXHAUSTED"),
    "not_allowed": (403, "PERMISSION_DENIED"),
    "not_found": (404, "NOT_FOUND"),
    "too_large": (413, "INVALID_ARGUMENT"),
    "too_many": (429, "RESOURCE_EXHAUSTED"),
    "fault": (500, "INTERNAL"),
    "overloaded": (503, "UNAVAILABLE"),
    "time_out": (504, "DEADLINE_EXCEEDED"),
}
_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def render_gemini_error(error: RelayError, text: str, request_id: str) -> bytes:
    """Return an error's body in Gemini's form; our code stands where theirs have a reason."""
    status, name = _STATUSES[meaning_of(error)]
    metadata = {"requestId": request_id}
    if (param := param_of(error)) is not None:
        metadata["field"] = param
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code_of(error), "metadata": metadata}
    fields = {"code": status, "message": text, "status": name, "details": [reason]}
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

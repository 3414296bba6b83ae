"""What all of Gemini's endpoints share: errors. Source: wire/DIALECTS.md 7, 8, read 2026-11-24."""

from collections.abc import Mapping

import msgspec

from ..errors import RelayError
from .meaning import Meaning, code_of, meaning_of, param_of, retry_after_s, status_of

_NAMES: Mapping[Meaning, str] = {
    "bad_request": "INVALID_ARGUMENT",
    "bad_key": "UNAUTHENTICATED",
    "no_money": "RESOURCE_EXHAUSTED",
    "not_allowed": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "repeated": "ALREADY_EXISTS",
    "too_large": "INVALID_ARGUMENT",
    "too_many": "RESOURCE_EXHAUSTED",
    "fault": "INTERNAL",
    "overloaded": "UNAVAILABLE",
    "time_out": "DEADLINE_EXCEEDED",
}


class GeminiFace:
    """The part of `DialectRules` that writes errors; our code is the ``reason``.

    Google's clients read the time to wait in the body (wire/DIALECTS.md 7.4).
    """

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        metadata = {"requestId": request_id}
        if (param := param_of(error)) is not None:
            metadata["field"] = param
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code_of(error), "metadata": metadata}
        details: list[object] = [reason]
        if (wait_s := retry_after_s(error)) is not None:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait_s}s"})
        fields = {"code": status_of(error), "message": text, "status": _NAMES[meaning_of(error)], "details": details}
        return msgspec.json.encode({"error": fields})

"""What all of OpenAI's endpoints share: errors. Source: wire/DIALECTS.md 7, 8, read 2026-11-23."""

from collections.abc import Mapping

import msgspec

from ..errors import RelayError
from .meaning import Meaning, code_of, meaning_of, param_of

_TYPES: Mapping[Meaning, str] = {
    "bad_request": "invalid_request_error",
    "bad_key": "invalid_request_error",
    "no_money": "insufficient_quota",
    "not_allowed": "permission_error",
    "not_found": "invalid_request_error",
    "repeated": "invalid_request_error",
    "too_large": "invalid_request_error",
    "too_many": "rate_limit_error",
    "fault": "server_error",
    "overloaded": "server_error",
    "time_out": "server_error",
}


class OpenAIFace:
    """The part of `DialectRules` that writes errors; the request id is only in the header, as it is in OpenAI's own."""

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        return msgspec.json.encode({"error": describe_openai_error(error, text)})

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return an event on which the SDKs raise."""
        return b"data: " + self.render_error(error, text, request_id) + b"\n\n"


def describe_openai_error(error: RelayError, text: str) -> dict[str, str | None]:
    """Return what OpenAI's form says of an error."""
    return {"message": text, "type": _TYPES[meaning_of(error)], "param": param_of(error), "code": code_of(error)}

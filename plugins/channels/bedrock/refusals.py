"""Converts AWS's refusals to the dialect: status, error type and body.

Source: Amazon Bedrock API reference, InvokeModelWithResponseStream, "Errors"; read 2026-11-24.
"""

import re
from typing import Any

import msgspec

REFUSAL_BYTES_MAX = 64 * 1024
_UNKNOWN_MODEL = re.compile(r"(?i)model identifier is invalid|on-demand throughput isn.t supported|end of its life")
"""Messages that come with a 400, but are not the customer's fault: another channel may have the model."""
_MEANINGS = {
    "throttling": (429, "rate_limit_error"),
    "modelnotready": (429, "rate_limit_error"),
    "servicequotaexceeded": (429, "rate_limit_error"),
    "modeltimeout": (408, "timeout_error"),
    "modelstreamerror": (424, "api_error"),
    "modelerror": (424, "api_error"),
    "internalserver": (500, "api_error"),
    "serviceunavailable": (503, "overloaded_error"),
    "validation": (400, "invalid_request_error"),
    "resourcenotfound": (404, "not_found_error"),
    "accessdenied": (403, "permission_error"),
    "unrecognizedclient": (403, "authentication_error"),
    "invalidsignature": (403, "authentication_error"),
    "expiredtoken": (403, "authentication_error"),
}


def meaning_of(exception: str, status: int = 500) -> tuple[int, str]:
    """Return the status and the dialect's error type for an *exception* of AWS; unknown ones keep *status*.

    >>> meaning_of("throttlingException"), meaning_of("ValidationException:http://internal.example/")
    ((429, 'rate_limit_error'), (400, 'invalid_request_error'))
    """
    name = exception.partition(":")[0].rpartition("#")[2].lower().removesuffix("exception")
    return _MEANINGS.get(name, (status, "api_error" if status >= 500 else "invalid_request_error"))


def render_error(error_type: str, message: str) -> bytes:
    """Return an error document of the dialect; an unknown model is recognised by the message."""
    if error_type == "invalid_request_error" and _UNKNOWN_MODEL.search(message):
        error_type = "not_found_error"
    return msgspec.json.encode({"type": "error", "error": {"type": error_type, "message": message}})


def message_of(body: bytes) -> str | None:
    """Return the message of an error's body; None if the body is not in AWS's form."""
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    fields = document if isinstance(document, dict) else {}
    message = fields.get("message") or fields.get("Message")
    return message if isinstance(message, str) else None

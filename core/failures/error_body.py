"""What an upstream's error says, whichever vendor's shape it has, and how long it asks to wait.

Sources: wire/DIALECTS.md 7.1 and 7.3, read 2026-11-23.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from ..clock import SystemClock
from ..lone_halves import decode_halves
from .sanitise import names_upstream

BODY_BYTES_MAX = 256 * 1024
"""A longer body of an error is not read: no vendor's words are that long."""
RETRY_AFTER_S_MIN = 1
RETRY_AFTER_S_MAX = 3600


class ErrorBody(msgspec.Struct, frozen=True):
    """What the body of an error says, whichever vendor's shape it has.

    Attributes:
        status: HTTP status named in the body, or 0.
        reasons: Machine-readable reasons beside code and type, in lower case.
        retry_after_s: Seconds to wait before trying again; None where the body names no wait.
        is_document: The body is a JSON object.
    """

    message: str = ""
    type: str = ""
    code: str = ""
    param: str | None = None
    status: int = 0
    reasons: frozenset[str] = frozenset()
    retry_after_s: float | None = None
    is_document: bool = False


_PARAM = re.compile(r"[\w.\[\]-]{1,100}")


def read_error_body(body: bytes) -> ErrorBody:
    """Return what *body* says; an empty `ErrorBody` where it is no JSON object, or too long to be read."""
    if len(body) > BODY_BYTES_MAX:
        return ErrorBody()
    try:
        document = decode_halves(msgspec.json.decode, body)
    except (ValueError, RecursionError):  # msgspec's own errors and UnicodeDecodeError are ValueErrors
        return ErrorBody()
    if isinstance(document, list) and document:
        document = document[0]  # Gemini's OpenAI form wraps an error in a list
    if not isinstance(document, dict):
        return ErrorBody()
    return _read_document(document)


def _read_document(outer: dict[str, Any]) -> ErrorBody:
    """Read the fields of every vendor's shape; the inner value holds them, or is the message itself."""
    inner = outer.get("error") or outer.get("detail") or outer.get("base_resp") or outer.get("errors")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    message = inner if isinstance(inner, str) else ""
    fields: dict[str, Any] = inner if isinstance(inner, dict) else outer
    details = fields.get("details")
    detailed = _text(details, "error_code") if isinstance(details, dict) else ""
    code = detailed or _text(fields, "code", "error_code", "status_code") or _text(outer, "code")
    message = message or _text(fields, "message", "msg", "error_msg", "status_msg") or _text(outer, "message")
    param = fields.get("param") or ".".join(str(part) for part in _items(fields.get("loc")))
    return ErrorBody(
        message=message,
        type=_text(fields, "type") or _text(fields, "status"),
        code=code,
        param=param if isinstance(param, str) and _PARAM.fullmatch(param) and not names_upstream(param) else None,
        status=_status(fields) or _status(outer),
        reasons=frozenset(_reasons(fields)),
        retry_after_s=_delay_in_body(fields, message),
        is_document=True,
    )


def _text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of *names* that holds text or a whole number, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _status(fields: Mapping[str, Any]) -> int:
    """Return the HTTP status that a body names, or 0."""
    for name in ("status", "status_code", "raw_status_code", "code"):
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            return value
    return 0


def _reasons(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the machine reasons beside code and type: Google's details, Azure's inner error."""
    for detail in _items(fields.get("details")):
        if isinstance(detail, dict) and isinstance(detail.get("reason"), str):
            yield detail["reason"].lower()
    inner = fields.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        yield inner["code"].lower()


_DELAY_IN_WORDS = re.compile(r"(?i)(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|h|m|s)[a-z]*\s*)+)")
_DELAY_PART = re.compile(r"(?i)(\d+(?:\.\d+)?)\s*(ms|h|m|s)")
_DELAY_LENGTH_MAX = 64
"""Characters; no honest wait is written with more, and among endless digits a search would start at each of them."""
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _delay_in_body(fields: Mapping[str, Any], message: str) -> float | None:
    """Return the wait that Google's RetryInfo, or the words "try again in 6m0s", ask for."""
    text = ""
    for detail in _items(fields.get("details")):
        if isinstance(detail, dict) and isinstance(detail.get("retryDelay"), str):
            text = detail["retryDelay"]
    match = _DELAY_IN_WORDS.search(message)
    parts = _DELAY_PART.findall(text or (match[1] if match else ""), 0, _DELAY_LENGTH_MAX)
    return sum(float(number) * _UNIT_S[unit.lower()] for number, unit in parts) if parts else None


def retry_after_s(headers: Mapping[str, str], error: ErrorBody) -> int | None:
    """Return the wait in whole seconds, 1 to 3600; None where the upstream named none."""
    wait_s = _delay_in_headers(headers)
    if wait_s is None:
        wait_s = error.retry_after_s
    if wait_s is None or math.isnan(wait_s):
        return None
    return math.ceil(min(max(wait_s, RETRY_AFTER_S_MIN), RETRY_AFTER_S_MAX))


def _delay_in_headers(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms``, else ``retry-after``: a number, or a date by the answer's own or our clock."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
    until, now = _http_date(headers.get("retry-after", "")), _http_date(headers.get("date", ""))
    return (until - (now or SystemClock().now())).total_seconds() if until else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None

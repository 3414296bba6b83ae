"""What an error means to a customer, independent of dialect (wire/DIALECTS.md 7.2)."""

from typing import Literal

from ..errors import (
    THROTTLED_S,
    CoolingDownError,
    LedgerUnavailableError,
    OverloadedError,
    RejectedError,
    RelayError,
    ShuttingDownError,
    UpstreamError,
    UpstreamStatusError,
)
from ..failures import CONTEXT_CODE

Meaning = Literal[
    "bad_request",
    "bad_key",
    "no_money",
    "not_allowed",
    "not_found",
    "repeated",
    "too_large",
    "too_many",
    "fault",
    "overloaded",
    "time_out",
]

_MONEY_CODES = frozenset({"insufficient_user_quota", "pre_consume_token_quota_failed", "api_key_exhausted"})
_BY_STATUS: dict[int, Meaning] = {
    401: "bad_key",
    402: "no_money",
    403: "not_allowed",
    404: "not_found",
    409: "repeated",
    413: "too_large",
    429: "too_many",
    503: "overloaded",
    504: "time_out",
}
STATUS_BY_FAILURE = {
    "too_large": 400,
    "misrouted": 503,
    "key_dead": 503,
    "throttled": 429,
    "overloaded": 503,
    "sick": 502,
    "empty": 502,
}
CODE_BY_FAILURE = {
    "too_large": CONTEXT_CODE,
    "misrouted": "upstream_unavailable",
    "key_dead": "upstream_unavailable",
    "throttled": "upstream_throttled",
    "overloaded": "upstream_overloaded",
    "request": "upstream_refused",
}


def meaning_of(error: RelayError) -> Meaning:
    """Return what *error* means; an upstream's problem with our account is never shown as the customer's."""
    if isinstance(error, UpstreamStatusError):
        match error.failure:
            case "request":
                of_request: dict[int, Meaning] = {404: "not_found", 413: "too_large"}
                return of_request.get(error.upstream_status, "bad_request")
            case "too_large":
                return "bad_request"
            case "throttled":
                return "too_many"
            case "misrouted" | "key_dead" | "overloaded":
                return "overloaded"
            case _:
                return "fault"
    if code_of(error) in _MONEY_CODES:
        return "no_money"
    return _BY_STATUS.get(error.status, "bad_request" if error.status < 500 else "fault")


def status_of(error: RelayError) -> int:
    """Return the HTTP status of *error*; for an upstream's, the one to send when all attempts have failed."""
    if isinstance(error, UpstreamStatusError):
        return STATUS_BY_FAILURE.get(error.failure, error.upstream_status)
    return error.status


def code_of(error: RelayError) -> str:
    """Return the code that clients match: ours, or the upstream's if it is about the customer's request.

    Codes such as ``context_length_exceeded`` must survive: clients act on them (DIALECTS 7.2).
    """
    if isinstance(error, RejectedError):
        return error.reason
    if isinstance(error, UpstreamStatusError) and error.failure == "request" and error.error_type:
        return error.error_type
    if isinstance(error, UpstreamError):
        return CODE_BY_FAILURE.get(error.failure, error.code)
    return error.code


def param_of(error: RelayError) -> str | None:
    """Return the field of the request that is at fault, if any."""
    return error.param if isinstance(error, RejectedError | UpstreamStatusError) else None


def retry_after_s(error: RelayError) -> int | None:
    """Return the seconds after which asking again may help, as the upstream named them or as we guess; else None."""
    if isinstance(error, UpstreamError) and error.failure == "throttled":
        return getattr(error, "retry_after_s", None) or THROTTLED_S
    is_busy = isinstance(error, UpstreamError) and error.failure == "overloaded"
    if is_busy or isinstance(error, CoolingDownError | OverloadedError | ShuttingDownError | LedgerUnavailableError):
        return getattr(error, "retry_after_s", None) or 2
    return None

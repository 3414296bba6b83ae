"""Every error means one thing to a customer, and keeps its machine code."""

import pytest

from relay.core.dialects.meaning import Meaning, code_of, meaning_of, param_of, retry_after_s, status_of
from relay.core.errors import (
    AuthenticationError,
    BadRequestError,
    BodyTooLargeError,
    CoolingDownError,
    FailureClass,
    InsufficientBalanceError,
    KeyCapError,
    LedgerUnavailableError,
    NoChannelError,
    NoPriceError,
    NotAllowedError,
    NotFoundError,
    OverloadedError,
    PluginError,
    RelayError,
    ShuttingDownError,
    UpstreamBrokenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)


@pytest.mark.parametrize(
    ("error", "meaning", "code"),
    [
        (BadRequestError(param="n"), "bad_request", "bad_request"),
        (NoPriceError(), "bad_request", "model_price_error"),
        (AuthenticationError("api_key_expired"), "bad_key", "api_key_expired"),
        (NotAllowedError("model_not_allowed"), "not_allowed", "model_not_allowed"),
        (InsufficientBalanceError(), "no_money", "insufficient_user_quota"),
        (KeyCapError(), "no_money", "pre_consume_token_quota_failed"),
        (NotAllowedError("api_key_exhausted"), "no_money", "api_key_exhausted"),
        (NotFoundError(), "not_found", "unknown_endpoint"),
        (BodyTooLargeError(), "too_large", "request_too_large"),
        (NoChannelError(), "overloaded", "model_not_found"),
        (OverloadedError(), "overloaded", "overloaded"),
        (LedgerUnavailableError(), "overloaded", "ledger_unavailable"),
        (PluginError(), "fault", "plugin_error"),
        (UpstreamBrokenError(), "fault", "upstream_error"),
        (UpstreamTimeoutError("idle"), "time_out", "upstream_timeout"),
        (UpstreamStatusError("request", 400), "bad_request", "upstream_refused"),
        (UpstreamStatusError("request", 413), "too_large", "upstream_refused"),
        (
            UpstreamStatusError("request", 400, error_type="context_length_exceeded"),
            "bad_request",
            "context_length_exceeded",
        ),
        (UpstreamStatusError("key_dead", 401, error_type="invalid_api_key"), "overloaded", "upstream_unavailable"),
        (UpstreamStatusError("misrouted", 404), "overloaded", "upstream_unavailable"),
        (UpstreamStatusError("too_large", 429), "bad_request", "context_length_exceeded"),
        (UpstreamStatusError("throttled", 429), "too_many", "upstream_throttled"),
        (UpstreamStatusError("overloaded", 529), "overloaded", "upstream_overloaded"),
        (UpstreamStatusError("sick", 500), "fault", "upstream_error"),
    ],
)
def test_an_error_means(error: RelayError, meaning: Meaning, code: str) -> None:
    """Trouble with our own key or money is an overload to the customer, never theirs."""
    assert (meaning_of(error), code_of(error)) == (meaning, code)


def test_the_field_to_blame_is_named() -> None:
    """Ours or the upstream's."""
    assert param_of(BadRequestError(param="n")) == "n"
    assert param_of(UpstreamStatusError("request", 400, param="top_p")) == "top_p"
    assert param_of(PluginError()) is None


@pytest.mark.parametrize(
    ("failure", "upstream_status", "status"),
    [
        ("request", 400, 400),
        ("request", 413, 413),
        ("too_large", 429, 400),
        ("misrouted", 404, 503),
        ("key_dead", 401, 503),
        ("key_dead", 403, 503),
        ("throttled", 429, 429),
        ("overloaded", 529, 503),
        ("sick", 500, 502),
        ("sick", 302, 502),
    ],
)
def test_the_status_follows_the_failures_class(failure: FailureClass, upstream_status: int, status: int) -> None:
    """Nothing about our key or account shows; a complaint about the request stays one."""
    assert status_of(UpstreamStatusError(failure, upstream_status)) == status


def test_a_deadline_is_a_504() -> None:
    """Other failures of the upstream are a 502."""
    assert status_of(UpstreamTimeoutError("idle")) == 504


@pytest.mark.parametrize(
    ("error", "wait_s"),
    [
        (UpstreamStatusError("throttled", 429, retry_after_s=17), 17),
        (UpstreamStatusError("throttled", 429), 5),
        (UpstreamStatusError("overloaded", 503, retry_after_s=9), 9),
        (UpstreamStatusError("overloaded", 529), 2),
        (CoolingDownError(5, group="a", model="m"), 5),
        (OverloadedError(), 2),
        (ShuttingDownError(), 2),
        (LedgerUnavailableError("no commit"), 2),
        (UpstreamStatusError("sick", 500), None),
        (UpstreamStatusError("too_large", 429), None),
        (UpstreamTimeoutError("idle"), None),
        (NoChannelError(), None),
        (AuthenticationError(), None),
    ],
)
def test_asking_again_helps_after(error: RelayError, wait_s: int | None) -> None:
    """Where it helps at all, and costs nothing twice."""
    assert retry_after_s(error) == wait_s

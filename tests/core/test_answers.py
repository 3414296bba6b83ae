"""What a failure looks like from outside."""

import pytest

from relay.core.answers import failure_headers, status_of
from relay.core.errors import (
    AuthenticationError,
    CoolingDownError,
    FailureClass,
    LedgerUnavailableError,
    OverloadedError,
    RelayError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)


@pytest.mark.parametrize(
    ("failure", "upstream_status", "status"),
    [
        ("request", 400, 400),
        ("request", 413, 413),
        ("misrouted", 404, 503),
        ("key_dead", 401, 503),
        ("key_dead", 403, 503),
        ("throttled", 429, 429),
        ("sick", 529, 502),
        ("sick", 302, 502),
    ],
)
def test_the_status_follows_the_failures_class(failure: FailureClass, upstream_status: int, status: int) -> None:
    """Nothing about our key or account shows; a complaint about the request stays one (DESIGN 5)."""
    assert status_of(UpstreamStatusError(failure, upstream_status)) == status


def test_a_deadline_is_a_504() -> None:
    """Other failures of the upstream are a 502."""
    assert status_of(UpstreamTimeoutError("idle")) == 504


@pytest.mark.parametrize(
    ("error", "should_retry", "retry_after"),
    [
        (AuthenticationError(), b"false", None),
        (UpstreamStatusError("sick", 500), b"false", None),
        (UpstreamStatusError("throttled", 429, retry_after_s=17), b"true", b"17"),
        (OverloadedError(), b"true", b"2"),
        (CoolingDownError(5, group="a", model="m"), b"true", b"5"),
        (LedgerUnavailableError("no commit"), b"true", b"2"),
    ],
)
def test_clients_are_told_whether_to_ask_again(
    error: RelayError, should_retry: bytes, retry_after: bytes | None
) -> None:
    """Only where it can help and costs nothing twice."""
    headers = dict(failure_headers(error))
    assert (headers[b"x-should-retry"], headers.get(b"retry-after")) == (should_retry, retry_after)

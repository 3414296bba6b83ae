"""What a failure looks like from outside."""

import pytest

from relay.core.answers import failure_headers
from relay.core.errors import (
    AuthenticationError,
    CoolingDownError,
    LedgerUnavailableError,
    OverloadedError,
    RelayError,
    UpstreamStatusError,
)


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

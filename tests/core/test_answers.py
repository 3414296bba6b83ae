"""What a failure looks like from outside."""

import pytest

from relay.core.answers import answerable, failure_headers, sentence
from relay.core.errors import (
    AuthenticationError,
    CoolingDownError,
    LedgerFullError,
    LedgerUnavailableError,
    OverloadedError,
    PluginError,
    RelayError,
    UpstreamStatusError,
)


@pytest.mark.parametrize(
    ("error", "should_retry", "retry_after"),
    [
        (AuthenticationError(), b"false", None),
        (UpstreamStatusError("sick", 500), b"false", None),
        (UpstreamStatusError("throttled", 429, retry_after_s=17), b"true", b"17"),
        (UpstreamStatusError("throttled", 429, retry_after_s=120), b"true", b"120"),
        (UpstreamStatusError("throttled", 429, retry_after_s=121), b"false", b"121"),
        (OverloadedError(), b"true", b"2"),
        (CoolingDownError(5, group="a", model="m"), b"true", b"5"),
        (CoolingDownError(3600, group="a", model="m"), b"false", b"3600"),
        (LedgerUnavailableError("no commit"), b"true", b"2"),
    ],
)
def test_clients_are_told_whether_to_ask_again(
    error: RelayError, should_retry: bytes, retry_after: bytes | None
) -> None:
    """Only where it can help soon and costs nothing twice."""
    headers = dict(failure_headers(error))
    assert (headers[b"x-should-retry"], headers.get(b"retry-after")) == (should_retry, retry_after)


@pytest.mark.parametrize(("wait_s", "told"), [(17, "try again in 17s"), (None, "try again in 5s")])
def test_the_time_to_wait_is_told_in_words_too(wait_s: int | None, told: str) -> None:
    """In the midst of a stream there is no header left, and Codex reads the words (wire/DIALECTS.md 7.4)."""
    assert told in sentence(UpstreamStatusError("throttled", 429, retry_after_s=wait_s), "en")


@pytest.mark.parametrize(
    ("error", "code", "events"),
    [
        (AuthenticationError(), "invalid_api_key", []),
        (UpstreamStatusError("sick", 500), "upstream_error", []),
        (PluginError("broken"), "plugin_error", ["request.failed"]),
        (LedgerUnavailableError("no commit"), "ledger_unavailable", ["request.failed"]),
        (LedgerFullError("the books"), "ledger_full", ["request.failed"]),
        (KeyError("a prompt"), "internal_error", ["request.crashed"]),
    ],
)
def test_what_the_shop_has_to_mend_is_logged(
    error: Exception, code: str, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its customer can only send the request id; what customers and upstreams did is no fault of the shop's."""
    with caplog.at_level("INFO", logger="relay"):
        answer = answerable(error, "req_1")
    assert (answer.code, [record.message for record in caplog.records]) == (code, events)
    assert "a prompt" not in caplog.text + str(answer)

"""What an error's body and head say; the shapes of the vendors are in test_failures.py."""

import json
from collections.abc import Mapping

import pytest

from relay.core.failures.error_body import BODY_BYTES_MAX, ErrorBody, read_error_body, retry_after_s


def wait_of(document: object, headers: Mapping[str, str] | None = None) -> int | None:
    """Return the wait that an answer of *document* and *headers* asks for."""
    return retry_after_s(headers or {}, read_error_body(json.dumps(document).encode()))


def error(message: str = "", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, **fields}}


DATE = {"date": "Mon, 23 Nov 2026 10:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"retry-after": "28"}, {}, 28),
        ({"retry-after": "0"}, {}, 1),
        ({"retry-after": "-5"}, {}, 1),
        ({"retry-after": "1000000000"}, {}, 3600),
        ({"retry-after": "1e400"}, {}, 3600),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": "1.2"}, {}, 2),
        ({"retry-after": "1", "retry-after-ms": "2500"}, {}, 3),
        ({"retry-after": "Mon, 23 Nov 2026 10:01:30 GMT", **DATE}, {}, 90),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", **DATE}, {}, 1),
        ({"retry-after": "Mon, 23 Nov 2026 10:01:30 GMT"}, {}, 1),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}, {}, 3600),
        ({"retry-after": "Mon, 99 Nov 2026 10:01:30 GMT", **DATE}, {}, None),
        ({"retry-after": "Mon, 23 Nov 99999999999999999999 10:01:30 GMT", **DATE}, {}, None),
        ({"retry-after": "Mon, 23 Nov 2026 99999999999:01:30 GMT", **DATE}, {}, None),
        ({}, error("Please try again in 210ms."), 1),
        ({}, error("Please try again in 1500ms."), 2),
        ({}, error("Please try again in 6m0s."), 360),
        ({}, error("Please try again in 0.5h."), 1800),
        ({}, error("Please retry after 20 seconds."), 20),
        ({}, error("later", details=[{"retryDelay": "48.9s"}]), 49),
        ({"retry-after": "5"}, error("Please try again in 6m0s."), 5),
        ({}, {}, None),
    ],
)
def test_retry_after_is_read_and_clamped(headers: dict[str, str], body: object, expected: int | None) -> None:
    """Seconds, milliseconds, dates and words all come to 1 s to 1 h (field/reliability.md 3, row 14)."""
    assert wait_of(body, headers) == expected


@pytest.mark.parametrize("digits", ["9" * 200_000, "0." + "9" * 200_000])
def test_digits_without_end_are_no_wait(digits: str) -> None:
    """As Google's RetryInfo and in words; all that a body may hold is looked at in a moment."""
    assert wait_of(error("later", details=[{"retryDelay": digits}])) is None
    assert wait_of(error(f"Please try again in {digits}")) is None


@pytest.mark.parametrize("wait", ["48.911382293s", "48.99999999999999s"])
def test_a_wait_is_read_to_its_last_digit(wait: str) -> None:
    """A vendor's clock counts nanoseconds, and some write what a float is."""
    assert wait_of(error("later", details=[{"retryDelay": wait}])) == 49
    assert wait_of(error(f"Please try again in {wait}.")) == 49


def test_what_is_too_long_for_an_error_says_nothing() -> None:
    """A byte less is read."""
    longest = b'{"error":{"message":"%b"}}' % (b"x" * (BODY_BYTES_MAX - 24))
    assert len(longest) == BODY_BYTES_MAX
    assert read_error_body(longest).message == "x" * (BODY_BYTES_MAX - 24)
    assert read_error_body(longest + b" ") == ErrorBody()


def test_a_message_cut_within_a_character_is_read() -> None:
    """As a program in JavaScript cuts it: half of a character, escaped."""
    read = read_error_body(rb'{"error": {"message": "no such thing: \ud83d", "code": "bad_value"}}')
    assert (read.message, read.code) == ("no such thing: \ufffd", "bad_value")

"""What the commands take: amounts, moments and spans, names, networks."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from relay.core.cli.arguments import Amount, Name, Names, Networks, Time, moment_after, moment_before

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("45s", "2026-11-23T12:00:45+00:00"),
        ("30m", "2026-11-23T12:30:00+00:00"),
        ("12h", "2026-11-24T00:00:00+00:00"),
        ("3d", "2026-11-26T12:00:00+00:00"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00+00:00"),
        ("2026-12-01t08:00:00.5+08:00", "2026-12-01T08:00:00.500000+08:00"),
        ("2026-12-01 00:00:00z", "2026-12-01T00:00:00+00:00"),
        ("2026-12-01T00:00:00.123456789Z", "2026-12-01T00:00:00.123456+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("999999d", "4764-10-19T12:00:00+00:00"),
    ],
)
def test_a_time_is_a_moment_or_a_span_from_now(text: str, after: str) -> None:
    """RFC 3339 with its zone, or a whole number and a unit."""
    assert moment_after(NOW, Time().convert(text, None, None)).isoformat() == after


def test_a_span_may_count_back() -> None:
    """For what happened since."""
    assert moment_before(NOW, timedelta(hours=1)) == datetime(2026, 11, 23, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "3w",
        "-3d",
        "1.5h",
        "2026-12-01",
        "2026-12-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "20261201T000000Z",
        "9999999d",
        "٣d",
        "٢٠٢٦-12-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "9999-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    """A moment without a zone would mean another thing on another machine."""
    with pytest.raises(click.BadParameter, match="expected a time such as"):
        Time().convert(text, None, None)


def test_a_span_counts_back_to_1970_at_most() -> None:
    """Whatever was logged was logged since."""
    since = Time().convert("999999d", None, None)
    assert moment_before(NOW, since).isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(("text", "nano"), [("0", 0), ("10", 10_000_000_000), ("0.000000001", 1)])
def test_an_amount_is_a_plain_decimal_of_credits(text: str, nano: int) -> None:
    """Down to a nano-credit."""
    assert Amount().convert(text, None, None) == nano


@pytest.mark.parametrize("text", ["", "-1", "1e3", "0.0000000001", "1,5", "NaN", "9999999999"])
def test_other_amounts_are_refused(text: str) -> None:
    """No exponents, no commas, nothing finer than a nano-credit."""
    with pytest.raises(click.BadParameter, match="expected an amount"):
        Amount().convert(text, None, None)


@pytest.mark.parametrize("text", ["", " alice", "alice\n", "a\x1b[31m", "a" * 65])
def test_a_name_is_short_and_printable(text: str) -> None:
    """It stands in tables and logs."""
    with pytest.raises(click.BadParameter, match="expected 1 to 64 printable characters"):
        Name().convert(text, None, None)


def test_names_are_listed_once_each() -> None:
    """With commas between them, blanks around them ignored."""
    assert Names().convert("b, a,b", None, None) == ("b", "a")


def test_networks_are_written_out() -> None:
    """IPv4 and IPv6, host bits cleared."""
    assert Networks().convert("10.1.2.3/8,2001:db8::1", None, None) == ("10.0.0.0/8", "2001:db8::1/128")

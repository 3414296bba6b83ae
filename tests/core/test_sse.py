"""Whole events come out of any cut of the bytes, and joined they are the input."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.errors import UpstreamBrokenError
from relay.core.sse import EVENT_BYTES_MAX, Splitter, event_name_and_data

PIECES = st.sampled_from(
    [
        b"data: x",
        b"data:y",
        b"event: e",
        b": note",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"",
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


def split(*reads: bytes) -> tuple[list[bytes], bytes]:
    splitter = Splitter()
    events = [event for read in reads for event in splitter.feed(read)]
    return [*events, *splitter.finish()], splitter.rest


def cut(data: bytes, places: set[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(stream=STREAMS, places=st.sets(st.integers(min_value=1, max_value=200), max_size=12))
def test_every_cut_gives_the_same_events(stream: bytes, places: set[int]) -> None:
    """Where reads end says nothing about where events end."""
    assert split(*cut(stream, places)) == split(stream)


@given(stream=STREAMS)
def test_bytes_one_by_one_give_the_same_events(stream: bytes) -> None:
    """A read may hold a single byte, also between CR and LF."""
    assert split(*(stream[i : i + 1] for i in range(len(stream)))) == split(stream)


@given(stream=STREAMS)
def test_events_and_rest_join_to_the_input(stream: bytes) -> None:
    """Not a byte is lost or added."""
    events, rest = split(stream)
    assert b"".join(events) + rest == stream


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]),
        (b"data: 1\r\rdata: 2\r\r", [b"data: 1\r\r", b"data: 2\r\r"]),
        (b"data: 1\n\r\ndata: 2\r\n\n", [b"data: 1\n\r\n", b"data: 2\r\n\n"]),
        (b": note\n\n: note\ndata: 1\n\n", [b": note\n\n", b": note\ndata: 1\n\n"]),
        ("data: a\u2028\u2028b\n\n".encode(), ["data: a\u2028\u2028b\n\n".encode()]),
    ],
)
def test_all_line_ends_of_the_standard_end_lines(stream: bytes, events: list[bytes]) -> None:
    """LF, CR LF, CR and their mixtures; U+2028 is text."""
    assert split(stream) == (events, b"")


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\n\n", b"\n\r\n"])
def test_an_event_is_given_with_its_last_byte(end: bytes) -> None:
    """It does not wait for the next; only behind a last CR there may be more of it."""
    assert Splitter().feed(b"data: 1" + end) == [b"data: 1" + end]
    assert Splitter().feed(b"data: 1\r\r") == []


def test_an_event_without_blank_line_is_rest() -> None:
    """What the end of the body cut off is never an event."""
    assert split(b"data: 1\n\ndata: 2\n") == ([b"data: 1\n\n"], b"data: 2\n")


def test_an_event_above_the_cap_breaks_the_stream() -> None:
    """More than a whole answer may have, without an end, is no event."""
    splitter = Splitter()
    splitter.feed(b"d" * EVENT_BYTES_MAX)
    with pytest.raises(UpstreamBrokenError):
        splitter.feed(b"d")


def test_an_event_above_the_cap_breaks_the_stream_when_it_comes_whole() -> None:
    """The cap holds for an event that came in one read as well."""
    with pytest.raises(UpstreamBrokenError):
        Splitter().feed(b"d" * EVENT_BYTES_MAX + b"\n\n")


def test_a_large_event_in_small_reads_is_split_in_linear_time() -> None:
    """Half a megabyte in reads of 64 bytes is searched once, not once a read."""
    splitter = Splitter()
    for _ in range(8192):
        assert splitter.feed(b"x" * 64) == []
    assert len(splitter.feed(b"\n\n")[0]) == 8192 * 64 + 2


def test_how_large_an_event_may_be_can_be_said() -> None:
    """A picture in base64 is one event."""
    assert len(Splitter(5_000_000).feed(b"x" * 4_500_000 + b"\n\n")) == 1
    with pytest.raises(UpstreamBrokenError):
        Splitter(1000).feed(b"x" * 1001)


@pytest.mark.parametrize(
    ("raw", "name", "data"),
    [
        (b"data: {}\n\n", b"", b"{}"),
        (b"data:{}\n\n", b"", b"{}"),
        (b"data:  two blanks\n\n", b"", b" two blanks"),
        (b"event: ping\ndata: {}\n\n", b"ping", b"{}"),
        (b"event:ping\r\ndata:1\r\ndata: 2\r\n\r\n", b"ping", b"1\n2"),
        (b"event:ping\rdata:1\rdata: 2\r\r", b"ping", b"1\n2"),
        (b"\xef\xbb\xbfdata: 1\n\n", b"", b"1"),
        (b": only a note\n\n", b"", b""),
        (b"id: 1\nevent: e\n:note\ndata: 1\n\n", b"e", b"1"),
        (b"data\n\n", b"", b""),
    ],
)
def test_name_and_data_are_read_as_the_standard_says(raw: bytes, name: bytes, data: bytes) -> None:
    """One blank after the colon belongs to the syntax; several data lines are one payload."""
    assert event_name_and_data(raw) == (name, data)

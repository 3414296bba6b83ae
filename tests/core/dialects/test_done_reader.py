"""Streams whose last event says that all is done."""

import pytest

from relay.core.dialects.speech import Speech, SpokenEventsReader
from relay.core.exchange import Exchange
from tests.core.dialects.replay import exchange

DELTA = b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'
DONE = b'event: speech.audio.done\ndata: {"type":"speech.audio.done","usage":{"output_tokens":3}}\n\n'


def asked() -> Exchange:
    made = exchange("audio")
    Speech().read_request(made, b'{"model":"m","input":"Hello","stream_format":"sse"}')
    return made


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize("size", [1, 20, 1000])
def test_the_last_event_is_held_until_the_end(end: bytes, size: int) -> None:
    """With the mark that some add, and without; the same for every cut."""
    raw = b": hi\n\n" + DELTA + b'data: {"type":"new.kind"}\n\n' + DELTA + DONE + end
    reader = SpokenEventsReader(asked())
    passed = b"".join(reader.feed(raw[at : at + size]) for at in range(0, len(raw), size)) + reader.finish()
    assert (passed + reader.end, reader.end, reader.is_ended) == (raw, DONE + end, True)


def test_what_follows_the_last_event_is_not_passed_on() -> None:
    """Nothing after it matters to anybody."""
    reader = SpokenEventsReader(asked())
    assert reader.feed(DELTA + DONE + b": ping\n\n" + DELTA) == DELTA
    reader.finish()
    assert reader.end == DONE


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error":{"message":"no","type":"server_error"}}\n\n',
        b'data: {"type":"error","message":"no"}\n\n',
        b"event: error\ndata: no\n\n",
    ],
)
def test_an_error_ends_it(event: bytes) -> None:
    """However it is written; it is not passed on."""
    reader = SpokenEventsReader(asked())
    assert reader.feed(DELTA + event + DONE) == DELTA
    reader.finish()
    assert (reader.error is not None, reader.is_ended, reader.end) == (True, False, b"")


@pytest.mark.parametrize("event", [b"data: no JSON\n\n", b'data: {"type":5}\n\n', b"data: []\n\n", b"data: [DONE]\n\n"])
def test_what_is_of_another_form_is_passed_on(event: bytes) -> None:
    """Nothing is read from it."""
    reader = SpokenEventsReader(asked())
    assert reader.feed(event) == event
    assert reader.is_ended is False

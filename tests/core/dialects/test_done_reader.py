"""Streams whose last event says that all is done."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.core.dialects.done_reader import DoneReader
from relay.core.dialects.pictures import PictureReader
from relay.core.dialects.speech import Speech, SpokenEventsReader
from relay.core.dialects.transcription import TranscriptReader
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


def test_what_the_shop_pays_is_cut_out_of_the_last_event() -> None:
    """Whatever is told behind it."""
    reader = SpokenEventsReader(asked())
    assert reader.feed(DELTA + DONE.replace(b'":3', b'":3,"cost":0.5') + b"data: [DONE]\n\n") == DELTA
    assert reader.end == DONE + b"data: [DONE]\n\n"


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


WORDS = st.sampled_from(
    [
        b"data: ",
        b"event: error\n",
        b"\n\n",
        b'{"type":"speech.audio.done"',
        b'{"type":"transcript.text.done"',
        b'{"type":"transcript.text.delta"',
        b'{"type":"image_edit.completed"',
        b',"usage":{"input_tokens":1e400,"output_tokens":-1,"seconds":"x"}}',
        b',"usage":{"input_tokens":3,"output_tokens":2,"input_tokens_details":[]}}',
        b',"delta":"x","size":"auto"}',
        b"[DONE]",
    ]
)
READERS = (SpokenEventsReader, TranscriptReader, lambda exchange: PictureReader(exchange, 1))


@pytest.mark.parametrize("reader_of", READERS)
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(WORDS | st.binary(max_size=8), max_size=20))
def test_rubbish_is_an_answer_or_a_named_error(
    reader_of: Callable[[Exchange], DoneReader], pieces: list[bytes]
) -> None:
    """Never a crash; whatever was passed on is the beginning of what came, its last event closed for what follows."""
    reader = reader_of(asked())
    passed = b"".join(reader.feed(piece) for piece in pieces) + reader.finish()
    assert b"".join([*pieces, b"\n\n"]).startswith(passed) or reader.error is not None or reader.is_ended
    assert reader.evidence().is_end_seen is reader.is_ended

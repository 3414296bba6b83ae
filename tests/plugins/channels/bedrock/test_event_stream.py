import pytest
from anthropic.lib.bedrock._stream_decoder import AWSEventStreamDecoder
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.plugins.channels.bedrock.event_stream import FRAME_BYTES_MAX, EventStream
from tests.plugins.channels.bedrock.frames import chunk, exception, frame, recorded

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
BROKEN = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"the event stream is broken"}}\n\n'


def test_a_recorded_stream_reads_as_the_sdk_of_anthropic_reads_it() -> None:
    """Event by event, byte for byte."""
    raw = recorded()
    events = AWSEventStreamDecoder().iter_bytes(iter([raw]))
    assert EventStream().feed(raw) == "".join(f"event: {one.event}\ndata: {one.data}\n\n" for one in events).encode()


def test_the_frames_of_these_tests_are_read_by_the_sdk_of_anthropic() -> None:
    """So what is tested with them is tested with AWS's own framing."""
    events = list(
        AWSEventStreamDecoder().iter_bytes(iter([chunk('{"type":"ping"}') + exception("throttlingException", "no")]))
    )
    assert [(one.event, one.data) for one in events] == [
        ("ping", '{"type":"ping"}'),
        ("error", '{"type": "error", "error": {"type": "throttlingException", "message": "no"}}'),
    ]


def test_every_cut_gives_the_same() -> None:
    """At each place of the recorded stream."""
    raw = recorded()
    whole = EventStream().feed(raw)
    for cut in range(len(raw)):
        stream = EventStream()
        assert stream.feed(raw[:cut]) + stream.feed(raw[cut:]) == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([chunk('{"type":"ping"}'), exception("x", "m"), b"rubbish" * 4])), st.data())
def test_every_way_of_cutting_gives_the_same(frames: list[bytes], data: st.DataObject) -> None:
    """Rubbish in between too."""
    raw = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)))))
    stream = EventStream()
    parts = [stream.feed(raw[a:b]) for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert b"".join(parts) == EventStream().feed(raw)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_never_raises(data: bytes) -> None:
    """In a frame that is sound, or as one."""
    stream = EventStream()
    stream.feed(frame({":message-type": "event", ":event-type": "chunk"}, data))
    EventStream().feed(data)


@pytest.mark.parametrize(
    ("name", "error_type"),
    [
        ("throttlingException", "rate_limit_error"),
        ("modelStreamErrorException", "api_error"),
        ("internalServerException", "api_error"),
        ("serviceUnavailableException", "overloaded_error"),
        ("modelTimeoutException", "timeout_error"),
        ("validationException", "invalid_request_error"),
        ("aNewException", "api_error"),
    ],
)
def test_an_exception_is_an_error_event(name: str, error_type: str) -> None:
    """Of the type that Anthropic would have given it."""
    expected = '{"type":"error","error":{"type":"%s","message":"no"}}' % error_type  # noqa: UP031
    assert EventStream().feed(exception(name, "no")) == f"event: error\ndata: {expected}\n\n".encode()


def test_an_error_frame_says_it_in_its_headers() -> None:
    """The protocol's own form, beside exceptions of the service."""
    headers = {":message-type": "error", ":error-code": "throttlingException", ":error-message": "slow"}
    expected = b'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow"}}\n\n'
    assert EventStream().feed(frame(headers, b"")) == expected


@pytest.mark.parametrize("at", [0, 5, 9, 20, 60, -1])
def test_a_flipped_bit_breaks_the_stream(at: int) -> None:
    """Length, checksum, header, payload: what came before stays, and nothing follows."""
    ping = chunk('{"type":"ping"}')
    place = at % len(ping)
    flipped = ping[:place] + bytes([ping[place] ^ 1]) + ping[place + 1 :]
    stream = EventStream()
    assert stream.feed(ping + flipped + ping) == PING + BROKEN
    assert stream.feed(ping) == b""


@pytest.mark.parametrize(
    "event", ["no json", "[]", '{"type":1}', '{"type":"a b"}', '{"type":"x\\ny"}', '{"type":"\\ud800"}', "{}"]
)
def test_an_event_without_a_name_breaks_the_stream(event: str) -> None:
    """It could not be told apart from what a customer should not see."""
    assert EventStream().feed(chunk(event)) == BROKEN


@pytest.mark.parametrize(
    "bad",
    [
        frame({":message-type": "event", ":event-type": "chunk"}, b'{"bytes":"***"}'),
        frame({":message-type": "event", ":event-type": "chunk"}, b'{"no":"bytes"}'),
        frame({}, b""),
        frame({":message-type": "nonsense"}, b""),
    ],
)
def test_a_sound_frame_that_says_nothing_breaks_the_stream(bad: bytes) -> None:
    """Its checksums are right."""
    assert EventStream().feed(bad) == BROKEN


def test_a_frame_larger_than_any_honest_one_is_not_waited_for() -> None:
    """Its prelude is enough."""
    huge = frame({":message-type": "event"}, b"x" * FRAME_BYTES_MAX)
    assert EventStream().feed(huge[:12]) == BROKEN


def test_other_events_are_passed_over() -> None:
    """Such as the one that some services begin with."""
    assert EventStream().feed(frame({":message-type": "event", ":event-type": "initial-response"}, b"{}")) == b""


def test_an_event_of_several_lines_becomes_one() -> None:
    """A line break inside would end the event early."""
    assert EventStream().feed(chunk('{\n"type": "ping"\r\n}')) == PING


def test_an_exception_without_words_says_none() -> None:
    """Its payload is no document."""
    headers = {":message-type": "exception", ":exception-type": "internalServerException"}
    expected = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":""}}\n\n'
    assert EventStream().feed(frame(headers, b"not json")) == expected


def test_nothing_is_left_behind() -> None:
    """However long the answer is."""
    stream = EventStream()
    for _ in range(1000):
        assert stream.feed(chunk('{"type":"ping"}')) == PING
    assert not stream._buffer

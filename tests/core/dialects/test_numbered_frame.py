"""A numbered event that differs in its text alone is measured without decoding, and no other is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.dialects.numbered_frame import NumberedFrame

OPENAI = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","content_index":0,"delta":"%b",'
    b'"item_id":"msg_1","logprobs":[],"obfuscation":"%b","output_index":0,"sequence_number":%d}\n\n'
)
XAI = (
    b'event: response.output_text.delta\ndata: {"sequence_number":%d,"type":"response.output_text.delta",'
    b'"delta":"%b","item_id":"msg_1","output_index":0}\n\n'
)


def learnt(event: bytes) -> NumberedFrame:
    frame = NumberedFrame()
    frame.learn(event, b'"delta":', "Hi")
    return frame


@given(st.text(min_size=1), st.integers(min_value=0, max_value=10**6))
def test_text_that_fits_has_its_true_length(text: str, number: int) -> None:
    """Or is left to be decoded; never another length, wherever the number stands."""
    inside = msgspec.json.encode(text)[1:-1]
    size = len(text.encode())
    assert learnt(OPENAI % (b"Hi", b"aZ", 4)).text_bytes(OPENAI % (inside, b"", number)) in (0, size)
    assert learnt(XAI % (4, b"Hi")).text_bytes(XAI % (number, inside)) in (0, size)


@pytest.mark.parametrize(("text", "size"), [(b"there", 5), (" 你好".encode(), 7), (b'say \\"hi\\"', 8), (b"\\n", 1)])
@pytest.mark.parametrize("number", [0, 5, 1234])
def test_what_fits_is_measured(text: bytes, size: int, number: int) -> None:
    """Plain or simply escaped, whatever its number and its padding."""
    assert learnt(OPENAI % (b"Hi", b"aZ09", 4)).text_bytes(OPENAI % (text, b"x" * number, number)) == size
    assert learnt(XAI % (4, b"Hi")).text_bytes(XAI % (number, text)) == size


GOOD = OPENAI % (b"a", b"aZ", 5)


@pytest.mark.parametrize(
    "event",
    [
        b"",
        GOOD * 2,
        GOOD[:-1],
        GOOD + b"\n",
        OPENAI % (b"", b"aZ", 5),
        OPENAI % (b"\\u4f60", b"aZ", 5),
        OPENAI % (b"open\\", b"aZ", 5),
        OPENAI % (b"line\nend", b"aZ", 5),
        OPENAI % (b'a","item_id":"msg_1","x":"', b"aZ", 5),
        OPENAI % (b"a", b'","x":"', 5),
        GOOD.replace(b":5}", b":}"),
        GOOD.replace(b":5}", b":-5}"),
        GOOD.replace(b":5}", b':5,"x":6}'),
        GOOD.replace(b"msg_1", b"msg_2"),
        GOOD.replace(b"[]", b"[1]"),
        GOOD.replace(b"output_text", b"refusal"),
    ],
)
def test_what_differs_otherwise_must_be_decoded(event: bytes) -> None:
    """Another structure, an unclear escape, two events, half an event, a number that is none."""
    assert learnt(OPENAI % (b"Hi", b"aZ", 4)).text_bytes(event) == 0


@pytest.mark.parametrize(
    "event",
    [
        (OPENAI % (b"Hi", b"aZ", 4)).replace(b'"delta"', b'"other"'),
        (OPENAI % (b"\\u0048i", b"aZ", 4)),
        (OPENAI % (b"Hi", b"aZ", 4)).replace(b"\n", b"\r\n"),
    ],
)
def test_a_frame_in_which_the_text_is_not_found_is_not_learnt(event: bytes) -> None:
    """Then every event is decoded."""
    assert learnt(event).text_bytes(event) == 0


def test_a_number_inside_the_text_is_text() -> None:
    """A quote in it is escaped, so it is no member."""
    frame = NumberedFrame()
    event = OPENAI % (b'\\"sequence_number\\":7', b"", 4)
    frame.learn(event, b'"delta":', '"sequence_number":7')
    assert frame.text_bytes(event) == 0
    assert learnt(OPENAI % (b"Hi", b"", 4)).text_bytes(event) == len('"sequence_number":7')

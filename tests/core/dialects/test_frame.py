"""An event that differs in its text alone is measured without decoding, and no other is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.dialects.frame import Frame

CHAT = b'data: {"id":"1","choices":[{"delta":{"content":"%s"},"finish_reason":null}],"usage":null}\n\n'
PADDED = CHAT.replace(b'"usage":null', b'"usage":null,"obfuscation":"%s"')
MESSAGES = b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"%s"}%s}\n\n'


def learnt(event: bytes, key: bytes = b'"content":', text: str = "Hi") -> Frame:
    frame = Frame()
    frame.learn(event, key, text)
    return frame


@given(st.text(min_size=1))
def test_text_that_fits_has_its_true_length(text: str) -> None:
    """Or is left to be decoded; never another length."""
    inside = msgspec.json.encode(text)[1:-1]
    assert learnt(CHAT % b"Hi").text_bytes(CHAT % inside) in (0, len(text.encode()))


@pytest.mark.parametrize("text", ["there", " 你好", 'say \\"hi\\"', "\\n\\n", '{\\"a\\":1}'])
def test_plain_and_simply_escaped_text_fits(text: str) -> None:
    """Quotes and line ends are everyday text."""
    size = len(text.replace('\\"', '"').replace("\\n", "\n").encode())
    assert learnt(CHAT % b"Hi").text_bytes(CHAT % text.encode()) == size


@pytest.mark.parametrize(
    "event",
    [
        CHAT % b"",
        CHAT % b'a"},"finish_reason":"stop","x":{"y":"',
        CHAT % b"back\\\\slash",
        CHAT % b"\\u4f60",
        CHAT % b"open\\",
        CHAT % b"line\nend",
        CHAT % b"line\rend",
        (CHAT % b"a").replace(b"null}]", b'"stop"}]'),
        (CHAT % b"a").replace(b'"1"', b'"2"'),
        (CHAT % b"a") * 2,
        (CHAT % b"").replace(b'""', b'"'),
        (CHAT % b"a")[:-1],
        (CHAT % b"a") + b"dat",
        b"",
    ],
)
def test_what_differs_otherwise_must_be_decoded(event: bytes) -> None:
    """Another structure, an unclear escape, two events, one quote for two, half an event, an event and a half."""
    assert learnt(CHAT % b"Hi").text_bytes(event) == 0


@pytest.mark.parametrize("padding", [b"", b"aZ09", b"x" * 40])
def test_openais_random_string_is_padding(padding: bytes) -> None:
    """Its length says nothing."""
    assert learnt(PADDED % (b"Hi", b"abc")).text_bytes(PADDED % (b"there", padding)) == 5


@pytest.mark.parametrize("padding", [b"", b" ", b" " * 20])
def test_anthropics_blanks_are_padding(padding: bytes) -> None:
    """Their number says nothing."""
    assert learnt(MESSAGES % (b"Hi", b"  "), b'"text":').text_bytes(MESSAGES % (b"there", padding)) == 5


@pytest.mark.parametrize("padding", [b"x", b"  x", b"x  ", b" 0 "])
def test_what_is_no_blank_is_no_padding_between_brackets(padding: bytes) -> None:
    """There it is no JSON, of which nothing is counted."""
    assert learnt(MESSAGES % (b"Hi", b"  "), b'"text":').text_bytes(MESSAGES % (b"there", padding)) == 0


@pytest.mark.parametrize(
    "event", [CHAT % b"H\\u0069", (CHAT % b"Hi").replace(b"\n\n", b"\r\n\r\n"), b'data: {"text":"Hi"}\n\n', b"Hi"]
)
def test_an_event_that_is_not_what_was_decoded_is_not_learnt(event: bytes) -> None:
    """The string under the key must be the text, letter for letter, in an event of plain line ends."""
    assert learnt(event).text_bytes(event) == 0


def test_blanks_after_the_colon_are_learnt() -> None:
    """Some upstreams write JSON with blanks."""
    event = b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n'
    assert learnt(event % b"Hi").text_bytes(event % b"you") == 3

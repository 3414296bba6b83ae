"""Pictures of one colour, in the size that was asked for."""

import base64
import json
import struct
import zlib
from typing import Any

import pytest

from relay.plugins.channels.simulator.answer import Kind, Question, UnreadableError
from relay.plugins.channels.simulator.pictures import pictures, png
from relay.plugins.channels.simulator.reply import Reply


def drawn(
    model: str = "gpt-image-1.5", kind: Kind = "image_generation", *, stream: bool = False, came: int = 0, **fields: Any
) -> Reply:
    question = Question(
        kind=kind,
        model=model,
        behaviour="",
        stream=stream,
        fields={"prompt": "cat", **fields},
        input_tokens=2,
        files={"image": [b"x"] * came},
    )
    return pictures(question)


def test_a_picture_is_read_by_others() -> None:
    """Chunk by chunk: its size, one colour, a bit a pixel."""
    picture = png(20, 3, b"\x01\x02\x03")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, found = 8, {}
    while at < len(picture):
        [length] = struct.unpack(">I", picture[at : at + 4])
        name, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        assert struct.unpack(">I", picture[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + data),)
        found[name], at = data, at + 12 + length
    assert list(found) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (20, 3, 1, 3, 0, 0, 0)
    assert (found[b"PLTE"], zlib.decompress(found[b"IDAT"])) == (b"\x01\x02\x03", bytes(4 * 3))


def test_gpt_image_tells_tokens_by_its_squares() -> None:
    """1024 x 1024 is 16 x 16 of them, a picture that came is 194."""
    told = json.loads(drawn(n=2, came=1, kind="image_edit").body)
    assert (len(told["data"]), told["size"], told["quality"]) == (2, "1024x1024", "low")
    assert told["usage"] == {
        "input_tokens": 196,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 194},
        "output_tokens": 512,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 512},
        "total_tokens": 708,
    }


def test_dall_e_tells_none_and_gives_an_address() -> None:
    """Or the picture itself; a form's number is text."""
    told = json.loads(drawn("dall-e-2", n="2", size="256x256").body)
    assert told.keys() == {"created", "data"}
    assert [each["url"][:22] for each in told["data"]] == ["data:image/png;base64,"] * 2
    [packed] = json.loads(drawn("dall-e-2", response_format="b64_json", size="256x256").body)["data"]
    assert struct.unpack(">II", base64.b64decode(packed["b64_json"])[16:24]) == (256, 256)


def test_a_stream_shows_parts_before_the_whole() -> None:
    """With the usage at its end."""
    reply = drawn(stream=True, partial_images=2, quality="high", kind="image_edit", came=1)
    events = [json.loads(piece.removeprefix(b"data: ")) for piece in reply.pieces]
    assert [event["type"] for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert (events[-1]["usage"]["output_tokens"], events[-1]["quality"]) == (256, "high")


@pytest.mark.parametrize(
    "fields",
    [{"prompt": ""}, {"prompt": 1}, {"size": "huge"}, {"size": "9999x9999"}, {"n": 11}, {"kind": "image_edit"}],
)
def test_what_cannot_be_drawn_is_unreadable(fields: dict[str, Any]) -> None:
    """No prompt, no such size, too many, nothing to change."""
    with pytest.raises(UnreadableError):
        drawn(**fields)

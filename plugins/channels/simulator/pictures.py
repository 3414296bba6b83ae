"""The simulator's pictures: ``/v1/images/generations`` and ``edits``, each picture of one colour.

The colour follows from the prompt. Models called gpt-image report tokens: one of output for each square
of 64 x 64 pixels, 194 of input for each picture in the request. Others report none, as DALL-E does.
Shapes: w:openai-other/image-edit and image-dalle3-url; OpenAI's API reference, read 2026-11-29.
"""

import base64
import hashlib
import re
import struct
import zlib
from typing import Any

import msgspec

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Question, UnreadableError
from relay.plugins.channels.simulator.reply import Reply

PICTURES_MAX = 10
SIDE_MAX = 4096
SQUARE = 64
INPUT_TOKENS_EACH = 194
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")


def pictures(question: Question) -> Reply:
    """Return as many pictures as were asked for, whole or as events.

    Raises:
        UnreadableError: No prompt, no picture to edit, or an invalid number or size.
    """
    fields = question.fields
    prompt, size = fields.get("prompt"), fields.get("size")
    count = _whole(fields.get("n"), 1, most=PICTURES_MAX)
    if not isinstance(prompt, str) or not prompt:
        raise UnreadableError("prompt: expected text")
    width, height = _sides(size)
    sent_count = sum(map(len, question.files.values())) + len(fields.get("images") or [])
    if question.kind == "image_edit" and not sent_count:
        raise UnreadableError("image: expected a picture to change")
    drawn = base64.b64encode(png(width, height, hashlib.sha256(prompt.encode()).digest()[:3])).decode()
    facts: dict[str, Any] = {"created": openai.CREATED_AT}
    if question.model.startswith("gpt-image"):
        usage = _usage(question, sent_count, count * -(-width // SQUARE) * -(-height // SQUARE))
        facts |= {"size": f"{width}x{height}", "quality": _named(fields.get("quality")), "usage": usage}
        if question.stream:
            return _events(question, drawn, facts)
        each = {"b64_json": drawn}
    else:
        is_packed = fields.get("response_format") == "b64_json"
        each = {"b64_json": drawn} if is_packed else {"url": f"data:image/png;base64,{drawn}"}
    return Reply(pieces=[msgspec.json.encode({**facts, "data": [each] * count})])


def png(width: int, height: int, colour: bytes) -> bytes:
    """Return a picture of one *colour* (red, green, blue): a palette of one colour, a bit per pixel."""
    row = bytes(1 + -(-width // 8))
    head = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    chunks = (b"IHDR", head), (b"PLTE", colour), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _events(question: Question, drawn: str, facts: dict[str, Any]) -> Reply:
    """Return the events of a stream; each partial picture is already the whole one."""
    name = question.kind
    partial_count = _whole(question.fields.get("partial_images"), 0, most=3)
    events = [
        openai.event({"type": f"{name}.partial_image", "b64_json": drawn, "partial_image_index": index})
        for index in range(partial_count)
    ]
    events.append(openai.event({"type": f"{name}.completed", "b64_json": drawn, **facts}))
    return Reply(content_type=openai.STREAM_TYPE, pieces=events, is_stream=True)


def _usage(question: Question, sent_count: int, output_tokens: int) -> dict[str, Any]:
    sent_tokens = INPUT_TOKENS_EACH * sent_count
    return {
        "input_tokens": question.input_tokens + sent_tokens,
        "input_tokens_details": {"text_tokens": question.input_tokens, "image_tokens": sent_tokens},
        "output_tokens": output_tokens,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": output_tokens},
        "total_tokens": question.input_tokens + sent_tokens + output_tokens,
    }


def _sides(size: object) -> tuple[int, int]:
    if size in (None, "auto"):
        return 1024, 1024
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found is None or max(map(int, found.groups())) > SIDE_MAX:
        raise UnreadableError(f"size: expected such as 1024x1024, at most {SIDE_MAX} a side")
    return int(found[1]), int(found[2])


def _named(quality: object) -> str:
    return quality if isinstance(quality, str) and quality != "auto" else "low"


def _whole(value: object, default: int, *, most: int) -> int:
    """Return a number that may be written as text, as it is in a form."""
    number = default if value is None else int(str(value))
    if not 0 <= number <= most:
        raise UnreadableError(f"expected at most {most}, found {number}")
    return number

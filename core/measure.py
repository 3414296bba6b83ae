"""The size of a request: its text, and the pictures and other media in it, which count for less than their base64."""

import re
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from .raw_search import has_escaped_letter

_MEDIA_KINDS = (
    "audio", "computer_screenshot", "document", "file", "image", "image_url", "input_audio", "input_file", "input_image",
    "video", "video_url",
)  # fmt: skip
_TYPED_MEDIA = re.compile(rb'"type"\s*:\s*"(?:%b)"' % "|".join(_MEDIA_KINDS).encode())
_is_packed = re.compile("(?:audio|image|video)/|application/pdf").match
"""Finds MIME types of media; files of any other type are text, and a model reads them as text."""
_INLINE_MEDIA = re.compile(rb'"inline_?[Dd]ata"')


class Measured(msgspec.Struct):
    """The size of a request: bytes of text, number of pictures, and bytes of base64 of each of its other media."""

    text_bytes: int = 0
    picture_count: int = 0
    media_bytes: list[int] = []

    def media_tokens(self, tokens_each: int) -> int:
        """Return the tokens of all media, *tokens_each* for a picture.

        A document or a recording grows with its length: a token for 16 bytes of base64 is
        more than any page or second of sound was seen to need.
        """
        return self.picture_count * tokens_each + sum(max(tokens_each, length // 16) for length in self.media_bytes)


def measure(fields: Mapping[str, msgspec.Raw]) -> Measured:
    """Return the size of a request, given the top level of its body."""
    measured = Measured()
    for name, raw in fields.items():
        data = bytes(raw)
        measured.text_bytes += len(data)
        for content in _contents_with_media(name, data) if name in TURNS else ():
            _measure_parts(content, measured)
    return measured


class _Turn(msgspec.Struct):
    """A turn of a conversation. Media are in its content, or a tool's output (Responses), or its parts (Gemini)."""

    type: object = ""
    content: msgspec.Raw = msgspec.Raw(b"")
    output: msgspec.Raw = msgspec.Raw(b"")
    parts: msgspec.Raw = msgspec.Raw(b"")


class _Holder(msgspec.Struct):
    """What contains media: OpenAI's ``image_url`` and the like, Anthropic's ``source``, Gemini's ``inlineData``."""

    type: str = ""
    mime_type: str = ""
    mime_type_camel: str = msgspec.field(default="", name="mimeType")
    url: msgspec.Raw = msgspec.Raw(b"")
    data: msgspec.Raw = msgspec.Raw(b"")
    file_data: msgspec.Raw = msgspec.Raw(b"")


class _Kind(msgspec.Struct):
    """The little that is read of a part whose other members have no known form; upstreams skip such members."""

    type: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class _Part(_Kind):
    source: _Holder | None = None
    image_url: _Holder | str | None = None
    video_url: _Holder | str | None = None
    input_audio: _Holder | None = None
    file: _Holder | None = None
    file_data: str | None = None
    inline_data: _Holder | None = None
    inline_data_camel: _Holder | None = msgspec.field(default=None, name="inlineData")
    data: msgspec.Raw = msgspec.Raw(b"")
    mime_type: str = ""
    """That of ``data``, in Interactions."""

    @property
    def is_media(self) -> bool:
        """It is of a type that vendors read media from. Gemini's parts have no type."""
        return self.type in _MEDIA_KINDS or self._inline is not None

    @property
    def is_text(self) -> bool:
        """Its media are text, by their MIME type, and so may count for more tokens than other media of their length."""
        return bool(self._mime_type) and not _is_packed(self._mime_type)

    @property
    def is_picture(self) -> bool:
        """It is counted by number, not by length."""
        return "image" in (self._mime_type or self.type) or self.type == "computer_screenshot"

    @property
    def _mime_type(self) -> str:
        inline = self._inline
        return self.mime_type if inline is None else inline.mime_type_camel or inline.mime_type

    @property
    def _inline(self) -> _Holder | None:
        return self.inline_data_camel or self.inline_data


TURNS = {"messages": _TYPED_MEDIA, "input": _TYPED_MEDIA, "contents": _INLINE_MEDIA}
"""The fields with the turns of a conversation, in all dialects, and how to tell that there may be media in them."""
_READ_TURNS = msgspec.json.Decoder(list[_Turn])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = msgspec.json.Decoder(_Part)
_KIND = msgspec.json.Decoder(_Kind)


def _contents_with_media(name: str, turns: bytes) -> list[bytes]:
    """Return the lists of parts in *turns*, the value of the field *name*, that may hold media; plain texts can't.

    Nothing is decoded if messages have no second opening bracket, or if no word of media occurs.
    """
    media = TURNS[name]
    if (name == "messages" and turns.find(b"[", 1) < 0) or not _may_hold(turns, media):
        return []
    turns = _as_list(turns)
    try:
        read = _READ_TURNS.decode(turns)
    except (ValueError, RecursionError):
        return []
    contents = [_as_list(bytes(held)) for turn in read for held in (turn.content, turn.output, turn.parts)]
    if any(turn.type in _MEDIA_KINDS for turn in read):
        contents.append(turns)  # Interactions take parts without a turn around them
    return [content for content in contents if content.startswith(b"[") and _may_hold(content, media)]


def _as_list(value: bytes) -> bytes:
    """Return *value* as a list; Google's APIs and a tool's output may have a single object instead."""
    return b"[%b]" % value if value.startswith(b"{") else value


def _may_hold(data: bytes, media: re.Pattern[bytes]) -> bool:
    """Say whether the words of *media* are in *data*, or may be, spelled with escapes."""
    return media.search(data) is not None or has_escaped_letter(data)


def _measure_parts(content: bytes, measured: Measured, *, is_result: bool = False) -> None:
    """Count the media in the parts of *content*, those by address too, as media instead of as text.

    Only what is where a vendor reads media counts as media. Anywhere else, whatever it looks like, it is
    text that a model reads, and a hold must cover it. The same goes for a result within a result, which no
    vendor reads, and which could be nested endlessly.
    """
    try:
        raw_parts = _PARTS.decode(content)
    except (ValueError, RecursionError):
        return
    for part in map(_read_part, raw_parts):
        if part.type == "tool_result" and bytes(part.content).startswith(b"[") and not is_result:
            _measure_parts(bytes(part.content), measured, is_result=True)
        elif part.is_media:
            length = _base64_bytes(part)
            if not part.is_text:
                measured.text_bytes -= length
            if part.is_picture:
                measured.picture_count += 1
            else:
                measured.media_bytes.append(length)


def _read_part(raw: msgspec.Raw) -> _Part:
    with suppress(ValueError, RecursionError):
        return _PART.decode(raw)
    with suppress(ValueError, RecursionError):
        kind = _KIND.decode(raw)
        return _Part(type=kind.type, content=kind.content)
    return _Part()


def _base64_bytes(part: _Part) -> int:
    """Return the bytes of base64 in *part*, where its vendor reads them."""
    length = max(0, len(bytes(part.data)) - 2)
    holders = (part.source, part.image_url, part.video_url, part.input_audio, part.file)
    for holder in (*holders, part.file_data, part.inline_data, part.inline_data_camel):
        if isinstance(holder, _Holder):
            if holder.type in ("", "base64"):
                length += max(0, len(bytes(holder.data)) - 2)
            for raw in (holder.url, holder.file_data):
                length += _data_url_bytes(bytes(raw)[1:-1])
        elif holder is not None:
            length += _data_url_bytes(holder.encode())
    return length


def _data_url_bytes(url: bytes) -> int:
    """Return the bytes of base64 in a ``data:`` URL; 0 for any other."""
    head, _, data = url.partition(b";base64,")
    return len(data) if head.startswith(b"data:") else 0

"""Token counts made by relay itself: bounds for holds, and estimates where an upstream gives no figures.

Everything rests on the length of UTF-8 text. Measured with o200k, a token is 4.5 bytes of English,
3.3 of code, 3.9 of JSON, 3.6 of Chinese: `BYTES_PER_TOKEN_TENTHS` is 36, off by at most 30 %.
Source: field/gateways.md 5 "Offline tokenizers", read 2026-11-23. What has no public vocabulary
(Claude, Gemini) splits text finer, down to 2 bytes a token in the recordings: bounds take that.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec

from . import vocabulary
from .usage import Usage

BYTES_PER_TOKEN_TENTHS = 36
BLOCK_TOKENS = 8
"""The most tokens of an answer, or of a block of it, beyond its text: role, frame, stop."""
TOOL_CALL_TOKENS = 8
"""The fewest tokens of a tool call beyond its arguments."""
TOOL_CALL_TOKENS_MAX = 40
"""The most; with Claude 30 to 40 (w:anthropic/tools-parallel-stream)."""
REQUEST_TOKENS = 512
"""The most tokens of a request beyond its text: system prompts of the upstream (150 at xAI), citations."""
TOOLS_TOKENS = 1024
"""The most tokens that an upstream adds if tools are offered; with Claude 500 (w:anthropic/tools-stream)."""
MEDIA_TOKENS_MAX = 4096
"""The most tokens of a picture, except with gpt-4o-mini, which counts them 33-fold."""
MEDIA_TOKENS = 1000
PICTURE_TOKENS = 1290
"""Tokens of a picture drawn in a chat, as with Gemini (w:gemini/image-output)."""
DRAFT_TOKENS = 100
"""Output tokens of a draft of a picture. Source: OpenAI image generation guide, "Streaming", read 2026-11-24."""
SPOKEN_BYTES_PER_TOKEN = 3200
"""Bytes of base64 for a token of sound spoken in a chat: a second is 24 000 samples of 16 bits, and 20 tokens.

Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24.
"""
FIGURE_FLOOR_TOKENS = 1024
"""Smaller figures of an upstream are never disputed, because small bounds are the least exact."""
DISPUTED_FACTOR = 4

_LONG_CACHE = re.compile(rb'"ttl"\s*:\s*"1h"')
_MEDIA_KINDS = (
    "audio", "computer_screenshot", "document", "file", "image", "image_url", "input_audio", "input_file", "input_image",
    "video", "video_url",
)  # fmt: skip
_TYPED_MEDIA = re.compile(rb'"type"\s*:\s*"(?:%b)"' % "|".join(_MEDIA_KINDS).encode())
_is_packed = re.compile("(?:audio|image|video)/|application/pdf").match
"""Of MIME types: other files are text, which a model reads as such."""
_INLINE_MEDIA = re.compile(rb'"inline_?[Dd]ata"')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def piece_bound(bytes_count: int) -> int:
    """Return the most tokens of a piece of streamed text, by its UTF-8 length.

    Upstreams stream pieces of one token or of many. A short piece is one token, rarely three; a long one
    has at most a token for every two bytes. Artificially dense text (random digits in long pieces) can
    exceed this by a third; no text that people write was seen to.
    """
    return 1 + (bytes_count >> 2) if bytes_count < 12 else 1 + (bytes_count >> 1)


def estimate_bytes(bytes_count: int) -> int:
    """Return the tokens that text of this UTF-8 length likely has, rounded up.

    >>> estimate_bytes(36), estimate_bytes(37), estimate_bytes(0)
    (10, 11, 0)
    """
    return -(-bytes_count * 10 // BYTES_PER_TOKEN_TENTHS)


def input_bound(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return an upper bound of the input tokens of a request, for its hold.

    Pictures are counted by number, other media by their length. There is no bound to what an upstream's own
    tools read while they answer (w:anthropic/pause-turn-stream: 2 479 tokens grow to 404 500), or to what an id
    or address refers to (`reads_beyond`): there the post takes what the account has.
    """
    measured = _measure(fields)
    tools = TOOLS_TOKENS if "tools" in fields or "functions" in fields else 0
    return REQUEST_TOKENS + tools + measured.media_tokens(MEDIA_TOKENS_MAX) + measured.text_bytes // 2


def cache_writes(fields: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """Return the kinds of input that the request has written to a cache for, which may be dearer than fresh input.

    ``cache_control`` is Anthropic's word, and that of relays to it in any dialect; within a text its quotes are
    escaped.
    """
    marked = [
        data
        for name, raw in fields.items()
        if mentions(data := bytes(raw), b'"cache_control"') or name == "cache_control"
    ]
    if not marked:
        return ()
    is_long = any(map(_LONG_CACHE.search, marked))
    return ("cache_write_5m_tokens", "cache_write_1h_tokens") if is_long else ("cache_write_5m_tokens",)


def mentions(data: bytes, word: bytes) -> bool:
    """Say whether *word* is in *data*, for long data in half the time of ``in``, or less.

    Only when it searches from the end does CPython leap over what can't be part of the word (measured with 3.11 to
    3.13).
    """
    return data.rfind(word) >= 0


def has_escaped_letter(data: bytes) -> bool:
    r"""Say whether *data* spells a letter as an escape, so that a search may miss the words in it.

    Escapes of other characters are common, such as an accent's from Python, or ``<`` from Go.

    >>> has_escaped_letter(rb'"t\u006fols"'), has_escaped_letter(rb'"caf\u00e9 \u003c"')
    (True, False)
    """
    return mentions(data, rb"\u00") and _ESCAPED_LETTER.search(data) is not None


def input_estimate(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the best estimate of the input tokens of a request.

    If the vocabulary is loaded and the request is only text, it is exact but for the frame of the messages;
    otherwise it follows from the length.
    """
    measured = _measure(fields)
    media_tokens = measured.media_tokens(MEDIA_TOKENS)
    if not media_tokens and vocabulary.is_loaded():
        with suppress(ValueError, RecursionError):  # a number beyond any float, or nested very deep
            read = [msgspec.json.decode(fields[name]) for name in _READ if name in fields]
            return vocabulary.count("\n".join(_strings(read))) + _token_id_count(read)
    return media_tokens + estimate_bytes(measured.text_bytes)


def is_beyond(tokens: int, bound_tokens: int) -> bool:
    """Say whether a figure exceeds a bound so far that both can't be true."""
    return tokens > DISPUTED_FACTOR * max(bound_tokens, FIGURE_FLOOR_TOKENS)


def plausible(usage: Usage, input_bound_tokens: int, output_bound_tokens: int | None) -> Usage:
    """Return *usage*, with the local bounds in place of figures that exceed them fourfold, as ``disputed``.

    Input is not checked if the upstream read more on its own: searches, further passes.

    Args:
        usage: The upstream's figures.
        input_bound_tokens: As `input_bound` gave it.
        output_bound_tokens: The most output, of all choices, that was asked for or that the model can give; None if
            neither is known, in which case the output is not checked.
    """
    if usage.source != "upstream":
        return usage
    reads_by_itself = usage.web_search_count or usage.iterations
    if not reads_by_itself and is_beyond(usage.all_input_tokens, input_bound_tokens):
        usage = _with_input_bound(usage, input_bound_tokens)
    if output_bound_tokens is None:
        return usage
    if is_beyond(usage.output_tokens, output_bound_tokens):
        usage = msgspec.structs.replace(usage, output_tokens=output_bound_tokens, iterations=(), source="disputed")
    return usage


def _with_input_bound(usage: Usage, tokens: int) -> Usage:
    """Return *usage* with an input of *tokens*, of which sound and pictures are as reported, and unchanged output."""
    audio_tokens = min(usage.audio_input_tokens, tokens)
    return msgspec.structs.replace(
        usage,
        input_tokens=tokens,
        cache_read_tokens=0,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=0,
        audio_input_tokens=audio_tokens,
        image_input_tokens=min(usage.image_input_tokens, tokens - audio_tokens),
        source="disputed",
    )


class _Measured(msgspec.Struct):
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


def _measure(fields: Mapping[str, msgspec.Raw]) -> _Measured:
    measured = _Measured()
    for name, raw in fields.items():
        data = bytes(raw)
        measured.text_bytes += len(data)
        for content in _contents_with_media(name, data) if name in _TURNS else ():
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
    """What is read of a part whose other members are of no known form: upstreams skip over what they don't know."""

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
        """Its media, if they are what their MIME type says, are read as text, and so may count for more than media."""
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


_TURNS = {"messages": _TYPED_MEDIA, "input": _TYPED_MEDIA, "contents": _INLINE_MEDIA}
"""The fields with the turns of a conversation, in all dialects, and how to tell that there may be media in them."""
_READ_TURNS = msgspec.json.Decoder(list[_Turn])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = msgspec.json.Decoder(_Part)
_KIND = msgspec.json.Decoder(_Kind)


def _contents_with_media(name: str, turns: bytes) -> list[bytes]:
    """Return the lists of parts in *turns*, the field *name*, that may hold media; plain texts do not.

    Without a second opening bracket in messages, or the words of media, nothing is decoded at all.
    """
    media = _TURNS[name]
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
    """Return a list, also of the single object that Google's APIs and a tool's output may have instead."""
    return b"[%b]" % value if value.startswith(b"{") else value


def _may_hold(data: bytes, media: re.Pattern[bytes]) -> bool:
    """Say whether the words of *media* are in *data*, or may be, spelled with escapes."""
    return media.search(data) is not None or has_escaped_letter(data)


def _measure_parts(content: bytes, measured: _Measured, *, is_result: bool = False) -> None:
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
    head, mark, data = url.partition(b";base64,")
    return len(data) if mark and head.startswith(b"data:") else 0


_READ = (
    "system", "instructions", "systemInstruction", "system_instruction", *_TURNS, "prompt", "suffix", "query", "documents",
    "tools", "functions",
)  # fmt: skip
"""Fields that a model reads, whatever is asked for."""


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            if key != "type":
                yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _token_id_count(value: object) -> int:
    """Return how many tokens are in lists of token ids, as which prompts and embedding inputs may be given."""
    if isinstance(value, list):
        return sum(map(_token_id_count, value))
    return 1 if type(value) is int else 0

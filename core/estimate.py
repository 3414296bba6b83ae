"""Token counts made here: bounds for holds, estimates for want of the upstream's own figures.

Everything rests on the length of UTF-8 text. Measured with o200k, a token is 4.5 bytes of English,
3.3 of code, 3.9 of JSON, 3.6 of Chinese: `BYTES_PER_TOKEN_TENTHS` is 36, off by at most 30 %.
Source: field/gateways.md 5 "Offline tokenizers", read 2026-11-23. What has no public vocabulary
(Claude, Gemini) splits text finer, down to 2 bytes a token in the recordings: bounds take that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import msgspec

from . import vocabulary
from .usage import Usage

BYTES_PER_TOKEN_TENTHS = 36
BLOCK_TOKENS = 8
"""The most that an answer, or a block of it, counts beyond its text: role, frame, stop."""
TOOL_CALL_TOKENS = 8
"""What a tool call counts at least beyond its arguments."""
TOOL_CALL_TOKENS_MAX = 40
"""What it counts at most; 30 to 40 at Claude (w:anthropic/tools-parallel-stream)."""
REQUEST_TOKENS = 512
"""What a request may count beyond its text: system texts of the upstream (150 at xAI), citations."""
TOOLS_TOKENS = 1024
"""The text that an upstream adds where tools are offered; 500 at Claude (w:anthropic/tools-stream)."""
MEDIA_TOKENS_MAX = 4096
"""The most that one picture counts; more than all but gpt-4o-mini's, which counts 33-fold."""
PICTURE_FIGURE_TOKENS = 12_500
"""A quarter of what a picture counts at most, at gpt-4o-mini: 2 833, and 5 667 for each of eight tiles.

Source: community.openai.com 1262691 (8 512 counted with a few words for one tile), read 2026-11-30.
"""
MEDIA_FIGURE_TOKENS = 250_000
"""A quarter of what a document or a film may count, however well it is packed: the context of Claude or Gemini, a million.

Source: support.claude.com 8606395, read 2026-11-30.
"""
MEDIA_TOKENS = 1000
PICTURE_TOKENS = 1290
"""What a picture counts that is drawn in a talk; Gemini's (w:gemini/image-output)."""
DRAFT_TOKENS = 100
"""Output of a draft of a picture. Source: OpenAI image generation guide, "Streaming", read 2026-11-24."""
SPOKEN_BYTES_PER_TOKEN = 3200
"""Base64 of what is spoken in a talk, for a token: 20 tokens a second, of 24 000 samples of 16 bits, as streams have it.

Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24.
"""
FIGURE_FLOOR_TOKENS = 1024
"""Below this a figure of the upstream is never disputed: small bounds are the least exact."""
DISPUTED_FACTOR = 4

_LONG_CACHE = re.compile(rb'"ttl"\s*:\s*"1h"')
_MEDIA_KINDS = frozenset(
    {"document", "file", "image", "image_url", "input_audio", "input_file", "input_image", "video_url"}
)
_MEDIA_WORD = re.compile(
    rb'"(?:document|file|image|image_url|inline_?[Dd]ata|input_audio|input_file|input_image|video_url)"'
)


def piece_bound(bytes_count: int) -> int:
    """Return the most tokens that a piece of streamed text can be, by its UTF-8 length.

    Upstreams stream pieces of one token or of many. A short piece is one, rarely three; a long
    one is at most a token every two bytes. Text made to be dense (random digits in long pieces)
    can exceed it by a third; nothing people write did.
    """
    return 1 + (bytes_count >> 2) if bytes_count < 12 else 1 + (bytes_count >> 1)


def estimate_bytes(bytes_count: int) -> int:
    """Return the tokens that text of this UTF-8 length likely has, rounded up.

    >>> estimate_bytes(36), estimate_bytes(37), estimate_bytes(0)
    (10, 11, 0)
    """
    return -(-bytes_count * 10 // BYTES_PER_TOKEN_TENTHS)


def input_bound(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the input tokens of a request, never below the truth, for its hold.

    Pictures and other media count by number, not by their bytes. Not bounded by any request is
    what a server's own tools read while they answer (w:anthropic/pause-turn-stream: 2 479 tokens
    grow to 404 500), or what is named by an id or an address (`reads_beyond`): there the post takes
    what the account has.
    """
    measured = _measure(fields)
    tools = TOOLS_TOKENS if "tools" in fields or "functions" in fields else 0
    return REQUEST_TOKENS + tools + measured.media_tokens(MEDIA_TOKENS_MAX) + measured.text_bytes // 2


def cache_writes(fields: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """Return the kinds of input that the request has written to a cache for, which may be dearer than fresh input.

    ``cache_control`` is Anthropic's word, and that of relays to it in any dialect; within a text its quotes are escaped.
    """
    marked = [bytes(raw) for name, raw in fields.items() if name == "cache_control" or b'"cache_control"' in bytes(raw)]
    if not marked:
        return ()
    is_long = any(map(_LONG_CACHE.search, marked))
    return ("cache_write_5m_tokens", "cache_write_1h_tokens") if is_long else ("cache_write_5m_tokens",)


def media_bound(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return what the media of a request may count beyond `input_bound` where the figures are its upstream's own."""
    measured = _measure(fields)
    return measured.picture_count * PICTURE_FIGURE_TOKENS + len(measured.media_bytes) * MEDIA_FIGURE_TOKENS


def input_estimate(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the input tokens of a request, as near the truth as can be had here.

    Exact up to the frame of the messages where the vocabulary is loaded, and the request is text
    alone and can be read here; by length otherwise.
    """
    measured = _measure(fields)
    media_tokens = measured.media_tokens(MEDIA_TOKENS)
    if not media_tokens and vocabulary.is_loaded():
        with suppress(ValueError, RecursionError):  # a number beyond any float, or nested very deep
            return vocabulary.count("\n".join(_texts(fields)))
    return media_tokens + estimate_bytes(measured.text_bytes)


def is_beyond(tokens: int, bound_tokens: int) -> bool:
    """Say whether a figure exceeds a bound so far that both can't be true."""
    return tokens > DISPUTED_FACTOR * max(bound_tokens, FIGURE_FLOOR_TOKENS)


def plausible(usage: Usage, input_bound_tokens: int, output_bound_tokens: int | None) -> Usage:
    """Return *usage*, or the local bounds as ``disputed`` where it exceeds one four times.

    Input is not checked where the upstream read more on its own: searches, further passes.

    Args:
        usage: The upstream's figures.
        input_bound_tokens: As `input_bound` gave it.
        output_bound_tokens: The most output, of all choices, that was asked for or that the model can give; None where
            neither is known, then output is taken as said.
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
    """Return *usage* with input of *tokens*, as much of it sound or pictures as was told, and its output as it is."""
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
    """What a request holds: its text in bytes, its pictures, and the bytes of base64 of each of its other media."""

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
        for content in _contents_with_media(data) if name in _TURNS else ():
            _measure_parts(content, measured)
    return measured


class _Turn(msgspec.Struct):
    """A turn of a talk: media stand in the content of most dialects, in Responses also in a tool's output."""

    content: msgspec.Raw = msgspec.Raw(b"")
    output: msgspec.Raw = msgspec.Raw(b"")
    parts: msgspec.Raw = msgspec.Raw(b"")


class _Holder(msgspec.Struct):
    """What media stand in: OpenAI's ``image_url`` and the like, Anthropic's ``source``, Gemini's ``inlineData``."""

    type: str = ""
    media_type: str = msgspec.field(default="", name="mimeType")
    url: msgspec.Raw = msgspec.Raw(b"")
    data: msgspec.Raw = msgspec.Raw(b"")
    file_data: msgspec.Raw = msgspec.Raw(b"")


class _Part(msgspec.Struct):
    type: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")
    source: _Holder | None = None
    image_url: _Holder | str | None = None
    video_url: _Holder | str | None = None
    input_audio: _Holder | None = None
    file: _Holder | None = None
    file_data: str | None = None
    inline_data: _Holder | None = None
    inline_data_camel: _Holder | None = msgspec.field(default=None, name="inlineData")

    @property
    def is_media(self) -> bool:
        """A kind that vendors read media from; Gemini's parts name none."""
        return self.type in _MEDIA_KINDS or self._inline is not None

    @property
    def is_picture(self) -> bool:
        """Counted by number, not by length."""
        inline = self._inline
        return "image" in (self.type if inline is None else inline.media_type)

    @property
    def _inline(self) -> _Holder | None:
        return self.inline_data_camel or self.inline_data


_TURNS = ("messages", "input", "contents")
"""Where the turns of a talk stand, by dialect."""
_READ_TURNS = msgspec.json.Decoder(list[_Turn])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = msgspec.json.Decoder(_Part)


def _contents_with_media(turns: bytes) -> Iterable[bytes]:
    """Return the contents of *turns* that may hold media: lists of parts; a plain text holds none.

    Where no second bracket opens, not even the frame of the conversation is read; and one look
    for the rare word spares the ordinary list of texts.
    """
    if turns.find(b"[", turns.find(b"[") + 1) < 0:
        return ()
    try:
        read = _READ_TURNS.decode(turns)
    except (ValueError, RecursionError):
        return ()
    contents = [bytes(held) for turn in read for held in (turn.content, turn.output, turn.parts)]
    return [content for content in contents if content.startswith(b"[") and _MEDIA_WORD.search(content)]


def _measure_parts(content: bytes, measured: _Measured, *, is_result: bool = False) -> None:
    """Take the media in the parts of *content*, those by address included, out of the text and count them.

    Only what stands where a vendor reads media from counts as such: anywhere else, whatever it
    looks like, it is text that a model reads, and a hold must cover it. So does what stands in a result
    within a result, which no vendor reads, and which could be nested without end.
    """
    try:
        raw_parts = _PARTS.decode(content)
    except (ValueError, RecursionError):
        return
    for raw in raw_parts:
        try:
            part = _PART.decode(raw)
        except (ValueError, RecursionError):
            continue  # of no form that is known: text
        if part.type == "tool_result" and bytes(part.content).startswith(b"[") and not is_result:
            _measure_parts(bytes(part.content), measured, is_result=True)
        elif part.is_media:
            length = _base64_bytes(part)
            measured.text_bytes -= length
            if part.is_picture:
                measured.picture_count += 1
            else:
                measured.media_bytes.append(length)


def _base64_bytes(part: _Part) -> int:
    """Return the bytes of base64 that *part* carries where its vendor reads them from."""
    length = 0
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
    """Return the bytes of base64 in a ``data:`` address, or none in another."""
    head, mark, data = url.partition(b";base64,")
    return len(data) if mark and head.startswith(b"data:") else 0


_READ = (
    "system", "instructions", "systemInstruction", "system_instruction", *_TURNS, "prompt", "suffix", "query", "documents",
    "tools", "functions",
)  # fmt: skip
"""Fields whose texts a model reads, whatever is asked for."""


def _texts(fields: Mapping[str, msgspec.Raw]) -> Iterator[str]:
    """Yield every text in *fields* that a model reads."""
    for name in _READ:
        if name in fields:
            yield from _strings(msgspec.json.decode(fields[name]))


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

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
from .measure import TURNS, measure
from .raw_search import mentions
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
"""Figures below this are never disputed, because small bounds are the least exact."""
DISPUTED_FACTOR = 4

_LONG_CACHE = re.compile(rb'"ttl"\s*:\s*"1h"')


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
    measured = measure(fields)
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


def input_estimate(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the best estimate of the input tokens of a request.

    If the vocabulary is loaded and the request is only text, it is exact but for the frame of the messages;
    otherwise it follows from the length.
    """
    measured = measure(fields)
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


_READ = (
    "system", "instructions", "systemInstruction", "system_instruction", *TURNS, "prompt", "suffix", "query", "documents",
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

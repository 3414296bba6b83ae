"""What a response or a transcription of Realtime has used, by the upstream's own figures."""

import math

import msgspec

from ..usage import Usage
from .figures import Figures, read_figure, read_figures

TOKENS_PER_SECOND = 10
"""Tokens of audio input. Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24."""


class _Transcribed(msgspec.Struct):
    usage: object = None
    transcript: object = None


def read_realtime_usage(usage: object) -> Usage | None:
    """Return the usage of a response or a transcription; None if it counts no tokens.

    Cached tokens are part of ``input_tokens``; audio and pictures are part of both. Aliyun's Qwen uses the plural
    for the names of the details. Source: OpenAI, "Managing costs" of Realtime, read 2026-11-24.

    Raises:
        UntrueFigureError: A figure that can't be true.
    """
    figures = read_figures(usage)
    if figures.get("input_tokens") is None and figures.get("output_tokens") is None:
        return None
    all_input, output = read_figure(figures, "input_tokens"), read_figure(figures, "output_tokens")
    heard, spoken = _details(figures, "input"), _details(figures, "output")
    cached = min(read_figure(heard, "cached_tokens"), all_input)
    again = read_figures(heard.get("cached_tokens_details"))
    sound, pictures = (
        max(0, read_figure(heard, kind) - read_figure(again, kind)) for kind in ("audio_tokens", "image_tokens")
    )
    return Usage(
        input_tokens=all_input - cached,
        cache_read_tokens=cached,
        output_tokens=output,
        reasoning_tokens=min(read_figure(spoken, "reasoning_tokens"), output),
        audio_input_tokens=min(sound, all_input - cached),
        audio_output_tokens=min(read_figure(spoken, "audio_tokens"), output),
        image_input_tokens=min(pictures, all_input - cached),
    )


def sound_tokens_of(usage: object) -> int:
    """Return the audio tokens of input and output together, cached or not.

    Raises:
        UntrueFigureError: A figure that can't be true.
    """
    figures = read_figures(usage)
    return sum(read_figure(_details(figures, side), "audio_tokens") for side in ("input", "output"))


def _details(figures: Figures, side: str) -> Figures:
    return read_figures(figures.get(f"{side}_token_details") or figures.get(f"{side}_tokens_details"))


def read_transcription_usage(frame: str) -> Usage:
    """Return the usage of a transcription; if it is billed by its length, both as seconds and as their tokens."""
    try:
        told = msgspec.json.decode(frame, type=_Transcribed).usage
        usage = read_realtime_usage(told)
        if usage is not None:
            return usage
        seconds = read_figures(told).get("seconds")
    except (ValueError, RecursionError):
        return Usage(source="disputed")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 86_400:
        return Usage(source="disputed")
    tokens = -(-round(seconds * 1000) * TOKENS_PER_SECOND // 1000)
    return Usage(input_tokens=tokens, audio_input_tokens=tokens, unit_count=math.ceil(seconds))


def written_bytes(frame: str) -> int:
    """Return the UTF-8 length of the transcript that *frame* ends; 0 if it has none."""
    try:
        transcript = msgspec.json.decode(frame, type=_Transcribed).transcript
    except (ValueError, RecursionError):
        return 0
    return len(transcript.encode()) if isinstance(transcript, str) else 0

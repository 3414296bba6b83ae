"""Makes audio without an encoder: silence as MP3, a tone as PCM; and measures how long a file lasts.

Source of the frame: ISO/IEC 11172-3, 2.4.1.3; of the head: "Multimedia Programming Interface and
Data Specifications 1.0", RIFF WAVE; read 2026-11-29.
"""

import math
import struct

PCM_RATE = 24_000
"""Samples per second, two bytes each, as in OpenAI's pcm."""
PCM_BYTES_PER_S = 2 * PCM_RATE
TONE_HZ = 440
LOUDNESS = 3000
MP3_FRAME = b"\xff\xfb\x10\xc4" + bytes(100)
"""Layer III, 32 kbit/s, 44.1 kHz, mono; side information of only zeros is silence."""
MP3_FRAMES_PER_S = 44_100 / 1152
PACKED_BYTES_PER_S = 4000
"""Assumed for files whose length can't be read from the header: 32 kbit/s."""
HEARD_TOKENS_PER_S = 10
SPOKEN_TOKENS_PER_S = 20
BYTES_SAID_PER_S = 14
"""Bytes of UTF-8 that are spoken in a second."""


def seconds_said(text: str) -> float:
    """Return how long it takes to say *text*."""
    return max(1, len(text.encode())) / BYTES_SAID_PER_S


def mp3(seconds: float) -> bytes:
    """Return silence of that length."""
    return MP3_FRAME * math.ceil(seconds * MP3_FRAMES_PER_S)


def pcm(seconds: float) -> bytes:
    """Return a tone of that length, in samples of 16 bits."""
    period = PCM_RATE // TONE_HZ
    wave = [round(LOUDNESS * math.sin(2 * math.pi * sample / period)) for sample in range(period)]
    one = struct.pack(f"<{period}h", *wave)
    count = round(seconds * PCM_RATE)
    return (one * (count // period + 1))[: 2 * count]


def wave(seconds: float) -> bytes:
    """Return the tone of `pcm` as a WAV file."""
    samples = pcm(seconds)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, PCM_RATE, PCM_BYTES_PER_S, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def seconds_of(sound: bytes) -> int:
    """Return how long a file lasts, in seconds, rounded up: a plain WAV by its header, all else by its size.

    >>> seconds_of(wave(2.5)), seconds_of(bytes(4001))
    (3, 2)
    """
    bytes_per_s = PACKED_BYTES_PER_S
    if len(sound) >= 36 and sound[:4] == b"RIFF" and sound[8:16] == b"WAVEfmt ":
        channels, rate, _, _, bits = struct.unpack("<HIIHH", sound[22:36])
        bytes_per_s = channels * rate * bits // 8 or PACKED_BYTES_PER_S
    return math.ceil(len(sound) / bytes_per_s)

"""How long sound lasts, as far as can be told without hearing it."""

import math
import re

BYTES_PER_S_MIN = 1500
"""Compressed speech hardly ever has fewer bytes a second than this: 12 kbit/s."""
BYTES_PER_S_MAX = 16_000
"""Compressed sound hardly ever has more than this: 128 kbit/s."""
WAVE_HEAD_BYTES = 44
"""The fewest bytes of a WAV file that are no sound."""
SPOKEN_BYTES_PER_S = 14
"""UTF-8 of what is said in a second: 150 English words a minute, or 280 Chinese characters."""

_PCM = (b"\x01\x00", b"\x03\x00")
"""Format codes of uncompressed samples, as whole numbers and as floats: their bits give the length."""
_EXTENSIBLE = b"\xfe\xff"
"""The format is told at the end of a longer head, as for more than 16 bits or two channels.

Source: learn.microsoft.com, ``WAVEFORMATEXTENSIBLE``, read 2026-11-30.
"""

_last_cue_end = re.compile(r"-->\s*(?:(\d{1,3}):)?(\d\d):(\d\d)[.,](\d{3})").findall


def seconds_bound(sound: memoryview) -> int:
    """Return the seconds of *sound*, a file's content; hardly ever below the truth."""
    exact = _wave_seconds(sound)
    return math.ceil(len(sound) / BYTES_PER_S_MIN) if exact is None else exact


def seconds_estimate(sound: memoryview) -> int:
    """Return the seconds of *sound*; hardly ever above the truth."""
    exact = _wave_seconds(sound)
    return math.ceil(len(sound) / BYTES_PER_S_MAX) if exact is None else exact


def seconds_spoken(text: str) -> int:
    """Return how long it takes to say *text*; of subtitles, when the last of them ends.

    >>> seconds_spoken("Fourteen chars"), seconds_spoken("00:00:00,000 --> 00:01:02,500")
    (1, 63)
    """
    cues = _last_cue_end(text)
    if not cues:
        return math.ceil(len(text.encode()) / SPOKEN_BYTES_PER_S)
    hours, minutes, seconds, thousandths = (int(figure or 0) for figure in cues[-1])
    return hours * 3600 + minutes * 60 + seconds + (thousandths > 0)


def _wave_seconds(sound: memoryview) -> int | None:
    """Return the length of plain PCM in a WAV file, from the figures that a player goes by; None for all else."""
    head = bytes(sound[:46])
    if len(head) < 36 or head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return None
    if (head[44:46] if head[20:22] == _EXTENSIBLE else head[20:22]) not in _PCM:
        return None
    channels, rate, bits = (int.from_bytes(head[at:end], "little") for at, end in ((22, 24), (24, 28), (34, 36)))
    bytes_per_s = channels * rate * bits // 8
    return math.ceil(max(0, len(sound) - WAVE_HEAD_BYTES) / bytes_per_s) if bytes_per_s else None

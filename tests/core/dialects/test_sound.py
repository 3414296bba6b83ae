"""How long sound lasts, by its file or by what was said in it."""

import io
import struct
import wave

import pytest

from relay.core.dialects.sound import seconds_bound, seconds_estimate, seconds_spoken


def wave_file(seconds: float, *, rate: int = 16_000, channels: int = 1) -> bytearray:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(int(seconds * rate) * 2 * channels))
    return bytearray(file.getvalue())


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2)])
def test_plain_wave_files_tell_their_length(rate: int, channels: int) -> None:
    """A last second that is begun counts; the head takes no part of one."""
    file = memoryview(wave_file(2.5, rate=rate, channels=channels))
    assert (seconds_bound(file), seconds_estimate(file)) == (3, 3)


def test_a_wave_file_cannot_claim_to_play_faster_than_it_does() -> None:
    """The byte rate in its head, which no player goes by, is not read."""
    file = wave_file(10)
    file[28:32] = b"\xff\xff\xff\xff"
    assert seconds_bound(memoryview(file)) == 10


@pytest.mark.parametrize("seconds", [1, 4, 60])
def test_the_head_of_a_wave_file_is_no_sound(seconds: int) -> None:
    """Nobody pays a second for its 44 bytes."""
    file = memoryview(wave_file(seconds))
    assert (seconds_bound(file), seconds_estimate(file)) == (seconds, seconds)


def longer_head(kind: int, *, bits: int, subformat: int) -> memoryview:
    """Return four seconds of 48 kHz stereo whose head is extended, as that of 24 bits or of floats."""
    rate = 48_000 * 2 * bits // 8
    form = struct.pack("<HHIIHHHHIH", kind, 2, 48_000, rate, 2 * bits // 8, bits, 22, bits, 3, subformat) + bytes(14)
    return memoryview(b"RIFF0000WAVEfmt \x28\0\0\0" + form + b"data0000" + bytes(4 * rate))


@pytest.mark.parametrize(
    ("kind", "bits", "subformat", "seconds"),
    [(0xFFFE, 24, 1, 5), (0xFFFE, 32, 3, 5), (3, 32, 0, 5), (0xFFFE, 24, 85, 769), (85, 24, 1, 769)],
)
def test_samples_of_any_size_tell_their_length(kind: int, bits: int, subformat: int, seconds: int) -> None:
    """Whole numbers or floats, 24 bytes of a longer head count; what is packed inside (85 is MP3) is not told by it."""
    assert seconds_bound(longer_head(kind, bits=bits, subformat=subformat)) == seconds


def test_packed_sound_lies_between_two_rates() -> None:
    """12 and 128 kbit/s; a megabyte is between a minute and eleven."""
    file = memoryview(b"ID3" + bytes(1_000_000))
    assert (seconds_bound(file), seconds_estimate(file)) == (667, 63)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF0000WAVEfmt ", b"RIFF0000WAVEfmt " + bytes(20)])
def test_a_stub_of_a_file_has_a_length(content: bytes) -> None:
    """Nothing in it is trusted to be there, or to be other than 0."""
    assert seconds_bound(memoryview(content)) == (1 if content else 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("Ruby is a programming language designed for developer happiness.", 5),
        ("你好，世界", 2),
        ("1\n00:00:00,000 --> 00:00:02,500\nHi\n", 3),
        ("WEBVTT\n\n00:00.000 --> 00:04.000\nHi\n\n01:02:03.000 --> 01:02:04.001\nHo\n", 3725),
    ],
)
def test_what_was_said_takes_its_time(text: str, seconds: int) -> None:
    """Subtitles tell it, other text is as long as it takes to say; the recorded 64 bytes took 4 seconds."""
    assert seconds_spoken(text) == seconds

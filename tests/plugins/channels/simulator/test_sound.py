"""Sound of a known length, in formats that need no encoder."""

import io
import wave as waves

import pytest

from relay.core.dialects.sound import seconds_bound
from relay.plugins.channels.simulator.sound import MP3_FRAME, mp3, pcm, seconds_of, seconds_said, wave


def test_a_wave_file_is_read_by_others() -> None:
    """One channel of 16 bits, as long as was asked for."""
    with waves.open(io.BytesIO(wave(1.5))) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 24_000)
        assert reader.getnframes() == 36_000
    assert seconds_bound(memoryview(wave(1.5))) == 2


def test_a_tone_is_no_silence() -> None:
    """Half a second of it."""
    assert len(pcm(0.5)) == 24_000
    assert len(set(pcm(0.5))) > 10


def test_silence_is_whole_frames() -> None:
    """39 to a second, the last one begun."""
    assert mp3(1) == MP3_FRAME * 39
    assert len(MP3_FRAME) == 104


@pytest.mark.parametrize(
    ("sound", "seconds"),
    [(wave(2.0), 3), (wave(1.9), 2), (bytes(4000), 1), (b"RIFF", 1), (b"RIFF0000WAVEfmt " + bytes(20), 1)],
)
def test_a_file_has_a_length(sound: bytes, seconds: int) -> None:
    """A plain WAV by its head, whose own bytes count too; all else by its size."""
    assert seconds_of(sound) == seconds


def test_words_take_their_time() -> None:
    """Fourteen bytes a second."""
    assert (seconds_said("x" * 28), seconds_said("")) == (2, 1 / 14)

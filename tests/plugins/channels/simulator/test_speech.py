"""Text is spoken, as sound or as events."""

import base64
import json
from typing import Any

import pytest

from relay.plugins.channels.simulator.answer import UnreadableError
from relay.plugins.channels.simulator.questions import read_question
from relay.plugins.channels.simulator.reply import Reply
from relay.plugins.channels.simulator.sound import mp3, pcm, wave
from relay.plugins.channels.simulator.speech import speech


def spoken(**fields: Any) -> Reply:
    body = {"model": "tts-1", "input": "x" * 28, **fields}
    return speech(read_question("/v1/audio/speech", json.dumps(body).encode(), None))


@pytest.mark.parametrize(
    ("name", "content_type", "sound"),
    [
        (None, "audio/mpeg", mp3(2)),
        ("mp3", "audio/mpeg", mp3(2)),
        ("wav", "audio/wav", wave(2)),
        ("pcm", "audio/pcm", pcm(2)),
    ],
)
def test_sound_lasts_as_long_as_its_words(name: str | None, content_type: str, sound: bytes) -> None:
    """A second for fourteen bytes, in pieces."""
    reply = spoken(response_format=name)
    assert (reply.content_type, reply.body, reply.is_stream) == (content_type, sound, True)


def test_events_carry_the_sound_and_its_tokens() -> None:
    """Twenty a second; the input is its text, with its quotes."""
    reply = spoken(stream_format="sse", response_format="wav")
    events = [json.loads(piece.removeprefix(b"data: ")) for piece in reply.pieces]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == wave(2)
    usage = {"input_tokens": 8, "output_tokens": 40, "total_tokens": 48}
    assert events[-1] == {"type": "speech.audio.done", "usage": usage}


@pytest.mark.parametrize("fields", [{"input": ""}, {"input": None}, {"input": "x" * 4097}, {"response_format": "opus"}])
def test_what_cannot_be_spoken_is_unreadable(fields: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(UnreadableError, match=next(iter(fields))):
        spoken(**fields)

"""Sound is heard by its length, in every form of answer."""

import json
from typing import Any

import pytest

from relay.plugins.channels.simulator.answer import Question, UnreadableError
from relay.plugins.channels.simulator.reply import Reply
from relay.plugins.channels.simulator.transcription import transcription

SAID = "You sent 2 s of sound. This is the simulator listening; no model was asked."


def heard(
    model: str = "whisper-1", sounds: tuple[bytes, ...] = (bytes(8000),), *, stream: bool = False, **fields: Any
) -> Reply:
    files = {"file": list(sounds)} if sounds else {}
    question = Question(
        kind="transcription", model=model, behaviour="", stream=stream, fields=fields, input_tokens=3, files=files
    )
    return transcription(question)


def test_whisper_counts_seconds() -> None:
    """And tells the length where all is wanted."""
    assert json.loads(heard().body) == {"text": SAID, "usage": {"type": "duration", "seconds": 2}}
    assert json.loads(heard(response_format="verbose_json").body)["duration"] == 2.0


TOKENS = {
    "type": "tokens",
    "input_tokens": 23,
    "input_token_details": {"text_tokens": 3, "audio_tokens": 20},
    "output_tokens": 19,
    "total_tokens": 42,
}


def test_others_count_tokens() -> None:
    """Ten a second, beside those of the prompt; whole and streamed alike."""
    assert json.loads(heard("gpt-4o-transcribe").body) == {"text": SAID, "usage": TOKENS}
    events = [json.loads(piece.removeprefix(b"data: ")) for piece in heard("gpt-4o-transcribe", stream=True).pieces]
    assert "".join(event["delta"] for event in events[:-1]) == SAID
    assert events[-1] == {"type": "transcript.text.done", "text": SAID, "usage": TOKENS}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", f"{SAID}\n"),
        ("srt", f"1\n00:00:00,000 --> 00:00:02,000\n{SAID}\n"),
        ("vtt", f"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n{SAID}\n"),
    ],
)
def test_words_alone_are_plain_text(name: str, text: str) -> None:
    """Subtitles tell the time."""
    reply = heard(response_format=name)
    assert (reply.content_type, reply.body.decode()) == ("text/plain; charset=utf-8", text)


@pytest.mark.parametrize("sounds", [(), (b"",), (b"a", b"b")])
def test_one_file_is_heard(sounds: tuple[bytes, ...]) -> None:
    """No more and no less."""
    with pytest.raises(UnreadableError, match="file"):
        heard(sounds=sounds)

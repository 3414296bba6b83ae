"""The simulator's transcriptions: ``/v1/audio/transcriptions`` and ``translations``, whole, streamed, or as subtitles.

The transcript says how long the audio is. Models called transcribe count tokens, ten for a second of
audio; all others count seconds. Shapes: w:openai-other/transcription-whisper and transcription-4o-stream.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Question, UnreadableError, pieces, tokens
from relay.plugins.channels.simulator.reply import Reply
from relay.plugins.channels.simulator.sound import HEARD_TOKENS_PER_S, seconds_of

PLAIN = ("text", "srt", "vtt")


def transcription(question: Question) -> Reply:
    """Return the transcript, in the form that was asked for.

    Raises:
        UnreadableError: No audio, or more than one file.
    """
    sounds = question.files.get("file", [])
    if len(sounds) != 1 or not sounds[0]:
        raise UnreadableError("file: expected one file of sound")
    seconds = seconds_of(sounds[0])
    text = f"You sent {seconds} s of sound. This is the simulator listening; no model was asked."
    name = question.fields.get("response_format") or "json"
    if name in PLAIN:
        return Reply(content_type="text/plain; charset=utf-8", pieces=[_plain(name, seconds, text).encode()])
    usage = _usage(question, seconds, text)
    if question.stream:
        events = [openai.event({"type": "transcript.text.delta", "delta": piece}) for piece in pieces(text)]
        events.append(openai.event({"type": "transcript.text.done", "text": text, "usage": usage}))
        return Reply(content_type=openai.STREAM_TYPE, pieces=events, is_stream=True)
    transcript: dict[str, Any] = {"text": text, "usage": usage}
    if name == "verbose_json":
        segment = {"id": 0, "start": 0.0, "end": float(seconds), "text": text}
        transcript |= {"task": "transcribe", "language": "english", "duration": float(seconds), "segments": [segment]}
    return Reply(pieces=[msgspec.json.encode(transcript)])


def _usage(question: Question, seconds: int, text: str) -> dict[str, Any]:
    if "transcribe" not in question.model:
        return {"type": "duration", "seconds": seconds}
    heard, written = HEARD_TOKENS_PER_S * seconds, tokens(text)
    return {
        "type": "tokens",
        "input_tokens": question.input_tokens + heard,
        "input_token_details": {"text_tokens": question.input_tokens, "audio_tokens": heard},
        "output_tokens": written,
        "total_tokens": question.input_tokens + heard + written,
    }


def _plain(name: str, seconds: int, text: str) -> str:
    """Return only the text, or the text as one subtitle."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    end = f"{hours:02}:{minutes:02}:{rest:02}"
    match name:
        case "srt":
            return f"1\n00:00:00,000 --> {end},000\n{text}\n"
        case "vtt":
            return f"WEBVTT\n\n00:00:00.000 --> {end}.000\n{text}\n"
        case _:
            return f"{text}\n"

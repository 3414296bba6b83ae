"""The simulator's speech: ``/v1/audio/speech``, as plain audio or as events that carry it.

14 bytes of UTF-8 last a second, and a second counts 20 tokens.
Shapes: wire/DIALECTS.md 3.5, and OpenAI's API reference, "Create speech", read 2026-11-29.
"""

import base64
import math
from collections.abc import Callable

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Question, UnreadableError
from relay.plugins.channels.simulator.reply import Reply
from relay.plugins.channels.simulator.sound import SPOKEN_TOKENS_PER_S, mp3, pcm, seconds_said, wave

INPUT_LENGTH_MAX = 4096
PIECE_BYTES = 16 * 1024
_FORMATS: dict[str, tuple[str, Callable[[float], bytes]]] = {
    "mp3": ("audio/mpeg", mp3),
    "pcm": ("audio/pcm", pcm),
    "wav": ("audio/wav", wave),
}


def speech(question: Question) -> Reply:
    """Return audio for the text, in a format that can be made without an encoder.

    Raises:
        UnreadableError: No text, more than OpenAI accepts, or another format.
    """
    text, name = question.fields.get("input"), question.fields.get("response_format") or "mp3"
    if not isinstance(text, str) or not 0 < len(text) <= INPUT_LENGTH_MAX:
        raise UnreadableError(f"input: expected text of at most {INPUT_LENGTH_MAX} characters")
    if name not in _FORMATS:
        raise UnreadableError(f"response_format: the simulator speaks {', '.join(_FORMATS)} alone")
    content_type, make = _FORMATS[name]
    seconds = seconds_said(text)
    sound = make(seconds)
    cut = [sound[at : at + PIECE_BYTES] for at in range(0, len(sound), PIECE_BYTES)]
    if question.fields.get("stream_format") != "sse":
        return Reply(content_type=content_type, pieces=cut, is_stream=True)
    output_tokens = math.ceil(seconds * SPOKEN_TOKENS_PER_S)
    events = [openai.event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}) for piece in cut]
    usage = {
        "input_tokens": question.input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": question.input_tokens + output_tokens,
    }
    events.append(openai.event({"type": "speech.audio.done", "usage": usage}))
    return Reply(content_type=openai.STREAM_TYPE, pieces=events, is_stream=True)

"""Strict readers of what customers get, one per dialect: they complain about everything that is not well formed.

They share nothing with the engine's own readers and writers, so that the same mistake is not made twice.
"""

from relay.core.exchange import Dialect
from relay.testing.reading import anthropic_messages, gemini_generate, openai_chat, openai_responses
from relay.testing.reading.heard import Heard

__all__ = ["Heard", "read"]

_READERS = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic_messages": anthropic_messages,
    "gemini_generate": gemini_generate,
}


def read(dialect: Dialect, status: int, content_type: str, body: bytes, *, stream: bool, is_broken: bool) -> Heard:
    """Return what an answer in *dialect* says, and what is wrong with it.

    *stream*: a stream was asked for. *is_broken*: the connection broke before the end of the body.
    """
    heard = Heard(status=status, is_broken=is_broken)
    reader = _READERS[dialect]
    is_stream = stream and status == 200
    expected = "text/event-stream" if is_stream else "application/json"
    heard.need(content_type.startswith(expected), "content-type", expected, content_type)
    try:
        if is_stream:
            reader.read_stream(heard, body)
        elif (document := heard.document(body, "the body")) is not None:
            read_document = reader.read_whole if status == 200 else reader.read_error
            read_document(heard, document)
    except (AttributeError, TypeError) as exc:  # readers check the types that matter; this is for all others
        heard.need(False, "a member", "the type that the dialect gives it", exc)
    return heard

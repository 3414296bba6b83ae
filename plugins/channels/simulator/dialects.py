"""The dialects that the simulator speaks, by the kind of request; each is a module of its own.

What is no conversation (`singles`) fails as OpenAI does, Gemini's embeddings as Gemini does.
"""

from typing import Any, Protocol

from relay.plugins.channels.simulator import (
    anthropic,
    completions,
    gemini,
    gemini_array,
    interactions,
    openai,
    responses,
)
from relay.plugins.channels.simulator.answer import Answer, Kind
from relay.plugins.channels.simulator.asked import Asked


class Dialect(Protocol):
    """What a dialect's module must have."""

    STREAM_TYPE: str
    KEEP_ALIVE: bytes

    def asked(self, fields: dict[str, Any]) -> Asked:
        """Return what a request asks for."""
        ...

    def body(self, answer: Answer) -> bytes:
        """Return a whole answer."""
        ...

    def events(self, answer: Answer) -> list[bytes]:
        """Return a whole stream, event by event, the end last."""
        ...

    def error(self, status: int, kind: str, message: str) -> bytes:
        """Return an error's body."""
        ...

    def error_event(self, number: int) -> bytes:
        """Return the error that ends a stream after *number* events."""
        ...


DIALECTS: dict[Kind, Dialect] = {
    "openai_chat": openai,
    "openai_responses": responses,
    "openai_completions": completions,
    "anthropic_messages": anthropic,
    "gemini_generate": gemini,
    "gemini_array": gemini_array,
    "gemini_interactions": interactions,
    "gemini_embeddings": gemini,
    "embeddings": openai,
    "moderation": openai,
    "rerank": openai,
    "compact": openai,
    "speech": openai,
    "transcription": openai,
    "image_generation": openai,
    "image_edit": openai,
}

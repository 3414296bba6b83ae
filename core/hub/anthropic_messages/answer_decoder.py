"""Decodes a whole message into the hub's form."""

import msgspec

from ..answer import Answer, Choice, stop_beside_calls
from ..conversation import ToolCall
from .stops import STOPS
from .wire import read_parts


class _Message(msgspec.Struct):
    model: str | None = None
    content: list[msgspec.Raw] = []
    stop_reason: str | None = None
    stop_sequence: str | None = None


_read = msgspec.json.Decoder(_Message).decode


def decode_answer(body: bytes) -> Answer:
    """Return a message in the hub's form."""
    message = _read(body)
    parts = read_parts(message.content)
    stop = STOPS.get(message.stop_reason, "end") if message.stop_reason is not None else None
    if any(isinstance(part, ToolCall) for part in parts):
        stop = stop_beside_calls(stop)
    choice = Choice(parts=parts, stop=stop, stop_sequence=message.stop_sequence)
    return Answer(model=message.model, choices=(choice,))

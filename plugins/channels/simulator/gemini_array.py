"""The simulator's Gemini stream as one JSON array, sent element by element.

Shapes: wire/DIALECTS.md 2.5, and the recording gemini/stream-json-array.
"""

from relay.plugins.channels.simulator import gemini
from relay.plugins.channels.simulator.answer import Answer

STREAM_TYPE = "application/json"
KEEP_ALIVE = b"\n"

asked = gemini.asked
body = gemini.body
error = gemini.error


def events(answer: Answer) -> list[bytes]:
    """Return a whole array, element by element, the closing bracket last."""
    made = gemini.documents(answer)
    return [(b",\r\n" if index else b"[") + document for index, document in enumerate(made)] + [b"]"]


def error_event(number: int) -> bytes:
    """Return the error that ends an array."""
    return (b",\r\n" if number else b"[") + gemini.failure() + b"]"

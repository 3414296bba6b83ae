"""Decodes a whole response into the hub's form."""

import msgspec

from ..answer import Answer, Choice, Stop
from ..conversation import Part, Refusal, ToolCall
from .wire import read_item


class Incomplete(msgspec.Struct):
    """Why a response is not complete."""

    reason: str | None = None


class _Response(msgspec.Struct):
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None
    output: list[msgspec.Raw] = []


_read = msgspec.json.Decoder(_Response).decode


def decode_answer(body: bytes) -> Answer:
    """Return a response in the hub's form."""
    response = _read(body)
    parts = tuple(part for raw in response.output for part in read_item(raw)[1])
    stop = stop_of(response.status, response.incomplete_details, *map(type, parts))
    return Answer(
        model=response.model,
        choices=(Choice(parts=parts, stop=stop),),
        created_at_s=int(response.created_at) if response.created_at is not None else None,
    )


def stop_of(status: str | None, incomplete: Incomplete | None, *kinds: type[Part]) -> Stop:
    """Return why a response with parts of *kinds* ended. Source: wire/DIALECTS.md 4, read 2026-11-24."""
    if status == "incomplete":
        is_filtered = incomplete is not None and incomplete.reason == "content_filter"
        return "filtered" if is_filtered else "limit"
    if Refusal in kinds:
        return "refusal"
    return "tool_use" if ToolCall in kinds else "end"

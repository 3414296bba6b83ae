"""The hub's form of an answer, whole and as a stream of events."""

import secrets
from typing import Literal

import msgspec

from ..exchange import Dialect
from .conversation import Citation, Part, Seal

Stop = Literal[
    "end",
    "stop_sequence",
    "limit",
    "context_full",
    "tool_use",
    "refusal",
    "filtered",
    "paused",
    "compaction",
    "bad_tool_call",
]
"""Why an answer ended: the rows of wire/DIALECTS.md 4."""


def stop_beside_calls(stop: Stop | None) -> Stop | None:
    """Return *stop* of an answer that calls tools: some hosts say that it ended, or nothing.

    >>> stop_beside_calls("end"), stop_beside_calls("limit")
    ('tool_use', 'limit')
    """
    return "tool_use" if stop in (None, "end") else stop


def new_call_id() -> str:
    """Return an id for a tool call that came without one.

    It comes back with the tool's result, perhaps weeks later and to another process, so it must be
    unique without being stored.
    """
    return f"call_relay{secrets.token_hex(8)}"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of an answer's choices; ``stop`` is None if the upstream did not say why it ended."""

    parts: tuple[Part, ...]
    stop: Stop | None
    stop_sequence: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, without its usage, which the native reader of the dialect reads.

    ``created_at_s`` is seconds since 1970, None if the upstream does not say.
    """

    model: str | None
    choices: tuple[Choice, ...]
    created_at_s: int | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer has begun."""

    model: str | None = None


class PartBegun(msgspec.Struct, frozen=True, kw_only=True):
    """A part has begun, with what has come of it so far; an image or a native part is whole.

    ``index`` counts the parts of all choices from 0, and is never used again. Several parts of a
    choice may be open at the same time (parallel tool calls whose arguments interleave).
    """

    index: int
    part: Part
    choice_index: int = 0


class Delta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """More of an open part: of its text, of a tool call's arguments, or of a native part's input."""

    index: int
    text: str


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The seal of an open part."""

    index: int
    seal: Seal


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A source of an open text part."""

    index: int
    citation: Citation


class NativeDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More of an open part, in a form that only *dialect* knows."""

    index: int
    dialect: Dialect
    document: msgspec.Raw


class PartEnded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part is complete."""

    index: int


class Stopped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A choice has ended, and why. All its parts have ended before."""

    stop: Stop | None
    stop_sequence: str | None = None
    choice_index: int = 0


StreamEvent = Begun | PartBegun | Delta | Sealed | Cited | NativeDelta | PartEnded | Stopped

"""Carries seals of other dialects through a client and back.

A client sends back, byte for byte, what is where its dialect keeps a seal: Anthropic's
``signature``, OpenAI's ``encrypted_content``. So a seal of another dialect is put there, with its
origin before it, and finds its way back. None is ever invented, and an upstream never gets one of
another origin (wire/DIALECTS.md 6).

Gemini seals tool calls, for which no other dialect has a place. Such a seal travels as that of a
thought without text, which has the call's id.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, get_args

import msgspec

from ..exchange import Dialect
from .conversation import Message, Part, Seal, Thinking, ToolCall

SKIPPED_SIGNATURE = "skip_thought_signature_validator"
"""What Gemini 3 accepts instead of the signature of a call that another model made.

Source: wire/DIALECTS.md 6, read 2026-11-24.
"""
_MARK = "relay."
_REDACTED = "redacted"
"""What stands before a seal's own id, if redacted thinking travels where a dialect has one form for all thinking."""
_DIALECTS = {str(dialect): dialect for dialect in get_args(Dialect)}


class SealKeeper(Protocol):
    """Remembers the seals of the calls that one customer gets from one upstream."""

    def remember(self, call_id: str, seal: Seal) -> None:
        """Note that the call *call_id* came with *seal*."""
        ...

    def recall(self, call_id: str) -> Seal | None:
        """Return the seal that the call *call_id* came with; None if none is remembered."""
        ...


def write_seal(seal: Seal, dialect: Dialect) -> str:
    """Return the text in which a client of *dialect* keeps *seal*.

    >>> write_seal(Seal("openai_responses", "gAAA", "rs_1"), "anthropic_messages")
    'relay.openai_responses.rs_1.gAAA'
    >>> write_seal(Seal("anthropic_messages", "EqQB"), "anthropic_messages")
    'EqQB'
    """
    return seal.value if seal.dialect == dialect else f"{_MARK}{seal.dialect}.{seal.id}.{seal.value}"


def read_seal(text: str, dialect: Dialect, item_id: str = "") -> Seal:
    """Return the seal that a client of *dialect* has kept as *text*; the reverse of `write_seal`.

    >>> read_seal("relay.openai_responses.rs_1.gAAA", "anthropic_messages")
    Seal(dialect='openai_responses', value='gAAA', id='rs_1')
    """
    if text.startswith(_MARK):
        origin, _, rest = text.removeprefix(_MARK).partition(".")
        origin_id, separator, value = rest.partition(".")
        if separator and origin in _DIALECTS:
            return Seal(_DIALECTS[origin], value, origin_id)
    return Seal(dialect, text, item_id)


def marked_seal(thought: Thinking) -> Seal | None:
    """Return the seal of *thought* so that it says itself whether the thought is redacted.

    >>> marked_seal(Thinking(text="", seal=Seal("anthropic_messages", "EqQB"), is_redacted=True))
    Seal(dialect='anthropic_messages', value='EqQB', id='redacted')
    """
    seal = thought.seal
    if seal is None or not thought.is_redacted:
        return seal
    return Seal(seal.dialect, seal.value, f"{_REDACTED}|{seal.id}" if seal.id else _REDACTED)


def sealed_thought(text: str, seal: Seal | None) -> Thinking:
    """Return a thought that came with *seal*, which may be a `marked_seal`."""
    mark, _, own_id = seal.id.partition("|") if seal is not None else ("", "", "")
    if seal is None or mark != _REDACTED:
        return Thinking(text=text, seal=seal)
    return Thinking(text=text, seal=Seal(seal.dialect, seal.value, own_id), is_redacted=True)


def seal_beside(call: ToolCall, dialect: Dialect) -> Thinking | None:
    """Return the thought that carries the seal of *call* through a client of *dialect*; None if none is needed.

    >>> seal_beside(ToolCall(id="c1", name="f", arguments="{}"), "openai_responses")
    """
    seal = call.seal
    if seal is None or seal.dialect == dialect or "." in call.id:
        return None
    return Thinking(text="", seal=Seal(seal.dialect, seal.value, call.id))


def with_seals_of_calls(messages: Sequence[Message], dialect: Dialect) -> tuple[Message, ...]:
    """Return *messages* of a client of *dialect*, with each seal that travelled beside a call put back on it."""
    parts = [part for message in messages for part in message.parts]
    calls = {part.id for part in parts if isinstance(part, ToolCall)}
    kept = [part.seal for part in parts if isinstance(part, Thinking) and part.seal is not None]
    seals = {seal.id: Seal(seal.dialect, seal.value) for seal in kept if seal.id in calls and seal.dialect != dialect}
    if not seals:
        return tuple(messages)
    sealed = [msgspec.structs.replace(message, parts=tuple(_sealed(message.parts, seals))) for message in messages]
    return tuple(message for message in sealed if message.parts)


def _sealed(parts: Sequence[Part], seals: Mapping[str, Seal]) -> Iterable[Part]:
    for part in parts:
        match part:
            case ToolCall(id=call_id) if call_id in seals:
                yield msgspec.structs.replace(part, seal=seals[call_id])
            case Thinking(seal=Seal(id=call_id)) if call_id in seals:
                pass
            case _:
                yield part


def with_remembered_seals(messages: Sequence[Message], keeper: SealKeeper) -> tuple[Message, ...]:
    """Return *messages*, in which calls that came back without their seals get those that *keeper* remembers."""
    return tuple(
        msgspec.structs.replace(message, parts=tuple(_remembered(part, keeper) for part in message.parts))
        if any(isinstance(part, ToolCall) for part in message.parts)
        else message
        for message in messages
    )


def _remembered(part: Part, keeper: SealKeeper) -> Part:
    if not isinstance(part, ToolCall) or part.seal is not None:
        return part
    seal = keeper.recall(part.id)
    return msgspec.structs.replace(part, seal=seal) if seal is not None else part


def remember_calls(parts: Iterable[Part], keeper: SealKeeper) -> None:
    """Let *keeper* remember the seals of the calls among *parts*."""
    for part in parts:
        if isinstance(part, ToolCall) and part.seal is not None:
            keeper.remember(part.id, part.seal)

"""A conversation stays on the channel and key that answered it last.

Prompt caches, thinking blocks and other seals belong to one upstream account, so the next turn does
best where the last one was (wire/DIALECTS.md 6). This is only a preference: a channel that is cooling
down or fails is not waited for. Only keyed digests are remembered, in this process, for `REMEMBERED_S`.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from .clock import Clock
from .exchange import Candidate, Exchange

REMEMBERED_S = 4 * 3600.0
CONVERSATIONS_MAX = 50_000

_SESSION_HEADERS = ("x-claude-code-session-id", "session-id", "thread-id")
"""Where Claude Code and Codex name their session. Source: wire/DIALECTS.md 6, read 2026-11-23."""
_SYSTEM_FIELDS = ("system", "instructions", "systemInstruction", "system_instruction")
_TURN_FIELDS = ("messages", "input", "contents")
_OPENING_TURNS_MAX = 8
"""How many turns are searched for the user's first."""

_FirstTurns = msgspec.defstruct(
    "_FirstTurns",
    [(f"turn_{index}", msgspec.Raw, msgspec.Raw()) for index in range(_OPENING_TURNS_MAX)],
    array_like=True,
)
"""The first turns of a list; no objects are created for the turns after them."""
_read_turns = msgspec.json.Decoder(_FirstTurns).decode


class _Turn(msgspec.Struct):
    role: str = ""


_read_turn = msgspec.json.Decoder(_Turn).decode


class Conversation(msgspec.Struct, frozen=True):
    """A conversation, by its digest; ``has_history`` where an answer has been given in it before."""

    digest: bytes
    has_history: bool


class Affinity:
    """Remembers where each conversation was answered last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._places: OrderedDict[bytes, tuple[str, str, float]] = OrderedDict()

    def conversation_of(self, exchange: Exchange) -> Conversation | None:
        """Return the conversation of *exchange*, known by its client's session, else by how it began.

        None where it has neither a session nor a beginning.
        """
        assert exchange.principal is not None, "authenticated before a channel is chosen"
        opening = _session(exchange)
        has_history = opening is not None
        if opening is None:
            opening, has_history = _opening(exchange)
        if not opening:
            return None
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        for piece in (exchange.principal.key_id.encode(), exchange.model.encode(), *opening):
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
        return Conversation(digest.digest(), has_history)

    def recall(self, conversation: Conversation) -> tuple[str, str] | None:
        """Return the channel and key that answered *conversation* last.

        None if it has no history or is not remembered.
        """
        channel, key_id, at_s = self._places.get(conversation.digest, ("", "", 0.0))
        if not channel or not conversation.has_history or self._clock.monotonic() - at_s > REMEMBERED_S:
            return None
        return channel, key_id

    def remember(self, conversation: Conversation, candidate: Candidate) -> None:
        """Note that *candidate* answered *conversation*."""
        self._places[conversation.digest] = (candidate.channel.name, candidate.key_id, self._clock.monotonic())
        self._places.move_to_end(conversation.digest)
        if len(self._places) > CONVERSATIONS_MAX:
            self._places.popitem(last=False)


def _session(exchange: Exchange) -> list[bytes] | None:
    for name in _SESSION_HEADERS:
        if session := exchange.headers.get(name):
            return [name.encode(), session.encode()]
    cache_key = exchange.fields.get("prompt_cache_key")
    return [b"prompt_cache_key", bytes(cache_key)] if cache_key is not None else None


def _opening(exchange: Exchange) -> tuple[list[bytes], bool]:
    """Return the beginning of a conversation, up to the user's first turn, and whether more follows."""
    fields = exchange.fields
    opening = [bytes(fields[name]) for name in _SYSTEM_FIELDS if name in fields]
    for name in _TURN_FIELDS:
        if name in fields:
            turns = list(_turns(fields[name]))
            count = next((index + 1 for index, (role, _) in enumerate(turns) if role == "user"), len(turns))
            return [*opening, *(turn for _, turn in turns[:count])] if turns else [], len(turns) > count
    return [], False


def _turns(field: msgspec.Raw) -> Iterator[tuple[str, bytes]]:
    """Yield the role and the bytes of the first turns; nothing if *field* is no list of turns."""
    try:
        for turn in filter(None, msgspec.structs.astuple(_read_turns(field))):
            yield _read_turn(turn).role, bytes(turn)
    except (ValueError, RecursionError):
        return

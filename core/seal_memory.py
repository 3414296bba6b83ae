"""Remembers the seals of tool calls for clients that drop them.

Gemini seals tool calls and wants the seal back with the call. Chat has no field for it but Google's
own, which most clients drop, and other dialects may lose it as well (wire/DIALECTS.md 6). So a call
that comes back without its seal gets it again, but only for the same account, channel, key and model:
anywhere else a seal is worthless.

Seals are kept in this process for `REMEMBERED_S`, under keyed digests, and never written anywhere.
"""

import hashlib
import secrets
from collections import OrderedDict

from .clock import Clock
from .exchange import Candidate
from .hub.conversation import Seal

REMEMBERED_S = 4 * 3600.0
SEALS_MAX = 50_000
BYTES_MAX = 16 * 1024 * 1024
"""The size of all seals together; beyond it the oldest are forgotten."""
SEAL_BYTES_MAX = 64 * 1024
"""A larger seal is not remembered: it would push out those of many conversations."""


class SealMemory:
    """The remembered seals of all accounts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[Seal, float]] = OrderedDict()
        self._bytes = 0

    def of(self, account_id: str, candidate: Candidate) -> "SealsOfCalls":
        """Return the part of the memory that *account_id* shares with *candidate*."""
        return SealsOfCalls(
            self, (account_id, candidate.channel.name, candidate.key_id, candidate.dialect, candidate.model_sent)
        )

    def keep(self, place: tuple[str, ...], seal: Seal) -> None:
        """Remember *seal* under *place*; forget those that are too old or too many."""
        size = _size(seal)
        if size > SEAL_BYTES_MAX:
            return
        digest, now_s = self._digest(place), self._clock.monotonic()
        self._forget(digest)
        self._kept[digest] = (seal, now_s)
        self._bytes += size
        while len(self._kept) > SEALS_MAX or self._bytes > BYTES_MAX or self._oldest_s() < now_s - REMEMBERED_S:
            self._forget(next(iter(self._kept)))

    def find(self, place: tuple[str, ...]) -> Seal | None:
        """Return the seal under *place*; None if none is remembered."""
        if not self._kept:
            return None
        seal, at_s = self._kept.get(self._digest(place), (None, 0.0))
        return seal if self._clock.monotonic() - at_s <= REMEMBERED_S else None

    def _oldest_s(self) -> float:
        return next(iter(self._kept.values()))[1]

    def _forget(self, digest: bytes) -> None:
        if (kept := self._kept.pop(digest, None)) is not None:
            self._bytes -= _size(kept[0])

    def _digest(self, place: tuple[str, ...]) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=16)
        for piece in place:
            data = piece.encode()
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
        return digest.digest()


class SealsOfCalls:
    """The part of the memory that one account and one upstream share; see `SealKeeper`."""

    __slots__ = ("_memory", "_place")

    def __init__(self, memory: SealMemory, place: tuple[str, ...]) -> None:
        self._memory = memory
        self._place = place

    def remember(self, call_id: str, seal: Seal) -> None:
        """Note that the call *call_id* came with *seal*."""
        self._memory.keep((*self._place, call_id), seal)

    def recall(self, call_id: str) -> Seal | None:
        """Return the seal that the call *call_id* came with."""
        return self._memory.find((*self._place, call_id))


def _size(seal: Seal) -> int:
    return len(seal.value) + len(seal.id)

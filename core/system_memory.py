"""Remembers which models refuse system text within a conversation, so that each turn need not be refused first.

Only names from the profile are remembered: a channel, the dialect it was asked in, and the upstream's name of the
model. They are kept in this process for `REMEMBERED_S`; then the text is sent as the system's once more, because the
model may accept it by now.
"""

from .clock import Clock
from .exchange import Candidate

REMEMBERED_S = 4 * 3600.0


class SystemMemory:
    """The models that answered a conversation only after its system text had been sent as the user's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused_at_s: dict[tuple[str, str, str], float] = {}

    def remember(self, candidate: Candidate) -> None:
        """Note that the model of *candidate* refuses such text."""
        self._refused_at_s[_place(candidate)] = self._clock.monotonic()

    def refuses(self, candidate: Candidate) -> bool:
        """Say whether the model of *candidate* is known to refuse such text."""
        at_s = self._refused_at_s.get(_place(candidate))
        return at_s is not None and self._clock.monotonic() - at_s <= REMEMBERED_S


def _place(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.channel.name, candidate.dialect, candidate.model_sent

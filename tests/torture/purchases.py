"""One purchase: what dice decided about it beforehand, and what was seen of it at both ends.

The dice decide everything that matters for money, so each end can be held against the books
without asking relay what it counted.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

PIECE = "every one of these counts ten tokens"
"""36 bytes: ten tokens where relay counts for itself, at 3.6 bytes a token."""
PIECE_TOKENS = 10
INPUT_NANO, OUTPUT_NANO = 2_000, 8_000
"""A token's price at model ratio 1 and completion ratio 4."""

Ending = Literal["whole", "shut", "reset"]


@dataclass(frozen=True)
class Plan:
    """What the customer asks for, and what the upstream answers."""

    is_anthropic: bool
    is_stream: bool
    piece_count: int
    """Pieces that the upstream sends, or would if it came to the end."""
    pause_s: float
    """What the upstream waits before each piece of a stream, or before a whole answer."""
    ending: Ending
    """How the upstream ends a stream: in order, or cut in the middle."""
    refusal_count: int
    """Attempts that the upstream answers with 500 first."""
    leaves_after: int | None
    """Pieces after which the customer hangs up."""
    input_tokens: int
    output_tokens: int

    @property
    def charge_nano(self) -> int:
        """What the whole answer costs, by what the upstream says of it."""
        return INPUT_NANO * self.input_tokens + OUTPUT_NANO * self.output_tokens


def draw(dice: random.Random) -> Plan:
    """Decide about one purchase: half are short, the rest streams of up to six seconds, some of them broken."""
    is_stream = dice.random() < 0.7
    is_long = is_stream and dice.random() < 0.5
    piece_count = dice.randint(20, 200) if is_long else dice.randint(1, 12)
    is_cut = is_stream and dice.random() < 0.08
    leaves = is_long and dice.random() < 0.08
    return Plan(
        is_anthropic=dice.random() < 0.5,
        is_stream=is_stream,
        piece_count=piece_count,
        pause_s=0.03 if is_long else dice.choice([0.0, 0.005, 0.05 if is_stream else 0.3]),
        ending=dice.choice(["shut", "reset"]) if is_cut else "whole",
        refusal_count=int(dice.random() < 0.03),
        leaves_after=dice.randint(1, piece_count // 2) if leaves else None,
        input_tokens=dice.randint(1, 600),
        output_tokens=dice.randint(1, 12 * piece_count),
    )


@dataclass
class Arrival:
    """A request as it arrived at the upstream."""

    is_held: bool
    """At that moment, the customer's key had a hold in the books."""


@dataclass
class Purchase:
    """A plan, and what became of it. Times are seconds since 1970."""

    marker: str
    key_id: str
    plan: Plan
    asked_at: float
    request_bytes: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    pieces_sent: int = 0
    """Pieces that the upstream sent, at all attempts."""
    status: int | None = None
    """What the customer was answered; None where no answer began."""
    request_id: str | None = None
    pieces_at: list[float] = field(default_factory=list)
    """When the customer got each piece."""
    ended_at: float | None = None
    """When the customer saw the end mark: ``[DONE]``, ``message_stop``, the last byte of a whole body."""
    has_left: bool = False
    killed_at: float = 0.0
    """When the relay that was asked was found dead."""

    @property
    def is_all_sent(self) -> bool:
        """The upstream has sent all there is, its figures included."""
        return self.plan.ending == "whole" and self.pieces_sent >= self.plan.piece_count

    def pieces_before(self, moment: float) -> int:
        """Return how many pieces the customer had by *moment*."""
        return sum(1 for at in self.pieces_at if at <= moment)

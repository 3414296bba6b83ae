"""What an exchange used: token counts that are disjoint, and where they came from."""

from typing import Literal

import msgspec

UsageSource = Literal["upstream", "estimated", "disputed", "bound"]
"""``upstream``: its own figures. ``estimated``: counted here, for want of them. ``disputed``:
the upstream's figures could not be true, so the local bound stands in their place. ``bound``: the
most that may come, before anything has; a hold is priced by it, never an answer."""


class TokenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts, each disjoint from the others; a dialect converts what its usage includes.

    Source of the five kinds: wire/DIALECTS.md 3.2, read 2026-11-23.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def all_input_tokens(self) -> int:
        """Fresh, cached and cache-writing input together."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens


class Iteration(TokenCounts, frozen=True, kw_only=True):
    """One pass of an answer that took several, billed at its own model where it names one."""

    model: str | None = None


class Usage(TokenCounts, frozen=True, kw_only=True):
    """What one exchange used, all passes together.

    The counts below the five kinds are notes: parts of ``input_tokens`` or ``output_tokens``,
    never beside them. ``iterations`` is empty for an answer of one pass; otherwise the sum of
    its entries is the five counts, and billing prices each entry on its own.
    """

    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    web_search_count: int = 0
    tool_counts: dict[str, int] = {}
    """How often other tools ran that an upstream runs and bills apart, by the names of `ToolPrices`."""
    unit_count: int = 0
    """What is sold apiece: pictures, search units or requests answered, seconds of sound heard, characters spoken.

    0 for answers that are sold by the token alone.
    """
    size: str | None = None
    quality: str | None = None
    """Size and quality of the pictures that came; None where the answer does not say."""
    upstream_cost_nano: int | None = None
    """What the upstream says the answer costs the shop, in nano-USD; None where it does not say. A check, never a price."""
    is_total_contradicted: bool = False
    """The upstream's own total is another than its parts make: one of its counts is not what the channel takes it for."""
    iterations: tuple[Iteration, ...] = ()
    source: UsageSource = "upstream"

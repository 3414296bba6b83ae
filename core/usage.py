"""What an exchange used: token counts that are disjoint, and where they came from."""

from typing import Literal

import msgspec

UsageSource = Literal["upstream", "estimated", "disputed", "bound"]
"""Where the counts are from.

``upstream``: its own figures. ``estimated``: counted here, because the upstream gave none. ``disputed``:
the upstream's figures can't be true, and the local bound replaces them. ``bound``: the most that an
answer can use, before there is one; it prices a hold, never an answer.
"""


class TokenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts, all disjoint; each dialect converts its own usage to them.

    Source of the five kinds: wire/DIALECTS.md 3.2, read 2026-11-23.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def all_input_tokens(self) -> int:
        """All input together: fresh, read from a cache, and written to one."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens


class Iteration(TokenCounts, frozen=True, kw_only=True):
    """One pass of an answer that took several; it is billed by its own model if it names one."""

    model: str | None = None


class Usage(TokenCounts, frozen=True, kw_only=True):
    """What one exchange used, all passes together.

    The reasoning, audio and image counts are parts of ``input_tokens`` or ``output_tokens``, never in
    addition to them. ``iterations`` is empty for an answer of one pass; otherwise its entries add up
    to the five counts above, and billing prices each entry on its own.
    """

    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    web_search_count: int = 0
    tool_counts: dict[str, int] = {}
    """How often each other tool ran that the upstream runs itself and bills separately, by the names of `ToolPrices`."""
    unit_count: int = 0
    """What is sold by the piece: pictures, search units, requests, seconds of sound heard, characters spoken.

    0 for answers that are sold only by the token.
    """
    size: str | None = None
    quality: str | None = None
    """Size and quality of the pictures that came; None where the answer does not say."""
    upstream_cost_nano: int | None = None
    """What the answer costs the shop according to the upstream, in nano-USD, or None. For checks, never a price."""
    is_total_contradicted: bool = False
    """The upstream's total is not the sum of its parts, so one of them does not mean what the channel assumes."""
    iterations: tuple[Iteration, ...] = ()
    source: UsageSource = "upstream"

"""The figures of one exchange's usage: relay's own bounds and estimates, and what is believed of an upstream's."""

import re
from collections.abc import Mapping
from functools import cached_property

import msgspec

from .dialects.dialect import DialectRules
from .dialects.tally import Tally
from .estimate import MEDIA_TOKENS_MAX, plausible
from .exchange import Evidence, Exchange
from .hosted import hosted_tools
from .profile.structs import ModelPrice
from .references import believed_bound
from .usage import Usage

UNHEARD_OF_TOKENS = 1_000_000
"""Tokens, more than any model writes in one answer: where no limit is known, a larger figure is disputed."""


class _Reasoning(msgspec.Struct):
    mode: str | None = None


_read_reasoning = msgspec.json.Decoder(_Reasoning | None).decode
_is_pro = re.compile(r"(?:openai/)?gpt-(?:5\.[6-9]|[6-9]).*-pro(?![a-z])").match
"""Finds OpenRouter's names for OpenAI's models in mode ``pro``."""


class Figures:
    """What one exchange uses, as far as the request tells, and as far as an upstream can be believed.

    Attributes:
        limit_tokens: The most output tokens, of all choices, that the answer can have; None where that is not known.
    """

    def __init__(self, exchange: Exchange, rules: DialectRules, price: ModelPrice | None) -> None:
        self._exchange = exchange
        self._rules = rules
        is_sold_by_token = price is not None and price.unit_price is None and not price.unit_prices
        self._may_lack_tokens = is_sold_by_token and exchange.operation == "rerank"
        """Some upstreams report only search units for a ranking. Source: wire/DIALECTS.md 3.5, read 2026-11-29."""
        caps = [exchange.output_tokens_asked, price.output_tokens_max if price else None]
        cap = min((cap for cap in caps if cap is not None), default=None)
        self.limit_tokens = None if cap is None or self._is_in_passes else cap * exchange.choice_count
        self._believed: tuple[int, int] | None = None
        """The upstream's last figure of the input, and the most that is credible for it, in tokens."""

    @cached_property
    def input_bound_tokens(self) -> int:
        """Upper bound of the input tokens. Measured at first use, so never for a stranger's request."""
        return self._rules.input_bound(self._exchange)

    @cached_property
    def _input_estimate_tokens(self) -> int:
        """Best estimate of the input tokens. Made once only, because it reads the whole prompt."""
        return self._rules.input_estimate(self._exchange)

    @cached_property
    def _is_in_passes(self) -> bool:
        """Whether the upstream may report several passes as one: OpenAI's mode ``pro``, which OpenRouter takes too.

        Each pass reads the prompt, and may write up to the limit; how many there are is not known. Sources, read
        2026-12-01: openrouter.ai docs model-migrations/gpt-5-6; anomalyco/models.dev#3151, of OpenAI's guide
        ("aggregated model-work tokens").
        """
        if _is_pro(self._exchange.model):
            return True
        try:
            reasoning = _read_reasoning(self._exchange.fields.get("reasoning", b"null"))
        except (ValueError, RecursionError):
            return False
        return reasoning is not None and reasoning.mode not in (None, "standard")

    @cached_property
    def tools(self) -> dict[str, str]:
        """The tools that the upstream runs and bills apart, each with the field that asks for it."""
        return hosted_tools(self._exchange)

    def delivered(self, output_tokens: int, so_far: Usage | None, seen: Tally) -> Usage:
        """Return the usage of an answer that broke off after *output_tokens* had reached the customer.

        Args:
            output_tokens: All of the delivered output, sound and pictures included.
            so_far: What the upstream has reported; its input counts if it can be true, else an estimate does.
            seen: What else is known of the output, and of the tools that ran.
        """
        if so_far is None:
            tokens = self._input_estimate_tokens
            so_far = Usage(
                input_tokens=tokens,
                audio_input_tokens=min(self._exchange.audio_tokens_bound, tokens),
                unit_count=self._exchange.unit_estimate,
            )
        believed = plausible(so_far, self._believable_input_tokens(so_far), None)
        source = "disputed" if believed.source == "disputed" else "estimated"
        audio_tokens = min(max(believed.audio_output_tokens, seen.output_audio_tokens), output_tokens)
        image_tokens = min(max(believed.image_output_tokens, seen.output_image_tokens), output_tokens - audio_tokens)
        return msgspec.structs.replace(
            believed,
            output_tokens=output_tokens,
            audio_output_tokens=audio_tokens,
            image_output_tokens=image_tokens,
            web_search_count=max(believed.web_search_count, seen.search_count),
            tool_counts=self._offered({**believed.tool_counts, **seen.tool_counts}),
            iterations=(),
            source=source,
        )

    def plausible(self, usage: Usage, evidence: Evidence, *, sound_tokens: int = 0) -> Usage:
        """Return *usage*, or local bounds in place of figures that can't be true.

        Output that was actually seen, *sound_tokens* of it as sound, can be true whatever limit the request
        named: pictures that a tool of the upstream drew are not counted against it, and the model may have read
        them again. Where the upstream counts by the piece what the shop sells by the token, the input is
        estimated: no answer is free for lack of tokens.
        """
        usage = msgspec.structs.replace(usage, tool_counts=self._offered(usage.tool_counts))
        if self._may_lack_tokens and not usage.all_input_tokens:
            usage = msgspec.structs.replace(usage, input_tokens=self._input_estimate_tokens, source="estimated")
        pictures_tokens = MEDIA_TOKENS_MAX * evidence.picture_count
        seen = evidence.output_bytes // 2 + sound_tokens + pictures_tokens
        bound = None if self.limit_tokens is None else max(self.limit_tokens, seen)
        if bound is None and usage.output_tokens > UNHEARD_OF_TOKENS * self._exchange.choice_count:
            bound = seen
        return plausible(usage, self._believable_input_tokens(usage) + pictures_tokens, bound)

    def _believable_input_tokens(self, usage: Usage) -> int:
        """Return the most input tokens that *usage* may truthfully report; remembered, as marks repeat the figure."""
        reported = usage.all_input_tokens
        if self._is_in_passes:
            return reported
        if self._believed is None or self._believed[0] != reported:
            self._believed = reported, believed_bound(self._exchange, reported, self.input_bound_tokens)
        return self._believed[1]

    def _offered(self, tool_counts: Mapping[str, int]) -> dict[str, int]:
        """Return those of *tool_counts* that the request offered; a tool that ran unasked is not charged."""
        return {tool: count for tool, count in tool_counts.items() if tool in self.tools}

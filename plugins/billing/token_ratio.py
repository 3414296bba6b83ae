"""Price tokens by ratios: group x model x (input + output x completion ratio), as the field does.

Model ratio 1 is 0.002 credits per 1000 tokens, so with the usual 500 000 quota to a credit one
token at ratio 1 costs 0.000002 credits (``credit_per_quota``). Each kind of token is a line of
its own, and its factors are its price. In numbers, claude-sonnet-4-5 (model 1.5, completion 5,
cache read 0.1) in a group of ratio 1.5, for 1000 fresh and 19 000 cached input tokens and 1000
output tokens:

    input_tokens       1000 x 0.000002 x 1.5 x 1.5          0.0045
    cache_read_tokens 19000 x 0.000002 x 1.5 x 0.1 x 1.5    0.00855
    output_tokens      1000 x 0.000002 x 1.5 x 5 x 1.5      0.0225
                                                            0.03555 credits (17 775 quota)

Source of the formula: field/relay-platforms.md 1.6, F1, F3 and F11, read 2026-11-23.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal

from msgspec import Meta

from relay import (
    Charge,
    ChargeLine,
    Exact,
    Iteration,
    ModelPrice,
    Plugin,
    PluginConfig,
    PriceFacts,
    TokenCounts,
    Usage,
    hookimpl,
)

Factor = tuple[str, Fraction]

CACHE_WRITE_1H = Fraction(8, 5)
"""A 1-hour cache write as a multiple of a 5-minute one, where a model has no ratio of its own.

Source: field/relay-platforms.md 1.6, F1 (6 / 3.75), read 2026-11-23.
"""


class TokenRatioConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``billing.token_ratio``."""

    credit_per_quota: Annotated[Exact, Meta(description="Credits of one token at model ratio 1 and group ratio 1.")] = (
        Exact(1, 500_000)
    )
    rounding: Annotated[
        Literal["exact"], Meta(description="exact: once, half to even, to a billionth of a credit.")
    ] = "exact"

    def __post_init__(self) -> None:
        if self.credit_per_quota < 0:
            raise ValueError(f"credit_per_quota must not be negative, got {self.credit_per_quota}")


class TokenRatio(Plugin[TokenRatioConfig]):
    """Charges every kind of token at its model's and its group's ratio, and web searches apiece."""

    config_type = TokenRatioConfig

    @hookimpl
    def settle(self, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        """Add a line for every kind of token; a model or group without a ratio is left unpriced."""
        asked = self._price(facts.model)
        group = self.services.profile.groups.get(facts.group)
        if asked is None or group is None:
            return None
        lines: list[ChargeLine] = []
        for each in usage.iterations or (usage,):
            price = asked if isinstance(each, Usage) else self._price_of_pass(each, facts) or asked
            lines += self._token_lines(each, price, group.ratio)
        if usage.web_search_count and asked.web_search_price is not None:
            factors = (("web_search_price", asked.web_search_price), ("group_ratio", group.ratio))
            lines.append(line("web_search", usage.web_search_count, factors))
        return (charge or Charge()).plus(*lines)

    def _price(self, model: str) -> ModelPrice | None:
        """Return the model's price, or None where the profile gives it no ratio."""
        price = self.services.profile.prices.get(model)
        return price if price is not None and price.model_ratio is not None else None

    def _price_of_pass(self, each: Iteration, facts: PriceFacts) -> ModelPrice | None:
        """Return the price of a pass that another model answered; None for the model asked for.

        An upstream names the asked model by its own name, which is not what its price goes by.
        """
        if each.model is None or each.model in (facts.model_sent, facts.model_returned):
            return None
        return self._price(each.model)

    def _token_lines(self, counts: TokenCounts, price: ModelPrice, group_ratio: Fraction) -> Iterator[ChargeLine]:
        assert price.model_ratio is not None, "only priced models get here"
        start: tuple[Factor, ...] = (
            ("credit_per_quota", self.config.credit_per_quota),
            ("model_ratio", price.model_ratio),
        )
        end: Factor = ("group_ratio", group_ratio)
        for item, count, ratios in token_kinds(counts, price):
            if count:
                yield line(item, count, (*start, *ratios, end))


def token_kinds(counts: TokenCounts, price: ModelPrice) -> Iterator[tuple[str, int, tuple[Factor, ...]]]:
    """Yield each kind of token with its count and what its price is, as multiples of input's.

    Audio tokens are parts of input and output; a model without audio ratios sells them as text.
    """
    audio_in, audio_out = audio_counts(counts, price)
    audio: tuple[Factor, ...] = (("audio_ratio", price.audio_ratio),) if price.audio_ratio is not None else ()
    cache_write_1h_ratio = price.cache_write_1h_ratio
    if cache_write_1h_ratio is None:
        cache_write_1h_ratio = price.cache_write_ratio * CACHE_WRITE_1H
    yield "input_tokens", counts.input_tokens - audio_in, ()
    yield "audio_input_tokens", audio_in, audio
    yield "cache_read_tokens", counts.cache_read_tokens, (("cache_read_ratio", price.cache_read_ratio),)
    yield "cache_write_5m_tokens", counts.cache_write_5m_tokens, (("cache_write_ratio", price.cache_write_ratio),)
    yield "cache_write_1h_tokens", counts.cache_write_1h_tokens, (("cache_write_1h_ratio", cache_write_1h_ratio),)
    yield "output_tokens", counts.output_tokens - audio_out, (("completion_ratio", price.completion_ratio),)
    if price.audio_completion_ratio is not None:
        yield "audio_output_tokens", audio_out, (*audio, ("audio_completion_ratio", price.audio_completion_ratio))


def audio_counts(counts: TokenCounts, price: ModelPrice) -> tuple[int, int]:
    """Return the audio tokens, in and out, that have a price of their own."""
    if not isinstance(counts, Usage):
        return 0, 0
    audio_in = 0 if price.audio_ratio is None else min(counts.audio_input_tokens, counts.input_tokens)
    audio_out = 0 if price.audio_completion_ratio is None else min(counts.audio_output_tokens, counts.output_tokens)
    return audio_in, audio_out


def line(item: str, count: int, factors: tuple[Factor, ...]) -> ChargeLine:
    """Return a line of this plugin's."""
    return ChargeLine(rule="billing.token_ratio", item=item, count=count, factors=factors)

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

import re
from collections.abc import Iterator
from fractions import Fraction
from math import prod
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
    Services,
    TokenCounts,
    ToolPrices,
    Usage,
    hookimpl,
)

Factors = tuple[tuple[str, Fraction], ...]
Sheet = dict[str, Factors]
"""The factors of each price of a model in a group, by what is sold."""

_DATED = re.compile(r"[-@]\d{8}$")
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
    """Charges each kind of token at its model's and its group's ratio, and each use of web search or a hosted tool."""

    config_type = TokenRatioConfig

    def __init__(self, config: TokenRatioConfig, services: Services) -> None:
        super().__init__(config, services)
        self._sheets: dict[tuple[str, str], Sheet] = {}

    @hookimpl
    def settle(self, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        """Add a line for every kind of token, and for every tool with a price; a model or group without a ratio is left unpriced."""
        asked = self._sheet(facts.model, facts.group)
        if asked is None:
            return None
        lines: list[ChargeLine] = []
        for each in usage.iterations or (usage,):
            sheet = asked if isinstance(each, Usage) else self._sheet_of_pass(each, facts) or asked
            lines += [line(item, count, sheet[item]) for item, count in token_counts(each, sheet) if count]
        if usage.web_search_count and "web_search" in asked:
            lines.append(line("web_search", usage.web_search_count, asked["web_search"]))
        lines += [line(tool, count, asked[tool]) for tool, count in usage.tool_counts.items() if tool in asked]
        return (charge or Charge()).plus(*lines)

    def _sheet(self, model: str, group: str) -> Sheet | None:
        """Return what the model costs in the group, or None where the profile gives one of them no ratio."""
        sheet = self._sheets.get((model, group))
        if sheet is None:
            price, section = self.services.profile.prices.get(model), self.services.profile.groups.get(group)
            if price is None or price.model_ratio is None or section is None:
                return None
            sheet = self._sheets[model, group] = price_sheet(self.config.credit_per_quota, price, section.ratio)
        return sheet

    def _sheet_of_pass(self, each: Iteration, facts: PriceFacts) -> Sheet | None:
        """Return the prices of a pass that another model made; None where it was the model asked for.

        The upstream calls the model asked for by its own name, often with a date at the end, which is not
        the name that is priced here.
        """
        if each.model is None or undated(each.model) == undated(facts.model_sent):
            return None
        return self._sheet(each.model, facts.group) or self._sheet(undated(each.model), facts.group)


def undated(model: str) -> str:
    """Return a model's name without the date at its end.

    >>> undated("claude-haiku-4-5-20251001"), undated("claude-haiku-4-5@20251001")
    ('claude-haiku-4-5', 'claude-haiku-4-5')
    """
    return _DATED.sub("", model)


def price_sheet(credit_per_quota: Fraction, price: ModelPrice, group_ratio: Fraction) -> Sheet:
    """Return the price of everything that a model sells in a group; made once, as every exchange needs it twice.

    A model without ratios for audio or pictures sells their tokens as text.
    """
    assert price.model_ratio is not None, "only priced models get here"
    write_1h = price.cache_write_1h_ratio
    write_1h = price.cache_write_ratio * CACHE_WRITE_1H if write_1h is None else write_1h
    ratios: dict[str, Factors] = {
        "input_tokens": (),
        "cache_read_tokens": (("cache_read_ratio", price.cache_read_ratio),),
        "cache_write_5m_tokens": (("cache_write_ratio", price.cache_write_ratio),),
        "cache_write_1h_tokens": (("cache_write_1h_ratio", write_1h),),
        "output_tokens": (("completion_ratio", price.completion_ratio),),
    }
    for kind, ratio, completion_ratio in (
        ("audio", price.audio_ratio, price.audio_completion_ratio),
        ("image", price.image_ratio, price.image_completion_ratio),
    ):
        factors: Factors = ((f"{kind}_ratio", ratio),) if ratio is not None else ()
        if factors:
            ratios[f"{kind}_input_tokens"] = factors
        if completion_ratio is not None:
            ratios[f"{kind}_output_tokens"] = (*factors, (f"{kind}_completion_ratio", completion_ratio))
    start, end = (
        (("credit_per_quota", credit_per_quota), ("model_ratio", price.model_ratio)),
        ("group_ratio", group_ratio),
    )
    sheet: Sheet = {item: (*start, *factors, end) for item, factors in ratios.items()}
    if price.web_search_price is not None:
        sheet["web_search"] = (("web_search_price", price.web_search_price), end)
    for tool in ToolPrices.__struct_fields__:
        if (tool_price := getattr(price.tool_prices, tool)) is not None:
            sheet[tool] = ((f"{tool}_price", tool_price), end)
    return sheet


def token_counts(counts: TokenCounts, sheet: Sheet) -> Iterator[tuple[str, int]]:
    """Yield each kind of token with its count; audio and pictures are counted apart from text where *sheet* prices them."""
    text_in, text_out = counts.input_tokens, counts.output_tokens
    audio_in = audio_out = image_in = image_out = 0
    if isinstance(counts, Usage):
        audio_in = min(counts.audio_input_tokens, text_in) if "audio_input_tokens" in sheet else 0
        audio_out = min(counts.audio_output_tokens, text_out) if "audio_output_tokens" in sheet else 0
        image_in = min(counts.image_input_tokens, text_in - audio_in) if "image_input_tokens" in sheet else 0
        image_out = min(counts.image_output_tokens, text_out - audio_out) if "image_output_tokens" in sheet else 0
        if counts.source == "bound":
            dearest = dearest_output(sheet)
            audio_out = text_out if dearest == "audio_output_tokens" else 0
            image_out = text_out if dearest == "image_output_tokens" else 0
    yield "input_tokens", text_in - audio_in - image_in
    yield "audio_input_tokens", audio_in
    yield "image_input_tokens", image_in
    yield "cache_read_tokens", counts.cache_read_tokens
    yield "cache_write_5m_tokens", counts.cache_write_5m_tokens
    yield "cache_write_1h_tokens", counts.cache_write_1h_tokens
    yield "output_tokens", text_out - audio_out - image_out
    yield "audio_output_tokens", audio_out
    yield "image_output_tokens", image_out


def dearest_output(sheet: Sheet) -> str:
    """Return the kind of output that costs most: all the output that a hold covers may be of it."""
    kinds = [item for item in ("output_tokens", "audio_output_tokens", "image_output_tokens") if item in sheet]
    return kinds[0] if len(kinds) == 1 else max(kinds, key=lambda item: prod(factor for _, factor in sheet[item]))


def line(item: str, count: int, factors: Factors) -> ChargeLine:
    """Return a charge line of this plugin."""
    return ChargeLine(rule="billing.token_ratio", item=item, count=count, factors=factors)

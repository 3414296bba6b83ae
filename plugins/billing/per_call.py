"""Charge by the piece, at the model's ``unit_price``: pictures, search units, requests, seconds of sound, characters spoken.

Two pictures of a model with the unit price 0.04, in a group with the ratio 1.5, cost
2 x 0.04 x 1.5 = 0.12 credits. If its ``unit_prices`` say 0.08 for the quality ``hd``, and the
pictures are of that quality, they cost 2 x 0.08 x 1.5 = 0.24. A second of sound at 0.0001 is the
vendor's 0.006 a minute; a character at 0.000015 is its 15 per million.
"""

from fractions import Fraction

from relay import Charge, ChargeLine, ModelPrice, Plugin, PluginConfig, PriceFacts, Usage, hookimpl

BY_REQUEST = ("chat", "completion", "compact", "embeddings", "realtime")
"""Operations whose answers have nothing to count: there each request, or each response of a session, is one piece."""
OPEN = (None, "auto")
"""Sizes and qualities that leave the choice to the model. Source: OpenAI API reference, ``size``, read 2026-11-24."""


class PerCallConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``billing.per_call``: none. The prices are set for each model."""


class PerCall(Plugin[PerCallConfig]):
    """Adds a line for models that are sold by the piece; others are left to other plugins."""

    config_type = PerCallConfig

    @hookimpl
    def settle(self, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        """Price the pieces; a model or group without a price is left unpriced."""
        price = self.services.profile.prices.get(facts.model)
        group = self.services.profile.groups.get(facts.group)
        unit_price = price_of_one(price, facts, usage) if price is not None else None
        if unit_price is None or group is None:
            return None
        factors = (("unit_price", unit_price), ("group_ratio", group.ratio))
        count = usage.unit_count or (1 if facts.operation in BY_REQUEST else 0)
        line = ChargeLine(rule="billing.per_call", item="units", count=count, factors=factors)
        return (charge or Charge()).plus(*([line] if count else []))


def price_of_one(price: ModelPrice, facts: PriceFacts, usage: Usage) -> Fraction | None:
    """Return the price of one piece in the answer's size and quality, or else in those of the request.

    For a hold, a size or quality that the request leaves open may be any: the most expensive one counts.
    """
    size, quality = usage.size or facts.size, usage.quality or facts.quality
    if usage.source == "bound" and (size in OPEN or quality in OPEN):
        dear = [
            special.price
            for special in price.unit_prices
            if (size in OPEN or special.size in (None, size))
            and (quality in OPEN or special.quality in (None, quality))
        ]
        return max(dear if price.unit_price is None else [*dear, price.unit_price], default=None)
    for special in price.unit_prices:
        if special.size in (None, size) and special.quality in (None, quality):
            return special.price
    return price.unit_price

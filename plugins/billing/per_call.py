"""Charge apiece: pictures, search units, requests; whatever a model's ``unit_price`` is the price of.

Two pictures of a model with the unit price 0.04, in a group with the ratio 1.5, cost
2 x 0.04 x 1.5 = 0.12 credits.
"""

from relay import Charge, ChargeLine, Plugin, PluginConfig, PriceFacts, Usage, hookimpl


class PerCallConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``billing.per_call``: none, the prices stand with the models."""


class PerCall(Plugin[PerCallConfig]):
    """Adds a line for what a model sells apiece; other models are left to other plugins."""

    config_type = PerCallConfig

    @hookimpl
    def settle(self, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        """Price the units; a model or group without a price is left unpriced."""
        price = self.services.profile.prices.get(facts.model)
        group = self.services.profile.groups.get(facts.group)
        if price is None or price.unit_price is None or group is None:
            return None
        factors = (("unit_price", price.unit_price), ("group_ratio", group.ratio))
        line = ChargeLine(rule="billing.per_call", item="units", count=usage.unit_count, factors=factors)
        return (charge or Charge()).plus(*([line] if usage.unit_count else []))

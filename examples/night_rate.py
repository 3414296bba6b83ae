"""A night rate: requests at night cost a share of the usual price.

With the settings shown here, a request that costs 0.04 credits by day costs 0.04 x 0.5 = 0.02
between 0:00 and 6:00 in the shop's time zone. List it in a profile after the plugin that sets the price:

    - use: billing.token_ratio
    - use: ./night_rate.py
      share: "0.5"
      from: "00:00:00"
      until: "06:00:00"
"""

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta, field

from relay import Charge, Exact, Plugin, PluginConfig, PriceFacts, hookimpl


class NightRateConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``night_rate``."""

    share: Annotated[Exact, Meta(description="Share of the usual price charged at night.")] = Exact(1, 2)
    start: Annotated[time, Meta(description="Start of the night, HH:MM:SS in the shop's time zone.")] = field(
        name="from", default=time(0)
    )
    until: Annotated[time, Meta(description="End of the night; this moment is already day.")] = time(6)

    def __post_init__(self) -> None:
        if self.share < 0:
            raise ValueError(f"share must not be negative, got {self.share}")


class NightRate(Plugin[NightRateConfig]):
    """Multiplies the charge so far by the share, at night."""

    config_type = NightRateConfig

    @hookimpl
    def settle(self, facts: PriceFacts, charge: Charge | None) -> Charge | None:
        """Leave the charge unchanged by day, and a request without a price unpriced."""
        if charge is None or not self._is_night(facts):
            return None
        return charge.times("night_rate", self.config.share)

    def _is_night(self, facts: PriceFacts) -> bool:
        now = facts.at.astimezone(ZoneInfo(self.services.profile.shop.timezone)).time()
        if self.config.start <= self.config.until:
            return self.config.start <= now < self.config.until
        return now >= self.config.start or now < self.config.until

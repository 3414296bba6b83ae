"""A plugin that fails in every hook and says aloud what it was working on; which one, the model's name tells."""

from collections.abc import Sequence

from relay import (
    Channel,
    ChannelRequest,
    Claim,
    Exchange,
    Meter,
    Plugin,
    PluginConfig,
    PriceFacts,
    Principal,
    RequestRecord,
    Usage,
    hookimpl,
)


class LeakyConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``leaky``: none."""


class Leaky(Plugin[LeakyConfig]):
    """Raises with everything it knows in the message."""

    config_type = LeakyConfig

    @hookimpl
    async def authenticate(self, exchange: Exchange) -> Principal | None:
        fail("authenticate", exchange)
        return None

    @hookimpl
    async def select_channel(self, exchange: Exchange) -> None:
        fail("select", exchange)

    @hookimpl
    async def transform_request(self, exchange: Exchange, channel: Channel, request: ChannelRequest) -> None:
        fail("transform", exchange, request.body())

    @hookimpl
    def meter_stream(self, exchange: Exchange) -> Meter | None:
        fail("offer", exchange)
        return LeakyMeter() if exchange.model == "leaky-meter" else None

    @hookimpl
    def settle(self, facts: PriceFacts) -> None:
        if facts.model == "leaky-settle":
            raise RuntimeError(repr(facts))

    @hookimpl
    async def post_check(self, record: RequestRecord) -> Sequence[Claim]:
        if record.facts.model == "leaky-check":
            raise RuntimeError(repr(record))
        return ()


class LeakyMeter:
    """Fails at the first event it is fed."""

    def feed(self, event: bytes) -> None:
        raise ValueError(event)

    def usage(self) -> Usage | None:
        raise ValueError("never fed")


def fail(name: str, exchange: Exchange, body: bytes = b"") -> None:
    """Raise where the model asks for it, an exception whose cause tells as much."""
    if exchange.model == f"leaky-{name}":
        told = f"{exchange.api_key} {exchange.headers} { {k: bytes(v) for k, v in exchange.fields.items()} } {body!r}"
        try:
            raise LookupError(told)
        except LookupError as exc:
            raise RuntimeError(told) from exc

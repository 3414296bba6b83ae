"""What core lends a plugin, made by hand: a clock that is turned, seeded chance, keys in a dict."""

import random
from datetime import UTC, datetime
from fractions import Fraction

import msgspec

from relay import ApiKeyRecord, ChannelSection, Deadlines, Profile, Services, UpstreamRequest, UpstreamResponse
from relay.core.profile.structs import Group, ShopSection, Text
from relay.core.transport import UpstreamSocket

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands where it was set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class KnownKeys:
    """Keys by digest; all of them remembered unless a fresh look is asked for."""

    def __init__(self, *records: ApiKeyRecord) -> None:
        self.by_digest = {record.digest: record for record in records}

    async def find(self, digest: bytes, *, is_fresh: bool) -> tuple[ApiKeyRecord | None, bool]:
        return self.by_digest.get(digest), not is_fresh


class NoTransport:
    """A transport for plugins that must not send anything."""

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamResponse:
        raise AssertionError(f"nothing is sent here, and this was: {request.url}")

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamSocket:
        raise AssertionError(f"nothing is opened here, and this was: {request.url}")


PROFILE = Profile(
    shop=ShopSection(name=Text(en="Test", zh="测试")),
    plugins=(),
    groups={"plain": Group(ratio=Fraction(1))},
    prices={},
    channels=(ChannelSection(name="one", use="channels.openai", models=("gpt-4o",), groups=("plain",)),),
)


def profile(**sections: object) -> Profile:
    """Return a small profile with *sections* in place of its own."""
    return msgspec.structs.replace(PROFILE, **sections)


def services(
    of: Profile = PROFILE, *, keys: KnownKeys | None = None, seed: int = 1, clock: SetClock | None = None
) -> Services:
    """Return what core would lend a plugin of profile *of*."""
    return Services(
        profile=of,
        clock=clock or SetClock(),
        random=random.Random(seed),
        api_keys=keys or KnownKeys(),
        transport=NoTransport(),
    )

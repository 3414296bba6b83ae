"""Constructs a profile's plugins without opening them, to read their facts without a database or an upstream."""

import random
from collections.abc import Iterator

import msgspec

from ..clock import SystemClock
from ..errors import PluginError
from ..plugin import ApiKeyRecord, Services
from ..profile.loaded import Loaded
from ..profile.structs import Profile
from ..registry import Registry
from ..transport import Deadlines, UpstreamRequest, UpstreamResponse, UpstreamSocket


def unopened_registry(loaded: Loaded) -> Registry:
    """Return the registry of *loaded*; by contract, constructing a plugin does no I/O."""
    return Registry(loaded, _services(loaded.profile))


def unmade(loaded: Loaded) -> Iterator[str]:
    """Yield the error of each plugin that can't be constructed, after its place in the profile."""
    profile, services = loaded.profile, _services(loaded.profile)
    alone = [
        *(msgspec.structs.replace(profile, plugins=(entry,), channels=()) for entry in profile.plugins),
        *(msgspec.structs.replace(profile, plugins=(), channels=(section,)) for section in profile.channels),
    ]
    for place, part in zip(loaded.use_places, alone, strict=True):
        try:
            Registry(msgspec.structs.replace(loaded, profile=part), services)
        except PluginError as exc:
            yield f"{place}: {exc}"


def _services(profile: Profile) -> Services:
    nothing = _Nothing()
    return Services(profile=profile, clock=SystemClock(), random=random.Random(), api_keys=nothing, transport=nothing)


class _Nothing:
    """Stands for the keys and the upstream client, which must not be used before a plugin is opened."""

    async def find(self, digest: bytes, *, is_fresh: bool) -> tuple[ApiKeyRecord | None, bool]:
        raise AssertionError("a plugin that is not open looks nothing up")

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamResponse:
        raise AssertionError("a plugin that is not open sends nothing")

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamSocket:
        raise AssertionError("a plugin that is not open connects to nothing")

"""A profile's plugins, made but not opened: what they say of themselves, without a database or an upstream."""

import random

from ..clock import SystemClock
from ..plugin import ApiKeyRecord, Services
from ..profile.loaded import Loaded
from ..registry import Registry
from ..transport import Deadlines, UpstreamRequest, UpstreamResponse, UpstreamSocket


def unopened_registry(loaded: Loaded) -> Registry:
    """Return the registry of *loaded*; constructing a plugin does no I/O by its contract."""
    nothing = _Nothing()
    return Registry(
        loaded,
        Services(
            profile=loaded.profile,
            clock=SystemClock(),
            random=random.Random(),
            api_keys=nothing,
            transport=nothing,
        ),
    )


class _Nothing:
    """Keys and an upstream client that must not be asked before a plugin is opened."""

    async def find(self, digest: bytes, *, is_fresh: bool) -> tuple[ApiKeyRecord | None, bool]:
        raise AssertionError("a plugin that is not open looks nothing up")

    async def send(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamResponse:
        raise AssertionError("a plugin that is not open sends nothing")

    async def connect(self, request: UpstreamRequest, deadlines: Deadlines) -> UpstreamSocket:
        raise AssertionError("a plugin that is not open connects to nothing")

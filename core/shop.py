"""One shop, assembled: its profile, plugins, channels, ledger and upstream client, and their life."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from . import vocabulary
from .affinity import Affinity
from .answer_store import AnswerStore
from .aside import Aside
from .bodies import Bodies, memory_bytes
from .catalog import Catalog
from .circuit import Circuit, RetryBudget
from .claims import check_ended
from .clock import Clock, SystemClock
from .dispatch import Dispatch
from .errors import OverloadedError
from .exchange import Channel
from .heartbeat import Heartbeat
from .key_store import KeyStore
from .keys import CachedApiKeys
from .ledger.operations import PublishPrices
from .ledger.sqlite import SqliteLedger
from .plugin import ChannelPlugin, Services
from .prices import price_document, price_version
from .profile.loaded import Loaded
from .profile.structs import ChannelSection, Profile
from .registry import Registry
from .seal_memory import SealMemory
from .system_memory import SystemMemory
from .upstream import UpstreamClient

BODIES_SHARE = 4
"""Request bodies may take this fraction of the memory (1/4; field/reliability.md 3, row 37).

Answers and relay need the rest.
"""
STOP_S = 5.0
"""How long closing waits for exchanges to settle."""


class Shop:
    """Everything that an exchange needs. Made once, and opened before the first exchange."""

    dispatch: Dispatch
    ledger: SqliteLedger
    key_store: KeyStore
    answers: AnswerStore
    channels: Mapping[str, ChannelPlugin[Any]]
    """Channel plugins by the channel's name."""
    secrets: Mapping[str, str]
    """Upstream keys by key id, which is ``CHANNEL#INDEX``, with the key's index in the channel's pool."""
    price_version: str
    opened_s: int
    """Seconds since 1970 at which the shop opened."""

    def __init__(
        self,
        loaded: Loaded,
        data: Path,
        secrets: Mapping[str, tuple[str, ...]],
        *,
        is_demo: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._loaded = loaded
        self._data = data
        self.profile: Profile = loaded.profile
        self.is_demo = is_demo
        self.clock: Clock = clock or SystemClock()
        self.trusted_proxies = tuple(map(ip_network, self.profile.limits.trusted_proxies))
        self.affinity = Affinity(self.clock)
        self.seals = SealMemory(self.clock)
        self.system_texts = SystemMemory(self.clock)
        self.aside = Aside()
        self.circuit = Circuit(self.clock)
        self.retries = RetryBudget()
        self.heartbeat = Heartbeat()
        self.bodies = Bodies(memory_bytes() // BODIES_SHARE)
        pools = {section.name: secrets.get(section.name) or ("",) for section in self.profile.channels}
        self.secrets = {f"{name}#{place}": key for name, pool in pools.items() for place, key in enumerate(pool)}
        self._exchange_count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request while it is served.

        Raises:
            OverloadedError: The shop is already serving as many as it takes.
        """
        if self._exchange_count >= self.profile.limits.exchanges_max:
            raise OverloadedError
        self._exchange_count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._exchange_count -= 1
            if self._exchange_count == 0:
                self._idle.set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Shop"]:
        """Open ledger, client, plugins and heartbeat in this order; close them in reverse."""
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(vocabulary.load)
            zone = self.profile.shop.timezone
            self.ledger = await stack.enter_async_context(
                SqliteLedger.open(self._data, clock=self.clock, timezone=zone, is_demo=self.is_demo)
            )
            self.key_store = await stack.enter_async_context(KeyStore.open(self._data))
            services = Services(
                profile=self.profile,
                clock=self.clock,
                random=random.Random(),
                api_keys=CachedApiKeys(self.key_store),
                transport=await stack.enter_async_context(UpstreamClient()),
            )
            self.answers = await stack.enter_async_context(AnswerStore.open(self._data))
            registry = Registry(self._loaded, services)
            await stack.enter_async_context(registry.opened())
            self.dispatch = Dispatch(registry.implementations)
            self.channels = registry.channels
            document = price_document(self._loaded, registry)
            self.price_version = price_version(document)
            await self.ledger.publish_prices(PublishPrices(price_version=self.price_version, document=document))
            self.catalog = Catalog([self._channel(section) for section in self.profile.channels])
            self.opened_s = int(self.clock.now().timestamp())
            heartbeat = asyncio.create_task(self.heartbeat.run())
            stack.callback(heartbeat.cancel)
            checking = asyncio.create_task(check_ended(self.dispatch, self.ledger))
            stack.callback(checking.cancel)
            stack.push_async_callback(self._wait_for_exchanges)
            yield self

    def _channel(self, section: ChannelSection) -> Channel:
        prefix = f"{section.name}#"
        return Channel(
            name=section.name,
            use=section.use,
            dialects=self.channels[section.name].dialects,
            models=section.upstream_names,
            groups=frozenset(section.groups),
            priority=section.priority,
            weight=section.weight,
            key_ids=tuple(key_id for key_id in self.secrets if key_id.startswith(prefix)),
        )

    async def _wait_for_exchanges(self) -> None:
        """Let cancelled exchanges settle before the ledger closes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._idle.wait()

"""What a plugin is: its settings, its life, and the services that core provides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import ClassVar, Generic, Protocol, TypeVar

import msgspec

from .clock import Clock
from .exchange import ChannelRequest, Dialect
from .profile.structs import ChannelSection, Profile
from .transport import Transport, UpstreamRequest, UpstreamResponse, UpstreamSocket


class PluginConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's settings: the entries beside ``use:`` in the profile."""


class ApiKeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's key as stored; amounts in nano-credits, times in UTC, aware."""

    id: str
    account_id: str
    membership: str
    group: str
    version: int
    digest: bytes
    expires_at: datetime | None
    is_revoked: bool
    cap_nano: int | None
    spent_nano: int
    models: frozenset[str] | None
    ips: tuple[str, ...]


class ApiKeys(Protocol):
    """Where authentication plugins look keys up."""

    async def find(self, digest: bytes, *, is_fresh: bool) -> tuple[ApiKeyRecord | None, bool]:
        """Return the key whose SHA-256 is *digest*, and whether it was remembered.

        Unknown keys are never remembered. With *is_fresh* the key is read from the database again.
        """
        ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What core provides to every plugin: time, randomness, the upstream client, keys and the profile."""

    profile: Profile
    clock: Clock
    random: Random
    api_keys: ApiKeys
    transport: Transport


ConfigT = TypeVar("ConfigT", bound=PluginConfig)


class Plugin(Generic[ConfigT]):
    """Base of all plugins. Life: construct (no I/O), `lifespan` opens, hooks, `lifespan` closes."""

    config_type: ClassVar[type[PluginConfig]]
    """The Struct of this plugin's settings; every plugin sets its own."""

    def __init__(self, config: ConfigT, services: Services) -> None:
        self.config = config
        self.services = services

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open what the plugin needs before the first exchange, and close it after the last."""
        yield


class ChannelPlugin(Plugin[ConfigT]):
    """Base of channels: one instance per channel of the profile.

    A channel with an HTTP upstream implements `build`. A channel that answers by itself overrides `send`.
    """

    dialects: tuple[Dialect, ...]
    """The dialects that the plugin can speak, the preferred one first; on an instance, those of its upstream."""
    is_reasoning_beside_output: bool = False
    """The upstream's ``completion_tokens`` do not include reasoning; set by a channel from its settings."""

    def __init__(self, config: ConfigT, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services)
        self.section = section
        if unspoken := [dialect for dialect in section.dialects if dialect not in self.dialects]:
            raise ValueError(f"dialects: expected some of {', '.join(self.dialects)}, found '{unspoken[0]}'")
        self.dialects = section.dialects or self.dialects
        self.deadlines = section.deadlines

    def is_deployment(self, model_sent: str) -> bool:
        """Say whether *model_sent* is a name that the upstream's account chose, which may say nothing about the model.

        What a translation may ask of a model follows from its name; for such a model, from the customer's name.
        """
        return False

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        """Return the HTTP request for *request*, with the upstream's *api_key* in its place."""
        raise TypeError(f"{type(self).__name__} implements neither build() nor send()")

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        """Send *request* and return once the head of the answer has arrived.

        Raises:
            UpstreamError: The attempt failed; the next candidate is tried.
        """
        return await self.services.transport.send(self.build(request, api_key), self.deadlines)

    async def connect(self, request: ChannelRequest, api_key: str) -> UpstreamSocket:
        """Open the websocket at the address that `build` returns, for a session of ``realtime``.

        Raises:
            UpstreamError: The attempt failed; the next candidate is tried.
        """
        return await self.services.transport.connect(self.build(request, api_key), self.deadlines)

"""Recognise customers by the shop's own API keys.

A key is looked up by the SHA-256 of its secret part, so it may have any of the shop's prefixes. Each
reason for a refusal has its own code: a single "invalid key" for all of them is what customers of
other relays complain about to support (field/relay-platforms.md 2.3).
"""

import hmac
from ipaddress import ip_address, ip_network

from relay import (
    ApiKeyRecord,
    AuthenticationError,
    Exchange,
    NotAllowedError,
    Plugin,
    PluginConfig,
    Principal,
    api_key_digest,
    format_nano,
    hookimpl,
)


class ApiKeyConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``auth.api_key``: none. The form of keys is set in the profile's ``keys``."""


class ApiKey(Plugin[ApiKeyConfig]):
    """Turns an API key into a `Principal`. Core checks whether the key may use the model."""

    config_type = ApiKeyConfig

    @hookimpl
    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """Return whose key it is, or None if the shop does not know the key."""
        if exchange.api_key is None:
            return None
        digest = api_key_digest(exchange.api_key, self.services.profile.keys)
        key, is_remembered = await self.services.api_keys.find(digest, is_fresh=exchange.is_fresh_authentication)
        if key is None or not hmac.compare_digest(key.digest, digest):
            return None
        self._check(key, exchange)
        return Principal(
            account_id=key.account_id,
            key_id=key.id,
            key_version=key.version,
            group=key.group,
            membership=key.membership,
            models=key.models,
            is_remembered=is_remembered,
        )

    def _check(self, key: ApiKeyRecord, exchange: Exchange) -> None:
        """Refuse a known key that may not be used here and now.

        Raises:
            AuthenticationError: Revoked or expired.
            NotAllowedError: Its cap is used up, the client's address is not on its list, or its
                group is no longer offered.
        """
        if key.is_revoked:
            raise AuthenticationError("api_key_revoked")
        if key.ips and not is_listed(exchange.client_ip, key.ips):
            raise NotAllowedError("access_denied", ip=exchange.client_ip)
        if exchange.operation == "billing":
            return  # the balance of a key may be seen even if it is used up or has expired
        if key.expires_at is not None and key.expires_at <= self.services.clock.now():
            raise AuthenticationError("api_key_expired", expired_at=key.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        if key.cap_nano is not None and key.spent_nano >= key.cap_nano:
            raise NotAllowedError("api_key_exhausted", cap=format_nano(key.cap_nano))
        if key.group not in self.services.profile.groups:
            raise NotAllowedError("group_not_found", group=key.group)


def is_listed(client_ip: str, networks: tuple[str, ...]) -> bool:
    """Say whether *client_ip* is in one of *networks*; an invalid address is in none.

    An IPv4 address that reached an IPv6 socket (``::ffff:10.0.0.1``) counts as the IPv4 address.
    """
    try:
        address = ip_address(client_ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ip_network(network, strict=False) for network in networks)

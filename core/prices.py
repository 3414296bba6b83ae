"""The price version: an id for everything that a charge depends on, so that it can be recomputed."""

import hashlib
from typing import Any

import msgspec

from .profile.exact import to_canonical_json
from .profile.loaded import Loaded
from .registry import Registry, hooks_of


def price_document(loaded: Loaded, registry: Registry) -> str:
    """Return prices, ratios and billing plugins with their settings and versions, as canonical JSON.

    It contains values that the profile leaves at their defaults, so that a new default makes a new
    version. Plugins that price nothing are not in it.
    """
    profile = loaded.profile
    document: dict[str, Any] = {
        "prices": {model: msgspec.structs.asdict(price) for model, price in profile.prices.items()},
        "groups": {name: group.ratio for name, group in profile.groups.items()},
        "memberships": {name: membership.ratio for name, membership in profile.memberships.items()},
        "plugins": [
            {"use": found.use, "version": found.version, "settings": msgspec.structs.asdict(plugin.config)}
            for found, plugin in registry.plugins()
            if "settle" in hooks_of(found)
        ],
    }
    return to_canonical_json(document)


def price_version(document: str) -> str:
    """Return the SHA-256 of the price document, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()

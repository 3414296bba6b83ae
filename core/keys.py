"""The shop's own API keys: how they are made and looked up, and how known ones are remembered.

Only the SHA-256 of a key's secret part and its last four characters are ever stored. A key has more
than 280 random bits, so a plain digest can't be reversed by guessing, and is cheap to compute.
"""

import hashlib
import secrets
import string
from collections import OrderedDict
from typing import Protocol

from .plugin import ApiKeyRecord
from .profile.structs import Keys

SECRET_LENGTH = 48
SECRET_ALPHABET = string.ascii_letters + string.digits
"""No dash, because some relays split keys at it. Source: field/relay-platforms.md 2.1, read 2026-11-23."""

REMEMBERED_KEYS_MAX = 20_000


def new_api_key(prefix: str) -> str:
    """Return a new key, to be shown once: *prefix* and 48 random letters and digits."""
    return prefix + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(SECRET_LENGTH))


def api_key_digest(api_key: str, keys: Keys) -> bytes:
    """Return the SHA-256 of the secret part of *api_key*, by which it is stored and looked up.

    The secret may have any prefix that the shop accepts, or none, so that a shop can change its
    prefix, and customers can write the one in their sample code.

    >>> api_key_digest("sk-abc", Keys()) == api_key_digest("abc", Keys())
    True
    """
    longest = ""
    for prefix in (keys.prefix, *keys.accepted_prefixes):
        if len(prefix) > len(longest) and api_key.startswith(prefix):
            longest = prefix
    return hashlib.sha256(api_key.removeprefix(longest).encode()).digest()


class ApiKeyStore(Protocol):
    """Where keys are kept."""

    async def find_api_key(self, digest: bytes) -> ApiKeyRecord | None:
        """Return the key whose secret has the SHA-256 *digest*, or None if there is none."""
        ...


class CachedApiKeys:
    """Remembers known keys, so that a customer's next request costs one look into a dict.

    A remembered key may be out of date: the ledger compares its ``version`` when it reserves, and if it
    differs, the exchange is authenticated afresh. Unknown keys are never remembered, so a new key works
    at once. Beyond *keys_max* keys, the least recently used are forgotten.
    """

    def __init__(self, store: ApiKeyStore, *, keys_max: int = REMEMBERED_KEYS_MAX) -> None:
        self._store = store
        self._keys_max = keys_max
        self._known: OrderedDict[bytes, ApiKeyRecord] = OrderedDict()

    async def find(self, digest: bytes, *, is_fresh: bool) -> tuple[ApiKeyRecord | None, bool]:
        """Return the key whose SHA-256 is *digest*, and whether it was remembered."""
        remembered = None if is_fresh else self._known.get(digest)
        if remembered is not None:
            self._known.move_to_end(digest)
            return remembered, True
        found = await self._store.find_api_key(digest)
        self._known.pop(digest, None)
        if found is not None:
            self._known[digest] = found
            if len(self._known) > self._keys_max:
                self._known.popitem(last=False)
        return found, False

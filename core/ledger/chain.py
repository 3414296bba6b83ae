"""The hash chain: one link per commit that moved money, over all of its transfers."""

import hashlib
from collections.abc import Iterable

import msgspec

GENESIS = ""
"""The hash before a writer's first link."""


class Transfer(msgspec.Struct, frozen=True, array_like=True):
    """An amount moved from one book to another. Its fields are hashed in this order."""

    id: str
    debit_book: int
    credit_book: int
    amount_nano: int
    kind: str
    request_id: str | None
    reason: str | None
    actor: str
    at: int
    writer: str
    seq: int


def link(prev_hash: str, transfers: Iterable[Transfer]) -> str:
    """Return the hash of a batch: SHA-256 over the previous one and the batch's transfers by id.

    An array of strings and integers has only one compact JSON form, so anyone can recompute it.
    """
    digest = hashlib.sha256(prev_hash.encode())
    digest.update(msgspec.json.encode(sorted(transfers, key=lambda transfer: transfer.id)))
    return digest.hexdigest()

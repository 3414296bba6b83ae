"""The ledger's rules, without a database: what a key may spend, and which lots it is spent from."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from ..errors import InsufficientBalanceError, KeyCapError, LedgerFullError, RevokedKeyError, StaleKeyError
from ..exchange import Outcome
from ..money import AMOUNT_NANO_MAX, format_nano
from .operations import LotKind

OVERRUN = "overrun"
PROMO = "promo"
COMPENSATION_POOL = "compensation_pool"
BREAKAGE = "breakage"
ADJUSTMENT = "adjustment"
BOOK_NANO_MAX = 2 * 10**18
"""The most that a book of the shop may give in all. Where a sum passes 64 bits, SQLite silently turns to floating point:
below this, neither a book nor the sums over books and lots that balances and `verify` need get there."""
OVERRUN_NANO_MAX = 10**18
"""The most overrun that the shop bears in all, for the same reason: no figure of an upstream may exceed its book."""

_KIND_RANK: dict[LotKind, int] = {"trial": 0, "gift": 1, "compensation": 2, "cash": 3}
_NEVER_MS = 1 << 62

AWAITED_OUTCOMES: frozenset[Outcome] = frozenset({"complete", "empty", "refused"})
"""Outcomes whose answer has an end, which is held back until the post: in a crash the customer may miss it.

A truncated answer has none, and a customer who has left awaits none.
"""


class Lot(msgspec.Struct, frozen=True):
    """A lot that may be spent from. ``amount_nano`` is what it has available, or what a request holds of it."""

    id: int
    kind: LotKind
    expires_at_ms: int | None
    amount_nano: int

    def has_lapsed(self, now_ms: int) -> bool:
        """Say whether it has expired: then only what is held already may be spent."""
        return self.expires_at_ms is not None and self.expires_at_ms <= now_ms


def spend_order(lot: Lot) -> tuple[int, int, int]:
    """Return the sort key by which lots are spent: first by expiry, then trial, gift, compensation, cash, then by age.

    Cash comes last because only cash can be refunded.
    """
    expires_at_ms = _NEVER_MS if lot.expires_at_ms is None else lot.expires_at_ms
    return expires_at_ms, _KIND_RANK[lot.kind], lot.id


def take(amount_nano: int, lots: Sequence[Lot]) -> list[tuple[int, int]]:
    """Split *amount_nano* over *lots*; return pairs of lot id and part, in the order of spending.

    If the lots have less than *amount_nano*, so do the parts.

    >>> take(5, [Lot(1, "cash", None, 9), Lot(2, "gift", None, 3)])
    [(2, 3), (1, 2)]
    """
    assert amount_nano >= 0
    parts: list[tuple[int, int]] = []
    rest_nano = amount_nano
    for lot in lots if len(lots) < 2 else sorted(lots, key=spend_order):
        if rest_nano == 0:
            break
        part_nano = min(rest_nano, lot.amount_nano)
        assert part_nano > 0, "a lot that offers nothing is not offered"
        parts.append((lot.id, part_nano))
        rest_nano -= part_nano
    assert total(parts) <= amount_nano
    return parts


def total(parts: Iterable[tuple[int, int]]) -> int:
    """Return the sum of parts that `take` returned."""
    return sum(part_nano for _, part_nano in parts)


def check_amount(amount_nano: int) -> None:
    """Refuse an amount that no entry may move.

    Raises:
        ValueError: Not above 0, or beyond `AMOUNT_NANO_MAX`.
    """
    if not 0 < amount_nano <= AMOUNT_NANO_MAX:
        raise ValueError(
            f"expected an amount above 0 and up to {format_nano(AMOUNT_NANO_MAX)}, found {amount_nano} nano"
        )


def check_room(amount_nano: int, *, moved_nano: int) -> None:
    """Refuse an amount from a book of the shop that would then have moved too much.

    Raises:
        LedgerFullError: It would have moved more than `BOOK_NANO_MAX`.
    """
    if moved_nano + amount_nano > BOOK_NANO_MAX:
        raise LedgerFullError(
            f"the shop's book that pays has moved {format_nano(moved_nano)} of at most {format_nano(BOOK_NANO_MAX)} "
            "credits; let a credit be worth more"
        )


def check_key(*, version: int, version_expected: int, is_revoked: bool, expires_at_ms: int | None, now_ms: int) -> None:
    """Refuse a key that has changed since it was authenticated.

    Raises:
        RevokedKeyError: It was revoked.
        StaleKeyError: It expired, or changed in another way.
    """
    if is_revoked:
        raise RevokedKeyError("the key was revoked since it was authenticated")
    if version != version_expected or (expires_at_ms is not None and expires_at_ms <= now_ms):
        raise StaleKeyError("the key changed since it was authenticated; authenticate afresh")


def check_cap(needed_nano: int, *, cap_nano: int | None, spent_nano: int, held_nano: int) -> None:
    """Refuse a hold of more than the key's cap leaves.

    Raises:
        KeyCapError: The cap leaves less than *needed_nano*.
    """
    if cap_nano is None:
        return
    remaining_nano = max(0, cap_nano - spent_nano - held_nano)
    if remaining_nano < needed_nano:
        raise KeyCapError(remaining=format_nano(remaining_nano), needed=format_nano(needed_nano))


def hold(amount_nano: int, lots: Sequence[Lot]) -> list[tuple[int, int]]:
    """Split a hold over *lots*.

    Raises:
        InsufficientBalanceError: Together they have less.
    """
    parts = take(amount_nano, lots)
    held_nano = total(parts)
    if held_nano < amount_nano:
        raise InsufficientBalanceError(remaining=format_nano(held_nano), needed=format_nano(amount_nano))
    return parts


def revenue_book(day: str, writer: str) -> str:
    """Return the name of the revenue book of a day and writer. Each writer has its own, so that none share a row."""
    return f"revenue:{day}:{writer}"


def clearing_book(provider: str) -> str:
    """Return the name of the book that a payment provider's money comes from."""
    return f"clearing:{provider}"


def shop_day(moment: datetime, zone: ZoneInfo) -> str:
    """Return the date of *moment* in the shop's time zone.

    >>> from datetime import UTC
    >>> shop_day(datetime(2026, 11, 23, 16, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    '2026-11-24'
    """
    return moment.astimezone(zone).date().isoformat()

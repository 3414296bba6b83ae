"""Keys, lots and reservations that the writer has read, kept up to date with its own operations.

They are kept from one transaction to the next as long as no other process has written, which SQLite
tells (``PRAGMA data_version``). Once a transaction has begun, none can.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from .codec import encode
from .operations import LotKind
from .rules import Lot, total

_FREE = "b.credit_nano - b.debit_nano - b.pending_nano"
_KEYS_WITH_LOTS = f"""
    SELECT k.id, k.account_id, k.version, k.is_revoked, k.expires_at, k.cap_nano, k.spent_nano, k.held_nano,
           IFNULL(o.overrun_nano, 0), b.id, b.kind, b.expires_at, {_FREE}
    FROM json_each(?) asked JOIN api_key k ON k.id = asked.value
    LEFT JOIN overrun_day o ON o.account_id = k.account_id AND o.day = ?
    LEFT JOIN book b ON b.account_id = k.account_id AND {_FREE} > 0
"""
_LOTS = f"SELECT b.id, b.kind, b.expires_at, {_FREE} FROM book b WHERE b.account_id = ? AND {_FREE} > 0"
_HOLDS_WITH_LOTS = f"""
    SELECT r.request_id, r.state, r.account_id, r.key_id, r.held_nano, r.price_version, r.is_recovered,
           l.held_nano, b.id, b.kind, b.expires_at, {_FREE}
    FROM json_each(?) asked JOIN reservation r ON r.request_id = asked.value
    LEFT JOIN reservation_lot l ON l.request_id = r.request_id LEFT JOIN book b ON b.id = l.lot_id
"""


REMEMBERED_COUNT_MAX = 20_000
"""With more keys or reservations than this, everything is forgotten and read again."""


class KeyState(msgspec.Struct, frozen=True):
    """What a reservation needs of its key. ``overrun_nano`` is today's overrun of the account."""

    account_id: str
    version: int
    is_revoked: bool
    expires_at_ms: int | None
    cap_nano: int | None
    spent_nano: int
    held_nano: int
    overrun_nano: int


class Hold(msgspec.Struct, frozen=True):
    """A reservation as stored, with its parts of lots."""

    request_id: str
    state: str
    account_id: str
    key_id: str
    held_nano: int
    price_version: str
    is_recovered: bool
    lots: tuple[Lot, ...]


class View:
    """Rows read ahead or on demand. Whoever changes a row must update it here, or make the view forget.

    Attributes:
        day: The shop's day whose overruns are in ``keys``.
        keys: Keys by id.
        holds: Reservations by request; None where there is none.
        lots: Lots by id, with what they have available.
        complete: Accounts all of whose lots with something available are among `lots`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self.day = ""
        self._version = 0
        self.forget()

    def begin(self, day: str) -> None:
        """Forget what may have changed: everything, if another process has written or a new *day* has begun."""
        (version,) = self._execute("PRAGMA data_version").fetchone()
        if (version, day) != (self._version, self.day) or max(len(self.keys), len(self.holds)) > REMEMBERED_COUNT_MAX:
            self._version, self.day = version, day
            self.forget()

    def forget(self) -> None:
        """Forget everything, so that it is read again."""
        self.keys: dict[str, KeyState] = {}
        self.holds: dict[str, Hold | None] = {}
        self.lots: dict[int, Lot] = {}
        self._lots_of: defaultdict[str, set[int]] = defaultdict(set)
        self.complete: set[str] = set()

    def read_keys(self, key_ids: Iterable[str]) -> None:
        """Read keys, and what their accounts have available."""
        for row in self._execute(_KEYS_WITH_LOTS, (encode(list(key_ids)), self.day)):
            key_id, account_id = row[:2]
            if key_id not in self.keys:
                self.keys[key_id] = KeyState(*row[1:9])
                self.complete.add(account_id)
            if row[9] is not None:
                self._add_lot(account_id, Lot(*row[9:]))

    def read_holds(self, request_ids: Iterable[str]) -> None:
        """Read reservations and their lots."""
        asked: dict[str, None] = dict.fromkeys(request_ids)
        self.holds.update(asked)
        for row in self._execute(_HOLDS_WITH_LOTS, (encode(list(asked)),)):
            request_id, state, account_id, key_id, held_nano, price_version, is_recovered = row[:7]
            before = self.holds[request_id]
            lots = () if before is None else before.lots
            part_nano, lot_id, kind, expires_at_ms, free_nano = row[7:]
            if part_nano is not None:
                lots = (*lots, Lot(lot_id, kind, expires_at_ms, part_nano))
                self._add_lot(account_id, Lot(lot_id, kind, expires_at_ms, free_nano))
            self.holds[request_id] = Hold(
                request_id, state, account_id, key_id, held_nano, price_version, bool(is_recovered), lots
            )

    def note_hold(
        self, request_id: str, account_id: str, key_id: str, price_version: str, parts: Sequence[tuple[int, int]]
    ) -> None:
        """Add a new reservation, with *parts* of lots that have been read before."""
        lots = tuple(Lot(lot_id, *self._kind_and_end(lot_id), part_nano) for lot_id, part_nano in parts)
        held_nano = total(parts)
        self.holds[request_id] = Hold(request_id, "open", account_id, key_id, held_nano, price_version, False, lots)

    def _kind_and_end(self, lot_id: int) -> tuple[LotKind, int | None]:
        lot = self.lots[lot_id]
        return lot.kind, lot.expires_at_ms

    def lots_of(self, account_id: str) -> list[Lot]:
        """Return an account's lots, not necessarily those that have nothing available."""
        if account_id not in self.complete:
            for row in self._execute(_LOTS, (account_id,)):
                self._add_lot(account_id, Lot(*row))
            self.complete.add(account_id)
        return [self.lots[lot_id] for lot_id in self._lots_of[account_id]]

    def free(self, lot_id: int, amount_nano: int) -> bool:
        """Add to what a lot has available, and say whether it was read before."""
        lot = self.lots.get(lot_id)
        if lot is None:
            return False
        self.lots[lot_id] = Lot(lot.id, lot.kind, lot.expires_at_ms, lot.amount_nano + amount_nano)
        return True

    def settle_key(self, key_id: str, spent_nano: int, held_nano: int) -> None:
        """Add to what a key has spent and holds."""
        key = self.keys.get(key_id)
        if key is not None:
            spent_nano, held_nano = key.spent_nano + spent_nano, key.held_nano + held_nano
            self.keys[key_id] = msgspec.structs.replace(key, spent_nano=spent_nano, held_nano=held_nano)

    def _add_lot(self, account_id: str, lot: Lot) -> None:
        # What is known of a lot may be newer than its row.
        self.lots.setdefault(lot.id, lot)
        self._lots_of[account_id].add(lot.id)

"""One SQLite transaction of the ledger, with all the ways to move or hold money in it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from .chain import Transfer, link
from .codec import encode
from .operations import LotKind
from .rules import OVERRUN, Lot, revenue_book, total
from .sqlite_rows import COLLECTED, INSERT_TRANSFER, MOVE_BOOK, RAISE_HOLD, SETTLE_KEY, Row, RowStatement
from .sqlite_view import Hold, KeyState, View

CREDIT = "credit"
"""The ledger of the books that are kept in the shop's credit."""

_INSERT_BOOK = """
    INSERT INTO book (ledger, name, kind, account_id, no_overdraft, expires_at,
                      debit_nano, credit_nano, pending_nano, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?) RETURNING id
"""
_CLOSE = """
    UPDATE reservation SET state = ?, closed_at = ?, is_recovered = ?, delivered_at = IFNULL(delivered_at, ?)
    WHERE state = 'open' AND request_id IN (SELECT value FROM json_each(?))
"""
"""``delivered_at`` may be set already: a charge from the spool is booked after its answer was delivered."""


class Batch:
    """An open transaction, with its time, day and place in the hash chain.

    Changes are collected, and written by `flush` in steps of many rows; a row that several operations
    change, such as a key's or a book's, is written once. Reads go through a view, in which changes show at
    once. `execute` runs plain SQL: it first writes what was collected, and makes the view forget what it
    has read. If the transaction is not committed, the view must be made to forget, too.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        boot: str,
        now_ms: int,
        day: str,
        view: View,
        link_before: tuple[int, str],
        shop_books: dict[str, int],
    ) -> None:
        self._connection = connection
        self.boot = boot
        self.now_ms = now_ms
        self.day = day
        self._seq_before, self._hash_before = link_before
        self.shop_books = dict(shop_books)
        self._transfers: list[Transfer] = []
        self._view = view
        view.begin(day)
        self._rows: defaultdict[RowStatement, list[Row]] = defaultdict(list)
        self._moves: dict[int, tuple[int, int, int]] = {}
        self._settlements: dict[str, tuple[int, int]] = {}
        self._raised: dict[str, int] = {}
        self._endings: defaultdict[tuple[str, int, bool, int | None], list[str]] = defaultdict(list)

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run a statement, after the collected rows have been written."""
        self.flush()
        self._view.forget()
        return self._connection.execute(statement, values)

    def annotate(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        """Run a statement that changes nothing that the view shows."""
        self.flush()
        return self._connection.execute(statement, values)

    def write_notes(self, statement: RowStatement, rows: Sequence[Row]) -> None:
        """Write at once rows that change nothing that the view shows."""
        self.flush()
        statement.write(self._connection, rows)

    def write(self, statement: RowStatement, row: Row) -> None:
        """Collect a row."""
        self._rows[statement].append(row)

    def flush(self) -> None:
        """Write the collected rows.

        Raises:
            sqlite3.IntegrityError: The database refused a row; others may have been written.
        """
        if not (self._rows or self._moves or self._endings):
            return
        for request_id, held_nano in self._raised.items():
            self.write(RAISE_HOLD, (held_nano, request_id))
        for book_id in sorted(self._moves):
            self.write(MOVE_BOOK, (*self._moves[book_id], book_id))
        for key_id in sorted(self._settlements):
            self.write(SETTLE_KEY, (*self._settlements[key_id], key_id))
        for statement in COLLECTED:
            if statement in self._rows:
                statement.write(self._connection, self._rows[statement])
        for ending, request_ids in self._endings.items():
            closed = self._connection.execute(_CLOSE, (*ending, encode(request_ids)))
            assert closed.rowcount == len(request_ids), ending
        self._drop()

    def _drop(self) -> None:
        self._rows.clear()
        self._moves.clear()
        self._settlements.clear()
        self._raised.clear()
        self._endings.clear()

    def savepoint(self) -> tuple[int, dict[str, int]]:
        """Begin an operation that may be rolled back; return what `roll_back` needs."""
        self.execute("SAVEPOINT operation")
        return len(self._transfers), self.shop_books

    def release(self) -> None:
        """Write the rows of the operation, and keep them."""
        self.execute("RELEASE operation")

    def roll_back(self, savepoint: tuple[int, dict[str, int]]) -> None:
        """Undo an operation that was refused."""
        self._drop()
        self.execute("ROLLBACK TO operation")
        self.execute("RELEASE operation")
        transfer_count, self.shop_books = savepoint
        del self._transfers[transfer_count:]

    def foresee_keys(self, key_ids: Iterable[str]) -> None:
        """Read in one query the keys that operations will need, and what their accounts have available."""
        unknown = [key_id for key_id in key_ids if key_id not in self._view.keys]
        if unknown:
            self.flush()
            self._view.read_keys(unknown)

    def foresee_holds(self, request_ids: Iterable[str]) -> None:
        """Read in one query the reservations that operations will need."""
        unknown = [request_id for request_id in request_ids if request_id not in self._view.holds]
        if unknown:
            self.flush()
            self._view.read_holds(unknown)

    def key(self, key_id: str) -> KeyState | None:
        """Return a key as it is now, or None if there is none."""
        if key_id not in self._view.keys:
            self.foresee_keys([key_id])
        return self._view.keys.get(key_id)

    def held(self, request_id: str) -> Hold | None:
        """Return the reservation of a request, open or closed, or None if there is none."""
        if request_id not in self._view.holds:
            self.foresee_holds([request_id])
        held = self._view.holds[request_id]
        assert held is None or total((lot.id, lot.amount_nano) for lot in held.lots) == held.held_nano, request_id
        return held

    def note_hold(
        self, request_id: str, account_id: str, key_id: str, price_version: str, parts: Sequence[tuple[int, int]]
    ) -> None:
        """Add a new reservation to the view, so that its post need not read it."""
        self._view.note_hold(request_id, account_id, key_id, price_version, parts)

    def raise_hold(self, held: Hold, parts: Sequence[tuple[int, int]]) -> None:
        """Add *parts* of lots to an open reservation, in the view too."""
        amounts = {lot.id: lot.amount_nano for lot in held.lots}
        for lot_id, part_nano in parts:
            amounts[lot_id] = amounts.get(lot_id, 0) + part_nano
        self._raised[held.request_id] = total(amounts.items())
        self.note_hold(held.request_id, held.account_id, held.key_id, held.price_version, list(amounts.items()))

    def spendable(self, account_id: str) -> list[Lot]:
        """Return the account's lots that have something available and have not expired."""
        return [
            lot for lot in self._view.lots_of(account_id) if lot.amount_nano > 0 and not lot.has_lapsed(self.now_ms)
        ]

    def close_hold(self, request_id: str, state: str, *, is_recovered: bool, delivered_at_ms: int | None) -> None:
        """Close an open reservation."""
        self._endings[state, self.now_ms, is_recovered, delivered_at_ms].append(request_id)
        self._view.holds.pop(request_id, None)

    def settle_key(self, key_id: str, *, spent_nano: int = 0, held_nano: int = 0) -> None:
        """Add to what a key has spent and holds."""
        spent_before, held_before = self._settlements.get(key_id, (0, 0))
        self._settlements[key_id] = spent_before + spent_nano, held_before + held_nano
        self._view.settle_key(key_id, spent_nano, held_nano)

    def _move_lot(self, lot_id: int, *, debit_nano: int = 0, credit_nano: int = 0, pending_nano: int = 0) -> None:
        self._move_book(lot_id, debit_nano=debit_nano, credit_nano=credit_nano, pending_nano=pending_nano)
        if not self._view.free(lot_id, credit_nano - debit_nano - pending_nano):
            # The view has not read this lot yet; when it does, it must find the database up to date.
            self.flush()

    def _move_book(self, book_id: int, *, debit_nano: int = 0, credit_nano: int = 0, pending_nano: int = 0) -> None:
        debit_before, credit_before, pending_before = self._moves.get(book_id, (0, 0, 0))
        moved = debit_before + debit_nano, credit_before + credit_nano, pending_before + pending_nano
        self._moves[book_id] = moved

    def shop_book(self, name: str, kind: str | None = None) -> int:
        """Return the id of one of the shop's own books, which is opened at its first use."""
        book_id = self.shop_books.get(name)
        if book_id is None:
            row = self.execute("SELECT id FROM book WHERE name = ?", (name,)).fetchone()
            book_id = int(row[0]) if row else self._insert_book(name, kind or name, None, None)
            # A new dict each time, so that the savepoint's stays unchanged.
            self.shop_books = {**self.shop_books, name: book_id}
        return book_id

    def revenue(self) -> int:
        """Return the id of today's revenue book."""
        return self.shop_book(revenue_book(self.day, self.boot), "revenue")

    def open_lot(self, name: str, account_id: str, kind: LotKind, expires_at_ms: int | None) -> int:
        """Open an empty lot for an account."""
        return self._insert_book(f"lot:{name}", kind, account_id, expires_at_ms)

    def _insert_book(self, name: str, kind: str, account_id: str | None, expires_at_ms: int | None) -> int:
        values = (CREDIT, name, kind, account_id, account_id is not None, expires_at_ms, self.now_ms)
        return int(self.execute(_INSERT_BOOK, values).fetchone()[0])

    def hold(self, parts: Sequence[tuple[int, int]]) -> None:
        """Hold *parts* of a reservation, pairs of lot id and amount, on their lots."""
        for lot_id, part_nano in parts:
            self._move_lot(lot_id, pending_nano=part_nano)

    def let_go(self, lot_id: int, held_nano: int) -> None:
        """Release an amount that was held on a lot."""
        self._move_lot(lot_id, pending_nano=-held_nano)

    def spend(
        self,
        transfer_id: str,
        lot_id: int,
        credit_book: int,
        amount_nano: int,
        *,
        held_nano: int = 0,
        kind: str,
        actor: str,
        request_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Move an amount from a lot to one of the shop's books, and release *held_nano* of it."""
        self._move_lot(lot_id, debit_nano=amount_nano, pending_nano=-held_nano)
        self._move_book(credit_book, credit_nano=amount_nano)
        self._write(transfer_id, lot_id, credit_book, amount_nano, kind, actor, request_id, reason)

    def fund(
        self,
        transfer_id: str,
        debit_book: int,
        lot_id: int,
        amount_nano: int,
        *,
        kind: str,
        actor: str,
        request_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Move an amount from one of the shop's books to a lot."""
        self._move_book(debit_book, debit_nano=amount_nano)
        self._move_lot(lot_id, credit_nano=amount_nano)
        self._write(transfer_id, debit_book, lot_id, amount_nano, kind, actor, request_id, reason)

    def absorb(self, transfer_id: str, amount_nano: int, request_id: str, reason: str | None = None) -> None:
        """Move an amount that no customer pays from the overrun book to today's revenue."""
        debit_book, credit_book = self.shop_book(OVERRUN), self.revenue()
        self._move_book(debit_book, debit_nano=amount_nano)
        self._move_book(credit_book, credit_nano=amount_nano)
        self._write(transfer_id, debit_book, credit_book, amount_nano, OVERRUN, "ledger", request_id, reason)

    def _write(
        self,
        transfer_id: str,
        debit_book: int,
        credit_book: int,
        amount_nano: int,
        kind: str,
        actor: str,
        request_id: str | None,
        reason: str | None,
    ) -> None:
        assert amount_nano > 0, transfer_id
        writer, seq = self.boot, self._seq_before + 1
        values = (transfer_id, debit_book, credit_book, amount_nano, kind, request_id, reason, actor, self.now_ms)
        self.write(INSERT_TRANSFER, (*values, writer, seq))
        self._transfers.append(Transfer(*values, writer, seq))

    def audit(self, actor: str, action: str, subject: str, details: object) -> None:
        """Write an audit entry: who did what to which account, key or request."""
        self.execute(
            "INSERT INTO audit (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)",
            (self.now_ms, actor, action, subject, encode(details)),
        )

    def close(self) -> tuple[int, str]:
        """Write the remaining rows and the link of the chain; return the writer's new place in it."""
        self.flush()
        if not self._transfers:
            return self._seq_before, self._hash_before
        seq, hash_now = self._seq_before + 1, link(self._hash_before, self._transfers)
        self._connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (self.boot, seq, self._hash_before, hash_now))
        return seq, hash_now

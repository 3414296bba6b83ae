"""One SQLite transaction of the ledger: every way in which it moves or holds money."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from .chain import Transfer, link
from .codec import encode
from .operations import LotKind
from .rules import Lot, revenue_book

CREDIT = "credit"
"""The unit that customers' books are kept in."""

_SPENDABLE = """
    SELECT id, kind, expires_at, credit_nano - debit_nano - pending_nano FROM book
    WHERE account_id = ? AND credit_nano - debit_nano - pending_nano > 0 AND (expires_at IS NULL OR expires_at > ?)
"""
_HOLD = "UPDATE book SET pending_nano = pending_nano + ? WHERE id = ?"
_SPEND = "UPDATE book SET debit_nano = debit_nano + ?, pending_nano = pending_nano - ? WHERE id = ?"
_FUND = "UPDATE book SET credit_nano = credit_nano + ? WHERE id = ?"
_TURN_OVER = "UPDATE book SET debit_nano = debit_nano + ?, credit_nano = credit_nano + ? WHERE id = ?"
_INSERT_TRANSFER = "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_BOOK = """
    INSERT INTO book (ledger, name, kind, account_id, no_overdraft, expires_at,
                      debit_nano, credit_nano, pending_nano, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?) RETURNING id
"""


class Batch:
    """An open transaction, with the time, the day and the place in the hash chain it is written under.

    Lots are moved at once, so that each operation sees what those before it left. The shop's own
    books are moved once, by `close`: their rows are shared by all requests and checked by none.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        boot: str,
        now_ms: int,
        day: str,
        link_before: tuple[int, str],
        shop_books: dict[str, int],
    ) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.boot = boot
        self.now_ms = now_ms
        self.day = day
        self._seq_before, self._hash_before = link_before
        self.shop_books = dict(shop_books)
        self._transfers: list[Transfer] = []
        self._turnover: list[tuple[int, int, int]] = []

    def savepoint(self) -> tuple[int, int, dict[str, int]]:
        """Begin an operation; returns what `roll_back` needs."""
        self.execute("SAVEPOINT operation")
        return len(self._transfers), len(self._turnover), self.shop_books

    def release(self) -> None:
        """End an operation that stays."""
        self.execute("RELEASE operation")

    def roll_back(self, savepoint: tuple[int, int, dict[str, int]]) -> None:
        """End an operation that was refused, as if it had not begun."""
        self.execute("ROLLBACK TO operation")
        self.execute("RELEASE operation")
        transfer_count, turnover_count, self.shop_books = savepoint
        del self._transfers[transfer_count:]
        del self._turnover[turnover_count:]

    def spendable(self, account_id: str) -> list[Lot]:
        """Return the account's lots that have something available and have not lapsed."""
        return [Lot(*row) for row in self.execute(_SPENDABLE, (account_id, self.now_ms))]

    def shop_book(self, name: str, kind: str | None = None) -> int:
        """Return the id of one of the shop's own books, opened at its first use."""
        book_id = self.shop_books.get(name)
        if book_id is None:
            row = self.execute("SELECT id FROM book WHERE name = ?", (name,)).fetchone()
            book_id = int(row[0]) if row else self._insert_book(name, kind or name, None, None)
            # A new dict each time keeps the savepoint's as it was.
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
        """Hold the parts of a reservation on their lots, by id and amount."""
        for lot_id, part_nano in parts:
            self.execute(_HOLD, (part_nano, lot_id))

    def let_go(self, lot_id: int, held_nano: int) -> None:
        """Give back what was held on a lot."""
        self.execute(_HOLD, (-held_nano, lot_id))

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
        """Move an amount from a lot to a book of the shop's, letting go of *held_nano* in the same step."""
        self.execute(_SPEND, (amount_nano, held_nano, lot_id))
        self._turnover.append((credit_book, 0, amount_nano))
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
        """Move an amount from a book of the shop's to a lot."""
        self.execute(_FUND, (amount_nano, lot_id))
        self._turnover.append((debit_book, amount_nano, 0))
        self._write(transfer_id, debit_book, lot_id, amount_nano, kind, actor, request_id, reason)

    def absorb(
        self,
        transfer_id: str,
        debit_book: int,
        credit_book: int,
        amount_nano: int,
        *,
        kind: str,
        request_id: str,
        reason: str | None = None,
    ) -> None:
        """Move an amount between two books of the shop's."""
        self._turnover.append((debit_book, amount_nano, 0))
        self._turnover.append((credit_book, 0, amount_nano))
        self._write(transfer_id, debit_book, credit_book, amount_nano, kind, "ledger", request_id, reason)

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
        self.execute(_INSERT_TRANSFER, (*values, writer, seq))
        self._transfers.append(Transfer(*values, writer, seq))

    def audit(self, actor: str, action: str, subject: str, details: object) -> None:
        """Write down who did what to which account, key or request."""
        self.execute(
            "INSERT INTO audit (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)",
            (self.now_ms, actor, action, subject, encode(details)),
        )

    def close(self) -> tuple[int, str]:
        """Move the shop's books and write the batch's link; returns the writer's place in its chain."""
        if not self._transfers:
            return self._seq_before, self._hash_before
        debits: defaultdict[int, int] = defaultdict(int)
        credits: defaultdict[int, int] = defaultdict(int)
        for book_id, debit_nano, credit_nano in self._turnover:
            debits[book_id] += debit_nano
            credits[book_id] += credit_nano
        self.executemany(_TURN_OVER, [(debits[book_id], credits[book_id], book_id) for book_id in sorted(debits)])
        seq, hash_now = self._seq_before + 1, link(self._hash_before, self._transfers)
        self.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (self.boot, seq, self._hash_before, hash_now))
        return seq, hash_now

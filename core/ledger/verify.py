"""Verifies the books: recomputes every invariant of the ledger from what is stored.

Source of the numbers I1 to I15: field/reliability.md 2.10, read 2026-11-23. I7 and I8 can only be
seen from outside; the tests that kill processes check them.
"""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

import msgspec

from ..charge import Charge
from ..exchange import PriceFacts
from ..money import format_nano
from ..usage import TokenCounts, Usage
from . import boots
from .chain import GENESIS, Transfer, link
from .codec import decode
from .database import connect_reader, database_path
from .schema import APPEND_ONLY, metadata

_COUNTS = TokenCounts.__struct_fields__
"""The counts that a log row repeats from its usage."""
_FACTS = ("group", "membership", "model", "dialect", "operation")
"""What a log row repeats from the facts of its reservation, and no attempt changes."""
_CHECKS = {
    "I1 debits and credits of ledger '{}' differ: {} and {}": """
        SELECT ledger, SUM(debit_nano), SUM(credit_nano) FROM book GROUP BY ledger
        HAVING SUM(debit_nano) <> SUM(credit_nano)
    """,
    "I1 transfer '{}' joins two ledgers": """
        SELECT t.id FROM transfer t JOIN book d ON d.id = t.debit_book JOIN book c ON c.id = t.credit_book
        WHERE d.ledger <> c.ledger
    """,
    "I2 book '{}' says debit {} and credit {}, its transfers {} and {}": """
        SELECT b.name, b.debit_nano, b.credit_nano, IFNULL(d.nano, 0), IFNULL(c.nano, 0) FROM book b
        LEFT JOIN (SELECT debit_book, SUM(amount_nano) AS nano FROM transfer GROUP BY debit_book) d ON d.debit_book = b.id
        LEFT JOIN (SELECT credit_book, SUM(amount_nano) AS nano FROM transfer GROUP BY credit_book) c
            ON c.credit_book = b.id
        WHERE b.debit_nano <> IFNULL(d.nano, 0) OR b.credit_nano <> IFNULL(c.nano, 0)
    """,
    "I3 lot '{}' has {} pending, its open holds come to {}": """
        SELECT b.name, b.pending_nano, IFNULL(h.nano, 0) FROM book b
        LEFT JOIN (SELECT l.lot_id, SUM(l.held_nano) AS nano FROM reservation_lot l
                   JOIN reservation r USING (request_id) WHERE r.state = 'open' GROUP BY l.lot_id) h ON h.lot_id = b.id
        WHERE b.pending_nano <> IFNULL(h.nano, 0)
    """,
    "I3 request '{}' holds {}, its lots {}": """
        SELECT r.request_id, r.held_nano, IFNULL(SUM(l.held_nano), 0) FROM reservation r
        LEFT JOIN reservation_lot l USING (request_id) GROUP BY r.request_id
        HAVING r.held_nano <> IFNULL(SUM(l.held_nano), 0)
    """,
    "I3 key '{}' says {} held, its open requests {}": """
        SELECT k.id, k.held_nano, IFNULL(SUM(r.held_nano), 0) FROM api_key k
        LEFT JOIN reservation r ON r.key_id = k.id AND r.state = 'open' GROUP BY k.id
        HAVING k.held_nano <> IFNULL(SUM(r.held_nano), 0)
    """,
    "I4 lot '{}' is overdrawn": """
        SELECT name FROM book WHERE account_id IS NOT NULL AND credit_nano - debit_nano - pending_nano < 0
    """,
    "I5 request '{}' paid {}, its log says {}": """
        SELECT g.request_id, IFNULL(t.nano, 0), g.charge_nano FROM request_log g
        LEFT JOIN (SELECT request_id, SUM(amount_nano) AS nano FROM transfer WHERE kind = 'post' GROUP BY request_id) t
            ON t.request_id = g.request_id
        WHERE IFNULL(t.nano, 0) <> g.charge_nano
    """,
    "I6 request '{}' is {} and was paid for": """
        SELECT DISTINCT r.request_id, r.state FROM reservation r JOIN transfer t USING (request_id)
        WHERE t.kind = 'post' AND r.state <> 'posted'
    """,
    "I6 request '{}' is {} and its log row is not as it should be": """
        SELECT r.request_id, r.state FROM reservation r LEFT JOIN request_log g USING (request_id)
        WHERE (r.state = 'open' AND g.request_id IS NOT NULL) OR (r.state = 'posted' AND g.request_id IS NULL)
           OR (r.state = 'voided' AND g.charge_nano <> 0)
    """,
    "I6 request '{}' was paid for, and ended as 'upstream_error' by its log": """
        SELECT request_id FROM reservation JOIN request_log USING (request_id)
        WHERE state = 'posted' AND outcome = 'upstream_error'
    """,
    "I6 the log of request '{}' names another account or key than its reservation": """
        SELECT r.request_id FROM reservation r JOIN request_log g USING (request_id)
        WHERE r.account_id <> g.account_id OR r.key_id <> g.key_id
    """,
    "I6 the payment of '{}' belongs to no reservation": """
        SELECT DISTINCT t.request_id FROM transfer t LEFT JOIN reservation r USING (request_id)
        WHERE t.kind = 'post' AND r.request_id IS NULL
    """,
    "I14 key '{}' says {} spent, its charges come to {}": """
        SELECT k.id, k.spent_nano, IFNULL(g.nano, 0) - IFNULL(u.nano, 0) FROM api_key k
        LEFT JOIN (SELECT key_id, SUM(charge_nano + overrun_nano) AS nano FROM request_log GROUP BY key_id) g
            ON g.key_id = k.id
        LEFT JOIN (SELECT g.key_id, SUM(t.amount_nano) AS nano FROM transfer t
                   JOIN request_log g USING (request_id)
                   WHERE t.id GLOB 'undelivered:*' GROUP BY g.key_id) u ON u.key_id = k.id
        WHERE k.spent_nano <> IFNULL(g.nano, 0) - IFNULL(u.nano, 0)
    """,
    "overrun of account '{}' says {}, its requests {}": """
        SELECT d.account_id, d.nano, IFNULL(g.nano, 0)
        FROM (SELECT account_id, SUM(overrun_nano) AS nano FROM overrun_day GROUP BY account_id) d
        LEFT JOIN (SELECT account_id, SUM(overrun_nano) AS nano FROM request_log WHERE overrun_nano <> 0
                   GROUP BY +account_id) g ON g.account_id = d.account_id
        WHERE d.nano <> IFNULL(g.nano, 0)
    """,
    "the details of entry {} of the audit can't be read": """
        SELECT CAST(id AS TEXT) FROM audit WHERE NOT json_valid(details)
    """,
    "account '{}' is called '{}', and was made as '{}'": """
        SELECT a.id, a.name, made.name FROM account a JOIN (
            SELECT subject, CASE WHEN json_valid(details) THEN json_extract(details, '$.name') END AS name
            FROM audit WHERE action = 'account.created'
        ) made ON made.subject = a.id
        WHERE a.name <> made.name
    """,
    "key '{}' is in group '{}', and was put into '{}' last": """
        SELECT k.id, k."group", CASE WHEN json_valid(u.details)
            THEN json_extract(u.details, '$.' || IIF(u.action = 'key.created', 'group', 'after')) END AS last
        FROM api_key k JOIN audit u ON u.id = (
            SELECT MAX(id) FROM audit WHERE subject = k.id AND action IN ('key.created', 'key.group_set')
        )
        WHERE k."group" <> last
    """,
    "key '{}' may be used, and was revoked": """
        SELECT k.id FROM api_key k JOIN audit u ON u.subject = k.id AND u.action = 'key.revoked' WHERE NOT k.is_revoked
    """,
    "key '{}' has another cap, end or list of models or addresses than it was made with": """
        SELECT k.id FROM api_key k JOIN audit u ON u.subject = k.id AND u.action = 'key.created'
        WHERE CASE WHEN json_valid(u.details) THEN json_type(u.details, '$.cap_nano') IS NOT NULL AND (
            json_extract(u.details, '$.cap_nano') IS NOT k.cap_nano
            OR json_extract(u.details, '$.expires_at') IS NOT k.expires_at
            OR json_extract(u.details, '$.models') IS NOT k.models
            OR json_extract(u.details, '$.ips') IS NOT k.ips
        ) END
    """,
    "I12 the prices of version '{}' are missing; requests that name it: {}": """
        SELECT price_version, CAST(COUNT(*) AS TEXT) FROM reservation
        WHERE length(price_version) = 64 AND price_version NOT IN (SELECT id FROM price_version) GROUP BY price_version
    """,
    "the claim of rule '{1}' names request '{0}', which is not in the log": """
        SELECT c.request_id, c.rule FROM claim c LEFT JOIN request_log g USING (request_id) WHERE g.request_id IS NULL
    """,
}
"""Each query finds what is wrong; its columns fill the sentence. The plus in one keeps SQLite from reading the log in the
order of an index, row by row, which takes eight times as long. I10 and I15 follow from I2 and the primary keys: an order
is a transfer's id, and what a customer has is the sum of their lots. The engine's price versions are SHA-256, of 64
digits. What is stored only once can't be checked: the model that an answer named, which of the paid outcomes it was."""


CHARGE_PARTS = 40
"""Parts in which charges are recomputed. Together they take a little longer than the thirty or so other checks."""
PAUSE_SHARE = 0.1
"""The pause after each check, as a share of the check's time. While anybody reads, a busy server can't reset its
write-ahead log, and as that grows, each request costs more (measured 2026-11-30: twice as much at 3.6 GB)."""
CHECK_COUNT = len(_CHECKS) + CHARGE_PARTS + 6
"""How many lists `check` yields if no table is missing."""


def verify(data: Path) -> list[str]:
    """Return what is wrong with the ledger of a data folder, one sentence each; empty if it is right."""
    return [problem for problems in check(data) for problem in problems]


def check(data: Path) -> Iterator[list[str]]:
    """Do what `verify` does check by check, and yield what each finds.

    It only reads, each check from one snapshot, so it may run beside a server.
    """
    with contextlib.closing(connect_reader(database_path(data))) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if missing := [table for table in metadata.tables if table not in found]:
            # The other checks can't run without it.
            yield [f"table '{table}' is missing; put the data folder back from a backup" for table in missing]
            return
        for problems in (
            _damage(connection),
            _orphans(connection),
            *(_differences(connection, sentence, question) for sentence, question in _CHECKS.items()),
            _chains(connection),
            *(_charges(connection, begin, end) for begin, end in _charge_parts(connection)),
            _prices(connection),
            _guards(found),
            _dead_holders(connection, data),
        ):
            began_s = time.monotonic()
            yield list(problems)
            time.sleep((time.monotonic() - began_s) * PAUSE_SHARE)


def _guards(found: Collection[str]) -> Iterator[str]:
    """Name the triggers that are missing in the database; without them, what was written can be changed."""
    for table in APPEND_ONLY:
        for action in ("update", "delete"):
            if (name := f"{table}_no_{action}") not in found:
                yield f"trigger '{name}' is missing; someone may have changed rows of table '{table}'"


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (finding,) in connection.execute("PRAGMA quick_check"):
        if finding != "ok":
            yield f"the database file is damaged: {finding}"


def _orphans(connection: sqlite3.Connection) -> Iterator[str]:
    broken = {(table, number) for table, _, _, number in connection.execute("PRAGMA foreign_key_check")}
    for table, number in sorted(broken):
        yield from _orphans_of(connection, table, number)


def _orphans_of(connection: sqlite3.Connection, table: str, number: int) -> Iterator[str]:
    """Name what rows of *table* refer to by its foreign key *number*, but does not exist."""
    keys = connection.execute(f"PRAGMA foreign_key_list({table})")
    parent, column, parent_column = next(key[2:5] for key in keys if key[0] == number)
    for name, count in connection.execute(
        f"SELECT {column}, COUNT(*) FROM {table} WHERE {column} IS NOT NULL "
        f"AND {column} NOT IN (SELECT {parent_column} FROM {parent}) GROUP BY {column}"
    ):
        yield f"{parent} '{name}' is missing; rows of table '{table}' that name it: {count}"


def _differences(connection: sqlite3.Connection, sentence: str, question: str) -> Iterator[str]:
    for row in connection.execute(question):
        yield sentence.format(*(format_nano(value) if isinstance(value, int) else value for value in row))


def _chains(connection: sqlite3.Connection) -> Iterator[str]:
    """Compare every writer's chain with the transfers that it should cover (I11)."""
    connection.execute("BEGIN")
    transfers = connection.execute("SELECT * FROM transfer ORDER BY writer, seq")
    by_batch = groupby((Transfer(*row) for row in transfers), key=lambda transfer: (transfer.writer, transfer.seq))
    links = connection.execute("SELECT writer, seq, prev_hash, hash FROM batch ORDER BY writer, seq")
    group = next(by_batch, None)
    last: tuple[str, int, str] = ("", 0, GENESIS)
    for writer, seq, prev_hash, hash_stored in links:
        seq_before, hash_before = last[1:] if last[0] == writer else (0, GENESIS)
        if (seq, prev_hash) != (seq_before + 1, hash_before):
            yield f"I11 the chain of writer '{writer}' is broken before link {seq}"
        while group is not None and group[0] < (writer, seq):
            yield f"I11 transfers of writer '{group[0][0]}' stand outside its chain, at link {group[0][1]}"
            group = next(by_batch, None)
        covered: list[Transfer] = []
        if group is not None and group[0] == (writer, seq):
            covered, group = list(group[1]), next(by_batch, None)
        if link(prev_hash, covered) != hash_stored:
            yield f"I11 the transfers of writer '{writer}', link {seq}, are not those that were written"
        last = (writer, seq, hash_stored)
    while group is not None:
        yield f"I11 transfers of writer '{group[0][0]}' stand outside its chain, at link {group[0][1]}"
        group = next(by_batch, None)
    connection.execute("COMMIT")


def _charge_parts(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """Divide the log as it is now by row id: what is written in the meantime belongs to no part."""
    (first,) = connection.execute("SELECT IFNULL(MIN(rowid), 0) FROM request_log").fetchone()
    (last,) = connection.execute("SELECT IFNULL(MAX(rowid), 0) FROM request_log").fetchone()
    return pairwise(first + (last + 1 - first) * part // CHARGE_PARTS for part in range(CHARGE_PARTS + 1))


def _charges(connection: sqlite3.Connection, begin: int, end: int) -> Iterator[str]:
    """Recompute every charge from its own trace, and compare the row with the usage and facts that it repeats (I12)."""
    repeated = ", ".join(f'g."{name}"' for name in (*_COUNTS, "usage_source", *_FACTS))
    for request_id, trace, usage, facts, nano, *logged in connection.execute(
        f"SELECT request_id, g.trace, g.usage, r.facts, g.charge_nano + g.overrun_nano, {repeated} "
        "FROM request_log g LEFT JOIN reservation r USING (request_id) WHERE g.rowid >= ? AND g.rowid < ?",
        (begin, end),
    ):
        try:
            recomputed_nano = decode(trace, Charge).nano
            used = decode(usage, Usage)
        except (msgspec.MsgspecError, ValueError, ArithmeticError) as exc:
            yield f"I12 the trace of request '{request_id}' can't be read: {type(exc).__name__}"
            continue
        if recomputed_nano != nano:
            yield (
                f"I12 request '{request_id}' was charged {format_nano(nano)}, "
                f"its trace comes to {format_nano(recomputed_nano)}"
            )
        counted = [*(getattr(used, name) for name in _COUNTS), used.source]
        for name, shown, kept in zip((*_COUNTS, "usage_source"), logged, counted, strict=False):
            if shown != kept:
                yield f"I12 the log of request '{request_id}' says {shown} {name}, its usage {kept}"
        if facts is not None:
            yield from _facts_repeated(request_id, facts, logged[len(counted) :])


def _facts_repeated(request_id: str, facts: str, logged: Sequence[object]) -> Iterator[str]:
    """Compare what the log's row repeats with the *facts* of its hold."""
    try:
        asked = decode(facts, PriceFacts)
    except (msgspec.MsgspecError, ValueError) as exc:
        yield f"I12 the facts of request '{request_id}' can't be read: {type(exc).__name__}"
        return
    for name, shown in zip(_FACTS, logged, strict=True):
        if shown != getattr(asked, name):
            yield f"I12 the log of request '{request_id}' says {name} '{shown}', its hold '{getattr(asked, name)}'"


def _prices(connection: sqlite3.Connection) -> Iterator[str]:
    """Check that every price document still has the SHA-256 that is its version (I12)."""
    for version, document in connection.execute("SELECT id, document FROM price_version"):
        if hashlib.sha256(document.encode()).hexdigest() != version:
            yield f"I12 the prices of version '{version}' are not those that were published"


def _dead_holders(connection: sqlite3.Connection, data: Path) -> Iterator[str]:
    """Name the dead processes whose holds are still open (I9)."""
    holders = "SELECT DISTINCT boot FROM reservation WHERE state = 'open'"
    dead = {boot for (boot,) in connection.execute(holders).fetchall() if not boots.is_alive(data, boot)}
    # Asked again: a process that ended in order in the meantime closed its holds first.
    for (boot,) in connection.execute(holders):
        if boot in dead:
            yield f"I9 boot '{boot}' is dead and still holds; start relay to recover it"

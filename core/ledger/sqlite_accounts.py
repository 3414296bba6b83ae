"""What the operator does in the SQLite ledger: accounts, keys, top-ups, corrections, prices."""

import sqlite3

from ..clock import to_ms
from ..errors import LedgerConflictError, LedgerUnknownError
from ..money import format_nano
from .codec import encode
from .operations import Adjust, CreateAccount, CreateKey, PublishPrices, RevokeKey, SetKeyGroup, TopUp
from .rules import ADJUSTMENT, PROMO, check_amount, check_room, clearing_book, hold
from .sqlite_batch import Batch

_INSERT_KEY = """
    INSERT INTO api_key (id, account_id, name, digest, last4, "group", cap_nano, spent_nano, held_nano,
                         expires_at, is_revoked, version, models, ips, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 1, ?, ?, ?)
"""


def create_account(batch: Batch, operation: CreateAccount) -> None:
    """Open an account, with its gift if there is one; see `SqliteLedger.create_account`."""
    row = batch.execute(
        "SELECT id, name, membership FROM account WHERE id = ? OR name = ?", (operation.account_id, operation.name)
    ).fetchone()
    if row is not None:
        if row != (operation.account_id, operation.name, operation.membership):
            raise LedgerConflictError(f"account '{operation.name}' exists already; choose another name")
        return
    values = (operation.account_id, operation.name, operation.membership, batch.now_ms)
    batch.execute("INSERT INTO account VALUES (?, ?, ?, ?)", values)
    gift_nano, transfer_id = operation.gift_nano, f"gift:{operation.account_id}"
    if gift_nano:
        check_amount(gift_nano)
        expires_at_ms = to_ms(operation.gift_expires_at) if operation.gift_expires_at else None
        lot_id = batch.open_lot(transfer_id, operation.account_id, "gift", expires_at_ms)
        _fund(batch, transfer_id, batch.shop_book(PROMO), lot_id, gift_nano, kind="gift", actor=operation.actor)
    batch.audit(operation.actor, "account.created", operation.account_id, operation)


def top_up(batch: Batch, operation: TopUp) -> None:
    """Book a cash lot; see `SqliteLedger.top_up`."""
    check_amount(operation.amount_nano)
    account_id = _account_id(batch, operation.account)
    transfer_id = f"top_up:{operation.provider}:{operation.reference}"
    if _is_repeated(batch, operation, transfer_id, account_id):
        return
    lot_id = batch.open_lot(transfer_id, account_id, "cash", None)
    clearing = batch.shop_book(clearing_book(operation.provider), "clearing")
    _fund(batch, transfer_id, clearing, lot_id, operation.amount_nano, kind="top_up", actor=operation.actor)
    batch.audit(operation.actor, "account.topped_up", account_id, operation)


def _fund(
    batch: Batch,
    transfer_id: str,
    debit_book: int,
    lot_id: int,
    amount_nano: int,
    *,
    kind: str,
    actor: str,
    reason: str | None = None,
) -> None:
    """Move an amount from one of the shop's books to a lot, if that book has room for it."""
    (moved_nano,) = batch.execute("SELECT debit_nano FROM book WHERE id = ?", (debit_book,)).fetchone()
    check_room(amount_nano, moved_nano=moved_nano)
    batch.fund(transfer_id, debit_book, lot_id, amount_nano, kind=kind, actor=actor, reason=reason)


def _account_id(batch: Batch, name: str) -> str:
    row = batch.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise LedgerUnknownError(f"no account '{name}'; create it first")
    return str(row[0])


def _is_repeated(batch: Batch, operation: TopUp, transfer_id: str, account_id: str) -> bool:
    """Say whether the very same payment was booked before.

    Raises:
        LedgerConflictError: A payment of that reference was booked with another account or amount.
    """
    row = batch.execute(
        "SELECT a.id, t.amount_nano, a.name FROM transfer t JOIN book b ON b.id = t.credit_book "
        "JOIN account a ON a.id = b.account_id WHERE t.id = ?",
        (transfer_id,),
    ).fetchone()
    if row is not None and row[:2] != (account_id, operation.amount_nano):
        before = f"booked {format_nano(row[1])} credits for '{row[2]}' before"
        raise LedgerConflictError(f"reference '{operation.reference}' {before}; use another one")
    return row is not None


def create_key(batch: Batch, operation: CreateKey) -> None:
    """Store a key; see `SqliteLedger.create_key`."""
    account_id = _account_id(batch, operation.account)
    expires_at_ms = to_ms(operation.expires_at) if operation.expires_at else None
    models = None if operation.models is None else encode(operation.models)
    values = (
        operation.key_id,
        account_id,
        operation.name,
        operation.digest,
        operation.last4,
        operation.group,
        operation.cap_nano,
        expires_at_ms,
        models,
        encode(operation.ips),
        batch.now_ms,
    )
    try:
        batch.execute(_INSERT_KEY, values)
    except sqlite3.IntegrityError as exc:
        row = batch.execute("SELECT digest FROM api_key WHERE id = ?", (operation.key_id,)).fetchone()
        if row is None or row[0] != operation.digest:
            raise LedgerConflictError(f"key '{operation.key_id}' or its digest exists already") from exc
        return
    details = {
        "account": operation.account,
        "name": operation.name,
        "group": operation.group,
        "last4": operation.last4,
        "cap_nano": operation.cap_nano,
        "expires_at": expires_at_ms,
        "models": operation.models,
        "ips": operation.ips,
    }
    batch.audit(operation.actor, "key.created", operation.key_id, details)


def revoke_key(batch: Batch, operation: RevokeKey) -> None:
    """Revoke a key; see `SqliteLedger.revoke_key`."""
    is_revoked, _ = _key(batch, operation.key_id)
    if is_revoked:
        return
    batch.execute("UPDATE api_key SET is_revoked = 1, version = version + 1 WHERE id = ?", (operation.key_id,))
    batch.audit(operation.actor, "key.revoked", operation.key_id, {})


def set_key_group(batch: Batch, operation: SetKeyGroup) -> None:
    """Switch a key's group; see `SqliteLedger.set_key_group`."""
    _, group_before = _key(batch, operation.key_id)
    if group_before == operation.group:
        return
    batch.execute(
        'UPDATE api_key SET "group" = ?, version = version + 1 WHERE id = ?', (operation.group, operation.key_id)
    )
    details = {"before": group_before, "after": operation.group}
    batch.audit(operation.actor, "key.group_set", operation.key_id, details)


def _key(batch: Batch, key_id: str) -> tuple[bool, str]:
    """Return whether a key is revoked, and its group."""
    row = batch.execute('SELECT is_revoked, "group" FROM api_key WHERE id = ?', (key_id,)).fetchone()
    if row is None:
        raise LedgerUnknownError(f"no key '{key_id}'")
    return bool(row[0]), str(row[1])


def adjust(batch: Batch, operation: Adjust) -> None:
    """Correct a balance; see `SqliteLedger.adjust`."""
    check_amount(operation.amount_nano)
    account_id = _account_id(batch, operation.account)
    details = encode(operation)
    done = batch.execute(
        "SELECT details FROM audit WHERE subject = ? AND action = 'account.adjusted'", (operation.adjustment_id,)
    ).fetchone()
    if done is not None:
        if done[0] != details:
            raise LedgerConflictError(f"adjustment '{operation.adjustment_id}' was made before, with other contents")
        return
    if operation.direction == "give":
        _give(batch, operation, account_id)
    else:
        _take(batch, operation, account_id)
    batch.audit(operation.actor, "account.adjusted", operation.adjustment_id, operation)


def _give(batch: Batch, operation: Adjust, account_id: str) -> None:
    transfer_id = f"adjust:{operation.adjustment_id}"
    lot_id = batch.open_lot(transfer_id, account_id, "gift", None)
    _fund(
        batch,
        transfer_id,
        batch.shop_book(ADJUSTMENT),
        lot_id,
        operation.amount_nano,
        kind="adjust",
        actor=operation.actor,
        reason=operation.reason,
    )


def _take(batch: Batch, operation: Adjust, account_id: str) -> None:
    for index, (lot_id, part_nano) in enumerate(hold(operation.amount_nano, batch.spendable(account_id))):
        batch.spend(
            f"adjust:{operation.adjustment_id}:{index}",
            lot_id,
            batch.shop_book(ADJUSTMENT),
            part_nano,
            kind="adjust",
            actor=operation.actor,
            reason=operation.reason,
        )


def publish_prices(batch: Batch, operation: PublishPrices) -> None:
    """Keep a price document; see `SqliteLedger.publish_prices`."""
    batch.execute(
        "INSERT OR IGNORE INTO price_version VALUES (?, ?, ?)",
        (operation.price_version, operation.document, batch.now_ms),
    )

"""What a request does to the SQLite ledger: reserve, extend, post, void, and the notes in between."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from ..charge import Charge, ChargeLine
from ..clock import to_ms
from ..errors import FullHoldNeededError, LedgerConflictError, LedgerUnknownError
from ..exchange import RequestRecord
from ..money import NANO
from .codec import encode
from .operations import (
    Checked,
    Delivered,
    Extend,
    FileClaim,
    Mark,
    Note,
    Operation,
    Post,
    Posted,
    Reservation,
    Reserve,
    Void,
    Withdraw,
)
from .rules import AWAITED_OUTCOMES, BREAKAGE, OVERRUN, OVERRUN_NANO_MAX, check_cap, check_key, hold, take, total
from .sqlite_batch import Batch
from .sqlite_idempotency import check_repeated, name_request
from .sqlite_log import write_log
from .sqlite_rows import ADD_TO_LOT, INSERT_RESERVATION, MARK
from .sqlite_view import Hold

_ADD_OVERRUN = """
    INSERT INTO overrun_day VALUES (?, ?, ?)
    ON CONFLICT (account_id, day) DO UPDATE SET overrun_nano = overrun_nano + excluded.overrun_nano
"""
_DELIVER = """
    UPDATE reservation SET delivered_at = ?, mark = IIF(state = 'open', mark, NULL)
    WHERE delivered_at IS NULL AND request_id IN (SELECT value FROM json_each(?))
"""
CHECK = "UPDATE reservation SET is_checked = 1 WHERE request_id IN (SELECT value FROM json_each(?))"


def foresee(batch: Batch, operations: Sequence[Operation]) -> None:
    """Read ahead, in one query each, the reservations and keys that a group of operations needs."""
    reserves = [operation for operation in operations if isinstance(operation, Reserve)]
    closed = [operation.record.request_id for operation in operations if isinstance(operation, Post | Void)]
    raised = [operation.request_id for operation in operations if isinstance(operation, Extend)]
    if request_ids := [*closed, *raised, *[operation.request_id for operation in reserves]]:
        batch.foresee_holds(request_ids)
    if reserves:
        batch.foresee_keys({operation.principal.key_id for operation in reserves})


def reserve(batch: Batch, operation: Reserve) -> Reservation:
    """Hold an amount; see `Ledger.reserve`. If repeated, it returns the hold as it stands."""
    assert operation.amount_nano >= 0
    request_id, principal = operation.request_id, operation.principal
    key = batch.key(principal.key_id)
    if key is None or key.account_id != principal.account_id:
        # A plugin invented it, or confused two: one customer's request would be paid from another's account.
        raise LedgerUnknownError(f"no key '{principal.key_id}' of account '{principal.account_id}'")
    held = batch.held(request_id)
    if held is not None:
        if held.state != "open":
            raise LedgerConflictError(f"request '{request_id}' is {held.state} already; ask under a new id")
        return Reservation(request_id=request_id, held_nano=held.held_nano)
    check_key(
        version=key.version,
        version_expected=principal.key_version,
        is_revoked=key.is_revoked,
        expires_at_ms=key.expires_at_ms,
        now_ms=batch.now_ms,
    )
    account_id, key_id, digest = key.account_id, principal.key_id, operation.idempotency_digest
    if digest is not None:
        check_repeated(batch, account_id, digest)
    amount_nano, overrun_max_nano = operation.amount_nano, operation.overrun_max_nano
    if overrun_max_nano is not None and key.overrun_nano and key.overrun_nano >= overrun_max_nano:
        raise FullHoldNeededError(f"the account has overrun its holds by {key.overrun_nano} nano today")
    check_cap(amount_nano, cap_nano=key.cap_nano, spent_nano=key.spent_nano, held_nano=key.held_nano)
    parts = hold(amount_nano, batch.spendable(account_id))
    facts, at_ms = encode(operation.facts), to_ms(operation.at)
    row = (request_id, account_id, key_id, batch.boot, amount_nano, operation.price_version, at_ms, facts)
    batch.write(INSERT_RESERVATION, row)
    if digest is not None:
        name_request(batch, account_id, digest, request_id)
    _hold(batch, request_id, key_id, parts)
    batch.note_hold(request_id, account_id, key_id, operation.price_version, parts)
    return Reservation(request_id=request_id, held_nano=amount_nano)


def _hold(batch: Batch, request_id: str, key_id: str, parts: Sequence[tuple[int, int]]) -> None:
    batch.hold(parts)
    for lot_id, part_nano in parts:
        batch.write(ADD_TO_LOT, (request_id, lot_id, part_nano))
    batch.settle_key(key_id, held_nano=total(parts))


def extend(batch: Batch, operation: Extend) -> Reservation:
    """Raise an open hold; see `Ledger.extend`."""
    request_id = operation.request_id
    held = batch.held(request_id)
    if held is None or held.state != "open":
        raise LedgerUnknownError(f"request '{request_id}' holds nothing")
    more_nano = operation.held_nano - held.held_nano
    if more_nano <= 0:
        return Reservation(request_id=request_id, held_nano=held.held_nano)
    key = batch.key(held.key_id)
    assert key is not None, request_id
    # Of all changes to a key only its revocation affects a running request: hence version 0 on both sides.
    check_key(version=0, version_expected=0, is_revoked=key.is_revoked, expires_at_ms=None, now_ms=batch.now_ms)
    check_cap(more_nano, cap_nano=key.cap_nano, spent_nano=key.spent_nano, held_nano=key.held_nano)
    parts = hold(more_nano, batch.spendable(held.account_id))
    _hold(batch, request_id, held.key_id, parts)
    batch.raise_hold(held, parts)
    return Reservation(request_id=request_id, held_nano=operation.held_nano)


def post(batch: Batch, operation: Post) -> Posted:
    """Book a charge; see `Ledger.post`. If repeated, it returns the first result."""
    record = operation.record
    held = batch.held(record.request_id)
    if held is None:
        raise LedgerUnknownError(f"request '{record.request_id}' was never reserved")
    if held.state == "open":
        posted = close_posted(batch, held, record, is_recovered=False)
        if operation.is_replayed:
            batch.audit("spool", "request.replayed", record.request_id, {})
        return posted
    charge_nano, overrun_nano = batch.execute(
        "SELECT charge_nano, overrun_nano FROM request_log WHERE request_id = ?", (record.request_id,)
    ).fetchone() or (0, 0)
    if held.state == "voided" or held.is_recovered:
        overrun_nano += _absorb_late(batch, record, charge_nano + overrun_nano)
    return Posted(request_id=record.request_id, charge_nano=charge_nano, overrun_nano=overrun_nano)


def close_posted(batch: Batch, held: Hold, record: RequestRecord, *, is_recovered: bool) -> Posted:
    """Book the charge of *record* against an open hold, close it, and write its log row.

    The whole charge counts toward the key's cap, overrun included: the key did cause it.
    """
    charge_nano = record.charge.nano
    assert charge_nano >= 0, record.request_id
    spent = dict(take(charge_nano, held.lots))
    if (missing_nano := charge_nano - sum(spent.values())) > 0:
        # The hold's own lots may offer more than was held on them, so parts of one lot add up.
        for lot_id, part_nano in take(missing_nano, batch.spendable(held.account_id)):
            spent[lot_id] = spent.get(lot_id, 0) + part_nano
    overrun_nano = charge_nano - sum(spent.values())
    assert overrun_nano >= 0, record.request_id
    if overrun_nano and (unbooked_nano := overrun_nano - _overrun_room(batch)) > 0:
        record = _without(record, unbooked_nano)
        charge_nano, overrun_nano = charge_nano - unbooked_nano, overrun_nano - unbooked_nano
    _move_lots(batch, held, spent)
    if overrun_nano:
        batch.absorb(f"overrun:{held.request_id}", overrun_nano, held.request_id)
        batch.execute(_ADD_OVERRUN, (held.account_id, batch.day, overrun_nano))
    # An answer without an end that is held back has nothing more to deliver.
    delivered_at_ms = None if record.outcome in AWAITED_OUTCOMES else batch.now_ms
    _close(batch, held, "posted", charge_nano, delivered_at_ms, is_recovered=is_recovered)
    posted = Posted(request_id=held.request_id, charge_nano=charge_nano - overrun_nano, overrun_nano=overrun_nano)
    write_log(batch, record, posted, held.price_version)
    return posted


def _overrun_room(batch: Batch) -> int:
    """Return what the overrun book still takes."""
    book = batch.shop_book(OVERRUN)
    (moved_nano,) = batch.execute("SELECT debit_nano FROM book WHERE id = ?", (book,)).fetchone()
    return max(0, OVERRUN_NANO_MAX - int(moved_nano))


def _without(record: RequestRecord, unbooked_nano: int) -> RequestRecord:
    """Return *record* with a line that subtracts what no book can hold, so that its lines add up to what was booked."""
    line = ChargeLine(rule="ledger", item="unbooked", count=-unbooked_nano, factors=(("nano", Fraction(1, NANO)),))
    return msgspec.structs.replace(record, charge=record.charge.plus(line))


def _move_lots(batch: Batch, held: Hold, spent: dict[int, int]) -> None:
    """Spend from lots, release what was held on them, and book to breakage what returns to an expired lot."""
    request_id = held.request_id
    held_by_lot = {lot.id: lot.amount_nano for lot in held.lots}
    for index, (lot_id, part_nano) in enumerate(spent.items()):
        batch.spend(
            f"post:{request_id}:{index}",
            lot_id,
            batch.revenue(),
            part_nano,
            held_nano=held_by_lot.get(lot_id, 0),
            kind="post",
            actor="ledger",
            request_id=request_id,
        )
    for lot in held.lots:
        if lot.id not in spent:
            batch.let_go(lot.id, lot.amount_nano)
        returned_nano = lot.amount_nano - spent.get(lot.id, 0)
        if returned_nano > 0 and lot.has_lapsed(batch.now_ms):
            transfer_id, book = f"breakage:{request_id}:{lot.id}", batch.shop_book(BREAKAGE)
            batch.spend(transfer_id, lot.id, book, returned_nano, kind=BREAKAGE, actor="ledger", request_id=request_id)


def _close(
    batch: Batch, held: Hold, state: str, charge_nano: int, delivered_at_ms: int | None, *, is_recovered: bool
) -> None:
    batch.close_hold(held.request_id, state, is_recovered=is_recovered, delivered_at_ms=delivered_at_ms)
    batch.settle_key(held.key_id, spent_nano=charge_nano, held_nano=-held.held_nano)


def _absorb_late(batch: Batch, record: RequestRecord, booked_nano: int) -> int:
    """Book to overrun what a closed reservation did not charge, once; return that amount."""
    transfer_id = f"late_post:{record.request_id}"
    row = batch.execute("SELECT amount_nano FROM transfer WHERE id = ?", (transfer_id,)).fetchone()
    if row:
        return int(row[0])
    late_nano = min(max(0, record.charge.nano - booked_nano), _overrun_room(batch))
    if late_nano:
        batch.absorb(transfer_id, late_nano, record.request_id, reason="late_post")
        batch.audit("ledger", "late_post", record.request_id, record.charge)
    return late_nano


def void(batch: Batch, operation: Void) -> None:
    """Release a hold; see `Ledger.void`. Does nothing if none is open."""
    held = batch.held(operation.record.request_id)
    if held is not None and held.state == "open":
        close_voided(batch, held, operation.record, is_recovered=False)


def withdraw(batch: Batch, operation: Withdraw) -> None:
    """Release a hold that no caller knows of."""
    held = batch.held(operation.request_id)
    if held is not None and held.state == "open":
        _release(batch, held, is_recovered=False)


def close_voided(batch: Batch, held: Hold, record: RequestRecord, *, is_recovered: bool) -> None:
    """Release an open hold, and write a log row that charges nothing."""
    _release(batch, held, is_recovered=is_recovered)
    nothing = Posted(request_id=held.request_id, charge_nano=0, overrun_nano=0)
    write_log(batch, msgspec.structs.replace(record, charge=Charge()), nothing, held.price_version)


def _release(batch: Batch, held: Hold, *, is_recovered: bool) -> None:
    """Release an open hold and close its reservation, without a row in the log."""
    _move_lots(batch, held, {})
    _close(batch, held, "voided", 0, None, is_recovered=is_recovered)


def note(batch: Batch, notes: Sequence[Note]) -> list[str]:
    """Write down marks, which recovery would post, deliveries, and which charges were checked.

    Returns:
        Marked requests that are open and whose key has been revoked.
    """
    # The last mark of a request is the one that counts.
    marks = {mark.request_id: mark for mark in notes if isinstance(mark, Mark)}
    if marks:
        batch.write_notes(MARK, [(encode(mark), request_id) for request_id, mark in marks.items()])
    delivered = [note.request_id for note in notes if isinstance(note, Delivered)]
    if delivered:
        batch.annotate(_DELIVER, (batch.now_ms, encode(delivered)))
    checked = [note.request_id for note in notes if isinstance(note, Checked)]
    if checked:
        batch.annotate(CHECK, (encode(checked),))
    batch.foresee_holds(marks)
    return [request_id for request_id in marks if _is_revoked(batch, request_id)]


def _is_revoked(batch: Batch, request_id: str) -> bool:
    held = batch.held(request_id)
    key = batch.key(held.key_id) if held is not None and held.state == "open" else None
    return key is not None and key.is_revoked


def file_claim(batch: Batch, operation: FileClaim) -> None:
    """Keep a claim, once per request and rule; see `Ledger.claim`."""
    row = batch.execute("SELECT evidence FROM request_log WHERE request_id = ?", (operation.request_id,)).fetchone()
    if row is None:
        raise LedgerUnknownError(f"request '{operation.request_id}' is not in the log")
    claim, nano = operation.claim, operation.amount_nano
    assert nano >= 0
    values = (operation.request_id, claim.rule, claim.kind, str(claim.share), nano, row[0], "filed", batch.now_ms)
    batch.execute("INSERT OR IGNORE INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

"""Closing the requests of a dead process in the SQLite ledger."""

from ..charge import Charge
from ..clock import from_ms
from ..exchange import Evidence, Outcome, PriceFacts, RequestRecord
from ..failpoints import hit
from ..usage import Usage
from .codec import decode, encode
from .operations import Mark, Recover
from .rules import COMPENSATION_POOL
from .sqlite_batch import Batch
from .sqlite_requests import CHECK, close_posted, close_voided

_UNFINISHED = "SELECT state, facts, mark, at, account_id FROM reservation WHERE request_id = ? AND boot = ?"
_UNDELIVERED = """
    SELECT l.charge_nano, r.key_id FROM reservation r JOIN request_log l USING (request_id)
    WHERE r.request_id = ? AND r.delivered_at IS NULL AND NOT r.is_recovered
"""


def recover(batch: Batch, operation: Recover) -> None:
    """Close what a dead process left: void it, post its mark, or give back a post without a delivered answer.

    If repeated, it does nothing: a reservation is closed only once, and a refund has a fixed id.
    """
    hit("in_recovery")
    row = batch.execute(_UNFINISHED, (operation.request_id, operation.boot)).fetchone()
    if row is None:
        return
    state, facts, mark, at_ms, account_id = row
    mark_read = decode(mark, Mark) if mark is not None else None
    if state == "open":
        _close(batch, operation.request_id, decode(facts, PriceFacts), mark_read, at_ms)
    elif state == "posted":
        _give_back(batch, operation.request_id, account_id, mark_read)


def _close(batch: Batch, request_id: str, facts: PriceFacts, mark: Mark | None, at_ms: int) -> None:
    held = batch.held(request_id)
    assert held is not None, request_id
    record = RequestRecord(
        request_id=request_id,
        facts=facts,
        usage=mark.usage if mark else Usage(),
        outcome=_outcome_of(mark),
        evidence=mark.evidence if mark else Evidence(),
        charge=mark.charge if mark else Charge(),
        attempts=(),
        duration_ms=max(0, batch.now_ms - at_ms),
    )
    if mark:
        close_posted(batch, held, record, is_recovered=True)
    else:
        close_voided(batch, held, record, is_recovered=True)
    batch.audit("recovery", "request.recovered", request_id, {"at": from_ms(batch.now_ms), "outcome": record.outcome})


def _outcome_of(mark: Mark | None) -> Outcome:
    """Say how the request ended; if its customer had left before the process died, nobody is owed the rest."""
    if mark is None:
        return "upstream_error"
    return "truncated" if mark.evidence.hang_up_policy is None else "customer_gone"


def _give_back(batch: Batch, request_id: str, account_id: str, mark: Mark | None) -> None:
    """Refund a request whose post was durable but whose end the customer may never have seen.

    What was marked had been delivered, so it stays paid, just as it is when the post was never made.
    """
    row = batch.execute(_UNDELIVERED, (request_id,)).fetchone()
    if row is None:
        return
    charge_nano, key_id = row
    returned_nano = charge_nano - (mark.charge.nano if mark is not None else 0)
    transfer_id = f"undelivered:{request_id}"
    is_done = batch.execute("SELECT 1 FROM transfer WHERE id = ?", (transfer_id,)).fetchone()
    if is_done or returned_nano <= 0:
        return
    lot_id = batch.open_lot(transfer_id, account_id, "compensation", None)
    batch.fund(
        transfer_id,
        batch.shop_book(COMPENSATION_POOL),
        lot_id,
        returned_nano,
        kind="undelivered",
        actor="recovery",
        request_id=request_id,
        reason="the process died between the post and the end of the answer",
    )
    batch.settle_key(key_id, spent_nano=-returned_nano)
    if returned_nano == charge_nano:
        batch.annotate(CHECK, (encode([request_id]),))  # there is nothing left to claim

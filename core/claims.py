"""Asking after-sales plugins about a posted exchange, and writing down the claims that they find."""

from .dispatch import Dispatch
from .exchange import RequestRecord
from .ledger.operations import Ledger, Posted
from .observe import emit_exception


async def file_claims(dispatch: Dispatch, ledger: Ledger, record: RequestRecord, posted: Posted) -> None:
    """Write the claims that after-sales plugins find, each exactly once.

    The answer has ended, so a failure here is logged and affects no customer. The next start tries again.
    """
    is_filed = True
    try:
        claims = await dispatch.post_check(record)
    except Exception as exc:
        emit_exception("claim.unfiled", exc, request_id=record.request_id)
        return
    for claim in claims:
        try:
            await ledger.claim(record.request_id, claim, round(claim.share * posted.charge_nano))
        except Exception as exc:
            emit_exception("claim.unfiled", exc, request_id=record.request_id)
            is_filed = False
    if is_filed:
        ledger.checked(record.request_id)


async def check_ended(dispatch: Dispatch, ledger: Ledger) -> None:
    """Show after-sales plugins the charges of dead processes that they have not seen yet."""
    try:
        for record, posted in await ledger.unchecked():
            await file_claims(dispatch, ledger, record, posted)
    except Exception as exc:
        emit_exception("claims.unchecked", exc)

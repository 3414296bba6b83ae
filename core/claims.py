"""What after-sales plugins find in a posted exchange, written as claims."""

from .dispatch import Dispatch
from .exchange import RequestRecord
from .ledger.operations import Ledger, Posted
from .observe import emit_exception


async def file_claims(dispatch: Dispatch, ledger: Ledger, record: RequestRecord, posted: Posted) -> None:
    """Write the claims that after-sales plugins find, each once and by itself.

    The answer has ended: whatever fails here is logged, and disturbs nobody. The next start tries again.
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
    """Let after-sales plugins look at what was charged, and not shown to them, by processes that live no more."""
    try:
        for record, posted in await ledger.unchecked():
            await file_claims(dispatch, ledger, record, posted)
    except Exception as exc:
        emit_exception("claims.unchecked", exc)

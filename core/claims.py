"""What after-sales plugins find in a posted exchange, written as claims."""

from .dispatch import Dispatch
from .exchange import RequestRecord
from .ledger.operations import Ledger, Posted
from .observe import emit_exception


async def file_claims(dispatch: Dispatch, ledger: Ledger, record: RequestRecord, posted: Posted) -> bool:
    """Write the claims that after-sales plugins find, each once and by itself; say whether that could be done.

    The answer has ended: whatever fails here is logged, and disturbs nobody.
    """
    is_filed = True
    try:
        claims = await dispatch.post_check(record)
    except Exception as exc:
        emit_exception("claim.unfiled", exc, request_id=record.request_id)
        return False
    for claim in claims:
        try:
            await ledger.claim(record.request_id, claim, round(claim.share * posted.charge_nano))
        except Exception as exc:
            emit_exception("claim.unfiled", exc, request_id=record.request_id)
            is_filed = False
    return is_filed


async def check_ended(dispatch: Dispatch, ledger: Ledger) -> None:
    """Let after-sales plugins look at what was charged when its exchange had ended: recovered, or from the spool.

    Where a claim can't be written, the request is looked at again at the next start.
    """
    try:
        for record, posted in await ledger.unchecked():
            if await file_claims(dispatch, ledger, record, posted):
                await ledger.note_checked(record.request_id)
    except Exception as exc:
        emit_exception("claims.unchecked", exc)

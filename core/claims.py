"""What after-sales plugins find in a posted exchange, written as claims."""

from .exchange import RequestRecord
from .ledger.operations import Posted
from .observe import emit_exception
from .shop import Shop


async def file_claims(shop: Shop, record: RequestRecord, posted: Posted) -> None:
    """Write the claims that after-sales plugins find, each once.

    The answer has ended: whatever fails here is logged, and can be run again from the log.
    """
    try:
        for claim in await shop.dispatch.post_check(record):
            await shop.ledger.claim(record.request_id, claim, round(claim.share * posted.charge_nano))
    except Exception as exc:
        emit_exception("claim.unfiled", exc, request_id=record.request_id)

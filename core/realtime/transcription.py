"""The transcription of what a customer said: an exchange of its own, by a model of its own.

The upstream bills it beside the response, by the transcribing model's price, and tells its usage
with the transcript. It is posted before the customer reads that. Source: OpenAI API reference,
``conversation.item.input_audio_transcription.completed``, read 2026-11-24.
"""

import msgspec

from ..clock import new_id
from ..dialects.realtime import Realtime
from ..exchange import Attempt, Candidate, Evidence, Exchange
from ..shop import Shop
from ..usage import Usage
from .turn import SWITCHING_PROTOCOLS, TurnSettlement


async def post_transcription(
    shop: Shop, session: Exchange, rules: Realtime, candidate: Candidate, model: str, usage: Usage
) -> None:
    """Book a transcription of *session* by *model*, durably.

    It is over when its usage is known, so nothing is held: the post takes what the account has.

    Raises:
        RelayError: The key is good no more.
    """
    exchange = session.as_asked_in(session.dialect)
    exchange.id, exchange.operation, exchange.model = new_id("req"), "transcription", model
    exchange.received_at, exchange.started_s = shop.clock.now(), shop.clock.monotonic()
    settlement = _OverAlready(shop, exchange, rules)
    await settlement.reserve(candidate)
    attempt = Attempt(candidate=candidate, started_at=exchange.received_at, duration_ms=0, status=SWITCHING_PROTOCOLS)
    evidence = Evidence(has_text=True, is_end_seen=True)
    await settlement.post(usage, "complete", evidence, [attempt], model_returned=None, first_output_ms=None)
    settlement.delivered()


class _OverAlready(TurnSettlement):
    """The money of what needs no hold."""

    def _estimate(self, output_tokens: int) -> Usage:
        return msgspec.structs.replace(super()._estimate(0), input_tokens=0, audio_input_tokens=0)

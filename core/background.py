"""Cancels answers that an upstream would go on making in the background after their stream has been left.

An answer is metered by its stream. An answer in the background outlives its stream if the customer
hangs up or the stream breaks off, and the shop would pay for it; so it is cancelled.

Source: platform.openai.com guides/background, read 2026-11-24.
"""

import asyncio
from contextlib import suppress
from typing import Any

from .channel_guard import send
from .dialects.dialect import StreamReader
from .dialects.kept_answers import KEPT_ANSWER_ENDPOINTS
from .errors import RelayError
from .exchange import Candidate, Exchange
from .observe import emit_exception
from .plugin import ChannelPlugin
from .transport import UpstreamResponse

CANCEL_S = 5.0
"""How long an upstream may take to accept the cancellation; the end of the exchange waits for that."""

_CANCELLED = frozenset(one.rules.name for one in KEPT_ANSWER_ENDPOINTS if one.action == "/cancel")
"""Dialects that have such answers; in others a field ``background`` means nothing to relay."""


def is_in_background(exchange: Exchange) -> bool:
    """Say whether the answer would go on after its stream has been left."""
    return exchange.dialect in _CANCELLED and bytes(exchange.fields.get("background", b"false")) == b"true"


async def stop_making(
    channel: ChannelPlugin[Any],
    api_key: str,
    candidate: Candidate,
    exchange: Exchange,
    response: UpstreamResponse,
    reader: StreamReader,
) -> None:
    """Cancel the background answer that *reader* has read of *response*, unless it is made; a failure is logged."""
    await _learn_id(response, reader)
    answer_id = reader.answer_id
    if answer_id is not None and not reader.native.is_ended and reader.native.error is None:
        await _cancel(channel, api_key, candidate, exchange, answer_id)


async def _learn_id(response: UpstreamResponse, reader: StreamReader) -> None:
    """Read on until the id is known by which the answer can be cancelled; the first event has it."""
    with suppress(TimeoutError, RelayError):
        async with asyncio.timeout(CANCEL_S):
            while reader.answer_id is None and not reader.native.is_ended and (data := await response.read()):
                reader.feed(data)


async def _cancel(
    channel: ChannelPlugin[Any], api_key: str, candidate: Candidate, exchange: Exchange, answer_id: str
) -> None:
    endpoint = next(
        one for one in KEPT_ANSWER_ENDPOINTS if (one.rules.name, one.action) == (exchange.dialect, "/cancel")
    )
    request = endpoint.prepare(exchange, answer_id, candidate.model_sent)
    try:
        async with asyncio.timeout(CANCEL_S):
            response = await send(channel, request, api_key)
            response.close()
    except (RelayError, TimeoutError) as exc:
        emit_exception("cancel.failed", exc, request_id=exchange.id)

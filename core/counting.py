"""Counting the tokens of a request: by a channel that can, else estimated here. It is free of charge."""

import asyncio

from .answers import JSON
from .channel_guard import send
from .dialects.counting import Counting
from .dialects.dialect import DialectRules
from .errors import OverloadedError, PluginError, UpstreamError
from .exchange import Candidate, Exchange
from .observe import emit_exception
from .shop import Shop
from .sink import Sink
from .whole import read_small

COUNT_S = 10.0
"""How long a channel may take to count before the estimate is given instead."""


async def count(shop: Shop, exchange: Exchange, rules: DialectRules, sink: Sink) -> None:
    """Answer with the input tokens of a request that has been read.

    Raises:
        RejectedError: The key may not use the model.
    """
    assert isinstance(rules, Counting)
    exchange.is_fresh_authentication = True  # no reservation follows that would notice a revoked key
    exchange.principal = await shop.dispatch.authenticate(exchange)
    candidates = shop.catalog.candidates(exchange.principal, exchange.model, exchange.dialect, "chat")
    for candidate in await shop.answers.keepers(exchange, candidates):
        # A count in another dialect would be a different one: without a channel of the customer's dialect, estimate.
        counted = await _ask(shop, exchange, rules, candidate) if candidate.dialect == exchange.dialect else None
        if counted is not None:
            await sink.whole(200, [JSON], counted)
            return
    await sink.whole(200, [JSON], rules.render_count(rules.input_estimate(exchange)))


async def _ask(shop: Shop, exchange: Exchange, rules: DialectRules, candidate: Candidate) -> bytes | None:
    """Return the answer of one candidate, or None if it gives none."""
    request = rules.prepare(exchange, candidate.model_sent)
    try:
        async with asyncio.timeout(COUNT_S):
            await shop.dispatch.transform_request(exchange, candidate.channel, request)
            channel = shop.channels[candidate.channel.name]
            response = await send(channel, request, shop.secrets[candidate.key_id])
            try:
                return await read_small(response) if response.status == 200 else None
            finally:
                response.close()
    except (UpstreamError, OverloadedError, TimeoutError):
        return None
    except PluginError as exc:
        has_no_endpoint = exc.plugin == candidate.channel.use and isinstance(exc.__cause__, LookupError)
        if not has_no_endpoint:
            emit_exception("plugin.failed", exc, request_id=exchange.id)
        return None

"""Serves answers that an upstream keeps to the account that got them. It is free, and leaves no log row.

Only the channel and key that made an answer can show it, so no channel is selected here, and nothing
is retried.
"""

from .answers import JSON
from .channel_guard import send
from .deadline import DeadlineExpiredError, within
from .dialects.kept_answers import KeptAnswerEndpoint
from .dialects.upstream_costs import without_costs
from .errors import NotFoundError, PluginError, UpstreamBrokenError, UpstreamStatusError
from .exchange import ChannelRequest, Exchange, Principal
from .shop import Shop
from .sink import WRITE_DEADLINE_S, Sink
from .transport import UpstreamResponse
from .whole import BODY_BYTES_MAX, read_all, read_refusal

EVENT_STREAM = "text/event-stream"


async def serve_kept_answer(
    shop: Shop, exchange: Exchange, endpoint: KeptAnswerEndpoint, answer_id: str, sink: Sink
) -> None:
    """Show, list, cancel or delete the answer *answer_id*, as *endpoint* says.

    Raises:
        NotFoundError: The account never got such an answer, or it is no longer kept.
        RelayError: The key is refused, the upstream failed, or the customer has left.
    """
    exchange.is_fresh_authentication = True  # no reservation follows that would notice a revoked key
    principal = await shop.dispatch.authenticate(exchange)
    request, place = await _find(shop, exchange, principal, endpoint, answer_id)
    response = await _ask(shop, request, *place)
    try:
        if endpoint.is_removal:
            await shop.ledger.forget_answer(principal.account_id, answer_id)
        with sink, sink.listening():
            if response.headers.get("content-type", "").lower().startswith(EVENT_STREAM):
                await _pass_stream(exchange, endpoint, response, sink)
            else:
                await _pass_document(response, sink)
    except DeadlineExpiredError:  # a customer who takes nothing counts as gone
        sink.hang_up()
    finally:
        response.close()


async def _find(
    shop: Shop, exchange: Exchange, principal: Principal, endpoint: KeptAnswerEndpoint, answer_id: str
) -> tuple[ChannelRequest, tuple[str, str]]:
    """Return the request to send, and its channel and key.

    Answers that are another account's, are of a model that this key may not use, or never existed are
    all refused in the same words.
    """
    kept = await shop.answers.find_for(principal, answer_id)
    channel = shop.catalog.channel(kept.channel) if kept is not None else None
    if kept is None or channel is None or kept.key_id not in shop.secrets or exchange.dialect not in channel.dialects:
        raise NotFoundError("answer_not_found")
    model_sent = channel.models.get(kept.model, kept.model)
    return endpoint.prepare(exchange, answer_id, model_sent), (channel.name, kept.key_id)


async def _ask(shop: Shop, request: ChannelRequest, channel_name: str, key_id: str) -> UpstreamResponse:
    """Return the upstream's answer, which has a status of success."""
    try:
        response = await send(shop.channels[channel_name], request, shop.secrets[key_id])
    except PluginError as exc:
        if isinstance(exc.__cause__, LookupError):  # the channel's plugin has no such endpoint
            raise NotFoundError("answer_not_found") from exc
        raise
    if 200 <= response.status < 300:
        return response
    try:
        refusal = await read_refusal(response, request)
    finally:
        response.close()
    if isinstance(refusal, UpstreamStatusError) and refusal.upstream_status == 404:
        raise NotFoundError("answer_not_found") from refusal
    raise refusal


async def _pass_document(response: UpstreamResponse, sink: Sink) -> None:
    pieces: list[bytes] = []
    await read_all(response, BODY_BYTES_MAX, pieces)
    body = without_costs(b"".join(pieces))
    await sink.whole(200, [JSON], body)


async def _pass_stream(
    exchange: Exchange, endpoint: KeptAnswerEndpoint, response: UpstreamResponse, sink: Sink
) -> None:
    """Hand over a kept answer as its stream of events.

    Raises:
        UpstreamError: It broke off, or reported a failure; the caller ends it with an error event.
    """
    reader = endpoint.rules.stream_reader(exchange)
    sink.head(200, [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")])
    has_begun = False
    while not reader.is_ended and reader.error is None:
        data = await response.read()
        passed = reader.feed(data) if data else reader.finish()
        if passed:
            await within(WRITE_DEADLINE_S, sink.write(passed))
        if not data:
            break
        has_begun = True
    if reader.error is not None:
        raise reader.error
    if has_begun and not reader.is_ended:
        raise UpstreamBrokenError("the stream ended before its end mark")
    await sink.end(reader.end)

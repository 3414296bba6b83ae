"""A request on its way to a channel that speaks the customer's dialect."""

from ..exchange import ChannelRequest, Exchange
from .dialect import DialectRules


def pass_on(
    rules: DialectRules, exchange: Exchange, model_sent: str, *, query: str = "", headers: dict[str, str] | None = None
) -> ChannelRequest:
    """Return the request as it came: only the model's name may differ."""
    request = ChannelRequest(
        dialect=rules.name,
        operation=rules.operation,
        model=model_sent,
        query=query,
        fields=dict(exchange.fields),
        headers=headers or {},
        stream=exchange.stream,
        form=exchange.form,
    )
    if model_sent != exchange.model:
        request.set("model", model_sent)
    return request

"""What most endpoints share."""

from ..estimate import input_bound, input_estimate
from ..exchange import ChannelRequest, Exchange
from .dialect import DialectRules


class CommonRules(DialectRules):
    """Requests that pass as they came, streams of server-sent events, and input that is counted from the fields."""

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        return self.pass_on(exchange, model_sent)

    def pass_on(
        self, exchange: Exchange, model_sent: str, *, query: str = "", headers: dict[str, str] | None = None
    ) -> ChannelRequest:
        """Return the request as it came: only the model's name may differ."""
        request = ChannelRequest(
            dialect=self.name,
            operation=self.operation,
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

    def stream_type(self, exchange: Exchange) -> str:
        return "text/event-stream"

    def input_bound(self, exchange: Exchange) -> int:
        return input_bound(exchange.fields)

    def input_estimate(self, exchange: Exchange) -> int:
        return input_estimate(exchange.fields)

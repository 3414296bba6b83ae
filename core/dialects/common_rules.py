"""What most endpoints share."""

from ..estimate import input_bound, input_estimate
from ..exchange import ChannelRequest, Exchange
from .dialect import DialectRules
from .passing import pass_on


class CommonRules(DialectRules):
    """Requests that pass as they came, streams of server-sent events, and input that is counted from the fields."""

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        return pass_on(self, exchange, model_sent)

    def stream_type(self, exchange: Exchange) -> str:
        return "text/event-stream"

    def input_bound(self, exchange: Exchange) -> int:
        return input_bound(exchange.fields)

    def input_estimate(self, exchange: Exchange) -> int:
        return input_estimate(exchange.fields)

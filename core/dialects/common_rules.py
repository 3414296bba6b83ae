"""What most endpoints share."""

from ..estimate import input_bound, input_estimate
from ..exchange import Exchange


class CommonRules:
    """The part of `DialectRules` for streams of server-sent events, and input that is counted from the fields."""

    def stream_type(self, exchange: Exchange) -> str:
        return "text/event-stream"

    def input_bound(self, exchange: Exchange) -> int:
        return input_bound(exchange.fields)

    def input_estimate(self, exchange: Exchange) -> int:
        return input_estimate(exchange.fields)

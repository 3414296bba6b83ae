"""What dialects share whose answers are server-sent events and whose input is counted from the request's fields."""

from ..estimate import input_bound, input_estimate
from ..exchange import Exchange


class SseDialect:
    """A part of `DialectRules`."""

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream."""
        return "text/event-stream"

    def input_bound(self, exchange: Exchange) -> int:
        """Return an upper bound of the input tokens that the request itself contains."""
        return input_bound(exchange.fields)

    def input_estimate(self, exchange: Exchange) -> int:
        """Return the best estimate of the input tokens."""
        return input_estimate(exchange.fields)

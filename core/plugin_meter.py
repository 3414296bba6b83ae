"""A plugin's meter, under guard: if it raises, core's own count takes over and the stream goes on."""

from .errors import PLUGIN_FAILURES
from .hooks import Meter
from .observe import emit
from .sse import Splitter
from .usage import Usage


class PluginMeter:
    """Feeds a meter whole events, or a whole body; drops it at its first exception."""

    def __init__(self, meter: Meter) -> None:
        self._meter: Meter | None = meter
        self._splitter = Splitter()

    def feed(self, data: bytes) -> None:
        """Pass on the whole events in the next bytes of a stream."""
        try:
            if self._meter is not None:
                for event in self._splitter.feed(data):
                    self._meter.feed(event)
        except PLUGIN_FAILURES as exc:
            self._drop(exc)

    def usage(self) -> Usage | None:
        """Return the meter's figures, or None where it has none or was dropped."""
        try:
            usage = self._meter.usage() if self._meter is not None else None
            if usage is not None and not isinstance(usage, Usage):
                raise TypeError("expected Usage or None")
            return usage
        except PLUGIN_FAILURES as exc:
            self._drop(exc)
            return None

    def usage_of(self, body: bytes) -> Usage | None:
        """Return the meter's figures of a whole answer, or None where it has none."""
        try:
            if self._meter is not None:
                self._meter.feed(body)
        except PLUGIN_FAILURES as exc:
            self._drop(exc)
        return self.usage()

    def _drop(self, exc: BaseException) -> None:
        emit("meter.dropped", plugin=type(self._meter).__name__, error=type(exc).__name__)
        self._meter = None

"""Guards a plugin's meter: if it fails, core's own count takes over and the stream goes on."""

import msgspec

from .errors import is_plugin_failure
from .finder import FoundPlugin
from .hooks import Meter
from .observe import emit_exception
from .sse import Splitter
from .usage import TokenCounts, Usage

COUNT_MAX = 2**63 - 1


class PluginMeter:
    """Feeds a meter whole events, or a whole body; drops it at its first exception or impossible figure."""

    def __init__(self, meter: Meter, plugin: FoundPlugin, request_id: str) -> None:
        self._meter: Meter | None = meter
        self._plugin = plugin
        self._request_id = request_id
        self._splitter = Splitter()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of a stream, and pass on the events that they complete."""
        # No context manager says the same once for all three: it would cost 1.6 us a chunk, more than the rest of this.
        try:
            if self._meter is not None:
                for event in self._splitter.feed(data):
                    self._meter.feed(event)
        except BaseException as exc:
            self._drop(exc)

    def usage(self) -> Usage | None:
        """Return the meter's figures, or None if it has none or was dropped."""
        try:
            usage = self._meter.usage() if self._meter is not None else None
            return _checked(usage, self._plugin) if usage is not None else None
        except BaseException as exc:
            self._drop(exc)
            return None

    def usage_of(self, body: bytes) -> Usage | None:
        """Return the meter's figures for a whole answer, or None if it has none or was dropped."""
        try:
            if self._meter is not None:
                self._meter.feed(body)
        except BaseException as exc:
            self._drop(exc)
        return self.usage()

    def _drop(self, exc: BaseException) -> None:
        """Drop the meter, which raised *exc*; raise that again if it is no failure of a plugin."""
        if not is_plugin_failure(exc):
            raise exc
        plugin, self._meter = self._plugin, None
        emit_exception("meter.dropped", exc, plugin=plugin.use, file=str(plugin.file), request_id=self._request_id)


def _checked(usage: Usage, plugin: FoundPlugin) -> Usage:
    """Return *usage* as the books would read it back.

    Raises:
        PluginError: They could not, or a count is negative or too large.
    """
    if not isinstance(usage, Usage):
        raise plugin.failure(f"in usage: expected Usage or None, found {type(usage).__name__}")
    try:
        read = msgspec.json.decode(msgspec.json.encode(usage), type=Usage)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as exc:
        raise plugin.failure("in usage: expected the fields of Usage in their types, such as whole counts") from exc
    passes: tuple[TokenCounts, ...] = (read, *read.iterations)
    counts = [count for each in passes for count in msgspec.structs.astuple(each) if isinstance(count, int)]
    if min(counts) < 0 or max(counts) > COUNT_MAX:
        raise plugin.failure("in usage: expected counts from 0 to 2^63 - 1, found another")
    if read.source == "bound":
        raise plugin.failure("in usage: expected the usage of an answer, found the source 'bound'")
    return read

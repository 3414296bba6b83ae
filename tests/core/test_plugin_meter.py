"""A plugin's meter counts while it works, and is dropped when it does not."""

from relay.core.plugin_meter import PluginMeter
from relay.core.usage import Usage


class Counting:
    """Counts events; raises at the one that says so."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def feed(self, event: bytes) -> None:
        if b"boom" in event:
            raise RuntimeError("boom")
        self.events.append(event)

    def usage(self) -> Usage | None:
        return Usage(output_tokens=len(self.events))


def test_a_meter_is_fed_whole_events_however_they_were_cut() -> None:
    """Three reads, two events."""
    meter = Counting()
    guarded = PluginMeter(meter)
    for data in (b"data: 1\n", b"\ndata: 2", b"\n\n"):
        guarded.feed(data)
    assert meter.events == [b"data: 1\n\n", b"data: 2\n\n"]
    assert guarded.usage() == Usage(output_tokens=2)


def test_a_meter_that_raises_is_dropped() -> None:
    """Its figures are not used any more; nothing is raised."""
    guarded = PluginMeter(Counting())
    guarded.feed(b"data: boom\n\n")
    guarded.feed(b"data: 1\n\n")
    assert guarded.usage() is None


def test_a_whole_answer_is_fed_at_once() -> None:
    """One body, one call."""
    assert PluginMeter(Counting()).usage_of(b"{}") == Usage(output_tokens=1)


def test_a_meter_that_gives_no_usage_is_dropped() -> None:
    """What it gives instead never reaches the price: core's own count takes over."""
    meter = Counting()
    meter.usage = lambda: "many"  # type: ignore[method-assign,assignment,return-value] # what a plugin may do
    guarded = PluginMeter(meter)
    assert (guarded.usage(), guarded.usage_of(b"{}")) == (None, None)


def test_a_meter_that_would_end_the_process_is_dropped() -> None:
    """One answer must not end a shop."""

    class Leaving(Counting):
        def feed(self, event: bytes) -> None:
            raise SystemExit(3)

    meter = PluginMeter(Leaving())
    meter.feed(b"data: 1\n\n")
    assert meter.usage() is None

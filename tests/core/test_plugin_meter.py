"""A plugin's meter counts while it works, and is dropped when it does not."""

from pathlib import Path
from typing import Any

import pytest

from relay import Meter, Plugin
from relay.core.finder import FoundPlugin
from relay.core.plugin_meter import PluginMeter
from relay.core.usage import Iteration, Usage
from tests.core.panic import Panic

PLUGIN = FoundPlugin(use="./counts.py", plugin_type=Plugin, file=Path("/shop/counts.py"), version="1")


def guard(meter: Meter) -> PluginMeter:
    return PluginMeter(meter, PLUGIN, "req_1")


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
    guarded = guard(meter)
    for data in (b"data: 1\n", b"\ndata: 2", b"\n\n"):
        guarded.feed(data)
    assert meter.events == [b"data: 1\n\n", b"data: 2\n\n"]
    assert guarded.usage() == Usage(output_tokens=2)


def test_a_meter_that_raises_is_dropped() -> None:
    """Its figures are not used any more; nothing is raised."""
    guarded = guard(Counting())
    guarded.feed(b"data: boom\n\n")
    guarded.feed(b"data: 1\n\n")
    assert guarded.usage() is None


def test_a_whole_answer_is_fed_at_once() -> None:
    """One body, one call."""
    assert guard(Counting()).usage_of(b"{}") == Usage(output_tokens=1)


def test_a_meter_that_gives_no_usage_is_dropped() -> None:
    """What it gives instead never reaches the price: core's own count takes over."""
    meter = Counting()
    meter.usage = lambda: "many"  # type: ignore[method-assign,assignment,return-value] # what a plugin may do
    guarded = guard(meter)
    assert (guarded.usage(), guarded.usage_of(b"{}")) == (None, None)


@pytest.mark.parametrize("error", [SystemExit(3), Panic("a prompt")], ids=repr)
def test_a_meter_that_would_end_the_process_is_dropped(error: BaseException) -> None:
    """One answer must not end a shop."""

    class Leaving(Counting):
        def feed(self, event: bytes) -> None:
            raise error

    meter = guard(Leaving())
    meter.feed(b"data: 1\n\n")
    assert meter.usage() is None


def test_what_ends_the_process_passes_through_a_meter() -> None:
    """Ctrl-C is not the plugin's failure, whichever of its methods it interrupts."""

    class Interrupted(Counting):
        def feed(self, event: bytes) -> None:
            raise KeyboardInterrupt

        def usage(self) -> Usage | None:
            raise KeyboardInterrupt

    meter = guard(Interrupted())
    for call in (lambda: meter.feed(b"data: 1\n\n"), meter.usage, lambda: meter.usage_of(b"{}")):
        with pytest.raises(KeyboardInterrupt):
            call()


TYPES = "in usage: expected the fields of Usage in their types, such as whole counts"
RANGE = "in usage: expected counts from 0 to 2^63 - 1, found another"
WRONG = [
    ({"output_tokens": float("nan")}, TYPES),
    ({"output_tokens": 1.0}, TYPES),
    ({"output_tokens": "5"}, TYPES),
    ({"output_tokens": None}, TYPES),
    ({"output_tokens": True}, TYPES),
    ({"output_tokens": -1}, RANGE),
    ({"output_tokens": 2**63}, RANGE),
    ({"output_tokens": 10**30}, RANGE),
    ({"upstream_cost_nano": -1}, RANGE),
    ({"size": "\ud800"}, TYPES),
    ({"source": "guessed"}, TYPES),
    ({"source": "bound"}, "in usage: expected the usage of an answer, found the source 'bound'"),
    ({"iterations": (Iteration(output_tokens=-1),)}, RANGE),
]


@pytest.mark.parametrize(("figures", "problem"), WRONG, ids=ascii)
def test_a_meter_whose_figures_are_none_is_dropped_by_its_plugins_name(
    caplog: pytest.LogCaptureFixture, figures: dict[str, Any], problem: str
) -> None:
    """A count is a whole number, and never below nothing."""
    meter = Counting()
    meter.usage = lambda: Usage(**figures)  # type: ignore[method-assign] # what a plugin may do
    guarded = guard(meter)
    with caplog.at_level("INFO", logger="relay"):
        assert (guarded.usage(), guarded.usage_of(b"{}")) == (None, None)
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert (record.message, fields["plugin"], fields["file"]) == ("meter.dropped", "./counts.py", "/shop/counts.py")
    assert (fields["request_id"], fields["problem"]) == ("req_1", problem)

"""The tests that every channel must pass, for authors of channels to run on theirs.

Needs pytest (``relayshop[testing]``), and nothing else beside relay. How to use it, and what each
test asks: docs/testing.md.
"""

from relay.plugins.channels.simulator.answer import Answer
from relay.plugins.channels.simulator.reply import Reply, write_down
from relay.testing.conformance import ChannelConformance
from relay.testing.scenes import Ending, Scene, Task
from relay.testing.upstream import UpstreamCall, UpstreamHandler, play

__all__ = [
    "Answer",
    "ChannelConformance",
    "Ending",
    "Reply",
    "Scene",
    "Task",
    "UpstreamCall",
    "UpstreamHandler",
    "play",
    "write_down",
]

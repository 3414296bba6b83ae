"""Try the channels of the highest priority first; share the load among equals by their weights."""

import math
from collections.abc import Sequence

from relay import Attempt, Candidate, Channel, Plugin, PluginConfig, hookimpl

CHANNEL_FAULTS = frozenset({"sick", "overloaded", "misrouted", "empty"})
"""Failures that would happen again with another key of the same channel."""


class PriorityWeightedConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``routing.priority_weighted``: none. Priority and weight are set for each channel."""


class PriorityWeighted(Plugin[PriorityWeightedConfig]):
    """Orders candidates by priority; within one priority, channels by weighted chance and keys by chance.

    Candidates that have been tried are left out. After a throttled or dead key, the other keys of the
    channel keep their place; a channel that failed as a whole goes behind all others, even those of a
    lower priority.
    """

    config_type = PriorityWeightedConfig

    @hookimpl
    async def select_channel(self, candidates: Sequence[Candidate], attempts: Sequence[Attempt]) -> Sequence[Candidate]:
        """Return the candidates that have not been tried, best first."""
        tried = {(attempt.candidate.channel.name, attempt.candidate.key_id) for attempt in attempts}
        failed = {attempt.candidate.channel.name for attempt in attempts if attempt.failure in CHANNEL_FAULTS}
        untried = [one for one in candidates if (one.channel.name, one.key_id) not in tried]
        if len(untried) < 2:
            return untried
        places = {
            channel.name: self._place(channel, failed)
            for channel in {one.channel.name: one.channel for one in untried}.values()
        }
        self.services.random.shuffle(untried)
        return sorted(untried, key=lambda one: places[one.channel.name])

    def _place(self, channel: Channel, failed: set[str]) -> tuple[bool, int, float]:
        """Return the sort key of *channel*.

        Its last number makes the order a weighted draw without replacement: an exponential
        variate of rate ``weight``, the smallest first.
        Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006.
        """
        draw = -math.log(1.0 - self.services.random.random()) / channel.weight
        return channel.name in failed, -channel.priority, draw

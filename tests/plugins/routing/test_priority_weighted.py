"""routing.priority_weighted: which candidate is tried first, and which after a failure."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import Attempt, Candidate, Channel
from relay.core.errors import FailureClass
from relay.plugins.routing.priority_weighted import PriorityWeighted, PriorityWeightedConfig
from tests.services import NOW, services


def router(seed: int = 1) -> PriorityWeighted:
    return PriorityWeighted(PriorityWeightedConfig(), services(seed=seed))


def pool(name: str, *, priority: int = 0, weight: int = 1, key_count: int = 1) -> list[Candidate]:
    """The candidates of one channel, one per key."""
    channel = Channel(
        name=name,
        use="channels.openai",
        dialects=("openai_chat",),
        models={"m": "m"},
        groups=frozenset({"plain"}),
        priority=priority,
        weight=weight,
    )
    return [
        Candidate(channel=channel, key_id=f"{name}#{i}", model_sent="m", dialect="openai_chat")
        for i in range(key_count)
    ]


def failed(candidate: Candidate, failure: FailureClass) -> Attempt:
    return Attempt(candidate=candidate, started_at=NOW, duration_ms=1, failure=failure)


pools = st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 1000), st.integers(1, 4)), min_size=1, max_size=6).map(
    lambda shapes: [
        candidate
        for place, (priority, weight, key_count) in enumerate(shapes)
        for candidate in pool(f"c{place}", priority=priority, weight=weight, key_count=key_count)
    ]
)


@given(pools, st.integers())
async def test_every_candidate_is_kept_and_priorities_fall(candidates: list[Candidate], seed: int) -> None:
    """Without failures the answer is a permutation, highest priority first, each channel's keys together."""
    chosen = await router(seed).select_channel(candidates, [])
    priorities = [one.channel.priority for one in chosen]
    changes = sum(a.channel.name != b.channel.name for a, b in pairwise(chosen))
    assert sorted(one.key_id for one in chosen) == sorted(one.key_id for one in candidates)
    assert priorities == sorted(priorities, reverse=True)
    assert changes == len({one.channel.name for one in candidates}) - 1


@given(pools, st.integers(), st.data())
async def test_what_was_tried_is_left_out(candidates: list[Candidate], seed: int, data: st.DataObject) -> None:
    """Attempts take their candidates out and nothing else."""
    tried = data.draw(st.lists(st.sampled_from(candidates), unique_by=lambda one: one.key_id))
    chosen = await router(seed).select_channel(candidates, [failed(one, "throttled") for one in tried])
    left = {one.key_id for one in candidates} - {one.key_id for one in tried}
    assert sorted(one.key_id for one in chosen) == sorted(left)


async def test_weights_are_the_share_of_first_places() -> None:
    """Of 8000 draws over weights 1, 2 and 5 the shares fit by chi-square (p = 0.001, 2 degrees: 13.8)."""
    candidates = [*pool("a", weight=1), *pool("b", weight=2), *pool("c", weight=5)]
    routing = router(seed=20261123)
    first = Counter([(await routing.select_channel(candidates, []))[0].channel.name for _ in range(8000)])
    expected = {"a": 1000, "b": 2000, "c": 5000}
    assert sum((first[name] - count) ** 2 / count for name, count in expected.items()) < 13.8


async def test_the_keys_of_a_channel_share_alike() -> None:
    """Of 3000 draws each of three keys comes first in about a third (p = 0.001, 2 degrees: 13.8)."""
    candidates = pool("a", key_count=3)
    routing = router(seed=20261123)
    first = Counter([(await routing.select_channel(candidates, []))[0].key_id for _ in range(3000)])
    assert len(first) == 3
    assert sum((count - 1000) ** 2 / 1000 for count in first.values()) < 13.8


@pytest.mark.parametrize("failure", ["throttled", "key_dead"])
async def test_after_a_key_failed_the_same_channels_next_key_is_fine(failure: FailureClass) -> None:
    """A throttled or dead key says nothing against its channel's priority."""
    high, low = pool("high", priority=9, key_count=2), pool("low", priority=1)
    chosen = await router().select_channel([*high, *low], [failed(high[0], failure)])
    assert [one.key_id for one in chosen] == ["high#1", "low#0"]


@pytest.mark.parametrize("failure", ["sick", "overloaded", "misrouted", "empty"])
async def test_after_a_channel_failed_another_channel_goes_first(failure: FailureClass) -> None:
    """A sick channel's other keys come last, even behind lower priorities, and stay reachable."""
    high, low = pool("high", priority=9, key_count=2), pool("low", priority=1)
    chosen = await router().select_channel([*high, *low], [failed(high[0], failure)])
    assert [one.key_id for one in chosen] == ["low#0", "high#1"]


async def test_no_candidates_stay_none() -> None:
    """Where everything was tried the answer is empty, and core says so to the customer."""
    candidates = pool("a")
    assert await router().select_channel(candidates, [failed(candidates[0], "sick")]) == []

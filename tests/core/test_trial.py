"""What one try leaves behind: for the log, and for the circuit."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay import Attempt, Candidate, Exchange, PluginError, RelayError, UpstreamStatusError
from relay.core.circuit import Route
from relay.core.clock import new_id
from relay.core.errors import CustomerGoneError
from relay.core.shop import Shop
from relay.core.trial import Trial
from tests.shops import serving

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with serving(tmp_path, NOWHERE) as running:
        yield running.shop


def first_candidate(shop: Shop) -> Candidate:
    return shop.catalog.ways("plain", "gpt-4o-mini", "openai_chat")[0]


def begin(shop: Shop, attempts: list[Attempt]) -> Trial:
    exchange = Exchange(
        id=new_id("req"),
        dialect="openai_chat",
        operation="chat",
        headers={},
        received_at=shop.clock.now(),
        started_s=shop.clock.monotonic(),
    )
    exchange.model = "gpt-4o-mini"
    return Trial(shop, exchange, first_candidate(shop), attempts)


def is_open(shop: Shop) -> bool:
    """Whether another try makes sense at once."""
    candidate = first_candidate(shop)
    route = Route(candidate.channel.name, "gpt-4o-mini", "chat", candidate.dialect, candidate.key_id)
    return shop.circuit.allows(route)


@pytest.mark.parametrize(
    ("error", "failure", "is_tried_on"),
    [
        (UpstreamStatusError("sick", 500), "sick", False),
        (UpstreamStatusError("request", 400), "request", True),
        (PluginError("broken"), "sick", False),
        (CustomerGoneError("left"), None, True),
    ],
    ids=["sick", "request", "plugin", "customer"],
)
async def test_what_is_raised_is_noted(shop: Shop, error: RelayError, failure: str | None, is_tried_on: bool) -> None:
    """Thrice the same: each is an attempt, and only the channel's own failures let it rest."""
    attempts: list[Attempt] = []
    for _ in range(3):
        with contextlib.suppress(type(error)), begin(shop, attempts) as trial:
            trial.status = 418
            raise error
    assert [(attempt.status, attempt.failure) for attempt in attempts] == [(418, failure)] * 3
    assert is_open(shop) is is_tried_on


async def test_a_stream_that_broke_off_counts_against_its_channel(shop: Shop) -> None:
    """Its answer came, in part: nothing is raised, and the attempt failed all the same."""
    attempts: list[Attempt] = []
    for _ in range(3):
        with begin(shop, attempts) as trial:
            trial.answered(UpstreamStatusError("sick", 500))
    assert [attempt.failure for attempt in attempts] == ["sick"] * 3
    assert not is_open(shop)


@pytest.mark.parametrize(("plugin", "failure"), [("channels.openai", "sick"), ("./fee.py", None)])
async def test_of_plugins_the_channels_own_counts_against_it(shop: Shop, plugin: str, failure: str | None) -> None:
    """What fails at the price of a stream under way says nothing about the channel."""
    attempts: list[Attempt] = []
    for _ in range(3):
        with begin(shop, attempts) as trial:
            trial.answered(PluginError("broken", plugin=plugin))
    assert [attempt.failure for attempt in attempts] == [failure] * 3
    assert is_open(shop) is (failure is None)


async def test_an_answer_that_is_carried_on_is_noted_by_who_carries_it(shop: Shop) -> None:
    """A session that was opened leaves no attempt here."""
    attempts: list[Attempt] = []
    with begin(shop, attempts) as trial:
        trial.answered()
        trial.is_noted_later = True
    assert attempts == []

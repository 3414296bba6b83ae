"""What one try leaves behind: for the log, and for the circuit."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay import (
    Attempt,
    Candidate,
    Exchange,
    PluginError,
    Principal,
    RelayError,
    UpstreamConnectError,
    UpstreamStatusError,
)
from relay.core.circuit import Circuit, Route
from relay.core.clock import new_id
from relay.core.errors import CustomerGoneError
from relay.core.shop import Shop
from relay.core.trial import Trial
from tests.services import NOW, SetClock
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import document

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with serving(tmp_path, NOWHERE) as running:
        yield running.shop


def set_clock(shop: Shop) -> SetClock:
    """Give *shop* and its circuit a clock that is turned by hand."""
    clock = SetClock()
    shop.clock, shop.circuit = clock, Circuit(clock)
    return clock


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
    exchange.principal = Principal(
        account_id="acc_alice", key_id="key_alice", key_version=1, group="plain", membership="default"
    )
    return Trial(shop, exchange, first_candidate(shop), attempts)


def is_open(shop: Shop) -> bool:
    """Whether another try makes sense at once."""
    candidate = first_candidate(shop)
    route = Route(candidate.channel.name, "gpt-4o-mini", "chat", candidate.dialect, candidate.key_id, "acc_alice")
    return shop.circuit.allows(route)


@pytest.mark.parametrize(
    ("error", "failure", "is_tried_on"),
    [
        (UpstreamStatusError("sick", 500), "sick", False),
        (UpstreamStatusError("request", 400), "request", True),
        (PluginError.of("channels.openai", "openai.py", "broken"), "sick", False),
        (PluginError.of("./fee.py", "fee.py", "broken"), None, True),
        (CustomerGoneError("left"), None, True),
    ],
    ids=["sick", "request", "channel's plugin", "another plugin", "customer"],
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


async def test_the_status_of_an_answer_that_the_channel_read_itself_is_told(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """As where it asks for a token first: the operator sees which key is wrong."""
    attempts: list[Attempt] = []
    with caplog.at_level("INFO", logger="relay"), contextlib.suppress(UpstreamStatusError), begin(shop, attempts):
        raise UpstreamStatusError("key_dead", 401)
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert (record.message, fields["failure"], fields["status"]) == ("attempt.failed", "key_dead", 401)
    assert [(attempt.status, attempt.failure) for attempt in attempts] == [(401, "key_dead")]


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
            trial.answered(PluginError.of(plugin, "fee.py", "broken"))
    assert [attempt.failure for attempt in attempts] == [failure] * 3
    assert is_open(shop) is (failure is None)


async def test_an_answer_that_is_carried_on_is_noted_by_who_carries_it(shop: Shop) -> None:
    """A session that was opened leaves no attempt here."""
    attempts: list[Attempt] = []
    with begin(shop, attempts) as trial:
        trial.answered()
        trial.is_noted_later = True
    assert attempts == []


async def test_an_attempt_tells_where_it_went_when_and_for_how_long(shop: Shop) -> None:
    """What the operator reads of it in the log."""
    clock, attempts = set_clock(shop), list[Attempt]()
    with begin(shop, attempts) as trial:
        trial.status = 200
        clock.time += timedelta(seconds=1.5)
        trial.answered()
    assert attempts == [Attempt(candidate=first_candidate(shop), started_at=NOW, duration_ms=1500, status=200)]


async def test_a_throttled_key_rests_for_as_long_as_its_upstream_says(shop: Shop) -> None:
    """Not for the 5 seconds of one that names no time."""
    clock = set_clock(shop)
    with contextlib.suppress(UpstreamStatusError), begin(shop, []):
        raise UpstreamStatusError("throttled", 429, retry_after_s=28)
    clock.time += timedelta(seconds=27)
    assert not is_open(shop)
    clock.time += timedelta(seconds=1)
    assert is_open(shop)


async def test_while_a_channel_that_rested_is_tried_others_wait(shop: Shop) -> None:
    """One request finds out whether it is well again, not all of them."""
    clock = set_clock(shop)
    for _ in range(3):
        with contextlib.suppress(UpstreamStatusError), begin(shop, []):
            raise UpstreamStatusError("sick", 500)
    clock.time += timedelta(seconds=5)
    assert is_open(shop)
    with begin(shop, []):
        assert not is_open(shop)


FAILS_AT_A = """\
from relay import Plugin, PluginConfig, hookimpl


class FailsConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Fails(Plugin[FailsConfig]):
    config_type = FailsConfig

    @hookimpl
    async def transform_request(self, channel):
        if channel.name == "openai-a":
            raise ZeroDivisionError
"""


async def test_a_plugin_that_fails_at_a_request_ends_the_attempt_before_it_is_sent(tmp_path: Path) -> None:
    """The next channel answers, and the log tells of both."""
    (tmp_path / "fails.py").write_text(FAILS_AT_A)
    profile = PROFILE.replace("groups:\n", "  - use: ./fails.py\ngroups:\n", 1)
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    async with reselling(
        tmp_path, lambda _: document({"model": "gpt-4o-mini", "choices": [choice]}), profile=profile
    ) as (upstream, running):
        assert (await running.chat()).status_code == 200
        await running.log()
        attempts = running.rows("SELECT channel, status, failure FROM attempt ORDER BY attempt_index")
        assert [tuple(row.values()) for row in attempts] == [("openai-a", None, "sick"), ("openai-b", 200, None)]
        assert len(upstream.received) == 1


@pytest.mark.parametrize(
    ("error", "status", "failures"),
    [
        (UpstreamStatusError("key_dead", 401), 401, ["key_dead"]),
        (UpstreamConnectError("refused"), None, ["sick"]),
        (UpstreamStatusError("request", 400), 400, []),
        (CustomerGoneError("left"), None, []),
    ],
    ids=["key", "connection", "request", "customer"],
)
async def test_why_an_upstream_failed_is_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture, error: RelayError, status: int | None, failures: list[str]
) -> None:
    """The operator reads of a wrong key or address, by the channel and the key's place; customers' own faults are none."""
    trial, candidate = begin(shop, []), first_candidate(shop)
    with caplog.at_level("INFO", logger="relay"), contextlib.suppress(type(error)), trial:
        trial.status = status
        raise error
    logged = [vars(record)["fields"] | {"request_id": None} for record in caplog.records if record.name == "relay"]
    known = {"request_id": None, "channel": candidate.channel.name, "key_id": candidate.key_id, "status": status}
    assert logged == [{**known, "failure": failure, "error": type(error).__name__} for failure in failures]

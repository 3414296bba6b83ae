"""The one timer: who is visited, and what a visit may cause."""

import asyncio
from collections.abc import Iterator

import pytest

from relay.core import heartbeat
from relay.core.heartbeat import TICK_S, Heartbeat
from relay.core.ledger.writer import NOTES_AGE_S_MAX
from tests.core.panic import Panic


class Stream:
    """Wants a keep-alive at every visit."""

    def __init__(self) -> None:
        self.visited = asyncio.Event()
        self.kept_alive = asyncio.Event()

    def beat(self, now_s: float) -> bool:
        self.visited.set()
        return True

    async def keep_alive(self) -> None:
        self.kept_alive.set()


@pytest.mark.parametrize("is_running", [True, False])
async def test_only_running_streams_are_visited(monkeypatch: pytest.MonkeyPatch, is_running: bool) -> None:
    """A stream that was discarded is left alone; one that runs gets the keep-alive it asks for."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.001)
    beating, stream, other = Heartbeat(), Stream(), Stream()
    beating.add(stream)
    beating.add(other)
    if not is_running:
        beating.discard(stream)
    task = asyncio.create_task(beating.run())
    async with asyncio.timeout(1):
        await other.kept_alive.wait()
        await other.visited.wait()
    task.cancel()
    assert stream.visited.is_set() == is_running


class Failing(Stream):
    """Raises at every visit."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def beat(self, now_s: float) -> bool:
        super().beat(now_s)
        raise self._error


class Unwritable(Failing):
    """Can't be kept alive."""

    def beat(self, now_s: float) -> bool:
        self.visited.set()
        return True

    async def keep_alive(self) -> None:
        raise self._error


@pytest.mark.parametrize("kind", [Failing, Unwritable])
@pytest.mark.parametrize("error", [RuntimeError("no mark"), Panic("no mark"), SystemExit(3)], ids=repr)
async def test_a_stream_that_fails_spoils_nothing_for_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[Failing], error: BaseException
) -> None:
    """It is logged, and the others are visited on and on."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.001)
    beating, failing, other = Heartbeat(), kind(error), Stream()
    beating.add(failing)
    task = asyncio.create_task(beating.run())
    async with asyncio.timeout(1):
        await failing.visited.wait()
        beating.add(other)
        await other.kept_alive.wait()
    assert not task.done()
    assert not failing.kept_alive.is_set()
    task.cancel()
    event = "stream.unmarked" if kind is Failing else "stream.silenced"
    assert {(each.msg, vars(each)["fields"]["error"]) for each in caplog.records if each.name == "relay"} == {
        (event, type(error).__name__)
    }


class Ending(Stream):
    """Ends the other with its own visit."""

    def __init__(self, beating: Heartbeat) -> None:
        super().__init__()
        self.beating = beating
        self.other: Stream = self

    def beat(self, now_s: float) -> bool:
        self.beating.discard(self.other)
        return super().beat(now_s)


async def test_a_stream_that_ended_while_others_were_visited_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it delivered is posted by then: there is nothing to mark any more."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.001)
    beating = Heartbeat()
    one, other = Ending(beating), Ending(beating)
    one.other, other.other = other, one
    alone = Ending(beating)  # which ends itself before its keep-alive is written: that would stand behind its end
    for each in (one, other, alone):
        beating.add(each)
    task = asyncio.create_task(beating.run())
    async with asyncio.timeout(1):
        await asyncio.wait(
            [asyncio.create_task(each.kept_alive.wait()) for each in (one, other)], return_when="FIRST_COMPLETED"
        )
    task.cancel()
    assert one.visited.is_set() != other.visited.is_set()
    assert (alone.visited.is_set(), alone.kept_alive.is_set()) == (True, False)


class Noting(Stream):
    """Notes in which turn of the event loop it is visited."""

    def __init__(self, turns: list[int], visits: list[int]) -> None:
        super().__init__()
        self._turns = turns
        self._visits = visits

    def beat(self, now_s: float) -> bool:
        self._visits.append(len(self._turns))
        return False


async def test_a_thousand_streams_are_visited_in_few_turns_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn may take 50 ms then, and a mark is promised each second; but chunks go out in between."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.001)
    beating, turns, visits = Heartbeat(), list[int](), list[int]()
    for _ in range(1000):
        beating.add(Noting(turns, visits))
    task = asyncio.create_task(beating.run())
    while len(visits) < 1000:
        await asyncio.sleep(0)
        turns.append(1)
    task.cancel()
    assert 3 <= max(visits[:1000]) - min(visits[:1000]) <= 5


def test_what_is_delivered_is_marked_on_disk_within_a_second() -> None:
    """Noted at the next visit, and committed with the ledger's notes: so the README promises."""
    assert TICK_S + NOTES_AGE_S_MAX <= 1


async def test_what_a_visit_takes_is_no_part_of_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is due a tick behind the beginning of the last, by the loop's own clock."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.75)
    slept: list[float] = []
    times = iter([0.0, 0.0, 0.0, 0.75, 1.25, 1.25, 1.5])

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)
        if len(slept) == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: Clock(times))
    with pytest.raises(asyncio.CancelledError):
        await Heartbeat().run()
    assert slept == [0.75, 0.25]


class Clock:
    """A loop of which nothing but the time is asked."""

    def __init__(self, times: Iterator[float]) -> None:
        self._times = times

    def time(self) -> float:
        return next(self._times)

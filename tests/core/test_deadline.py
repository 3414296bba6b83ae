"""A deadline over something that may wait, and mostly does not."""

import asyncio

import pytest

from relay.core.deadline import DeadlineExpiredError, within


async def answers() -> str:
    return "at once"


async def waits_and_answers() -> str:
    await asyncio.sleep(0)
    return "later"


async def waits_for_ever(notes: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        notes.append("cleaned up")


async def fails_late() -> None:
    await asyncio.sleep(0)
    raise TimeoutError("a deadline of its own")


async def test_who_does_not_wait_is_answered_though_no_time_was_left() -> None:
    """No timer was set that could have fired."""
    assert await within(0.0, answers()) == "at once"


async def test_who_waits_is_answered_in_time() -> None:
    """What is waited for reaches the loop, and its answer the caller."""
    assert await within(60.0, waits_and_answers()) == "later"


async def test_who_waits_too_long_is_ended_and_cleans_up() -> None:
    """The deadline cancels what was awaited, then says so."""
    notes: list[str] = []
    with pytest.raises(DeadlineExpiredError):
        await within(0.0, waits_for_ever(notes))
    assert notes == ["cleaned up"]


async def test_a_timeout_of_its_own_is_not_the_deadlines() -> None:
    """Who waits for something else that ran out is told what it was."""
    with pytest.raises(TimeoutError, match="a deadline of its own") as caught:
        await within(60.0, fails_late())
    assert not isinstance(caught.value, DeadlineExpiredError)


async def test_a_cancelled_caller_cancels_what_it_awaits() -> None:
    """A cancellation from outside is no expiry."""
    notes: list[str] = []
    task = asyncio.create_task(within(60.0, waits_for_ever(notes)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["cleaned up"]

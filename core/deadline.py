"""A deadline that costs nothing if what it bounds never waits.

Most calls that may wait do not: a plugin looks into a dict, a socket takes a write at once. Setting
and stopping a timer would cost more than the call itself.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class DeadlineExpiredError(TimeoutError):
    """This deadline passed. A `TimeoutError` raised by the awaited coroutine itself is passed on unchanged."""


async def within(deadline_s: float, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the result of *coroutine*, which starts at once; the timer is set only when it first waits.

    Raises:
        DeadlineExpiredError: It was still waiting after *deadline_s*, and has been cancelled.
    """
    try:
        waited_for = coroutine.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    deadline = asyncio.timeout(deadline_s)
    try:
        async with deadline:
            return await _go_on(coroutine, waited_for)
    except TimeoutError as exc:
        if deadline.expired():
            raise DeadlineExpiredError from exc
        raise


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, Answer], waited_for: Any) -> Generator[Any, Any, Answer]:
    """Finish a coroutine that has been started and waits for *waited_for*; return its result."""
    try:
        while True:
            try:
                woken_with = yield waited_for
            except BaseException as exc:
                # The deadline passed, or the exchange was cancelled: the coroutine cleans up now.
                waited_for = coroutine.throw(exc)
            else:
                waited_for = coroutine.send(woken_with)
    except StopIteration as end:
        answer: Answer = end.value
        return answer

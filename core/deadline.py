"""A deadline that costs nothing where nobody waits.

Most of what may have to wait never does: a plugin that looks into a dict, a write that the
socket takes at once. A timer set and stopped for each costs more than they do.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class DeadlineExpiredError(TimeoutError):
    """The deadline itself passed; a `TimeoutError` of what was awaited stays what it is."""


async def within(deadline_s: float, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what *coroutine* returns, begun at once; the timer is set only where it waits.

    Raises:
        DeadlineExpiredError: It was still waiting after *deadline_s*; it has been cancelled.
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
    """Return the answer of a coroutine that was begun already and waits for *waited_for*."""
    try:
        while True:
            try:
                woken_with = yield waited_for
            except BaseException as exc:
                # A deadline or a cancelled exchange: the coroutine's own clean-up runs now.
                waited_for = coroutine.throw(exc)
            else:
                waited_for = coroutine.send(woken_with)
    except StopIteration as end:
        answer: Answer = end.value
        return answer

"""Long work is done one piece at a time, and nobody's stands in front of everybody else's."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from relay.core.aside import Aside


class Desk:
    """An `Aside` whose first piece of work goes on until it is let go."""

    def __init__(self) -> None:
        self.aside = Aside()
        self.done: list[str] = []
        self.has_begun = threading.Event()
        self.go_on = threading.Event()

    async def begin(self, *names: str) -> list[asyncio.Task[str]]:
        """Begin to wait for work of each name, whose first letter is its account's; the first is under way."""
        tasks = [asyncio.create_task(self.aside.run(name[0], self._work(name))) for name in names]
        await asyncio.to_thread(self.has_begun.wait)
        return tasks

    def _work(self, name: str) -> Callable[[], str]:
        def work() -> str:
            self.has_begun.set()
            self.go_on.wait(10)
            self.done.append(name)
            return threading.current_thread().name

        return work


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    made.go_on.set()  # else the interpreter waits for it at its end


async def test_accounts_take_turns(desk: Desk) -> None:
    """Whoever sends many long requests at once waits for the others' between their own."""
    tasks = await desk.begin("a1", "a2", "a3", "b1", "b2")
    desk.go_on.set()
    assert set(await asyncio.gather(*tasks)) == {"relay-aside_0"}
    assert desk.done == ["a1", "b1", "a2", "b2", "a3"]


async def test_who_has_left_gives_up_the_place(desk: Desk) -> None:
    """What has begun can't be interrupted, but nothing begins beside it."""
    left = await desk.begin("a1", "a2", "b1")
    for task in left:
        task.cancel()
    [last] = await desk.begin("a3")
    assert await asyncio.wait([*left, last], timeout=0.05) == (set(left), {last})
    desk.go_on.set()
    await last
    assert desk.done == ["a1", "a3"]

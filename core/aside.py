"""Long work on requests, beside the event loop: one piece at a time, and those of all accounts by turns."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

Result = TypeVar("Result")


class Aside:
    """A thread of its own: those of the loop may all wait for name servers that do not answer."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-aside")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By account: one piece of each stands in the thread's line, the others wait for their turn to."""

    async def run(self, account_id: str, work: Callable[[], Result]) -> Result:
        """Return what *work*, of that account, returns.

        Where the wait is cancelled, work that has begun goes on, and the next begins only after it; other work is
        never done.
        """
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

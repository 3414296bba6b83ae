"""Long work on requests, in a thread beside the event loop: one piece at a time, the accounts taking turns."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

Result = TypeVar("Result")


class Aside:
    """A thread of its own, because the loop's threads may all be waiting for name servers that do not answer."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-aside")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By account: only the holder of the lock has work in the thread's queue."""

    async def run(self, account_id: str, work: Callable[[], Result]) -> Result:
        """Return what *work* returns, once it is the account's turn.

        If the caller is cancelled, work that has begun goes on, and the thread takes nothing else before its end; work
        that has not begun is dropped.
        """
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

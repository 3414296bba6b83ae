"""A limit on the memory that the bodies of all running requests take together."""

import os
from collections import Counter
from pathlib import Path
from types import TracebackType

from .errors import OverloadedError

_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Bytes a container may use, or ``max``. Source: Linux, cgroup v2 and v1 (kernel documentation), read 2026-11-29."""


def memory_bytes() -> int:
    """Return how many bytes of memory this process may use: the machine's, or its container's if that is less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [path.read_text().strip() for path in _CONTAINER_LIMITS if path.exists()]
    return min([machine, *(int(text) for text in limits if text.isdigit())])


class Bodies:
    """Counts the bytes of the bodies of running requests; at most *bytes_max* at once, half of it for one account."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.bytes_of: Counter[str] = Counter()
        """By account, as far as the account is known."""


class Share:
    """The bytes that one request's body takes; a context, which gives them back at the end."""

    __slots__ = ("_account_id", "_bodies", "_bytes")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._bytes = 0
        self._account_id: str | None = None

    def belongs_to(self, account_id: str) -> None:
        """Count the body towards that account's share: what has arrived of it, and all that follows."""
        self._account_id = account_id
        self._bodies.bytes_of[account_id] += self._bytes

    def take(self, size: int) -> None:
        """Count *size* more bytes.

        Raises:
            OverloadedError: There is no room for them now, or none for this account, which has other bodies here.
        """
        bodies, account_id = self._bodies, self._account_id
        if bodies.bytes + size > bodies.bytes_max:
            raise OverloadedError
        if account_id is not None:
            taken = bodies.bytes_of[account_id]
            if taken > self._bytes and taken + size > bodies.bytes_max // 2:
                raise OverloadedError
            bodies.bytes_of[account_id] += size
        bodies.bytes += size
        self._bytes += size

    def __enter__(self) -> "Share":
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give back what was taken."""
        bodies, account_id = self._bodies, self._account_id
        bodies.bytes -= self._bytes
        if account_id is not None:
            bodies.bytes_of[account_id] -= self._bytes
            if not bodies.bytes_of[account_id]:
                del bodies.bytes_of[account_id]

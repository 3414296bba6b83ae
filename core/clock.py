"""Time and ids from one place, so that tests can set the clock by hand."""

import random
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where plugins and core read the time."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for deadlines and durations."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def to_ms(moment: datetime) -> int:
    """Return *moment* as whole milliseconds since 1970, the form the database keeps."""
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC time that `to_ms` stored."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 32 hexadecimal digits: 48 bits of milliseconds, 80 random bits.

    Ids sort roughly by age, which keeps new rows on few database pages; nothing else relies on the order.
    They are not secrets, so the random bits need no system call.
    """
    return f"{prefix}_{int(time.time() * 1000) << 80 | random.getrandbits(80):032x}"

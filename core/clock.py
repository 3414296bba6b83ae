"""Time and names, from one place, so that tests can turn the clock by hand."""

import os
import time
from datetime import UTC, datetime
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """Where plugins and core read the time."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow, for deadlines and spans."""
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
    """Return ``prefix_`` and 26 characters: 48 bits of milliseconds, 80 random bits.

    Ids sort roughly by birth, which keeps database pages together; nothing relies on the order.
    """
    number = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10))
    return f"{prefix}_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))

"""What every target is asked to carry, as arguments of lab/load.c, and what it answers with."""

import math

import msgspec


class Workload(msgspec.Struct, frozen=True):
    """One kind of load."""

    name: str
    arguments: str
    needs_direct: bool = False
    """The upstream alone is measured too, to be subtracted."""


IDLE = Workload("idle", "-c 0 -w 0 -d 0")
SMALL = Workload("small", "-c 16 -w 1 -d 3")
PACED = Workload("paced", "-s -M mock-paced -c 100 -w 3 -d 5")
LARGE = Workload("large", "-b 200000 -c 8 -w 1 -d 3")
RATE = Workload("rate", "-c 64 -r 200 -w 1 -d 6", needs_direct=True)
THOUSAND = Workload("thousand", "-s -M mock-paced -c 1000 -w 6 -d 8")

WORKLOADS = (IDLE, SMALL, PACED, LARGE, RATE, THOUSAND)
"""In the order in which they run: idle first, the thousand streams when everything is warm."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What lab/load.c prints after one run. CPU is user and system time of the whole target."""

    seconds: float
    request_count: int
    failed_count: int
    damaged_count: int
    chunk_count: int
    cpu_us: float
    memory_mb: float
    answer_p50_us: float
    answer_p99_us: float
    first_byte_p50_us: float
    first_byte_p99_us: float
    chunk_p50_us: float
    chunk_p99_us: float
    first_problem: str

    @property
    def is_sound(self) -> bool:
        """Every answer was whole; else the other figures mean nothing."""
        return self.failed_count == 0 and self.damaged_count == 0

    @property
    def cpu_us_per_request(self) -> float:
        """CPU time of one request and its answer."""
        return self.cpu_us / self.request_count if self.request_count else math.nan

    @property
    def cpu_us_per_chunk(self) -> float:
        """CPU time of one chunk of a stream."""
        return self.cpu_us / self.chunk_count if self.chunk_count else math.nan

    @property
    def cores(self) -> float:
        """How many cores were kept busy."""
        return self.cpu_us / self.seconds / 1e6

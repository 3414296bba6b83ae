"""The figures that are compared, their goals, and the table."""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Literal, assert_never

import msgspec

from .runner import Results
from .workloads import IDLE, LARGE, PACED, RATE, SMALL, THOUSAND, Sample, Workload

ROW = "{:<36} {:>9} {:>9} {:>12} {:>15}  {:<14} {:<8} {}"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what is read from a sample, and what it is held against.

    The goal bounds ``ratio`` (to nginx), ``added`` (beyond the upstream alone), or the ``value`` itself.
    """

    title: str
    workload: Workload
    read: Callable[[Sample], float]
    goal_on: Literal["ratio", "added", "value"]
    goal: float | None
    """What must hold now; None: nothing yet."""
    goal_later: float


FIGURES = (
    Figure(
        title="small request, CPU us",
        workload=SMALL,
        read=lambda sample: sample.cpu_us_per_request,
        goal_on="ratio",
        goal=12,
        goal_later=3,
    ),
    Figure(
        title="paced chunk, CPU us",
        workload=PACED,
        read=lambda sample: sample.cpu_us_per_chunk,
        goal_on="ratio",
        goal=2.5,
        goal_later=1.5,
    ),
    Figure(
        title="200 KB prompt, CPU us",
        workload=LARGE,
        read=lambda sample: sample.cpu_us_per_request,
        goal_on="ratio",
        goal=6,
        goal_later=2.5,
    ),
    Figure(
        title="added latency at 200/s, p50 us",
        workload=RATE,
        read=lambda sample: sample.answer_p50_us,
        goal_on="added",
        goal=1000,
        goal_later=200,
    ),
    Figure(
        title="added latency at 200/s, p99 us",
        workload=RATE,
        read=lambda sample: sample.answer_p99_us,
        goal_on="added",
        goal=None,
        goal_later=2000,
    ),
    Figure(
        title="1000 streams, chunk p99 us",
        workload=THOUSAND,
        read=lambda sample: sample.chunk_p99_us,
        goal_on="value",
        goal=50_000,
        goal_later=10_000,
    ),
    Figure(
        title="1000 streams, cores",
        workload=THOUSAND,
        read=lambda sample: sample.cores,
        goal_on="value",
        goal=1.0,
        goal_later=1.0,
    ),
    Figure(
        title="1000 streams, memory MB",
        workload=THOUSAND,
        read=lambda sample: sample.memory_mb,
        goal_on="value",
        goal=120,
        goal_later=80,
    ),
    Figure(
        title="idle, memory MB",
        workload=IDLE,
        read=lambda sample: sample.memory_mb,
        goal_on="value",
        goal=80,
        goal_later=80,
    ),
)
"""The goals that docs/performance.md names."""


def print_table(results: Results, target: str, floor: str) -> None:
    """Print *target* beside *floor*: medians over the rounds, and the range of what the goal is on."""
    print(ROW.format("", target, floor, f"{target}/{floor}", "rounds", "goal", "met", "later"))
    for figure in FIGURES:
        if (figure.workload.name, target) in results:
            print(_row(figure, results, target, floor))


def _row(figure: Figure, results: Results, target: str, floor: str) -> str:
    mine, its = _values(figure, results, target), _values(figure, results, floor)
    # A latency may come out below the upstream's own, by chance; there is no ratio to that.
    ratios = [value / other for value, other in zip(mine, its, strict=False) if other > 0]
    held = {"ratio": ratios, "added": mine, "value": mine}[figure.goal_on]
    return ROW.format(
        figure.title,
        _number(_median(mine)),
        _number(_median(its)),
        _number(_median(ratios)),
        f"{_number(min(held))}..{_number(max(held))}" if held else "-",
        "-" if figure.goal is None else _bound(figure, figure.goal, floor),
        "-" if figure.goal is None else _verdict(_median(held), figure.goal),
        f"{_bound(figure, figure.goal_later, floor)} {_verdict(_median(held), figure.goal_later)}",
    )


def _values(figure: Figure, results: Results, target: str) -> list[float]:
    """Return the figure round by round; nothing where any round was not sound."""
    samples = results.get((figure.workload.name, target), [])
    if not all(sample.is_sound for sample in samples):
        return []
    if figure.goal_on != "added":
        return [figure.read(sample) for sample in samples]
    direct = results[figure.workload.name, "direct"]
    return [figure.read(sample) - figure.read(base) for sample, base in zip(samples, direct, strict=True)]


def _median(values: Sequence[float]) -> float:
    return median(values) if values else math.nan


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _bound(figure: Figure, goal: float, floor: str) -> str:
    match figure.goal_on:
        case "ratio":
            return f"<= {goal:g} x {floor}"
        case "added" | "value":
            return f"<= {goal:g}"
        case _:
            assert_never(figure.goal_on)


def _verdict(value: float, goal: float) -> str:
    if math.isnan(value):
        return "unknown"
    return "yes" if value <= goal else "no"

"""The table of figures and its verdicts."""

import msgspec
import pytest
from benchmarks.figures import print_table
from benchmarks.runner import Results
from benchmarks.workloads import Sample


def sample(**changes: int) -> Sample:
    fields = {
        "seconds": 2.0,
        "request_count": 1000,
        "failed_count": 0,
        "damaged_count": 0,
        "chunk_count": 0,
        "cpu_us": 15_000,
        "memory_mb": 50,
        "answer_p50_us": 400,
        "answer_p99_us": 900,
        "first_byte_p50_us": 0,
        "first_byte_p99_us": 0,
        "chunk_p50_us": 0,
        "chunk_p99_us": 0,
    }
    return msgspec.convert({**fields, "first_problem": "", **changes}, Sample)


def rows(results: Results, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_table(results, "relay", "nginx")
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[1:]]


def test_ratio_is_the_median_of_each_rounds_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A round that was slow for both changes neither its ratio nor the verdict."""
    results = {
        ("small", "relay"): [sample(cpu_us=160_000), sample(cpu_us=320_000), sample(cpu_us=150_000)],
        ("small", "nginx"): [sample(cpu_us=16_000), sample(cpu_us=32_000), sample(cpu_us=15_000)],
    }
    assert rows(results, capsys) == ["small request, CPU us 160 16.0 10.0 10.0..10.0 <= 12 x nginx yes <= 3 x nginx no"]


def test_added_latency_leaves_out_the_upstreams_own(capsys: pytest.CaptureFixture[str]) -> None:
    """What the upstream alone takes is not the relay's: 1500 - 400 us is 1100 added, over 1000."""
    results = {
        ("rate", "relay"): [sample(answer_p50_us=1500, answer_p99_us=2400)],
        ("rate", "nginx"): [sample(answer_p50_us=500, answer_p99_us=1150)],
        ("rate", "direct"): [sample()],
    }
    assert rows(results, capsys) == [
        "added latency at 200/s, p50 us 1100 100 11.0 1100..1100 <= 1000 no <= 200 no",
        "added latency at 200/s, p99 us 1500 250 6.00 1500..1500 - - <= 2000 yes",
    ]


def test_a_run_that_lost_something_has_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """One damaged answer makes the figure unknown: a relay that drops chunks is not fast."""
    results = {
        ("large", "relay"): [sample(), sample(damaged_count=1)],
        ("large", "nginx"): [sample(), sample()],
    }
    assert rows(results, capsys) == ["200 KB prompt, CPU us - 15.0 - - <= 6 x nginx unknown <= 2.5 x nginx unknown"]


def test_without_nginx_the_absolute_goals_still_count(capsys: pytest.CaptureFixture[str]) -> None:
    """Memory is held against its own bound."""
    assert rows({("idle", "relay"): [sample(memory_mb=79)]}, capsys) == [
        "idle, memory MB 79.0 - - 79.0..79.0 <= 80 yes <= 80 yes"
    ]

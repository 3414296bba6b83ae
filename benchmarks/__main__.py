"""``python -m benchmarks``: what relay costs, beside nginx, with the goals; for Linux."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .figures import print_table
from .ledger import measure_ledger
from .meter import main as measure_meter
from .runner import Lab
from .targets import HERE, nginx_target, relay_target
from .translation import main as measure_translation
from .workloads import WORKLOADS

PARTS = ("relay", "ledger", "meter", "translation")


def main() -> None:
    """Measure the part that the arguments name, or every part in turn."""
    names = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="what to measure; everything where it is left out")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; medians are printed")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="workloads of the part 'relay'")
    arguments = parser.parse_args()
    build = HERE.parent / "build"
    build.mkdir(exist_ok=True)
    # Beside the code, not in the system's temporary folder: where that is memory, a durable
    # ledger would cost nothing.
    with tempfile.TemporaryDirectory(dir=build, prefix="benchmarks-") as folder:
        if arguments.part in (None, "relay"):
            measure_relay(Path(folder), arguments.rounds, arguments.only)
        if arguments.part in (None, "ledger"):
            measure_ledger(Path(folder), arguments.rounds)
        if arguments.part in (None, "meter"):
            measure_meter()
        if arguments.part in (None, "translation"):
            measure_translation()


def measure_relay(folder: Path, rounds: int, names: Sequence[str]) -> None:
    """Measure relay and nginx in one interleaved run, and print the table."""
    lab = Lab(folder)
    nginx = nginx_target(folder / "nginx")
    if nginx is None:
        print("benchmarks: no nginx to compare with; on Debian: apt-get install nginx-light", file=sys.stderr)
    relay = relay_target(folder / "shop")
    targets = [relay] if nginx is None else [relay, nginx]
    results = lab.measure(targets, [workload for workload in WORKLOADS if workload.name in names], rounds)
    print_table(results, "relay", "nginx")


if __name__ == "__main__":
    main()

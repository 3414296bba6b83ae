"""``python -m benchmarks``: measure relay beside nginx, and print the figures with their goals."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .figures import print_table
from .runner import Lab
from .targets import HERE, nginx_target, relay_target
from .workloads import WORKLOADS


def main() -> None:
    """Parse the arguments and run the benchmark they name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; medians are printed")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[workload.name for workload in WORKLOADS],
        default=[workload.name for workload in WORKLOADS],
        help="the workloads to run",
    )
    arguments = parser.parse_args()
    measure_relay(arguments.rounds, arguments.only)


def measure_relay(rounds: int, names: Sequence[str]) -> None:
    """Measure relay and nginx in one interleaved run."""
    build = HERE.parent / "build"
    build.mkdir(exist_ok=True)
    # Beside the code, not in the system's temporary folder: where that is memory, a durable
    # ledger would cost nothing.
    with tempfile.TemporaryDirectory(dir=build, prefix="benchmarks-") as name:
        folder = Path(name)
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

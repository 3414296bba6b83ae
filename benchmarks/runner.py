"""Run workloads over targets, interleaved, so that a neighbour's noise meets all of them alike."""

import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from .targets import DIRECT, HERE, MOCK_PORT, Target
from .workloads import Sample, Workload

OPEN_FILES = 8192
"""A thousand streams are two sockets each in the relay."""
SETTLE_S = 0.7
STOP_S = 10.0

Results = dict[tuple[str, str], list[Sample]]
"""Samples by the names of workload and target, one a round."""


class Lab:
    """The upstream and the load, compiled into *folder*; logs of what runs stand there too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for tool in ("mock", "load"):
            source = str(HERE / "lab" / f"{tool}.c")
            try:
                subprocess.run(("cc", "-O2", "-o", str(folder / tool), source), check=True)
            except FileNotFoundError:
                raise SystemExit(
                    "benchmarks: needs a C compiler as 'cc'; on Debian: apt-get install gcc libc6-dev"
                ) from None
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

    def measure(self, targets: Sequence[Target], workloads: Sequence[Workload], rounds: int) -> Results:
        """Return what every target did under every workload. All are started afresh each round.

        They stand side by side and one is loaded at a time, in turn, so that what is compared
        lies seconds apart; the order turns around each round.
        """
        results: Results = {}
        mock = Target(name="mock", port=MOCK_PORT, command=(str(self._folder / "mock"), str(MOCK_PORT)))
        for index in range(rounds):
            with ExitStack() as running:
                running.enter_context(self._running(mock))
                pids = {target.name: running.enter_context(self._running(target)) for target in targets}
                for workload in workloads:
                    chosen = [*targets, DIRECT] if workload.needs_direct else [*targets]
                    for target in chosen if index % 2 == 0 else reversed(chosen):
                        print(f"round {index + 1} of {rounds}: {workload.name}, {target.name}", file=sys.stderr)
                        sample = self._load(target, workload, pids.get(target.name))
                        results.setdefault((workload.name, target.name), []).append(sample)
        return results

    def _load(self, target: Target, workload: Workload, pid: int | None) -> Sample:
        command = [str(self._folder / "load"), "-p", str(target.port), *workload.arguments.split()]
        for header in target.headers:
            command += ["-H", header]
        if pid is not None:
            command += ["-k", str(pid)]
        done = subprocess.run(command, capture_output=True, check=True)
        sample = msgspec.json.decode(done.stdout, type=Sample)
        if sample.failed_count or sample.damaged_count:
            print(
                f"benchmarks: {target.name} failed {sample.failed_count} and damaged {sample.damaged_count} answers"
                f" under '{workload.name}': {sample.first_problem}",
                file=sys.stderr,
            )
        return sample

    @contextmanager
    def _running(self, target: Target) -> Iterator[int]:
        """Keep *target* running, and give its process id."""
        if _accepts(target.port):
            raise SystemExit(f"benchmarks: port {target.port} for '{target.name}' is taken; end what listens there")
        log = self._folder / f"{target.name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                target.command,
                env={**os.environ, **target.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_ready(target, process, log)
            yield process.pid
        finally:
            _stop(process)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _is_ready(target: Target) -> bool:
    if target.ready_path is None:
        return _accepts(target.port)
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=1)
    try:
        connection.request("GET", target.ready_path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _wait_until_ready(target: Target, process: "subprocess.Popen[bytes]", log: Path) -> None:
    due_s = time.monotonic() + target.start_s
    while not _is_ready(target):
        if process.poll() is not None or time.monotonic() > due_s:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise SystemExit(f"benchmarks: {target.name} does not serve port {target.port}; it said:\n{tail}")
        time.sleep(0.05)
    time.sleep(SETTLE_S)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the target's whole process group."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
            process.wait(STOP_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue

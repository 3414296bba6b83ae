"""A failpoint kills where it is told to, and nowhere else."""

import os
import signal
import subprocess
import sys

PASS_THREE_TIMES = (
    "from relay.core.failpoints import hit; [hit('after_reserve') or print(i, flush=True) for i in range(3)]"
)


def run(setting: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RELAY_FAILPOINT"}
    if setting is not None:
        environment["RELAY_FAILPOINT"] = setting
    command = [sys.executable, "-c", PASS_THREE_TIMES]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_process_dies_at_the_nth_pass() -> None:
    """With after_reserve:2 the second pass is the last thing the process does."""
    done = run("after_reserve:2")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "0\n")


def test_another_point_does_nothing() -> None:
    """A failpoint elsewhere lets the process by."""
    assert run("after_post:1").stdout == "0\n1\n2\n"


def test_nothing_is_armed_by_default() -> None:
    """Without the variable a failpoint does nothing."""
    assert run(None).stdout == "0\n1\n2\n"


def test_a_misspelt_point_is_an_error() -> None:
    """A test that names a point which does not exist must not pass for want of a kill."""
    assert "RELAY_FAILPOINT: expected NAME:N" in run("after_reserv:2").stderr
    assert "RELAY_FAILPOINT: expected NAME:N" in run("after_reserve").stderr


def test_a_misspelt_point_is_an_error_of_the_command_line() -> None:
    """One line and exit code 1, not a traceback."""
    command = [sys.executable, "-m", "relay", "log", "list"]
    environment = {**os.environ, "RELAY_FAILPOINT": "after_reserv:2"}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    points = "before_reserve, after_reserve, after_send, at_progress, before_post, after_post, before_end, in_recovery"
    expected = f"expected NAME:N with N >= 1 and NAME of {points}, found 'after_reserv:2'"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: RELAY_FAILPOINT: {expected}\n")

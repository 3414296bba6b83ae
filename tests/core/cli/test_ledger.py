"""``relay ledger verify``: its verdict, and its exit code."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

from tests.core.cli.counter import Counter


def test_right_books_are_said_to_be_right(counter: Counter) -> None:
    """Exit code 0."""
    counter.open_account("alice", "--credit", "1")
    assert counter.ask("ledger", "verify") == {"ok": True, "problems": []}
    result = counter.run("ledger", "verify")
    assert (result.stdout, result.stderr) == ("the books are right\n", "")


def test_a_terminal_shows_how_far_it_is(counter: Counter) -> None:
    """On stderr: a year's books take minutes."""
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "relay", "ledger", "verify", "--data", str(counter.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, text=True) as verifying:
        os.close(end)
        shown = b"".join(_what_is_shown(terminal)).decode()
        assert verifying.stdout is not None
        assert verifying.stdout.read() == "the books are right\n"
    assert "checking" in shown
    assert "100%" in shown


def _what_is_shown(terminal: int) -> Iterator[bytes]:
    with open(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):  # the last to write has left
        while piece := screen.read(4096):
            yield piece


def test_a_changed_amount_is_found(counter: Counter) -> None:
    """Exit code 1, and a sentence for each problem, for programs and people."""
    counter.open_account("alice", "--credit", "1")
    with sqlite3.connect(counter.data / "relay.db") as connection:
        connection.execute("UPDATE book SET credit_nano = credit_nano + 1 WHERE account_id IS NOT NULL")
    connection.close()
    result = counter.run("ledger", "verify", "--json")
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout
    assert "I1 debits and credits of ledger 'credit' differ: 1 and 1.000000001" in result.stdout
    assert counter.run("ledger", "verify").stdout.startswith("I1 debits and credits of ledger 'credit' differ")


def test_a_folder_without_a_database_is_no_verdict(fresh_counter: Counter) -> None:
    """Nothing to verify is an error, not right."""
    code, error = fresh_counter.refused("ledger", "verify")
    assert code == 1
    assert error.startswith("error: no database in")

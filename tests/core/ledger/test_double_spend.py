"""Many processes and tasks on one account: exactly what it holds is spent."""

import subprocess
import sys
from pathlib import Path

import pytest

from relay.core.ledger.verify import verify
from relay.core.money import parse_amount

from .books import Books, account, key, top_up

ROOT = Path(__file__).parents[3]


def race(data: Path, process_count: int, task_count: int) -> list[int]:
    """Let processes spend one account to the end at the same time; returns what each was granted."""
    command = [sys.executable, "-m", "tests.core.ledger.worker", "spend", str(data), str(task_count)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(process_count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [int(process.communicate(timeout=300)[0]) for process in processes]


def spend_it_all(tmp_path: Path, credits: str) -> list[int]:
    books = Books(tmp_path / "data")
    books.do(account("alice"))
    books.do(key("alice"))
    books.do(top_up("alice", parse_amount(credits), "order-1"))
    books.close()
    return race(books.data, process_count=4, task_count=16)


def test_four_processes_of_sixteen_spend_exactly_what_there_is(tmp_path: Path) -> None:
    """Of 800.5 credits, spent one by one by 64 at once, 800 are granted and half a one is left."""
    granted = spend_it_all(tmp_path, "800.5")
    assert sum(granted) == 800
    assert verify(tmp_path / "data") == []


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_twenty_thousand_credits_are_spent_exactly_and_by_all(tmp_path: Path) -> None:
    """Over a long race no process starves: each of four gets at least an eighth."""
    granted = spend_it_all(tmp_path, "20000.5")
    assert sum(granted) == 20_000
    assert min(granted) >= 2_500
    assert verify(tmp_path / "data") == []

"""Processes killed with SIGKILL in the middle of trade: what was acknowledged is there, and the books are right."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.core.failpoints import Failpoint
from relay.core.ledger.database import connect_reader, database_path
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.ledger.verify import verify

from .books import Books, account, key, top_up

ROOT = Path(__file__).parents[3]


class Shop:
    """A data folder on which processes trade until they are killed."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._acknowledged = folder / "acknowledged"
        books = Books(self.data)
        books.do(account("alice"))
        books.do(key("alice"))
        books.do(top_up("alice", 10**15, "order-1"))
        books.close()

    def trade_until(self, after_s: float, *, failpoint: str = "", preload: str = "") -> None:
        """Let a process trade, and kill it *after_s* seconds, unless its failpoint does so first."""
        command = [
            sys.executable,
            "-m",
            "tests.core.ledger.worker",
            "trade",
            str(self.data),
            str(self._acknowledged),
            "16",
        ]
        environment = {**os.environ, "RELAY_FAILPOINT": failpoint, "LD_PRELOAD": preload}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process, process.stdout:
            process.stdout.readline()
            try:
                process.wait(timeout=after_s)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode == -9

    def check(self) -> None:
        """Start anew, and hold everything that was acknowledged against what is there."""
        asyncio.run(self._restart())
        assert verify(self.data) == []
        acknowledged = self._acknowledged.read_text() if self._acknowledged.exists() else ""
        # The last line may be cut; nothing follows from half of it.
        lines = [line.split() for line in acknowledged.split("\n")[:-1]]
        connection = connect_reader(database_path(self.data))
        posts = dict(
            connection.execute("SELECT request_id, charge_nano FROM request_log WHERE NOT outcome = 'truncated'")
        )
        states = dict(connection.execute("SELECT request_id, state FROM reservation"))
        transfers = dict(connection.execute("SELECT id, amount_nano FROM transfer"))
        connection.close()
        assert [
            line for line in lines if line[0] == "reserve" and states.get(line[1]) not in ("posted", "voided")
        ] == []
        assert [line for line in lines if line[0] == "void" and states.get(line[1]) != "voided"] == []
        assert [line for line in lines if line[0] == "post" and posts.get(line[1]) != int(line[2])] == []
        assert [
            line for line in lines if line[0] == "top_up" and transfers.get(f"top_up:manual:{line[1]}") != int(line[2])
        ] == []
        reserved = {line[1] for line in lines if line[0] == "reserve"}
        assert [request_id for request_id, nano in posts.items() if nano and request_id not in reserved] == []

    async def _restart(self) -> None:
        async with SqliteLedger.open(self.data):
            pass


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """Killed at random three times, the ledger holds every acknowledged post, void and top-up."""
    shop = Shop(tmp_path)
    for _ in range(3):
        shop.trade_until(random.uniform(0.1, 0.5))
        shop.check()


@pytest.mark.parametrize("failpoint", ["after_reserve:40", "before_post:40", "after_post:40"])
def test_a_process_that_dies_at_a_bad_place_loses_nothing(tmp_path: Path, failpoint: Failpoint) -> None:
    """Killed between two steps of a request, the ledger brings it to its end."""
    shop = Shop(tmp_path)
    shop.trade_until(20, failpoint=failpoint)
    shop.check()


def test_a_process_killed_on_a_slow_disk_loses_nothing(tmp_path: Path, slow_sync: str) -> None:
    """Killed while every fsync takes 60 ms longer, the ledger holds what was acknowledged."""
    shop = Shop(tmp_path)
    shop.trade_until(0.7, preload=slow_sync)
    shop.check()


def test_a_death_in_recovery_is_recovered(tmp_path: Path) -> None:
    """A process that dies while it recovers another leaves both to the next."""
    shop = Shop(tmp_path)
    shop.trade_until(0.4)
    shop.trade_until(20, failpoint="in_recovery:3")
    shop.check()


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("is_slow", [False, True])
def test_a_hundred_kills_lose_nothing(tmp_path: Path, slow_sync: str, is_slow: bool) -> None:
    """A hundred kills, at random and at every failpoint, each followed by a start and a whole check."""
    shop = Shop(tmp_path)
    points = [
        "",
        "before_reserve",
        "after_reserve",
        "after_send",
        "at_progress",
        "before_post",
        "after_post",
        "before_end",
    ]
    chance = random.Random(time.time_ns())
    for index in range(100):
        point = points[index % len(points)]
        failpoint = f"{point}:{chance.randint(1, 300)}" if point else ""
        if index % 10 == 9:
            failpoint = f"in_recovery:{chance.randint(1, 4)}"
        shop.trade_until(chance.uniform(0.05, 1.5), failpoint=failpoint, preload=slow_sync if is_slow else "")
        shop.check()

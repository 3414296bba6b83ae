"""Room on the disk: when new holds are refused, and that what is open settles all the same."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from relay.core.errors import StorageFullError
from relay.core.exchange import Evidence
from relay.core.ledger import room as ledger_room
from relay.core.ledger import sqlite as sqlite_ledger
from relay.core.ledger.database import connect, database_path
from relay.core.ledger.room import BALLAST_BYTES, Room, is_want_of_room
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.ledger.verify import verify
from relay.core.money import NANO
from tests.disks import MIB, fill, small_disk
from tests.services import SetClock

from .books import account, key, record, reservation, top_up
from .test_sqlite import ask, limit_pages, until, until_true

HOLD_COUNT = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 400) as place:
        yield place


@contextlib.asynccontextmanager
async def minded(data: Path) -> AsyncIterator[SqliteLedger]:
    """A ledger with an account of 1000, that minds its disk as a server's does."""
    async with SqliteLedger.open(data, clock=SetClock()) as ledger, ledger.minding_room():
        await ledger.create_account(account("alice"))
        await ledger.create_key(key("alice"))
        await ledger.top_up(top_up("alice", 1000 * NANO, "order-1"))
        yield ledger


def empty_log(data: Path) -> None:
    """Move the write-ahead log into the database and cut it off: the next commit needs room."""
    with contextlib.closing(connect(database_path(data))) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def admissions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg for record in caplog.records if record.msg.startswith("admission.")]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is looked at all the time."""
    monkeypatch.setattr(sqlite_ledger, "ROOM_PERIOD_S", 0.01)


async def test_a_disk_that_fills_up_closes_and_opens_admission(
    disk: Path, often: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Below 256 MiB new holds are refused and open ones settle; each change is logged once."""
    caplog.set_level(logging.INFO, "relay")
    async with minded(disk / "data") as ledger:
        await ledger.reserve(reservation("r1", "alice", NANO))
        filler = fill(disk, left_mib=255)
        await until_true(lambda: admissions(caplog) == ["admission.closed"])
        figures = vars(caplog.records[-1])["fields"]
        assert (figures["free_bytes"] < 256 * MIB, figures["needed_bytes"]) == (True, 256 * MIB)
        with pytest.raises(StorageFullError):
            await ledger.reserve(reservation("r2", "alice", NANO))
        await ledger.extend("r1", 2 * NANO)
        await ledger.post(record("r1", "alice", "2"))
        filler.unlink()
        await until_true(lambda: admissions(caplog) == ["admission.closed", "admission.opened"])
        await ledger.reserve(reservation("r2", "alice", NANO))
        await ledger.post(record("r2", "alice", "1"))
    assert verify(disk / "data") == []


async def test_with_no_room_at_all_open_requests_settle_on_the_ballast(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first commit that fails gives it up: every post is booked, and no charge goes to the spool."""
    data = disk / "data"
    async with minded(data) as ledger:
        for index in range(HOLD_COUNT):
            await ledger.reserve(reservation(f"r{index}", "alice", NANO))
        assert (data / "ballast").stat().st_blocks * 512 == BALLAST_BYTES
        empty_log(data)
        fill(disk, left_mib=0)
        posts = [ledger.post(record(f"r{index}", "alice", "0.5")) for index in range(HOLD_COUNT)]
        posted = await asyncio.gather(*posts)
        with pytest.raises(StorageFullError):
            await ledger.reserve(reservation("s1", "alice", NANO))
    assert sum(each.charge_nano for each in posted) == 100 * NANO
    assert "commit.failed" in [record.msg for record in caplog.records]
    assert (data / "ballast").exists() is False
    assert list((data / "spool").iterdir()) == []
    assert ask(data, "SELECT COUNT(*), SUM(charge_nano) FROM request_log") == [(HOLD_COUNT, 100 * NANO)]
    assert verify(data) == []


async def test_the_ballast_is_laid_again_when_there_is_room_for_it_too(disk: Path, often: None) -> None:
    """With 256 MiB free admission opens, and with 64 more the ballast lies."""
    data = disk / "data"
    async with minded(data) as ledger:
        filler = fill(disk, left_mib=200)
        await until_true(lambda: ledger._store.room.is_short)
        ledger._store.room.release()
        filler.unlink()
        filler = fill(disk, left_mib=300)
        await until_true(lambda: not ledger._store.room.is_short)
        assert not (data / "ballast").exists()
        filler.unlink()
        await until_true((data / "ballast").exists)


async def test_a_dead_process_leaves_its_ballast_to_the_next_start(disk: Path) -> None:
    """On a disk without room what it held is brought to its end all the same."""
    data = disk / "data"
    async with SqliteLedger.open(data, clock=SetClock()) as ledger:
        await ledger.create_account(account("alice", gift_nano=1000 * NANO))
        await ledger.create_key(key("alice"))
        for index in range(HOLD_COUNT):
            await ledger.reserve(reservation(f"r{index}", "alice", NANO))
        ledger._store.room.look()
    fill(disk, left_mib=0)
    async with SqliteLedger.open(data, clock=SetClock()):
        assert ask(data, "SELECT state, COUNT(*) FROM reservation GROUP BY state") == [("voided", HOLD_COUNT)]
    assert verify(data) == []


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    async with minded(tmp_path) as ledger:
        yield ledger


async def test_a_database_that_may_not_grow_gives_up_the_ballast(ledger: SqliteLedger, tmp_path: Path) -> None:
    """As a full disk does; what could not be booked is booked with room again."""
    for index in range(8):
        await ledger.reserve(reservation(f"r{index}", "alice", NANO))
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
    limit_pages(ledger, 1)
    posts = [asyncio.create_task(ledger.post(record(f"r{index}", "alice", "0.5"))) for index in range(8)]
    await until_true(lambda: not (tmp_path / "ballast").exists())
    limit_pages(ledger, 1_000_000)
    await asyncio.gather(*posts)
    await until(tmp_path, "SELECT COUNT(*) FROM request_log", [(8,)])


async def test_a_ballast_that_can_not_be_given_up_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a disk that takes no more writes: a void that fails meanwhile is done once that works again."""
    (tmp_path / "ballast").mkdir()
    async with minded(tmp_path) as ledger:
        await ledger.reserve(reservation("r1", "alice", NANO))
        limit_pages(ledger, 1)
        voided = record("r1", "alice", "0", outcome="upstream_error")
        large = msgspec.structs.replace(voided, evidence=Evidence(stop_reason="x" * 100_000))
        void = asyncio.create_task(ledger.void(large))
        await until_true(lambda: "commit.failed" in [logged.msg for logged in caplog.records] or void.done())
        limit_pages(ledger, 1_000_000)
        await void
    assert ask(tmp_path, "SELECT state FROM reservation") == [("voided",)]


async def test_an_end_in_order_leaves_no_ballast(tmp_path: Path) -> None:
    """Nothing is left to settle."""
    async with minded(tmp_path):
        assert (tmp_path / "ballast").exists()
    assert not (tmp_path / "ballast").exists()


async def test_a_command_lays_no_ballast(tmp_path: Path) -> None:
    """Whoever only opens the ledger beside a server."""
    async with SqliteLedger.open(tmp_path):
        pass
    assert not (tmp_path / "ballast").exists()


def test_a_small_share_of_a_large_disk_is_want_of_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two per cent are asked for, though more than 256 MiB be free; but never more than 1 GiB."""
    room = Room(tmp_path)
    monkeypatch.setattr(ledger_room, "FREE_PERCENT_MIN", 100)
    monkeypatch.setattr(ledger_room, "FREE_BYTES_BY_PERCENT_MAX", 2**60)
    room.look()
    assert room.is_short
    monkeypatch.setattr(ledger_room, "FREE_BYTES_BY_PERCENT_MAX", 300 * MIB)
    room.look()
    assert not room.is_short


def test_a_disk_that_takes_no_more_writes_is_closed_once(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Free space does not open it, or each look and each failed commit would log a change."""
    caplog.set_level(logging.INFO, "relay")
    room = Room(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    room.release()
    room.look()
    assert (room.is_short, admissions(caplog)) == (True, ["admission.closed"])


def test_where_blocks_can_not_be_asked_for_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS; a file that holds nothing yet would give nothing back."""
    monkeypatch.delattr(os, "posix_fallocate")
    Room(tmp_path).look()
    laid = (tmp_path / "ballast").stat()
    assert laid.st_size == BALLAST_BYTES <= laid.st_blocks * 512


def test_a_folder_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    """What is wrong with it shows at the next commit."""
    room = Room(tmp_path / "gone")
    room.look()
    assert not room.is_short


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError(28, ""), True), (OSError(122, ""), True), (OSError(5, ""), False), (ValueError(), False)],
)
def test_errors_that_are_want_of_room(error: Exception, expected: bool) -> None:
    """No space and a used-up quota; not a disk that fails."""
    assert is_want_of_room(error) is expected


def test_a_locked_database_is_no_want_of_room(tmp_path: Path) -> None:
    """SQLite's other errors are told apart by their code."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a", timeout=0, isolation_level=None)) as one:
        one.execute("BEGIN IMMEDIATE")
        with (
            contextlib.closing(sqlite3.connect(tmp_path / "a", timeout=0)) as two,
            pytest.raises(sqlite3.OperationalError) as caught,
        ):
            two.execute("BEGIN IMMEDIATE")
    assert not is_want_of_room(caught.value)

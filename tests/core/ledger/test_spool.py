"""Records on their way to the ledger outlive the process, and name nothing but facts."""

import errno
import os
from pathlib import Path

import pytest

from relay.core.ledger.spool import Spool

from .books import record


def test_what_a_sibling_has_set_aside_is_no_trouble(tmp_path: Path) -> None:
    """Two processes that start at once may both be refused the same record."""
    spool = Spool(tmp_path)
    spool.put(record("r1", "alice", "2"))
    [path] = spool.paths()
    spool.set_aside(path)
    spool.set_aside(path)
    assert [each.name for each in (tmp_path / "spool").iterdir()] == ["r1.refused"]


def test_a_record_reads_back_as_it_was(tmp_path: Path) -> None:
    """What was put is what a later process reads."""
    Spool(tmp_path).put(record("r1", "alice", "4/3"))
    spool = Spool(tmp_path)
    (path,) = spool.paths()
    assert spool.read(path) == record("r1", "alice", "4/3")


def test_a_record_is_its_owner_s_alone(tmp_path: Path) -> None:
    """Neither file nor folder is readable by others."""
    spool = Spool(tmp_path)
    spool.put(record("r1", "alice", "1"))
    assert (spool.paths()[0].stat().st_mode & 0o777, (tmp_path / "spool").stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_record_is_on_the_disk_when_it_was_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the whole of it, before it has its name, then the name."""
    synced: list[tuple[str, int, int]] = []

    def sync(descriptor: int) -> None:
        names = ",".join(sorted(path.name for path in (tmp_path / "spool").iterdir()))
        stat = os.fstat(descriptor)
        synced.append((names, stat.st_ino, stat.st_size))

    monkeypatch.setattr(os, "fsync", sync)
    spool = Spool(tmp_path)
    spool.put(record("r1", "alice", "1"))
    file, folder = spool.paths()[0].stat(), (tmp_path / "spool").stat()
    assert synced == [("r1.part", file.st_ino, file.st_size), ("r1.json", folder.st_ino, folder.st_size)]


def test_the_oldest_request_comes_first(tmp_path: Path) -> None:
    """Records are replayed in the order of their ids."""
    spool = Spool(tmp_path)
    for request_id in ("r2", "r1", "r3"):
        spool.put(record(request_id, "alice", "1"))
    assert [path.stem for path in spool.paths()] == ["r1", "r2", "r3"]


def test_half_a_file_is_not_found(tmp_path: Path) -> None:
    """What a crash cut off while it was written is not replayed."""
    spool = Spool(tmp_path)
    (tmp_path / "spool" / "r1.part").write_text("{")
    assert spool.paths() == []


def test_nothing_is_left_of_a_record_that_the_disk_did_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with something in it tells the operator that charges wait there."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        Spool(tmp_path).put(record("r1", "alice", "1"))
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_is_forgotten_twice_is_gone_once(tmp_path: Path) -> None:
    """Two processes may replay the same record."""
    spool = Spool(tmp_path)
    spool.put(record("r1", "alice", "1"))
    (path,) = spool.paths()
    spool.forget(path)
    spool.forget(path)
    assert spool.paths() == []


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """A spool that can't keep a record says so."""
    spool = Spool(tmp_path)
    (tmp_path / "spool").rmdir()
    with pytest.raises(OSError, match="No such file"):
        spool.put(record("r1", "alice", "1"))

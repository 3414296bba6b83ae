"""Boots: which process a hold belongs to, and whether that process is still alive.

Each process holds a lock on ``DATA/boots/BOOT`` for as long as it lives. The kernel releases it however
the process dies, so a boot is dead exactly if another process can take its lock. This needs a local
file system.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..clock import new_id


def _is_locked(descriptor: int) -> bool:
    """Say whether a living process, or one that recovers the boot, has the lock; if none has, take a shared one."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Boot:
    """This process's own boot, alive until `end`, `abandon` or the death of the process."""

    def __init__(self, data: Path) -> None:
        self.id = new_id("boot")
        self._path = data / "boots" / self.id
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        # Created under another name and locked first: a boot without its lock would be taken for dead.
        unborn = self._path.with_name(f".{self.id}")
        self._descriptor = os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        unborn.rename(self._path)

    def end(self) -> None:
        """End in order: nothing is left to recover."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Release the lock as the death of the process would, and leave the rest to recovery."""
        os.close(self._descriptor)


def is_alive(data: Path, boot: str) -> bool:
    """Say whether the process of *boot* is still running."""
    try:
        descriptor = os.open(data / "boots" / boot, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return _is_locked(descriptor)
    finally:
        os.close(descriptor)


def known(data: Path) -> list[str]:
    """Return the boots, alive or dead, that have not ended in order."""
    folder = data / "boots"
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


@contextmanager
def claim_dead(data: Path, boot: str) -> Iterator[bool]:
    """Claim a dead boot for recovery; yields False if it is alive or another process has claimed it.

    Its file is removed if the block ends without an error, so a recovery that dies is repeated.
    """
    path = data / "boots" / boot
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        is_claimed = not _is_locked(descriptor)
        if is_claimed:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for those who look, which takes them a moment
        yield is_claimed
        if is_claimed:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)

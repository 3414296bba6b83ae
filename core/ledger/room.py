"""Room on the disk: refuses new holds when there is little, and lets open requests settle when there is none.

New holds are refused while the file system of the data folder is nearly full. In case other programs fill it up, there
is ballast, ``DATA/ballast``: a file that is removed as soon as a commit fails for lack of room, so that no charge has
to wait for the operator, and created again once there is room. Source of the amounts: field/reliability.md 3, row 53,
read 2026-11-29.
"""

import contextlib
import errno
import os
import sqlite3
import threading
from pathlib import Path

from ..observe import emit

FREE_BYTES_MIN = 256 * 1024 * 1024
FREE_PERCENT_MIN = 2
FREE_BYTES_BY_PERCENT_MAX = 1024 * 1024 * 1024
"""No disk, however large, needs more free space than this: two per cent of ten terabytes is plenty."""
BALLAST_BYTES = 64 * 1024 * 1024

_NO_ROOM = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"})
"""SQLite's error codes for a full disk, and for an exhausted quota, which it reports as a failed write."""
_NO_ROOM_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_want_of_room(error: BaseException) -> bool:
    """Say whether a commit failed because the disk is full, or its quota is exhausted."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", None) in _NO_ROOM
    return isinstance(error, OSError) and error.errno in _NO_ROOM_ERRORS


class Room:
    """Watches the free space for one data folder. `look`, `release` and `remove` block on the disk.

    Attributes:
        is_short: New holds are refused. As of the last look; False before the first.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ballast = data / "ballast"
        self._changing = threading.Lock()
        self._is_minded = False
        self.is_short = False

    def look(self) -> None:
        """Check the free space, and create the ballast if there is enough. To be called regularly."""
        self._is_minded = True
        try:
            stats = os.statvfs(self._data)
        except OSError:  # the ledger's commits will report the problem
            return
        free_bytes, size_bytes = stats.f_bavail * stats.f_frsize, stats.f_blocks * stats.f_frsize
        if size_bytes == 0:  # a file system that does not report its size
            return
        by_percent = min(size_bytes * FREE_PERCENT_MIN // 100, FREE_BYTES_BY_PERCENT_MAX)
        needed_bytes = max(FREE_BYTES_MIN, by_percent)
        # After an error, ext4 takes no more writes; to SQLite, each then fails as with an exhausted quota.
        is_short = free_bytes < needed_bytes or bool(stats.f_flag & os.ST_RDONLY)
        self._change(is_short=is_short, free_bytes=free_bytes, needed_bytes=needed_bytes)
        if free_bytes >= needed_bytes + BALLAST_BYTES:
            self._lay()

    def release(self) -> None:
        """Remove the ballast.

        If `look` is called regularly, refuse new holds, which would use the room up, until then.
        """
        self.remove()
        if self._is_minded:
            self._change(is_short=True)

    def _lay(self) -> None:
        try:
            descriptor = os.open(self._ballast, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(descriptor).st_size < BALLAST_BYTES:
                    _fill(descriptor)
            finally:
                os.close(descriptor)
        except OSError:  # other programs have filled the disk, or a quota forbids it
            self.remove()

    def remove(self) -> None:
        """Remove the ballast. At the end, too: another process creates it again if it needs it."""
        with contextlib.suppress(OSError):  # this must not hide the error of the failed commit
            self._ballast.unlink()

    def _change(self, *, is_short: bool, free_bytes: int | None = None, needed_bytes: int | None = None) -> None:
        with self._changing:
            if is_short != self.is_short:
                self.is_short = is_short
                if is_short:
                    emit("admission.closed", free_bytes=free_bytes, needed_bytes=needed_bytes)
                else:
                    emit("admission.opened", free_bytes=free_bytes, needed_bytes=needed_bytes)


def _fill(descriptor: int) -> None:
    """Allocate the blocks of the ballast to a file; on macOS they have to be written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
        return
    piece = bytes(1024 * 1024)
    for position in range(0, BALLAST_BYTES, len(piece)):
        os.pwrite(descriptor, piece, position)

"""The spool: closed requests that could not be committed in time, each in a durable file of its own.

``DATA/spool/REQUEST.json`` holds the record of a post, without any text of the exchange. A
post is idempotent by its id, so a file that is replayed twice moves money once.
"""

import contextlib
import os
from pathlib import Path

from ..exchange import RequestRecord
from .codec import decode, encode


class Spool:
    """The folder ``DATA/spool``. Its calls block on the disk: never call them on the loop."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "spool"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def put(self, record: RequestRecord) -> None:
        """Store *record*, which is on disk when this returns.

        Raises:
            OSError: It may not be on disk.
        """
        path = self._folder / f"{record.request_id}.json"
        unfinished = path.with_suffix(".part")
        try:
            with open(unfinished, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(encode(record).encode())
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def paths(self) -> list[Path]:
        """Return the files to replay, oldest request first."""
        return sorted(self._folder.glob("*.json"))

    def read(self, path: Path) -> RequestRecord:
        """Return the record kept at *path*."""
        return decode(path.read_bytes(), RequestRecord)

    def forget(self, path: Path) -> None:
        """Remove a record that has been replayed; another process may have been faster."""
        path.unlink(missing_ok=True)

    def set_aside(self, path: Path) -> None:
        """Rename a record that the ledger refused, for the operator to look at.

        Another process may have been faster.
        """
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_suffix(".refused"))

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

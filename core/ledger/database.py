"""The SQLite file of a data folder: made, migrated, and opened the one way that keeps money safe."""

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Self

import aiosqlite

from ..errors import DatabaseRefusedError

DATABASE_NAME = "relay.db"
SCHEMA_VERSION = 5
"""The newest step in `relay.core.migrations` that this code knows."""

BUSY_TIMEOUT_MS = 5000
_CHECKPOINT_PAGES = 8000
_LOG_BYTES_MAX = 64 * 1024 * 1024
"""The size to which SQLite's write-ahead log shrinks: twice what it has at a checkpoint that no reader delays."""


def database_path(data: Path) -> Path:
    """Return where the database of the data folder *data* stands."""
    return data / DATABASE_NAME


def prepare_database(data: Path, *, is_demo: bool | None) -> Path:
    """Create or migrate the database of *data*, and return its path.

    Args:
        data: The data folder; made where it is missing.
        is_demo: Whether it is for a demo; None accepts either, and creates a shop's.

    Raises:
        DatabaseRefusedError: It is of a newer relay; or a demo's, and *is_demo* says otherwise.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = database_path(data)
    if not path.exists():
        # An existing file is never opened beside SQLite: closing a descriptor releases all locks that the process
        # has on the file (sqlite.org/howtocorrupt.html 2.2, read 2026-11-29).
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with take_turn(data), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The mode stays with the file; readers and the migration must not find another.
        connection.execute("PRAGMA journal_mode=WAL")
        if _checked_version(connection, path) < SCHEMA_VERSION:
            _migrate(path)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('is_demo', ?)", ("1" if is_demo else "0",))
        if is_demo is not None:
            _check_demo_mark(connection, path, is_demo=is_demo)
    return path


def _migrate(path: Path) -> None:
    """Run the steps in a process of their own: Alembic and SQLAlchemy would stay in the server's memory for good.

    ``-P`` keeps it from taking files of the working folder, where a shop's plugins are, for modules.

    Raises:
        DatabaseRefusedError: A step failed; the database is as it was.
    """
    command = [sys.executable, "-P", "-m", "relay.core.migrations", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"its process ended with status {done.returncode}"]
        reason = next((line for line in reversed(lines) if "sqlite3." in line), lines[-1])  # SQLAlchemy adds a link
        raise DatabaseRefusedError(f"'{path}' could not be migrated: {reason}")


def is_made(path: Path) -> bool:
    """Say whether there is a database at *path* with the tables in it: a first start may have died before it made them.

    Raises:
        DatabaseRefusedError: It is of a newer relay, whose rows may mean something else.
    """
    if not path.exists():
        return False
    with contextlib.closing(connect_reader(path)) as connection:
        return _checked_version(connection, path) > 0


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    try:
        version = schema_version(connection)
    except (ValueError, sqlite3.OperationalError) as exc:
        if getattr(exc, "sqlite_errorname", "SQLITE_ERROR") != "SQLITE_ERROR":
            raise  # the disk, or another program
        raise DatabaseRefusedError(f"'{path}' is no database of relay's; name another --data folder") from exc
    if version > SCHEMA_VERSION:
        raise DatabaseRefusedError(
            f"'{path}' has schema {version}, this relay knows {SCHEMA_VERSION}; run the newer relay"
        )
    return version


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the schema's version, 0 for a database without tables."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return 0
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(row[0]) if row else 0


def _check_demo_mark(connection: sqlite3.Connection, path: Path, *, is_demo: bool) -> None:
    (mark,) = connection.execute("SELECT value FROM meta WHERE key = 'is_demo'").fetchone()
    if mark == "1" and not is_demo:
        raise DatabaseRefusedError(f"'{path}' belongs to a demo; start it with --demo, or name another --data folder")
    if mark != "1" and is_demo:
        raise DatabaseRefusedError(
            f"'{path}' belongs to a shop; start it without --demo, or name another --data folder"
        )


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger's own connection: every COMMIT is on disk when it returns."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # A log that keeps its size is overwritten in place, which costs a fraction of growing it anew
    # (0.1-0.9 ms against 7.9 ms an fsync; source: field/reliability.md 2.12, read 2026-11-23).
    connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES_MAX}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can't write, beside a running server."""
    connection = sqlite3.connect(_reading(path), uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return connection


class AsyncReader:
    """Reads one data folder's database on the event loop, without writing; made by `open`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, data: Path) -> AsyncIterator[Self]:
        """Open the database of the data folder *data*, which the ledger has prepared."""
        path = _reading(database_path(data))
        async with aiosqlite.connect(path, uri=True, timeout=BUSY_TIMEOUT_MS / 1000) as connection:
            yield cls(connection)


def _reading(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


@contextlib.contextmanager
def take_turn(data: Path) -> Iterator[None]:
    """Wait for this process's turn to write, and hold it.

    SQLite's own lock is polled, not queued: without turns one of four writers starves
    (28 031, 1, 85 and 1 commits in 4 s; measured 2026-11-23).
    """
    descriptor = os.open(data / "ledger.turn", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

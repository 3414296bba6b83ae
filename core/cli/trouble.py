"""What an operator can do about a file or a database that fails, by the system's or SQLite's own name for it."""

import errno
from collections.abc import Mapping

_RESTORE = "put the data folder back from a backup, then run: relay ledger verify"
_DAMAGE_WORDS = {
    "SQLITE_CORRUPT": f"the database is damaged; {_RESTORE}",
    "SQLITE_NOTADB": f"the database's file is no database; {_RESTORE}",
}
_WORDS = {
    **_DAMAGE_WORDS,
    "SQLITE_BUSY": "another program holds the database, for longer than relay waits; end it, then try again",
    "SQLITE_CANTOPEN": "the database can't be opened; look at who owns the data folder and its files",
    "SQLITE_READONLY": "the database can't be written; look at who owns the data folder and its files",
    "SQLITE_FULL": "the disk is full; make room, then try again",
    "SQLITE_IOERR": "the disk failed to read or write; look at the system's log",
}
"""By primary code, which its extended ones begin with: ``SQLITE_BUSY_SNAPSHOT`` is a ``SQLITE_BUSY``."""
_SYSTEM_WORDS = {
    errno.ENOSPC: _WORDS["SQLITE_FULL"],
    errno.EDQUOT: _WORDS["SQLITE_FULL"],
    errno.EROFS: _WORDS["SQLITE_IOERR"],
    errno.EIO: _WORDS["SQLITE_IOERR"],
}
"""By the system's number, where it names no file: what was written may be the output."""


def words_for(exc: BaseException) -> str | None:
    """Return what to tell an operator about *exc*; None where no disk and no other program is to blame.

    What is left, such as a broken constraint, is a bug of ours and must not be hidden.
    """
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"can't use '{exc.filename}': {exc.strerror}"
    if isinstance(exc, OSError) and exc.errno in _SYSTEM_WORDS:
        return _SYSTEM_WORDS[exc.errno]
    return _find(exc, _WORDS)


def damage_words_for(exc: BaseException) -> str | None:
    """Return what `words_for` does where *exc* means that the file is not as it was written, else None."""
    return _find(exc, _DAMAGE_WORDS)


def _find(exc: BaseException, words: Mapping[str, str]) -> str | None:
    name = _name(exc)
    return next((words[code] for code in words if name == code or name.startswith(f"{code}_")), None)


def _name(exc: BaseException) -> str:
    """Return SQLite's name for the failure at the root of *exc*, which SQLAlchemy wraps; empty where there is none."""
    cause: BaseException | None = exc
    while cause is not None:
        if name := getattr(cause, "sqlite_errorname", ""):
            return str(name)
        cause = cause.__cause__
    return ""

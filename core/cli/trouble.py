"""What an operator can do about a failing file or database, by the error code of the system or of SQLite."""

import errno
from collections.abc import Mapping

_RESTORE = "restore the data folder from a backup, then run: relay ledger verify"
_DAMAGE_WORDS = {
    "SQLITE_CORRUPT": f"the database is damaged; {_RESTORE}",
    "SQLITE_NOTADB": f"the database file is not a database; {_RESTORE}",
}
_WORDS = {
    **_DAMAGE_WORDS,
    "SQLITE_BUSY": "another program has locked the database for too long; stop it, then try again",
    "SQLITE_CANTOPEN": "the database can't be opened; check the owner and permissions of the data folder and its files",
    "SQLITE_READONLY": "the database can't be written; check the owner and permissions of the data folder and its files",
    "SQLITE_FULL": "the disk is full; free some space, then try again",
    "SQLITE_IOERR": "the disk failed to read or write; check the system log",
}
"""By primary code, with which extended codes begin: ``SQLITE_BUSY_SNAPSHOT`` is a ``SQLITE_BUSY``."""
_SYSTEM_WORDS = {
    errno.ENOSPC: _WORDS["SQLITE_FULL"],
    errno.EDQUOT: _WORDS["SQLITE_FULL"],
    errno.EROFS: _WORDS["SQLITE_IOERR"],
    errno.EIO: _WORDS["SQLITE_IOERR"],
}
"""By the system's error number, for errors that name no file, such as those of writing the output."""


def words_for(exc: BaseException) -> str | None:
    """Return what to tell an operator about *exc*; None if neither the disk nor another program is at fault.

    Anything else, such as a broken constraint, is a bug of ours and must not be hidden.
    """
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"can't use '{exc.filename}': {exc.strerror}"
    if isinstance(exc, OSError) and exc.errno in _SYSTEM_WORDS:
        return _SYSTEM_WORDS[exc.errno]
    return _find(exc, _WORDS)


def damage_words_for(exc: BaseException) -> str | None:
    """Return the words for *exc* if it means that the database file is damaged, else None."""
    return _find(exc, _DAMAGE_WORDS)


def _find(exc: BaseException, words: Mapping[str, str]) -> str | None:
    name = _name(exc)
    return next((words[code] for code in words if name == code or name.startswith(f"{code}_")), None)


def _name(exc: BaseException) -> str:
    """Return SQLite's error code at the root of *exc*, which SQLAlchemy may have wrapped; "" if there is none."""
    cause: BaseException | None = exc
    while cause is not None:
        if name := getattr(cause, "sqlite_errorname", ""):
            return str(name)
        cause = cause.__cause__
    return ""

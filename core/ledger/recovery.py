"""Finds what dead processes left open, which the writer then closes."""

import contextlib
import sqlite3
from pathlib import Path

from . import boots
from .database import connect_reader, database_path
from .operations import Recover

INDEXED = "(state = 'open' OR (state = 'posted' AND (delivered_at IS NULL OR NOT is_checked)))"
"""The condition of the index over unfinished requests, word for word: otherwise SQLite does not use it."""
UNFINISHED = f"""
    SELECT boot, request_id, state FROM reservation
    WHERE {INDEXED} AND (state = 'open' OR delivered_at IS NULL) ORDER BY at
"""


def find_abandoned(data: Path, claims: contextlib.ExitStack) -> list[Recover]:
    """Return what there is to recover; its boots are claimed until *claims* is closed.

    A boot that died with its lock is recovered whole: open holds, and posts whose answer was not
    delivered. Of a boot that has no file any more, because it ended in order or the data folder
    was restored from a backup, only open holds are.
    """
    claimed = {boot for boot in boots.known(data) if claims.enter_context(boots.claim_dead(data, boot))}
    with contextlib.closing(connect_reader(database_path(data))) as connection:
        rows = connection.execute(UNFINISHED).fetchall()
    # Looked at after the rows were read: a living boot made its file before its first row.
    present = set(boots.known(data))
    return [
        Recover(request_id=request_id, boot=boot)
        for boot, request_id, state in rows
        if boot in claimed or (state == "open" and boot not in present)
    ]


def has_unfinished(database: Path, boot: str) -> bool:
    """Say whether a boot has open holds or undelivered charges; True if the database can't be read."""
    try:
        with contextlib.closing(connect_reader(database)) as connection:
            return any(row[0] == boot for row in connection.execute(UNFINISHED))
    except sqlite3.Error:
        return True

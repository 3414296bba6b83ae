"""How the database file is made, and when it is refused."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from relay.core.errors import DatabaseRefusedError
from relay.core.ledger import database as ledger_database
from relay.core.ledger.database import connect, connect_reader, prepare_database


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    """The data folder is its owner's alone, and so is the file."""
    database = prepare_database(tmp_path / "shop" / "data", is_demo=False)
    assert database.parent.stat().st_mode & 0o777 == 0o700
    assert database.stat().st_mode & 0o777 == 0o600


def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    """A database of today's schema is opened without loading the migrations: a start must be fast."""
    prepare_database(tmp_path, is_demo=False)
    script = (
        "import sys; from pathlib import Path; from relay.core.ledger.database import prepare_database;"
        "prepare_database(Path(sys.argv[1]), is_demo=False); print('alembic' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_a_migration_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    """A file whose tables were made but whose version was not written is finished at the next start."""
    database = prepare_database(tmp_path, is_demo=False)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta")
    prepare_database(tmp_path, is_demo=False)
    with contextlib.closing(connect_reader(database)) as connection:
        assert connection.execute("SELECT * FROM meta ORDER BY key").fetchall() == [
            ("is_demo", "0"),
            ("schema_version", "5"),
        ]


def test_a_migration_that_is_killed_is_told_by_its_status(tmp_path: Path) -> None:
    """It leaves no words, such as where memory has run out."""
    (tmp_path / "sitecustomize.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    script = (
        "import os, sys; from pathlib import Path; from relay.core.ledger.database import prepare_database;"
        "os.environ['PYTHONPATH'] = sys.argv[1]; prepare_database(Path(sys.argv[1], 'data'), is_demo=None)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
    problem = f"'{tmp_path / 'data' / 'relay.db'}' could not be migrated: its process ended with status -9"
    assert done.stderr.splitlines()[-1] == f"relay.core.errors.DatabaseRefusedError: {problem}"


def test_a_shop_s_own_files_are_no_modules_of_the_migration(tmp_path: Path) -> None:
    """A plugin in the folder where relay is started may be called as one of Python's own modules."""
    (tmp_path / "select.py").write_text("raise RuntimeError('read as a module')\n")
    script = (
        "from pathlib import Path; from relay.core.ledger.database import prepare_database;"
        "print(prepare_database(Path('data'), is_demo=None))"
    )
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("data/relay.db\n", "")


def test_opening_again_keeps_the_locks_that_this_process_has(tmp_path: Path) -> None:
    """A file descriptor that is closed takes all of its process's locks on the file along: none may be opened aside."""
    path = prepare_database(tmp_path, is_demo=False)
    with contextlib.closing(connect(path)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        ledger.execute("ROLLBACK")
        prepare_database(tmp_path, is_demo=False)
        leave = (
            "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode=DELETE'))"
        )
        done = subprocess.run([sys.executable, "-c", leave, path], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A database of a newer relay is left alone, and the error names both versions."""
    database = prepare_database(tmp_path, is_demo=False)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = '6' WHERE key = 'schema_version'")
    with pytest.raises(DatabaseRefusedError, match="has schema 6, this relay knows 5; run the newer relay"):
        prepare_database(tmp_path, is_demo=False)


def test_a_demo_s_database_is_refused_without_demo(tmp_path: Path) -> None:
    """A shop never opens a demo's database."""
    prepare_database(tmp_path, is_demo=True)
    with pytest.raises(DatabaseRefusedError, match="belongs to a demo; start it with --demo"):
        prepare_database(tmp_path, is_demo=False)


def test_a_shop_s_database_is_refused_with_demo(tmp_path: Path) -> None:
    """A demo never opens a shop's database."""
    prepare_database(tmp_path, is_demo=False)
    with pytest.raises(DatabaseRefusedError, match="belongs to a shop; start it without --demo"):
        prepare_database(tmp_path, is_demo=True)


@pytest.mark.parametrize("is_demo", [False, True])
def test_who_does_not_care_takes_what_is_there(tmp_path: Path, is_demo: bool) -> None:
    """A command beside the server opens a demo's and a shop's database alike."""
    database = prepare_database(tmp_path, is_demo=is_demo)
    assert prepare_database(tmp_path, is_demo=None) == database


def test_every_commit_is_on_disk(tmp_path: Path) -> None:
    """The ledger's connection syncs each commit, logs ahead, and keeps references whole."""
    with contextlib.closing(connect(prepare_database(tmp_path, is_demo=False))) as connection:
        modes = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "journal_size_limit")
        ]
    assert modes == ["wal", 2, 1, 5000, 64 * 1024 * 1024]


def test_a_log_that_a_reader_let_grow_gets_smaller_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start reads all of it, and each look into it takes longer."""
    monkeypatch.setattr(ledger_database, "_LOG_BYTES_MAX", 1_000_000)
    path = prepare_database(tmp_path, is_demo=False)
    log = path.with_name("relay.db-wal")
    with contextlib.closing(connect(path)) as writer, contextlib.closing(connect_reader(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        writer.execute("INSERT INTO meta VALUES ('long', ?)", ("x" * 40_000_000,))
        assert log.stat().st_size > 40_000_000
        reader.execute("COMMIT")
        for word in ("moves it into the database", "starts it anew"):
            writer.execute("UPDATE meta SET value = ? WHERE key = 'long'", (word,))
        assert log.stat().st_size == 1_000_000


def test_a_reader_can_not_write(tmp_path: Path) -> None:
    """What only reads is held to it by the database."""
    with (
        contextlib.closing(connect_reader(prepare_database(tmp_path, is_demo=False))) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM meta")

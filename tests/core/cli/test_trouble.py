"""A file or a database that fails is one line on stderr and exit code 1, and a damaged one is a verdict."""

import contextlib
import errno
import sqlite3
from pathlib import Path

import pytest

from relay.core.cli.trouble import words_for
from tests.core.cli.counter import Counter

NO_DATABASE = (
    "the database file is not a database; restore the data folder from a backup, then run: relay ledger verify"
)
DAMAGED = "the database is damaged; restore the data folder from a backup, then run: relay ledger verify"


def spoil(database: Path) -> None:
    """Overwrite the file with what is no database."""
    database.with_name("relay.db-wal").unlink(missing_ok=True)
    database.with_name("relay.db-shm").unlink(missing_ok=True)
    database.write_bytes(b"no database " * 1000)


def damage(database: Path) -> None:
    """Overwrite every page but the first few, whose tables then lead nowhere."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = database.read_bytes()
    kept = 2 * 4096
    database.write_bytes(content[:kept] + b"\xaa" * (len(content) - kept))


@pytest.mark.parametrize(
    "words", [("account", "show", "alice"), ("account", "top-up", "alice", "1", "--reference", "R1"), ("log", "list")]
)
def test_what_is_no_database_is_an_error_in_one_line(counter: Counter, words: tuple[str, ...]) -> None:
    """Commands that read and commands that write say what to do, without a traceback."""
    counter.open_account()
    spoil(counter.data / "relay.db")

    result = counter.run(*words)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"error: {NO_DATABASE}\n")


def test_what_is_no_database_is_a_verdict(counter: Counter) -> None:
    """``ledger verify`` prints it as it prints every problem."""
    counter.open_account()
    spoil(counter.data / "relay.db")

    result = counter.run("ledger", "verify")

    assert (result.exit_code, result.stdout, result.stderr) == (1, f"{NO_DATABASE}\n", "")


def test_a_damaged_database_is_a_verdict_for_programs(counter: Counter) -> None:
    """The fields are those of every verdict."""
    counter.open_account()
    damage(counter.data / "relay.db")

    result = counter.run("ledger", "verify", "--json")

    expected = f'{{\n  "ok": false,\n  "problems": [\n    "{DAMAGED}"\n  ]\n}}\n'
    assert (result.exit_code, result.stdout, result.stderr) == (1, expected, "")


@pytest.mark.parametrize("words", [("account", "show", "alice"), ("ledger", "verify")])
def test_a_first_start_that_died_has_left_no_database(fresh_counter: Counter, words: tuple[str, ...]) -> None:
    """The file is there, its tables are not."""
    data = fresh_counter.data
    data.mkdir()
    (data / "relay.db").touch()

    expected = f"error: no database in '{data}'; start the shop with: relay run --profile FILE --data {data}"
    assert fresh_counter.refused(*words) == (1, expected)


@pytest.mark.parametrize("words", [("account", "show", "alice"), ("ledger", "verify")])
def test_a_newer_relays_database_is_not_even_read(counter: Counter, words: tuple[str, ...]) -> None:
    """What its rows mean is not known here, so nothing is said about them."""
    counter.open_account()
    with contextlib.closing(sqlite3.connect(counter.data / "relay.db", isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")

    expected = f"error: '{counter.data / 'relay.db'}' has schema 99, this relay knows 5; run the newer relay"
    assert counter.refused(*words) == (1, expected)


def test_a_folder_that_cannot_be_made_is_an_error_in_one_line(fresh_counter: Counter) -> None:
    """It is named, with the system's reason."""
    fresh_counter.data = Path("/proc/relay")

    refused = fresh_counter.refused("account", "create", "alice", "--profile", str(fresh_counter.profile))

    assert refused == (1, "error: can't use '/proc/relay': No such file or directory")


def test_a_held_database_is_another_programs_doing() -> None:
    """An extended code is told by its primary one, and through what SQLAlchemy wraps around it."""
    held = sqlite3.OperationalError("database is locked")
    held.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = held

    expected = "another program has locked the database for too long; stop it, then try again"
    assert words_for(wrapped) == expected


FAILING = "the disk failed to read or write; check the system log"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SQLITE_CORRUPT_INDEX", DAMAGED),
        ("SQLITE_NOTADB", NO_DATABASE),
        ("SQLITE_CANTOPEN_ISDIR", "the database can't be opened; check the owner and permissions of the data folder and its files"),
        ("SQLITE_READONLY_DIRECTORY", "the database can't be written; check the owner and permissions of the data folder and its files"),
        ("SQLITE_FULL", "the disk is full; free some space, then try again"),
        ("SQLITE_IOERR_FSYNC", FAILING),
        ("SQLITE_BUSYBODY", None),
        ("SQLITE_CONSTRAINT_CHECK", None),
    ],
)  # fmt: skip
def test_each_failure_of_the_database_has_its_advice(code: str, words: str | None) -> None:
    """What is no failure of disk or database has none."""
    failed = sqlite3.OperationalError("it failed")
    failed.sqlite_errorname = code
    assert words_for(failed) == words


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO])
def test_a_failing_disk_is_told_by_the_systems_number(number: int) -> None:
    """Where the error names no file."""
    assert words_for(OSError(number, "x")) == FAILING


def test_a_broken_constraint_is_a_bug_of_ours() -> None:
    """It is not put down to the disk."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE one (a CHECK (a > 0))")
        with pytest.raises(sqlite3.IntegrityError) as caught:
            connection.execute("INSERT INTO one VALUES (0)")

    assert words_for(caught.value) is None


@pytest.mark.parametrize("name", ["\udcff", "", " alice"])
@pytest.mark.parametrize(
    "words",
    [
        ("account", "show", "{}"),
        ("account", "top-up", "{}", "1", "--reference", "R1"),
        ("key", "create", "--account", "{}"),
        ("key", "list", "--account", "{}"),
        ("key", "revoke", "{}"),
        ("key", "set-group", "{}", "plain"),
        ("log", "list", "--account", "{}"),
        ("log", "list", "--key", "{}"),
        ("bill", "explain", "{}"),
    ],
)
def test_what_can_be_no_name_is_a_usage_error(counter: Counter, words: tuple[str, ...], name: str) -> None:
    """Bytes that are no UTF-8 among them, as the system hands them over."""
    counter.open_account()
    result = counter.run(*(word.format(name) for word in words))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "printable characters without blanks around them" in result.stderr


@pytest.mark.parametrize("value", ["abc", None])
def test_a_database_of_another_program_is_refused(counter: Counter, value: str | None) -> None:
    """It may well have a table of this name."""
    counter.open_account()
    with contextlib.closing(sqlite3.connect(counter.data / "relay.db", isolation_level=None)) as connection:
        if value is None:
            connection.execute("ALTER TABLE meta RENAME COLUMN value TO other")
        else:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (value,))

    expected = f"error: '{counter.data / 'relay.db'}' is no database of relay's; name another --data folder"
    assert counter.refused("account", "show", "alice") == (1, expected)


def test_a_full_disk_is_told_wherever_it_is_met() -> None:
    """The output may be what does not fit: the system then names no file."""
    assert (
        words_for(OSError(errno.ENOSPC, "No space left on device"))
        == words_for(OSError(errno.EDQUOT, "Disk quota exceeded"))
        == "the disk is full; free some space, then try again"
    )
    assert words_for(OSError(errno.EBADF, "Bad file descriptor")) is None

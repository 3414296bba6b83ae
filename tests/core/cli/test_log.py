"""``relay log list``: every request with its facts, and never a word of it."""

import contextlib
import sqlite3
import tracemalloc
from pathlib import Path

import pytest

from relay.core.cli import main
from relay.core.ledger.database import database_path
from relay.core.ledger.sqlite import SqliteLedger
from tests.books import CREDIT, account, key, record, reserve
from tests.core.cli.counter import Counter


@pytest.fixture
def counter(counter: Counter) -> Counter:
    """A shop whose customer alice has asked once, at noon of 2026-11-23."""

    async def ask_once(ledger: SqliteLedger) -> None:
        await ledger.create_account(account("alice", gift_nano=10 * CREDIT))
        await ledger.create_account(account("bob"))
        await ledger.create_key(key("key_1"))
        await ledger.create_key(key("key_2", "bob"))
        await ledger.reserve(reserve("req_1", 2 * CREDIT))
        await ledger.post(record("req_1"))

    counter.book(ask_once)
    return counter


def test_a_request_is_listed_with_all_its_facts(counter: Counter) -> None:
    """Amounts as plain decimals, times by RFC 3339."""
    assert counter.ask("log", "list") == [
        {
            "request_id": "req_1",
            "at": "2026-11-23T12:00:00Z",
            "account": "alice",
            "key_id": "key_1",
            "group": "plain",
            "channel": "one",
            "model": "gpt-4o",
            "model_sent": "gpt-4o-2024",
            "model_returned": "gpt-4o-2024-08-06",
            "dialect": "openai_chat",
            "stream": True,
            "input_tokens": 3,
            "cache_read_tokens": 2,
            "cache_write_5m_tokens": 0,
            "cache_write_1h_tokens": 0,
            "output_tokens": 1,
            "charge": "1.25",
            "outcome": "complete",
            "usage_source": "upstream",
            "attempts": 1,
            "duration_ms": 12,
        }
    ]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--account", "alice", "--key", "key_1", "--since", "2026-11-23T12:00:00Z"), 1),
        (("--since", "2026-11-23T20:00:00.001+08:00"), 0),
        (("--since", "1s"), 0),
        (("--since", "99999d"), 1),
        (("--account", "bob"), 0),
        (("--key", "key_2"), 0),
    ],
)
def test_the_list_is_narrowed_by_account_key_and_time(counter: Counter, words: tuple[str, ...], count: int) -> None:
    """A span counts back from now."""
    assert len(counter.ask("log", "list", *words)) == count


def test_people_see_what_fits_on_a_line(counter: Counter) -> None:
    """The rest is in the JSON."""
    assert counter.run("log", "list").stdout == (
        "at                    request_id  account  group  model   input_tokens  output_tokens  charge  outcome\n"
        "2026-11-23T12:00:00Z  req_1       alice    plain  gpt-4o  3             1              1.25    complete\n"
    )
    assert counter.run("log", "list", "--account", "bob").stdout == "no requests\n"


def test_a_log_is_printed_page_by_page(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes first does not wait for the rest, of which only a later column's width would be known."""

    async def ask_twice(ledger: SqliteLedger) -> None:
        for request_id in ("req_2", "req_a_longer_one"):
            await ledger.reserve(reserve(request_id, 2 * CREDIT))
            await ledger.post(record(request_id))

    counter.book(ask_twice)
    monkeypatch.setattr("relay.core.cli.log.LOG_PAGE", 2)
    assert counter.run("log", "list").stdout == (
        "at                    request_id  account  group  model   input_tokens  output_tokens  charge  outcome\n"
        "2026-11-23T12:00:00Z  req_1       alice    plain  gpt-4o  3             1              1.25    complete\n"
        "2026-11-23T12:00:00Z  req_2       alice    plain  gpt-4o  3             1              1.25    complete\n"
        "2026-11-23T12:00:00Z  req_a_longer_one  alice    plain  gpt-4o  3             1              1.25    complete\n"
    )


@pytest.mark.parametrize(("words", "lines"), [((), 5002), (("--json",), 5001 * 23 + 2)])
def test_a_long_log_is_printed_without_being_held(
    counter: Counter, tmp_path: Path, words: tuple[str, ...], lines: int
) -> None:
    """Five thousand rows, of which a few are in memory at once: all of them would take 5 MB."""
    with contextlib.closing(sqlite3.connect(database_path(counter.data))) as connection, connection:
        names = [f'"{name}"' for _, name, *_ in connection.execute("PRAGMA table_info(request_log)")][1:]
        connection.execute(
            f"INSERT INTO request_log (request_id, {', '.join(names)}) SELECT 'req_' || (value + 1), {', '.join(names)} "
            "FROM request_log, (WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n LIMIT 5000) "
            "SELECT value FROM n)"
        )
    counter.run("log", "list", "--account", "bob", *words)  # what is loaded once is loaded now
    printed = tmp_path / "printed"
    with printed.open("w") as file, contextlib.redirect_stdout(file):
        tracemalloc.start()
        main.main(["log", "list", "--data", str(counter.data), *words], standalone_mode=False)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(printed.read_text().splitlines()) == lines
    assert peak_bytes < 3_000_000


def test_unknown_accounts_and_keys_are_refused(counter: Counter) -> None:
    """Rather than listed as having asked nothing."""
    assert counter.refused("log", "list", "--account", "alcie")[1] == (
        "error: unknown account 'alcie'; did you mean 'alice'?"
    )
    assert counter.refused("log", "list", "--key", "key_3")[1] == (
        "error: unknown key 'key_3'; relay key list shows the ids"
    )


def test_a_time_that_is_none_is_a_usage_error(counter: Counter) -> None:
    """Exit code 2, and what was expected."""
    assert counter.refused("log", "list", "--since", "yesterday") == (
        2,
        "Error: Invalid value for '--since': expected a time such as \"2026-12-01T00:00:00Z\", "
        'from 1970 to 9998, or a span such as "3d", found "yesterday"',
    )

"""``relay ledger verify``: its verdict, and its exit code."""

import sqlite3

from tests.core.cli.counter import Counter


def test_right_books_are_said_to_be_right(counter: Counter) -> None:
    """Exit code 0."""
    counter.open_account("alice", "--credit", "1")
    assert counter.ask("ledger", "verify") == {"ok": True, "problems": []}
    assert counter.run("ledger", "verify").stdout == "the books are right\n"


def test_a_changed_amount_is_found(counter: Counter) -> None:
    """Exit code 1, and a sentence for each problem, for programs and people."""
    counter.open_account("alice", "--credit", "1")
    with sqlite3.connect(counter.data / "relay.db") as connection:
        connection.execute("UPDATE book SET credit_nano = credit_nano + 1 WHERE account_id IS NOT NULL")
    connection.close()
    result = counter.run("ledger", "verify", "--json")
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout
    assert "I1 debits and credits of ledger 'credit' differ: 1 and 1.000000001" in result.stdout
    assert counter.run("ledger", "verify").stdout.startswith("I1 debits and credits of ledger 'credit' differ")


def test_a_folder_without_a_database_is_no_verdict(fresh_counter: Counter) -> None:
    """Nothing to verify is an error, not right."""
    code, error = fresh_counter.refused("ledger", "verify")
    assert code == 1
    assert error.startswith("error: no database in")

"""`verify` finds what is wrong: each test breaks one thing behind the ledger's back."""

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import pytest

from relay.core.ledger import boots
from relay.core.ledger.operations import PublishPrices, RevokeKey, SetKeyGroup
from relay.core.ledger.verify import CHECK_COUNT, check, verify

from .books import Books


@pytest.fixture
def trading(books: Books) -> Books:
    books.play("""
        account alice gift=5
        top_up alice 10
        reserve r1 alice 3
        post r1 2
        reserve r2 alice 1
        reserve r3 alice 1
        post r3 99
    """)
    return books


def tamper(books: Books, *statements: str) -> list[str]:
    """Change the file as no operation would, and return what `verify` says once triggers in the way stand again."""
    with contextlib.closing(sqlite3.connect(books.database, isolation_level=None)) as connection:
        triggers = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for statement in statements:
            connection.execute(statement)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            del triggers[name]
        for trigger in triggers.values():
            connection.execute(trigger)
    return verify(books.data)


def test_right_books_have_no_problems(trading: Books) -> None:
    """Open holds, posts and overruns of a living process are in order."""
    assert verify(trading.data) == []


def test_nothing_is_open_between_two_checks(trading: Books) -> None:
    """The server's write-ahead log can be tidied: `verify` may take minutes."""
    busy = []
    with contextlib.closing(sqlite3.connect(trading.database, timeout=0)) as connection:
        for problems in check(trading.data):
            assert problems == []
            busy.append(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
            connection.execute("INSERT INTO meta VALUES (?, 'written meanwhile')", (str(len(busy)),))
            connection.commit()
    assert busy == [(0, 0, 0)] * CHECK_COUNT


def test_after_each_check_nothing_is_read_for_a_while(trading: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as a share of the time that it took: a server that is never at rest can tidy then."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert verify(trading.data) == []
    assert [pause_s > 0 for pause_s in pauses] == [True] * CHECK_COUNT


def test_every_charge_of_a_long_log_is_recomputed_once(trading: Books) -> None:
    """However its rows fall into parts: here there are more than twice as many as parts, and a hole."""
    with contextlib.closing(sqlite3.connect(trading.database)) as connection, connection:
        names = [f'"{name}"' for _, name, *_ in connection.execute("PRAGMA table_info(request_log)")][1:]
        connection.execute(
            f"INSERT INTO request_log (rowid, request_id, {', '.join(names)}) "
            f"SELECT value, 'copy_' || value, {', '.join(names)} "
            "FROM request_log, (WITH RECURSIVE n(value) AS (VALUES (11) UNION ALL SELECT value + 1 FROM n LIMIT 100) "
            "SELECT value FROM n) WHERE request_id = 'r1'"
        )
        connection.execute("UPDATE request_log SET trace = ''")
    unread = [problem for problem in verify(trading.data) if problem.startswith("I12")]
    assert sorted(unread) == sorted(
        f"I12 the trace of request '{request_id}' can't be read: DecodeError"
        for request_id in ("r1", "r3", *(f"copy_{number}" for number in range(11, 111)))
    )


def test_a_changed_balance_is_found(trading: Books) -> None:
    """A lot with one nano-credit too much breaks the sum and its own transfers."""
    assert tamper(trading, "UPDATE book SET credit_nano = credit_nano + 1 WHERE kind = 'cash'") == [
        "I1 debits and credits of ledger 'credit' differ: 116 and 116.000000001",
        "I2 book 'lot:top_up:manual:order-1' says debit 10 and credit 10.000000001, its transfers 10 and 10",
    ]


def test_a_changed_hold_is_found(trading: Books) -> None:
    """A lot that holds more than its open requests is found."""
    assert tamper(trading, "UPDATE book SET pending_nano = pending_nano - 1 WHERE kind = 'gift'") == [
        "I3 lot 'lot:gift:alice' has 0.999999999 pending, its open holds come to 1"
    ]


def test_a_changed_reservation_is_found(trading: Books) -> None:
    """A reservation whose parts come to something else is found, at the key too."""
    assert tamper(trading, "UPDATE reservation SET held_nano = 5 WHERE request_id = 'r2'") == [
        "I3 request 'r2' holds 0.000000005, its lots 1",
        "I3 key 'alice' says 1 held, its open requests 0.000000005",
    ]


def test_a_changed_charge_is_found(trading: Books) -> None:
    """A log row that charges something else than was paid is found three times."""
    assert tamper(trading, "UPDATE request_log SET charge_nano = 1 WHERE request_id = 'r1'") == [
        "I5 request 'r1' paid 2, its log says 0.000000001",
        "I14 key 'alice' says 101 spent, its charges come to 99.000000001",
        "I12 request 'r1' was charged 0.000000001, its trace comes to 2",
    ]


def test_a_changed_trace_is_found(trading: Books) -> None:
    """A trace that comes to another amount, or to none, is found."""
    assert tamper(
        trading, "UPDATE request_log SET trace = replace(trace, '\"2\"', '\"3\"') WHERE request_id = 'r1'"
    ) == ["I12 request 'r1' was charged 2, its trace comes to 3"]
    assert tamper(trading, "UPDATE request_log SET trace = '{' WHERE request_id = 'r1'") == [
        "I12 the trace of request 'r1' can't be read: DecodeError"
    ]


def test_a_changed_count_is_found(trading: Books) -> None:
    """A log row that shows other tokens than were priced."""
    assert tamper(trading, "UPDATE request_log SET output_tokens = 7 WHERE request_id = 'r1'") == [
        "I12 the log of request 'r1' says 7 output_tokens, its usage 5"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("model = 'gpt-4o'", "I12 the log of request 'r1' says model 'gpt-4o', its hold 'claude-sonnet-4-5'"),
        ("\"group\" = 'lily'", "I12 the log of request 'r1' says group 'lily', its hold 'hyacinth'"),
        ("usage_source = 'disputed'", "I12 the log of request 'r1' says disputed usage_source, its usage upstream"),
        ("outcome = 'upstream_error'", "I6 request 'r1' was paid for, and ended as 'upstream_error' by its log"),
    ],
)
def test_a_row_that_says_another_thing_than_what_it_was_made_of_is_found(
    trading: Books, change: str, problem: str
) -> None:
    """Its hold knows the facts as well, its usage the source; what is paid for is no failure of the upstream's."""
    assert tamper(trading, f"UPDATE request_log SET {change} WHERE request_id = 'r1'") == [problem]


def test_facts_that_can_not_be_read_are_found(trading: Books) -> None:
    """Of a hold; the rest of the books is looked at all the same."""
    assert tamper(trading, "UPDATE reservation SET facts = '{' WHERE request_id = 'r1'") == [
        "I12 the facts of request 'r1' can't be read: DecodeError"
    ]


def test_an_audit_that_can_not_be_read_is_found(trading: Books) -> None:
    """It says nothing of its account or key then."""
    trading.do(SetKeyGroup(key_id="alice", group="agave", actor="test"))
    assert tamper(trading, "DROP TRIGGER audit_no_update", "UPDATE audit SET details = '{'") == [
        f"the details of entry {number} of the audit can't be read" for number in (1, 2, 3, 4)
    ]


def test_a_renamed_account_is_found(trading: Books) -> None:
    """No command renames one."""
    assert tamper(trading, "UPDATE account SET name = 'bob'") == [
        "account 'alice' is called 'bob', and was made as 'alice'"
    ]


def test_a_key_in_a_group_that_nobody_put_it_into_is_found(trading: Books) -> None:
    """Made in one, or switched to another: the last counts."""
    trading.do(SetKeyGroup(key_id="alice", group="agave", actor="test"))
    assert verify(trading.data) == []
    assert tamper(trading, "UPDATE api_key SET \"group\" = 'carnation'") == [
        "key 'alice' is in group 'carnation', and was put into 'agave' last"
    ]


def test_a_revoked_key_that_lives_again_is_found(trading: Books) -> None:
    """What was revoked stays so."""
    trading.do(RevokeKey(key_id="alice", actor="test"))
    assert verify(trading.data) == []
    assert tamper(trading, "UPDATE api_key SET is_revoked = 0") == ["key 'alice' may be used, and was revoked"]


@pytest.mark.parametrize(
    "change", ["cap_nano = 1", "expires_at = 1", "models = '[\"gpt-4o\"]'", "ips = '[\"10.0.0.0/8\"]'"]
)
def test_a_key_that_may_do_other_than_it_was_made_for_is_found(trading: Books, change: str) -> None:
    """No command changes its cap, its end or its lists."""
    assert tamper(trading, f"UPDATE api_key SET {change}") == [
        "key 'alice' has another cap, end or list of models or addresses than it was made with"
    ]


def test_a_key_whose_audit_says_nothing_of_its_cap_is_right(trading: Books) -> None:
    """Entries of before caps were noted stay as they are."""
    older = "UPDATE audit SET details = json_remove(details, '$.cap_nano', '$.expires_at', '$.models', '$.ips')"
    assert tamper(trading, "DROP TRIGGER audit_no_update", older, "UPDATE api_key SET cap_nano = 9") == []


def test_prices_that_are_gone_are_found(trading: Books) -> None:
    """By the requests that were priced by them."""
    version = hashlib.sha256(b"{}").hexdigest()
    trading.do(PublishPrices(price_version=version, document="{}"))
    named = f"UPDATE reservation SET price_version = '{version}' WHERE request_id IN ('r1', 'r3')"
    assert tamper(trading, named) == []
    assert tamper(trading, "DELETE FROM price_version") == [
        f"I12 the prices of version '{version}' are missing; requests that name it: 2"
    ]


def test_changed_prices_are_found(trading: Books) -> None:
    """A price document behind its version's back."""
    version = hashlib.sha256(b"{}").hexdigest()
    trading.do(PublishPrices(price_version=version, document="{}"))
    assert verify(trading.data) == []
    assert tamper(trading, """UPDATE price_version SET document = '{"prices":{}}'""") == [
        f"I12 the prices of version '{version}' are not those that were published"
    ]


def test_a_payment_of_an_open_request_is_found(trading: Books) -> None:
    """A request that paid but is not posted is found."""
    problems = tamper(trading, "UPDATE reservation SET state = 'voided' WHERE request_id = 'r1'")
    assert problems == [
        "I6 request 'r1' is voided and was paid for",
        "I6 request 'r1' is voided and its log row is not as it should be",
    ]


def test_a_lost_log_row_is_found(trading: Books) -> None:
    """A posted request without its log row is found."""
    problems = tamper(trading, "DELETE FROM request_log WHERE request_id = 'r1'")
    assert "I6 request 'r1' is posted and its log row is not as it should be" in problems


def test_a_changed_overrun_is_found(trading: Books) -> None:
    """The overruns counted by day must be those of the requests."""
    assert tamper(trading, "UPDATE overrun_day SET overrun_nano = 1") == [
        "overrun of account 'alice' says 0.000000001, its requests 87"
    ]


def test_a_transfer_changed_by_force_breaks_the_chain(trading: Books) -> None:
    """With its trigger dropped a transfer can be changed, and the chain says so."""
    problems = tamper(
        trading, "DROP TRIGGER transfer_no_update", "UPDATE transfer SET reason = 'because' WHERE id = 'gift:alice'"
    )
    assert problems == [f"I11 the transfers of writer '{trading.boot.id}', link 1, are not those that were written"]


def test_a_link_taken_out_breaks_the_chain(trading: Books) -> None:
    """With its trigger dropped a link can be deleted, and the chain says so."""
    writer = trading.boot.id
    assert tamper(trading, "DROP TRIGGER batch_no_delete", "DELETE FROM batch WHERE seq = 2") == [
        f"I11 the chain of writer '{writer}' is broken before link 3",
        f"I11 transfers of writer '{writer}' stand outside its chain, at link 2",
    ]


def test_the_last_links_taken_out_are_missed(trading: Books) -> None:
    """Transfers after the end of the chain are found too."""
    problems = tamper(trading, "DROP TRIGGER batch_no_delete", "DELETE FROM batch WHERE seq = 4")
    assert problems == [f"I11 transfers of writer '{trading.boot.id}' stand outside its chain, at link 4"]


def test_transfers_taken_out_break_their_own_link_alone(trading: Books) -> None:
    """Those of the links behind it are not taken for them."""
    problems = tamper(trading, "DROP TRIGGER transfer_no_delete", "DELETE FROM transfer WHERE seq = 2")
    assert [problem for problem in problems if problem.startswith("I11")] == [
        f"I11 the transfers of writer '{trading.boot.id}', link 2, are not those that were written"
    ]


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            ["UPDATE book SET ledger = 'USD' WHERE kind = 'cash'"],
            "I1 transfer 'top_up:manual:order-1' joins two ledgers",
        ),
        (
            [
                "INSERT INTO book (ledger, name, kind, account_id, no_overdraft, debit_nano, credit_nano, pending_nano,"
                " created_at) VALUES ('credit', 'lot:made', 'gift', 'alice', 1, 0, 5, 0, 0)"
            ],
            "I2 book 'lot:made' says debit 0 and credit 0.000000005, its transfers 0 and 0",
        ),
        (
            ["UPDATE book SET debit_nano = 5 WHERE kind = 'revenue'"],
            "I2 book 'revenue:2026-11-23:{boot}' says debit 0.000000005 and credit 101, its transfers 0 and 101",
        ),
        (
            ["PRAGMA ignore_check_constraints = ON", "UPDATE book SET pending_nano = 1 WHERE kind = 'cash'"],
            "I3 lot 'lot:top_up:manual:order-1' has 0.000000001 pending, its open holds come to 0",
        ),
        (
            ["PRAGMA ignore_check_constraints = ON", "UPDATE book SET pending_nano = 1 WHERE kind = 'cash'"],
            "I4 lot 'lot:top_up:manual:order-1' is overdrawn",
        ),
        (["DELETE FROM reservation_lot WHERE request_id = 'r2'"], "I3 request 'r2' holds 1, its lots 0"),
        (
            ["UPDATE api_key SET held_nano = 5 WHERE id = 'bob'"],
            "I3 key 'bob' says 0.000000005 held, its open requests 0",
        ),
        (
            ["DROP TRIGGER transfer_no_delete", "DELETE FROM transfer WHERE id LIKE 'post:r1:%'"],
            "I5 request 'r1' paid 0, its log says 2",
        ),
        (["DELETE FROM reservation WHERE request_id = 'r1'"], "I6 the payment of 'r1' belongs to no reservation"),
        (
            ["UPDATE api_key SET spent_nano = 5 WHERE id = 'bob'"],
            "I14 key 'bob' says 0.000000005 spent, its charges come to 0",
        ),
        (
            ["INSERT INTO overrun_day VALUES ('bob', '2026-11-23', 5)"],
            "overrun of account 'bob' says 0.000000005, its requests 0",
        ),
        (
            ["INSERT INTO claim SELECT 'r9', 'rule', 'odd', '1', 0, '{{}}', 'filed', 0"],
            "the claim of rule 'rule' names request 'r9', which is not in the log",
        ),
    ],
)
def test_what_stands_alone_is_found(trading: Books, statements: list[str], problem: str) -> None:
    """A book, hold, payment, charge or claim that nothing stands beside is found as well as one that differs."""
    trading.play("account bob")
    assert problem.format(boot=trading.boot.id) in tamper(trading, *[each.format() for each in statements])


@pytest.mark.parametrize("table", ["transfer", "batch", "audit"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET rowid = 1", "DELETE FROM {}"])
def test_what_is_written_for_good_can_not_be_changed(trading: Books, table: str, statement: str) -> None:
    """The database refuses to change or delete transfers, links and audit rows."""
    statement = statement.replace("SET rowid = 1", "SET at = 1" if table != "batch" else "SET hash = ''")
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        tamper(trading, statement.format(table))


def test_the_database_refuses_an_overdraft(trading: Books) -> None:
    """A lot can't go below what it holds, whoever writes."""
    with pytest.raises(sqlite3.IntegrityError, match="ck_book_overdraft"):
        tamper(trading, "UPDATE book SET debit_nano = credit_nano + 1 WHERE kind = 'cash'")


def test_an_open_hold_of_a_dead_process_is_named(trading: Books) -> None:
    """Between a crash and the next start, what is to be recovered is said."""
    dead = trading.die()
    assert verify(trading.data) == [f"I9 boot '{dead}' is dead and still holds; start relay to recover it"]


def test_a_process_that_ends_in_order_meanwhile_is_not_named(trading: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at what is held and the look at who lives, the last answer may end, and the shop close."""
    is_alive = boots.is_alive

    def end_and_look(data: Path, boot: str) -> bool:
        trading.play("void r2")
        trading.close()
        trading._start()
        return is_alive(data, boot)

    monkeypatch.setattr(boots, "is_alive", end_and_look)
    assert verify(trading.data) == []


def test_a_damaged_file_is_named(trading: Books) -> None:
    """A row that names a row which does not exist is found."""
    problems = tamper(
        trading, "PRAGMA foreign_keys=OFF", "UPDATE reservation_lot SET lot_id = 77 WHERE request_id = 'r2'"
    )
    assert problems[0] == "book '77' is missing; rows of table 'reservation_lot' that name it: 1"


def test_a_lost_row_is_named_once_for_all_that_name_it(trading: Books) -> None:
    """The account is named, with the tables whose rows are without it."""
    problems = tamper(trading, "PRAGMA foreign_keys=OFF", "DELETE FROM account WHERE name = 'alice'")
    assert problems == [
        "account 'alice' is missing; rows of table 'api_key' that name it: 1",
        "account 'alice' is missing; rows of table 'book' that name it: 2",
        "account 'alice' is missing; rows of table 'reservation' that name it: 3",
    ]


def test_a_log_row_given_to_somebody_else_is_found(trading: Books) -> None:
    """What one customer asked can't be shown to another."""
    assert tamper(trading, "UPDATE request_log SET account_id = 'mallory' WHERE request_id = 'r1'") == [
        "I6 the log of request 'r1' names another account or key than its reservation"
    ]


def test_a_missing_trigger_is_found(trading: Books) -> None:
    """Without it rows could have been changed."""
    with contextlib.closing(sqlite3.connect(trading.database)) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
    assert verify(trading.data) == [
        "trigger 'audit_no_delete' is missing; someone may have changed rows of table 'audit'"
    ]


def test_a_missing_table_is_found(trading: Books) -> None:
    """Nothing else is asked then."""
    with contextlib.closing(sqlite3.connect(trading.database)) as connection:
        connection.execute("DROP TABLE claim")
    assert verify(trading.data) == ["table 'claim' is missing; put the data folder back from a backup"]

"""A group of operations in one transaction does what the same operations do one after another."""

import os
import tempfile
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.exchange import Claim
from relay.core.ledger.operations import (
    Adjust,
    Extend,
    FileClaim,
    Operation,
    Post,
    Posted,
    Reservation,
    Result,
    RevokeKey,
    SetKeyGroup,
    Void,
    Withdraw,
)
from relay.core.ledger.verify import verify
from relay.core.money import format_nano
from tests.services import NOW

from .books import Books, account, copy_empty_shop, key, record, reservation, top_up

# Memory where there is some: what is compared here is arithmetic.
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NAMES = st.sampled_from(("alice", "bob"))
REQUESTS = st.sampled_from(("r1", "r2", "r3", "r4", "r5", "r6"))
AMOUNTS = st.integers(min_value=0, max_value=12)
OWNERS = {"r1": "alice", "r2": "bob", "r3": "alice", "r4": "bob", "r5": "alice", "r6": "alice"}
WHAT_IS_KEPT = (
    "SELECT kind, account_id, expires_at, debit_nano, credit_nano, pending_nano FROM book WHERE account_id IS NOT NULL",
    "SELECT kind, debit_nano, credit_nano FROM book WHERE account_id IS NULL",
    "SELECT id, spent_nano, held_nano, version, is_revoked FROM api_key",
    "SELECT request_id, key_id, state, held_nano, closed_at, delivered_at, is_recovered FROM reservation",
    "SELECT l.request_id, b.kind, l.held_nano FROM reservation_lot l JOIN book b ON b.id = l.lot_id",
    "SELECT id, amount_nano, kind, request_id, reason FROM transfer WHERE kind <> 'adjust'",
    "SELECT request_id, outcome, charge_nano, overrun_nano, trace FROM request_log",
    "SELECT account_id, day, overrun_nano FROM overrun_day",
    "SELECT request_id, rule, amount_nano FROM claim",
    "SELECT actor, action, subject FROM audit",
)


def a_reserve(request_id: str, amount: int, version: int) -> Operation:
    return reservation(request_id, OWNERS[request_id], amount, key_version=version)


def a_claim(request_id: str, amount: int) -> Operation:
    return FileClaim(
        request_id=request_id, claim=Claim(rule="rule", kind="empty_reply", share=Fraction(1)), amount_nano=amount
    )


def a_taking(name: str, amount: int) -> Operation:
    return Adjust(
        adjustment_id=f"take-{name}-{amount}",
        account=name,
        amount_nano=amount,
        direction="take",
        reason="by hand",
        actor="operator",
    )


def a_post(request_id: str, amount: int) -> Operation:
    return Post(record=record(request_id, OWNERS[request_id], format_nano(amount)))


OPERATIONS = st.one_of(
    st.builds(a_reserve, REQUESTS, AMOUNTS, st.sampled_from((1, 1, 1, 2))),
    st.builds(a_post, REQUESTS, st.integers(min_value=0, max_value=15)),
    st.builds(lambda request_id: Void(record=record(request_id, OWNERS[request_id], "0")), REQUESTS),
    st.builds(lambda request_id, amount: Extend(request_id=request_id, held_nano=amount), REQUESTS, AMOUNTS),
    st.builds(lambda request_id: Withdraw(request_id=request_id), REQUESTS),
    st.builds(a_claim, REQUESTS, AMOUNTS),
    st.builds(lambda name, amount: top_up(name, amount, f"order-{amount}"), NAMES, AMOUNTS),
    st.builds(a_taking, NAMES, AMOUNTS),
    st.builds(lambda name: SetKeyGroup(key_id=name, group="agave", actor="operator"), NAMES),
    st.builds(lambda name: RevokeKey(key_id=name, actor="operator"), NAMES),
)


def trade(folder: Path, before: list[Operation], hours: int, groups: list[list[Operation]]) -> list[object]:
    """Open a shop, do what was *before*, wait, do the groups, and return what came of it."""
    copy_empty_shop(folder)
    books = Books(folder)
    for name, cap_nano in (("alice", None), ("bob", 12)):
        books.do(account(name, gift_nano=6, gift_expires_at=NOW.replace(hour=13)))
        books.do(key(name, cap_nano=cap_nano))
        books.do(top_up(name, 12, f"first-{name}"))
    books.store.commit([], before)
    books.clock.time += timedelta(hours=hours)
    results: list[Result] = []
    for group in groups:
        results += books.store.commit([], group)
        books.check_view()
    kept = [sorted(books.ask(question), key=repr) for question in WHAT_IS_KEPT]
    problems = verify(folder)
    books.close()
    return [[repr(result) for result in results], kept, problems]


def compare(before: list[Operation], hours: int, group: list[Operation]) -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        together = trade(Path(folder) / "together", before, hours, [group])
        apart = trade(Path(folder) / "apart", before, hours, [[operation] for operation in group])
    assert together == apart
    assert together[2] == []


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    before=st.lists(st.builds(a_reserve, REQUESTS, AMOUNTS, st.just(1)), max_size=5),
    hours=st.sampled_from((0, 2)),
    group=st.lists(OPERATIONS, min_size=2, max_size=14),
)
def test_a_group_does_what_its_operations_do_one_by_one(
    before: list[Operation], hours: int, group: list[Operation], caplog: pytest.LogCaptureFixture
) -> None:
    """Results, balances, holds, log and claims are the same, refusals included, and at the first go."""
    caplog.clear()
    compare(before, hours, group)
    assert "group.refused" not in caplog.text


@pytest.mark.breaks_a_rule
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    before=st.lists(st.builds(a_reserve, REQUESTS, AMOUNTS, st.just(1)), max_size=5),
    hours=st.sampled_from((0, 2)),
    group=st.lists(OPERATIONS, min_size=1, max_size=8),
    place=st.integers(min_value=0, max_value=8),
)
def test_a_broken_rule_in_a_group_spoils_none_of_its_neighbours(
    before: list[Operation], hours: int, group: list[Operation], place: int
) -> None:
    """With a charge below nothing among them, the others do what they do one by one."""
    compare(before, hours, [*group[:place], a_post("r1", -1), *group[place:]])


def test_a_hold_is_taken_raised_twice_and_posted_in_one_transaction(books: Books, tmp_path: Path) -> None:
    """Two units grow to eleven over two lots, and eight are paid: six of the gift that lapses, two of the cash."""
    books.do(account("alice", gift_nano=6, gift_expires_at=NOW.replace(hour=13)))
    books.do(key("alice"))
    books.do(top_up("alice", 12, "first"))
    group = [a_reserve("r1", 2, 1), *[Extend(request_id="r1", held_nano=held) for held in (5, 11)]]
    assert books.store.commit([], group) == [Reservation(request_id="r1", held_nano=held) for held in (2, 5, 11)]
    books.check_view()
    lots = (
        "SELECT b.kind, l.held_nano, b.pending_nano FROM reservation_lot l JOIN book b ON b.id = l.lot_id ORDER BY b.id"
    )
    assert books.ask(lots) == [("gift", 6, 6), ("cash", 5, 5)]
    assert books.ask("SELECT r.held_nano, k.held_nano FROM reservation r JOIN api_key k") == [(11, 11)]
    more = [Extend(request_id="r1", held_nano=held) for held in (12, 14)]
    (*_, posted) = books.store.commit([], [*more, a_post("r1", 8)])
    assert posted == Posted(request_id="r1", charge_nano=8, overrun_nano=0)
    books.check_view()
    assert books.ask("SELECT kind, debit_nano, pending_nano FROM book WHERE account_id = 'alice' ORDER BY id") == [
        ("gift", 6, 0),
        ("cash", 2, 0),
    ]
    assert books.ask("SELECT state, held_nano FROM reservation") == [("posted", 14)]
    assert verify(tmp_path / "data") == []

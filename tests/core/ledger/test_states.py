"""A thousand shops at random, each step of each compared with a model in plain Python."""

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from relay.core.errors import RejectedError, RelayError
from relay.core.ledger.operations import Delivered, Extend, Mark, Operation, Post, Recover, RevokeKey, SetKeyGroup, Void
from relay.core.ledger.verify import verify
from relay.core.money import format_nano
from relay.core.usage import Usage

from .books import Books, account, charge, copy_empty_shop, key, record, reservation, top_up
from .model import Model, ModelAccount, ModelRequest

NAMES = ("alice", "bob")
AMOUNTS = st.integers(min_value=1, max_value=12)
CHARGES = st.integers(min_value=0, max_value=15)
# Memory where there is some: what is compared here is arithmetic; the tests that kill use the disk.
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
BALANCES = """
    SELECT
        id,
        (
            SELECT IFNULL(SUM(credit_nano - debit_nano - pending_nano), 0) FROM book
            WHERE account_id = api_key.account_id AND (expires_at IS NULL OR expires_at > ?)
        ),
        (SELECT IFNULL(SUM(pending_nano), 0) FROM book WHERE account_id = api_key.account_id),
        spent_nano
    FROM api_key
"""
"""What each account, with the one key of its name, may spend now, has held, and has spent."""


class Shop(RuleBasedStateMachine):
    """A ledger on a file beside its model."""

    requests: "Bundle[str]" = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=FOLDER)
        data = Path(self._folder.name) / "data"
        copy_empty_shop(data)
        self.books = Books(data)
        self.model = Model()
        self.count = 0
        for name, cap_nano in (("alice", None), ("bob", 25)):
            self.books.do(account(name))
            self.books.do(key(name, cap_nano=cap_nano))
            self.model.accounts[name] = ModelAccount(cap_nano)

    def teardown(self) -> None:
        self.books.close()
        self._folder.cleanup()

    def _id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    @property
    def _now(self) -> datetime:
        return self.books.clock.time

    @rule(data=st.data(), amount=AMOUNTS)
    def money_comes_in_twice(self, data: st.DataObject, amount: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.accounts)))
        reference = self._id("order-")
        self.books.do(top_up(name, amount, reference))
        self.books.do(top_up(name, amount, reference))
        self.model.lot(name, "cash", amount)

    @rule(amount=AMOUNTS, hours=st.integers(min_value=1, max_value=5))
    def a_customer_comes_with_a_gift_that_lapses(self, amount: int, hours: int) -> None:
        name = self._id("guest-")
        lapses_at = self._now + timedelta(hours=hours)
        self.books.do(account(name, gift_nano=amount, gift_expires_at=lapses_at))
        self.books.do(key(name))
        self.model.accounts[name] = ModelAccount(None)
        self.model.lot(name, "gift", amount, lapses_at)

    @rule(target=requests, data=st.data(), amount=AMOUNTS, is_stale=st.sampled_from((False, False, False, True)))
    def a_request_reserves(self, data: st.DataObject, amount: int, is_stale: bool) -> str:
        name = data.draw(st.sampled_from(sorted(self.model.accounts)))
        request_id, holder = self._id("r"), self.model.accounts[name]
        version = holder.version - (1 if is_stale else 0)
        expected: dict[int, int] | str = "api_key_revoked" if holder.is_revoked else "stale_key"
        if not (is_stale or holder.is_revoked):
            expected = self.model.hold(name, amount, self._now)
        assert self._code(reservation(request_id, name, amount, key_version=version)) == (
            expected if isinstance(expected, str) else ""
        )
        if not isinstance(expected, str):
            self.model.requests[request_id] = ModelRequest(name, expected)
        return request_id

    def _code(self, operation: Operation) -> str:
        try:
            self.books.do(operation)
        except RejectedError as error:
            return error.reason
        except RelayError as error:
            return error.code
        return ""

    @rule(request_id=requests, amount=st.integers(min_value=1, max_value=20))
    def a_request_extends(self, request_id: str, amount: int) -> None:
        request = self.model.requests.get(request_id)
        code = self._code(Extend(request_id=request_id, held_nano=amount))
        if request is None or request.state != "open":
            assert code == "ledger_unknown"
        elif amount <= request.held_nano:
            assert code == ""
        elif self.model.accounts[request.account].is_revoked:
            assert code == "api_key_revoked"
        else:
            more = self.model.hold(request.account, amount - request.held_nano, self._now)
            assert code == (more if isinstance(more, str) else "")
            for index, part_nano in (more if isinstance(more, dict) else {}).items():
                request.parts[index] = request.parts.get(index, 0) + part_nano

    @rule(request_id=requests, nano=CHARGES)
    def a_request_is_marked(self, request_id: str, nano: int) -> None:
        text = format_nano(nano)
        self.books.note(
            Mark(request_id=request_id, charge=charge(text), usage=Usage(), evidence=record("r", "a", "0").evidence)
        )
        request = self.model.requests.get(request_id)
        if request is not None and request.state == "open":
            request.mark_nano = nano

    @rule(request_id=requests, nano=CHARGES, times=st.integers(min_value=1, max_value=2))
    def a_request_is_posted(self, request_id: str, nano: int, times: int) -> None:
        request = self.model.requests.get(request_id)
        if request is None:
            assert self._code(Post(record=record(request_id, "alice", "1"))) == "ledger_unknown"
            return
        for _ in range(times):
            self.books.do(Post(record=record(request_id, request.account, format_nano(nano))))
        if request.state == "open":
            self.model.post(request, nano, self._now)
        elif request.state == "voided" or request.is_recovered:
            self.model.post_late(request, nano)

    @rule(request_id=requests)
    def a_request_is_voided(self, request_id: str) -> None:
        request = self.model.requests.get(request_id)
        self.books.do(Void(record=record(request_id, request.account if request else "alice", "0")))
        if request is not None and request.state == "open":
            self.model.void(request, self._now)

    @rule(request_id=requests)
    def the_end_is_delivered(self, request_id: str) -> None:
        request = self.model.requests.get(request_id)
        if request is not None and request.state != "voided":
            self.books.note(Delivered(request_id=request_id))
            request.is_delivered = True

    @rule(name=st.sampled_from(NAMES))
    def a_key_changes_its_group(self, name: str) -> None:
        self.books.do(SetKeyGroup(key_id=name, group=self._id("group-"), actor="operator"))
        self.model.accounts[name].version += 1

    @precondition(lambda self: self.count > 20)
    @rule()
    def a_key_is_revoked(self) -> None:
        bob = self.model.accounts["bob"]
        self.books.do(RevokeKey(key_id="bob", actor="operator"))
        bob.version += 0 if bob.is_revoked else 1
        bob.is_revoked = True

    @rule(hours=st.integers(min_value=1, max_value=3))
    def time_passes(self, hours: int) -> None:
        self.books.clock.time += timedelta(hours=hours)

    @rule(times=st.integers(min_value=1, max_value=2))
    def the_process_dies_and_is_recovered(self, times: int) -> None:
        boot = self.books.boot.id
        rows = self.books.ask(
            "SELECT request_id FROM reservation WHERE boot = ?"
            " AND (state = 'open' OR (state = 'posted' AND delivered_at IS NULL)) ORDER BY at, request_id",
            boot,
        )
        self.books.die()
        for (request_id,) in rows * times:
            self.books.do(Recover(request_id=str(request_id), boot=boot))
        for (request_id,) in rows:
            self.model.recover(str(request_id), self._now)

    @invariant()
    def balances_are_the_model_s(self) -> None:
        assert set(self.books.ask(BALANCES, round(self._now.timestamp() * 1000))) == {
            (name, self.model.free_nano(name, self._now), self.model.held_nano(name), account.spent_nano)
            for name, account in self.model.accounts.items()
        }

    @invariant()
    def the_shop_s_books_are_the_model_s(self) -> None:
        question = "SELECT kind, SUM(credit_nano) - SUM(debit_nano) FROM book GROUP BY kind"
        rows = {str(row[0]): row[1] for row in self.books.ask(question)}
        assert rows.get("revenue", 0) == self.model.revenue_nano
        assert rows.get("overrun", 0) == -self.model.overrun_nano
        assert rows.get("breakage", 0) == self.model.breakage_nano
        assert rows.get("compensation_pool", 0) == -self.model.compensation_nano

    @invariant()
    def what_is_remembered_is_what_is_stored(self) -> None:
        self.books.check_view()

    @invariant()
    def everything_verifies(self) -> None:
        assert verify(self.books.data) == []


@pytest.fixture(autouse=True)
def _verify_takes_no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are for a shop beside it; here they are two hundred thousand."""
    monkeypatch.setattr("relay.core.ledger.verify.PAUSE_SHARE", 0)


def run(example_count: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(
        max_examples=example_count, stateful_step_count=50, deadline=None, suppress_health_check=checks, print_blob=True
    )
    run_state_machine_as_test(Shop, settings=chosen)


@pytest.mark.timeout(600)
def test_thousands_of_states_are_the_model_s() -> None:
    """Some three thousand states in a row hold what the model holds."""
    run(60)


@pytest.mark.torture
@pytest.mark.parametrize("part", range(10))
def test_two_hundred_thousand_states_are_the_model_s(part: int) -> None:
    """Two hundred thousand states hold what the model holds; *part* is a tenth of them, which other cores may take."""
    run(400)

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.circuit import Circuit, Retries, RetryBudget, Route
from relay.core.errors import FailureClass
from relay.core.exchange import Dialect, Operation

ROUTE = Route("c", "m", "chat", "openai_chat", "k")


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def monotonic(self) -> float:
        return self.now_s


class Bench:
    """A circuit with one channel, model and key in mind."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.circuit = Circuit(self.clock)

    def after(self, span_s: float) -> "Bench":
        self.clock.now_s += span_s
        return self

    def allows(
        self,
        channel: str = "c",
        model: str = "m",
        key_id: str = "k",
        *,
        operation: Operation = "chat",
        dialect: Dialect = "openai_chat",
        account_id: str = "",
    ) -> bool:
        return self.circuit.allows(Route(channel, model, operation, dialect, key_id, account_id))

    def fail(
        self, failure: FailureClass | None, count: int = 1, retry_after_s: int | None = None, *, account_id: str = ""
    ) -> None:
        for _ in range(count):
            self.circuit.report(ROUTE._replace(account_id=account_id), failure, retry_after_s)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_errors_disable_nothing(bench: Bench, count: int) -> None:
    """Fewer than three failures never open."""
    bench.fail("sick", count)
    assert bench.allows()


@pytest.mark.parametrize("failure", ["sick", "overloaded"])
def test_third_failure_of_three_opens_for_five_seconds(bench: Bench, failure: FailureClass) -> None:
    """Three failures and nothing else: five seconds of rest, then a probe."""
    bench.fail(failure, 3)
    assert (bench.allows(), bench.after(4.9).allows(), bench.after(0.1).allows()) == (False, False, True)


def test_failures_below_half_do_not_open(bench: Bench) -> None:
    """Four failures beside five successes are borne, the fifth is not."""
    bench.fail(None, 5)
    bench.fail("sick", 4)
    assert bench.allows()
    bench.fail("sick")
    assert not bench.allows()


def test_failures_long_past_are_forgotten(bench: Bench) -> None:
    """Two failures count no more when the third comes after the window."""
    bench.fail("sick", 2)
    bench.after(30.0).fail("sick")
    assert bench.allows()


def test_failures_of_the_other_half_window_count(bench: Bench) -> None:
    """Two failures and, 16 s later, a third are still one window."""
    bench.fail("sick", 2)
    bench.after(16.0).fail("sick")
    assert not bench.allows()


def test_only_the_channel_model_and_key_that_failed_rest(bench: Bench) -> None:
    """Another key, model or channel goes on."""
    bench.fail("sick", 3)
    assert (bench.allows(key_id="k2"), bench.allows(model="m2"), bench.allows(channel="c2")) == (True, True, True)


def test_failed_probe_doubles_the_cool_down_up_to_five_minutes(bench: Bench) -> None:
    """5, 10, 20, 40, 80, 160, 300, 300 seconds."""
    bench.fail("sick", 3)
    for rest_s in (5, 10, 20, 40, 80, 160, 300, 300):
        assert (bench.after(rest_s - 0.1).allows(), bench.after(0.1).allows()) == (False, True)
        bench.fail("sick")


def test_successful_probe_closes_and_resets(bench: Bench) -> None:
    """After a good probe three new failures are needed, and the first rest is short again."""
    bench.fail("sick", 3)
    bench.after(5.0).fail("sick")
    bench.after(10.0).fail(None)
    bench.fail("sick", 2)
    assert bench.allows()
    bench.fail("sick")
    assert (bench.allows(), bench.after(5.0).allows()) == (False, True)


def test_failures_before_a_rest_count_no_more(bench: Bench) -> None:
    """Though they are of the same half minute."""
    bench.fail("sick", 3)
    bench.after(5.0).fail(None)
    bench.fail("sick", 2)
    assert bench.allows()


def test_a_key_is_throttled_until_its_rest_ends(bench: Bench) -> None:
    """One that was never throttled is not, nor is one that rests for another reason."""
    bench.fail("key_dead")
    before = bench.circuit.is_throttled("c", "k")
    bench.fail("throttled", retry_after_s=17)
    rests = [bench.after(span_s).circuit.is_throttled("c", "k") for span_s in (16.9, 0.1)]
    assert (before, bench.circuit.is_throttled("c", "k2"), rests) == (False, False, [True, False])


def test_one_probe_at_a_time(bench: Bench) -> None:
    """While a probe is under way others are kept out, at most 30 s."""
    bench.fail("sick", 3)
    bench.after(5.0).circuit.begin(ROUTE)
    assert (bench.allows(), bench.after(29.9).allows(), bench.after(0.1).allows()) == (False, False, True)


@pytest.mark.parametrize("failure", ["request", "too_large", "empty"])
def test_probe_that_says_nothing_lets_the_next_one_try(bench: Bench, failure: FailureClass) -> None:
    """A customer's own mistake neither closes nor reopens."""
    bench.fail("sick", 3)
    bench.after(5.0).circuit.begin(ROUTE)
    bench.fail(failure)
    assert bench.allows()


def test_late_failures_do_not_lengthen_a_rest(bench: Bench) -> None:
    """Requests begun before the opening that fail after it change nothing."""
    bench.fail("sick", 3)
    bench.after(1.0).fail("sick", 20)
    assert bench.after(4.0).allows()


def test_late_success_does_not_end_a_rest(bench: Bench) -> None:
    """A long answer begun before the opening is no probe."""
    bench.fail("sick", 3)
    bench.after(1.0).fail(None)
    assert not bench.allows()


def test_dead_key_is_out_for_every_model_until_a_probe_succeeds(bench: Bench) -> None:
    """60 s, then a probe; it fails, 120 s; it succeeds, back."""
    bench.fail("key_dead")
    assert (bench.allows(model="m2"), bench.allows(key_id="k2")) == (False, True)
    assert (bench.after(59.9).allows(), bench.after(0.1).allows()) == (False, True)
    bench.fail("key_dead")
    assert (bench.after(119.9).allows(), bench.after(0.1).allows()) == (False, True)
    bench.fail(None)
    assert bench.allows(model="m2")


def test_misrouted_model_rests_for_every_key(bench: Bench) -> None:
    """A channel that does not have the model is not asked for it for a minute."""
    bench.fail("misrouted")
    assert (bench.allows(key_id="k2"), bench.allows(model="m2")) == (False, True)
    assert bench.after(60.0).allows()


def test_a_model_that_is_not_there_for_one_thing_may_be_for_another(bench: Bench) -> None:
    """What embeds does not chat, and not every upstream of chats has Responses too."""
    bench.fail("misrouted")
    assert bench.allows(operation="embeddings")
    assert bench.allows(dialect="openai_responses")


@pytest.mark.parametrize(("retry_after_s", "rest_s"), [(28, 28), (None, 5), (3600, 3600)])
def test_throttled_key_rests_for_the_time_named(bench: Bench, retry_after_s: int | None, rest_s: int) -> None:
    """The key rests, for every model, as long as its upstream asked, else 5 s."""
    bench.fail("throttled", retry_after_s=retry_after_s)
    assert (bench.allows(model="m2"), bench.allows(key_id="k2")) == (False, True)
    assert (bench.after(rest_s - 0.1).allows(), bench.after(0.1).allows()) == (False, True)


def test_shorter_throttle_does_not_cut_a_longer_one(bench: Bench) -> None:
    """The later end counts."""
    bench.fail("throttled", retry_after_s=60)
    bench.fail("throttled", retry_after_s=1)
    assert not bench.after(59.0).allows()


@pytest.mark.parametrize("failure", ["request", "too_large", "empty", None])
def test_no_number_of_these_disables_anything(bench: Bench, failure: FailureClass | None) -> None:
    """A hundred bad requests, empty answers or successes leave all as it was."""
    bench.fail(failure, 100)
    assert bench.allows()


STEPS = st.lists(
    st.tuples(st.sampled_from([None, *get_args(FailureClass)]), st.floats(0, 400), st.integers(1, 3600)), max_size=60
)


@given(STEPS)
def test_everything_is_tried_again_within_the_hour(steps: list[tuple[FailureClass | None, float, int]]) -> None:
    """Whatever happened, an hour of silence is enough for a probe."""
    bench = Bench()
    for failure, span_s, retry_after_s in steps:
        bench.after(span_s)
        if bench.allows():
            bench.circuit.begin(ROUTE)
        bench.fail(failure, retry_after_s=retry_after_s)
    assert bench.after(3600.0).allows()


@pytest.mark.parametrize(("failure", "count"), [("sick", 3), ("overloaded", 3), ("misrouted", 1), ("key_dead", 1)])
def test_one_account_alone_takes_nothing_from_others(bench: Bench, failure: FailureClass, count: int) -> None:
    """Until a request of another fails as well: then everybody is kept away."""
    bench.fail(failure, count, account_id="alice")
    assert (bench.allows(account_id="alice"), bench.allows(account_id="bob")) == (False, True)
    assert bench.circuit.rest_s(ROUTE._replace(account_id="bob")) == 0.0
    bench.fail(None, account_id="bob")
    assert not bench.allows(account_id="alice")
    bench.fail(failure, account_id="bob")
    assert not any(bench.allows(account_id=account_id) for account_id in ("alice", "bob", "carol"))
    assert bench.circuit.rest_s(ROUTE._replace(account_id="carol")) > 0.0


def test_failures_of_several_accounts_keep_everybody_away(bench: Bench) -> None:
    """Whoever had the last of them."""
    for account_id in ("alice", "bob", "bob"):
        bench.fail("sick", account_id=account_id)
    assert not bench.allows(account_id="carol")


def test_what_failed_before_the_window_blames_nobody(bench: Bench) -> None:
    """Only the accounts whose failures count are looked at."""
    bench.fail("sick", account_id="bob")
    bench.after(60.0).fail("sick", 3, account_id="alice")
    assert (bench.allows(account_id="alice"), bench.allows(account_id="bob")) == (False, True)


def test_what_failed_before_the_window_blames_nobody_although_failures_went_on(bench: Bench) -> None:
    """One of another account's is forgotten with its half of the window."""
    bench.fail(None, 20)
    for account_id in ("bob", "alice", "alice", "alice", "alice"):
        bench.after(10.0).fail("sick", account_id=account_id)
    bench.fail("sick", 5, account_id="alice")
    assert (bench.allows(account_id="alice"), bench.allows(account_id="bob")) == (False, True)


def test_one_failure_among_successes_of_others_takes_nothing_from_them(bench: Bench) -> None:
    """Though it is closed to the account whose requests alone fail: that goes for the rate, too."""
    bench.fail("sick", 3, account_id="alice")
    bench.fail(None, 2, account_id="bob")
    bench.fail("sick", 2, account_id="alice")
    bench.fail("sick", account_id="bob")
    assert (bench.allows(account_id="alice"), bench.allows(account_id="bob")) == (False, True)
    bench.fail("sick", account_id="bob")
    assert not bench.allows(account_id="carol")


def test_one_failure_of_others_before_it_opens_keeps_only_the_account_away_that_fails_most(bench: Bench) -> None:
    """What others fail at is weighed against what they were answered."""
    bench.fail(None, 2, account_id="bob")
    bench.fail("sick", account_id="bob")
    bench.fail("sick", 2, account_id="alice")
    assert (bench.allows(account_id="alice"), bench.allows(account_id="bob")) == (False, True)


def test_whoever_is_let_in_anyway_is_no_probe(bench: Bench) -> None:
    """A long answer to another account keeps the one that waits for its probe no longer away."""
    bench.fail("sick", 3, account_id="alice")
    bench.after(5.0).circuit.begin(ROUTE._replace(account_id="bob"))
    assert bench.allows(account_id="alice")


def test_a_probe_that_fails_keeps_everybody_away_who_was(bench: Bench) -> None:
    """Although it is the only failure since."""
    for account_id in ("alice", "bob", "bob"):
        bench.fail("sick", account_id=account_id)
    bench.after(5.0).fail("sick", account_id="alice")
    assert not bench.allows(account_id="carol")


@given(st.lists(st.sampled_from(["open", "close", "take", "give back"]), max_size=200))
def test_budget_holds_after_every_step(steps: list[str]) -> None:
    """Extra attempts granted never exceed three and a fifth of the exchanges open at that moment."""
    budget = RetryBudget()
    shares = []
    for step in steps:
        if step == "open":
            shares.append(Retries(budget).__enter__())
        elif step == "close" and shares:
            shares.pop(0).__exit__(None, None, None)
        elif step == "take" and shares and shares[-1].take():
            assert budget.extra_count <= 3 + len(shares) / 5
        elif step == "give back" and shares:
            shares[-1].give_back()
        assert budget.exchange_count == len(shares)
        assert budget.extra_count >= 0


@pytest.mark.parametrize(("exchange_count", "granted_count"), [(1, 3), (4, 3), (5, 4), (100, 23)])
def test_budget_grants_three_and_a_fifth(exchange_count: int, granted_count: int) -> None:
    """With so many exchanges open, so many extra attempts."""
    budget = RetryBudget()
    shares = [Retries(budget).__enter__() for _ in range(exchange_count)]
    assert sum(shares[0].take() for _ in range(200)) == granted_count


def test_budget_gets_back_what_an_exchange_took() -> None:
    """When an exchange ends its extra attempts no longer count."""
    budget = RetryBudget()
    with Retries(budget) as retries:
        assert [retries.take() for _ in range(4)] == [True, True, True, False]
    assert (budget.exchange_count, budget.extra_count) == (0, 0)


def test_a_rest_is_told_in_seconds(bench: Bench) -> None:
    """Three failures of three rest for five seconds; a throttled key for as long as it was asked to."""
    bench.fail("sick", count=3)
    assert bench.after(2.0).circuit.rest_s(ROUTE) == 3.0
    bench.fail("throttled", retry_after_s=17)
    assert bench.circuit.rest_s(ROUTE) == 17.0
    assert bench.circuit.is_throttled("c", "k")
    assert bench.after(17.0).circuit.rest_s(ROUTE) == 0.0

"""Which channels, models and keys are worth trying now, and how many retries are affordable.

Each failure class cools down what is to blame: ``sick`` and ``overloaded`` a channel x model x key, by
their rate, so that a single error disables nothing; ``misrouted`` a channel x model; ``key_dead``
and ``throttled`` a key of a channel. ``request``, ``too_large`` and ``empty`` blame nothing. A model is
judged for each operation separately: an upstream that can't compact conversations, or has a model for
embeddings that can't chat, refuses in the same words as for a model that does not exist.

As long as only one account's requests fail, and others' rarely or never, only that account is kept away: the upstream
may be failing at what this customer sends, which must not take a model from all others.
"""

from collections import Counter
from types import TracebackType
from typing import NamedTuple

from .clock import Clock
from .errors import THROTTLED_S, FailureClass
from .exchange import Candidate, Dialect, Exchange, Operation

WINDOW_S = 30.0
FAILURE_COUNT_MIN = 3
"""Failures within the window below which the rate is ignored."""
FAILURE_RATE_MIN = 0.5
PROBE_S = 30.0
"""How long a probe keeps other attempts out if its result is not reported."""


class Route(NamedTuple):
    """Where an attempt goes (channel, key, and an operation on a model in a dialect), and for which account."""

    channel: str
    model: str
    operation: Operation
    dialect: Dialect
    key_id: str
    account_id: str = ""

    @classmethod
    def of(cls, exchange: Exchange, candidate: Candidate) -> "Route":
        """Return the route of an attempt of *exchange* at *candidate*."""
        assert exchange.principal is not None, "authenticated before selecting"
        place = candidate.channel.name, exchange.model, exchange.operation, candidate.dialect, candidate.key_id
        return cls(*place, exchange.principal.account_id)

    @property
    def of_all_accounts(self) -> "Route":
        """The same route, for all accounts."""
        return self._replace(account_id="")

    @property
    def of_all_keys(self) -> "Route":
        """The same route, for all accounts and all keys of the channel."""
        return self._replace(key_id="", account_id="")


class Circuit:
    """Remembers failures, and tells which routes to avoid. Plain arithmetic on a monotonic clock.

    What failed cools down, each time twice as long as the last; then one attempt is let through as a
    probe. If it succeeds, the circuit closes again; if it fails, the next cool-down begins.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._routes: dict[Route, _RatedBreaker] = {}
        self._models: dict[Route, _Breaker] = {}
        self._keys: dict[tuple[str, str], _Breaker] = {}
        self._throttled_until: dict[tuple[str, str], float] = {}

    def allows(self, route: Route) -> bool:
        """Return whether an attempt by *route* makes sense now. Changes nothing."""
        now = self._clock.monotonic()
        if self._throttled_until.get((route.channel, route.key_id), now) > now:
            return False
        return all(breaker.allows(now, route.account_id) for breaker in self._breakers(route))

    def is_throttled(self, channel: str, key_id: str) -> bool:
        """Return whether the key rests because the upstream throttled it."""
        now = self._clock.monotonic()
        return self._throttled_until.get((channel, key_id), now) > now

    def rest_s(self, route: Route) -> float:
        """Return the seconds until an attempt by *route* makes sense; 0 if it does now."""
        now = self._clock.monotonic()
        rests = [breaker.rest_s(now, route.account_id) for breaker in self._breakers(route)]
        return max(0.0, self._throttled_until.get((route.channel, route.key_id), now) - now, *rests)

    def begin(self, route: Route) -> None:
        """Note that an attempt is sent; if a probe is due, it is this one, and others wait for its result."""
        now = self._clock.monotonic()
        for breaker in self._breakers(route):
            breaker.begin(now, route.account_id)

    def report(self, route: Route, failure: FailureClass | None, retry_after_s: int | None = None) -> None:
        """Note how an attempt ended; None is a success. *retry_after_s* counts only for ``throttled``."""
        now = self._clock.monotonic()
        of_key = route.channel, route.key_id
        match failure:
            case None:
                self._route(route)
                for breaker in self._breakers(route):
                    breaker.note_success(now)
            case "sick" | "overloaded":
                self._route(route).note_failure(now, route.account_id)
            case "misrouted":
                self._models.setdefault(route.of_all_keys, _Breaker(60.0, 3600.0)).note_failure(now, route.account_id)
            case "key_dead":
                self._keys.setdefault(of_key, _Breaker(60.0, 3600.0)).note_failure(now, route.account_id)
            case "throttled":
                until = now + (THROTTLED_S if retry_after_s is None else retry_after_s)
                self._throttled_until[of_key] = max(until, self._throttled_until.get(of_key, until))
            case "request" | "too_large" | "empty":
                pass
        for breaker in self._breakers(route):
            breaker.end_probe(now)

    def _route(self, route: Route) -> "_RatedBreaker":
        """Return the breaker of a channel x model x key, made at its first use."""
        place = route.of_all_accounts
        breaker = self._routes.get(place)
        if breaker is None:
            breaker = self._routes[place] = _RatedBreaker(5.0, 300.0)
        return breaker

    def _breakers(self, route: Route) -> "list[_Breaker]":
        found = (
            self._keys.get((route.channel, route.key_id)) if self._keys else None,
            self._models.get(route.of_all_keys) if self._models else None,
            self._routes.get(route.of_all_accounts),
        )
        return [breaker for breaker in found if breaker is not None]


class _Breaker:
    """Opens at a failure for *first_s* seconds, then twice as long each time, at most *longest_s*.

    While only one account's requests have failed, it is open for that account alone.
    """

    __slots__ = ("_account_id", "_cool_down_s", "_first_s", "_is_open", "_longest_s", "_probe_until", "_until")

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = self._cool_down_s = first_s
        self._longest_s = longest_s
        self._is_open = False
        self._until = 0.0
        self._probe_until = 0.0
        self._account_id: str | None = None
        """The only account whose requests fail too often; None once those of several do."""

    def allows(self, now: float, account_id: str) -> bool:
        """Return whether it is closed to that account, or due for a probe that nobody has begun."""
        return not self._is_open_to(account_id) or (now >= self._until and now >= self._probe_until)

    def rest_s(self, now: float, account_id: str) -> float:
        """Return the seconds until it allows an attempt of that account."""
        return max(0.0, self._until - now, self._probe_until - now) if self._is_open_to(account_id) else 0.0

    def _is_open_to(self, account_id: str) -> bool:
        return self._is_open and self._account_id in (None, account_id)

    def begin(self, now: float, account_id: str) -> None:
        """Keep others out while a probe is under way."""
        if self._is_open_to(account_id) and now >= self._until:
            self._probe_until = now + PROBE_S

    def end_probe(self, now: float) -> None:
        """Let other attempts in again; an inconclusive probe leaves the breaker as it was."""
        self._probe_until = now

    def note_success(self, now: float) -> None:
        """Close, if this may have been a probe; an attempt that began before the failure proves nothing."""
        if self._is_open and now >= self._until:
            self._is_open = False
            self._cool_down_s = self._first_s

    def note_failure(self, now: float, account_id: str) -> None:
        """Open; a failure during the cool-down changes only for which accounts."""
        self._account_id = account_id if not self._is_open or self._account_id == account_id else None
        if not self._is_open or now >= self._until:
            self._open(now)

    def _open(self, now: float) -> None:
        if self._is_open:
            self._cool_down_s = min(2 * self._cool_down_s, self._longest_s)
        self._is_open = True
        self._until = now + self._cool_down_s


class _RatedBreaker(_Breaker):
    """Opens only if failures are several and at least half of all attempts.

    The window is two halves that alternate, so that counting costs the same at any load.
    """

    __slots__ = ("_earlier", "_half", "_half_at")

    def __init__(self, first_s: float, longest_s: float) -> None:
        super().__init__(first_s, longest_s)
        self._half_at = float("-inf")
        self._half, self._earlier = _Half(), _Half()

    def note_success(self, now: float) -> None:
        """Count it, and close if it was a probe."""
        self._count(now)
        super().note_success(now)

    def note_failure(self, now: float, account_id: str) -> None:
        """Count it; if the rate is too high, or it was a probe, open, or stay open for more accounts."""
        if self._is_open_to(account_id):
            super().note_failure(now, account_id)
            return
        self._count(now, account_id)
        failures = self._half.failures + self._earlier.failures
        try_count = self._half.try_count + self._earlier.try_count
        [(account, own_count)] = failures.most_common(1)
        others_count = failures.total() - own_count
        if self._is_open:
            if failures.total() >= FAILURE_RATE_MIN * try_count:
                super().note_failure(now, account_id)
        elif failures.total() >= max(FAILURE_COUNT_MIN, FAILURE_RATE_MIN * try_count):
            is_others_too = others_count and others_count >= FAILURE_RATE_MIN * (try_count - own_count)
            self._account_id = None if is_others_too else account
            self._open(now)

    def _open(self, now: float) -> None:
        super()._open(now)
        self._half, self._earlier = _Half(), _Half()

    def _count(self, now: float, failed_of: str | None = None) -> None:
        if now - self._half_at >= WINDOW_S / 2:
            self._earlier = self._half if now - self._half_at < WINDOW_S else _Half()
            self._half = _Half()
            self._half_at = now
        self._half.try_count += 1
        if failed_of is not None:
            self._half.failures[failed_of] += 1


class _Half:
    """What was tried in half of a window, and what of it failed, by account."""

    __slots__ = ("failures", "try_count")

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self.try_count = 0


class RetryBudget:
    """Limits concurrent retries: three, and one more for every five open exchanges.

    When every channel fails, retries multiply the load on all of them; the budget limits the extra
    load to a fifth. Source: field/reliability.md 3, "FO", read 2026-11-23.
    """

    def __init__(self) -> None:
        self.exchange_count = 0
        self.extra_count = 0


class Retries:
    """The retries of one exchange; a context that lasts as long as the exchange."""

    __slots__ = ("_budget", "_taken_count")

    def __init__(self, budget: RetryBudget) -> None:
        self._budget = budget
        self._taken_count = 0

    def __enter__(self) -> "Retries":
        self._budget.exchange_count += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.exchange_count -= 1
        self.give_back()

    def give_back(self) -> None:
        """Stop counting those made so far: they have failed, or one is being answered, which is no extra load."""
        self._budget.extra_count -= self._taken_count
        self._taken_count = 0

    def take(self) -> bool:
        """Return whether one more retry fits the budget, and count it if so."""
        if self._budget.extra_count >= 3 + self._budget.exchange_count // 5:
            return False
        self._budget.extra_count += 1
        self._taken_count += 1
        return True

"""The money of one exchange: reserved once, then posted or voided, exactly once.

    quote -> reserve -> (extend | mark)* -> post | void

Every amount comes from `Dispatch.settle`; nothing here knows a price.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from .charge import Charge
from .dialects.dialect import DialectRules
from .ending import Ending
from .errors import FullHoldNeededError, LedgerUnknownError, NoPriceError
from .estimate import cache_writes, is_beyond
from .exchange import Attempt, Candidate, Evidence, Exchange, Outcome, PriceFacts, Principal, RequestRecord
from .failpoints import hit
from .figures import Figures
from .ledger.operations import Ledger, Mark, Posted, Reserve
from .money import to_nano
from .repeats import note_retry
from .shop import Shop
from .usage import Usage
from .vendor_names import kept_name

NOTHING = Charge()
LONGEST_ANSWER_TOKENS = 131_072
"""Tokens of the longest answer of any model (Claude, GPT-5): what a full hold covers where no limit is known."""


class Settlement:
    """Reserves for an exchange, follows its stream, and closes the reservation."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: DialectRules) -> None:
        self._exchange = exchange
        self._ledger: Ledger = shop.ledger
        self._dispatch = shop.dispatch
        self._clock = shop.clock
        self._price_version = shop.price_version
        self.figures = Figures(exchange, rules, shop.profile.prices.get(exchange.model))
        limits = shop.profile.limits
        window = limits.hold_output_tokens_stream if exchange.stream else limits.hold_output_tokens
        window = max(window * exchange.choice_count, exchange.output_tokens_likely)
        self._window_tokens = 0 if exchange.operation == "embeddings" else window
        """The output tokens that the hold covers at first, if the limit is not below them."""
        self._overrun_max_nano = to_nano(limits.overrun_per_day)
        self.covered_tokens = 0
        """Output tokens, of all choices, that the hold pays for."""
        self._facts: PriceFacts
        """The facts on which the price of the last reserved attempt depends."""
        self._quoted = NOTHING
        """What is charged if no billing plugin can price the finished answer: the price of the hold.

        If a full hold was needed, it is the price of the smaller hold that the answer would otherwise have had.
        """
        self._held_nano: int | None = None
        self.is_closed = False
        """A post or a void is done, or on its way."""

    async def reserve(self, candidate: Candidate) -> None:
        """Hold what the next attempt may cost, durably; raise an existing hold if this attempt may cost more.

        Raises:
            NoPriceError: No billing plugin priced it.
            PluginError: A billing plugin failed, or the authenticating plugin named a key that is not the account's.
            InsufficientBalanceError, KeyCapError, StaleKeyError, RepeatedRequestError, LedgerUnavailableError: As
                `Ledger.reserve`.
        """
        exchange, principal = self._exchange, self._exchange.principal
        assert principal is not None, "authenticated before reserving"
        self._facts = self._facts_of(principal, candidate)
        window, limit = self._window_tokens, self.figures.limit_tokens
        # If an earlier attempt was held for in full, so is this one.
        self.covered_tokens = max(self.covered_tokens, window if limit is None else min(window, limit))
        if self._held_nano is not None:
            await self._raise_hold(self.covered_tokens)
            return
        self._quoted = self._price(self.covered_tokens)
        hit("before_reserve")
        reserve = Reserve(
            request_id=exchange.id,
            principal=principal,
            amount_nano=self._quoted.nano,
            overrun_max_nano=self._overrun_max_nano if self._full_hold_tokens() is not None else None,
            facts=self._facts,
            price_version=self._price_version,
            at=exchange.received_at,
            idempotency_digest=exchange.idempotency_digest,
        )
        try:
            reservation = await self._ledger.reserve(reserve)
        except FullHoldNeededError:
            reservation = await self._ledger.reserve(self._as_full_hold(reserve))
        except LedgerUnknownError as exc:
            raise self._dispatch.mistaken_identity() from exc
        hit("after_reserve")
        note_retry(exchange)
        self._held_nano = reservation.held_nano

    def _facts_of(self, principal: Principal, candidate: Candidate) -> PriceFacts:
        exchange = self._exchange
        return PriceFacts(
            account_id=principal.account_id,
            key_id=principal.key_id,
            group=principal.group,
            membership=principal.membership,
            dialect=exchange.dialect,
            operation=exchange.operation,
            channel=candidate.channel.name,
            model=exchange.model,
            model_sent=candidate.model_sent,
            at=exchange.received_at,
            stream=exchange.stream,
            choice_count=exchange.choice_count,
            size=exchange.size,
            quality=exchange.quality,
        )

    @property
    def has_reserved(self) -> bool:
        """A hold was taken, whatever became of it."""
        return self._held_nano is not None

    async def extend(self) -> None:
        """Cover as much output again as is covered now, durably.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError, LedgerUnavailableError: As `Ledger.extend`.
        """
        covered, limit = self.covered_tokens * 2 or self._window_tokens, self.figures.limit_tokens  # 0 can't be doubled
        if limit is not None and self.covered_tokens < limit:
            covered = min(covered, limit)
        await self._raise_hold(covered)

    async def _raise_hold(self, output_tokens: int) -> None:
        """Let the hold, durably, cover *output_tokens*; it is never lowered.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError, LedgerUnavailableError: As `Ledger.extend`.
        """
        assert self._held_nano is not None, "reserved before it is raised"
        quoted = self._price(output_tokens)
        if quoted.nano > self._held_nano:
            await self._ledger.extend(self._exchange.id, quoted.nano)
            self._held_nano = quoted.nano
        self.covered_tokens, self._quoted = output_tokens, quoted

    def needs_more(self, bound_tokens: int, counted_tokens: int) -> bool:
        """Say whether the hold should grow, given upper bound and best count of the output so far.

        The limit that a request names is trusted until the output is past it beyond doubt: some upstreams
        ignore limits, and what they send on must be held for like everything else.
        """
        covered = self.covered_tokens
        if bound_tokens * 2 <= covered:
            return False
        limit = self.figures.limit_tokens
        # Called for every chunk of a stream whose limit is covered: the cheapest and likeliest condition comes first.
        return limit is None or covered < limit or (counted_tokens > limit and is_beyond(counted_tokens, limit))

    def _full_hold_tokens(self) -> int | None:
        """Return what a hold for the longest possible answer covers; None where that is covered already, or not known.

        Streams extend their hold as they go, but hidden thinking is reported, and paid for, only at the end.
        """
        longest = self.figures.limit_tokens
        if longest is None and self._exchange.operation in ("chat", "completion"):
            longest = LONGEST_ANSWER_TOKENS * self._exchange.choice_count
        return longest if longest is not None and longest > self.covered_tokens else None

    def _as_full_hold(self, reserve: Reserve) -> Reserve:
        """Return *reserve* with an amount that covers the whole answer."""
        tokens = self._full_hold_tokens()
        assert tokens is not None, "a full hold is needed only where the hold may be short"
        self.covered_tokens = tokens
        amount_nano = max(reserve.amount_nano, self._price(tokens).nano)
        return msgspec.structs.replace(reserve, amount_nano=amount_nano, overrun_max_nano=None)

    def _price(self, output_tokens: int) -> Charge:
        """Return the most that an answer of *output_tokens* can cost.

        Raises:
            NoPriceError: No billing plugin priced the request, or a tool in it that the upstream bills separately and
                the shop would have to pay for.
            PluginError: A billing plugin failed.
        """
        estimate = self._estimate(output_tokens)
        charges = [self._dispatch.settle(self._facts, each) for each in self._as_cached(estimate)]
        for tool, field in self.figures.tools.items():
            if tool != "web_search" and all(line.item != tool for line in charges[0].lines):
                raise NoPriceError(param=field, tool=field, model=self._facts.model)
        return max(charges, key=lambda charge: charge.nano)

    def _as_cached(self, estimate: Usage) -> Iterator[Usage]:
        """Yield *estimate*, and one more for each kind of cache that the request writes to, with all input written to it."""
        yield estimate
        for kind in self._cache_writes:
            yield msgspec.structs.replace(estimate, input_tokens=0, **{kind: estimate.input_tokens})

    @cached_property
    def _cache_writes(self) -> tuple[str, ...]:
        return cache_writes(self._exchange.fields)

    def _estimate(self, output_tokens: int) -> Usage:
        """Return the most that an answer of *output_tokens* can use."""
        return Usage(
            input_tokens=self.figures.input_bound_tokens,
            audio_input_tokens=self._exchange.audio_tokens_bound,
            image_input_tokens=self._exchange.image_tokens_bound,
            output_tokens=output_tokens,
            unit_count=max(self._exchange.choice_count, self._exchange.unit_bound),
            web_search_count=int("web_search" in self.figures.tools),
            tool_counts={tool: 1 for tool in self.figures.tools if tool != "web_search"},
            source="bound",
        )

    @property
    def is_revoked(self) -> bool:
        """A mark found that the key has been revoked since the answer began."""
        return self._ledger.is_revoked(self._exchange.id)

    def withdraw(self) -> None:
        """Cover nothing more: any further output needs an extension."""
        self.covered_tokens = 0

    def mark(self, usage: Usage, evidence: Evidence) -> None:
        """Note the price of what is delivered so far: recovery posts it if the process dies."""
        charge = self._dispatch.settle(self._facts, usage)
        self._ledger.mark(Mark(request_id=self._exchange.id, charge=charge, usage=usage, evidence=evidence))
        hit("at_progress")

    async def post(self, ending: Ending, attempts: Sequence[Attempt]) -> tuple[RequestRecord, Posted]:
        """Book what the answer has used, together with the log row, exactly once. Durable when it returns."""
        facts = msgspec.structs.replace(self._facts, model_returned=kept_name(ending.model_returned))
        charge = self._dispatch.settle_what_was_sent(facts, ending.usage, self._quoted, self._exchange.id)
        record = self._record(facts, ending, charge, attempts)
        self.is_closed = True
        hit("before_post")
        posted = await self._ledger.post(record)
        hit("after_post")
        return record, posted

    async def void(self, outcome: Outcome, evidence: Evidence, attempts: Sequence[Attempt]) -> None:
        """Release the hold, with a log row that charges nothing; does nothing if no hold is open."""
        if self._held_nano is None or self.is_closed:
            return
        self.is_closed = True
        ending = Ending(usage=Usage(), outcome=outcome, evidence=evidence)
        await self._ledger.void(self._record(self._facts, ending, NOTHING, attempts))

    def delivered(self) -> None:
        """Note that the end of the answer reached the customer."""
        self._ledger.delivered(self._exchange.id)

    def _record(self, facts: PriceFacts, ending: Ending, charge: Charge, attempts: Sequence[Attempt]) -> RequestRecord:
        return RequestRecord(
            request_id=self._exchange.id,
            facts=facts,
            usage=ending.usage,
            outcome=ending.outcome,
            evidence=ending.evidence,
            charge=charge,
            attempts=tuple(attempts),
            duration_ms=self.elapsed_ms(),
            first_output_ms=ending.first_output_ms,
            answer_id=ending.answer_id,
        )

    def elapsed_ms(self) -> int:
        """Milliseconds since the request came in."""
        return round((self._clock.monotonic() - self._exchange.started_s) * 1000)

"""One turn of a session: an exchange of its own, from the hold for a response to its post."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from ..charge import Charge
from ..clock import new_id
from ..dialects.realtime import Realtime
from ..dialects.realtime_events import ResponseDone
from ..ending import Ending
from ..errors import (
    CustomerGoneError,
    InsufficientBalanceError,
    KeyCapError,
    NoChannelError,
    RelayError,
    StaleKeyError,
    UpstreamError,
)
from ..exchange import Attempt, Candidate, Evidence, Exchange, HangUpPolicy, Outcome, RequestRecord
from ..ledger.operations import Posted
from ..outcome import derive_outcome
from ..plugin_meter import PluginMeter
from ..settlement import NOTHING, Settlement
from ..shop import Shop
from ..usage import Usage
from ..vendor_names import kept_name
from .context import Context, Input, Output

INPUT_WINDOW = Input(text=512, sound=512)
"""What a hold covers beyond the input so far: about fifty seconds of speech."""
SWITCHING_PROTOCOLS = 101


Amount = TypeVar("Amount", Input, int)


async def hold_with_window(hold: Callable[[Amount], Awaitable[None]], needed: Amount, window: Amount) -> None:
    """Hold for *needed* and a *window* beyond it, so that not every frame waits; without it if that can't be paid.

    Raises:
        InsufficientBalanceError, KeyCapError: Not even *needed* can be paid.
    """
    try:
        await hold(needed + window)
    except (InsufficientBalanceError, KeyCapError):
        await hold(needed)


class TurnSettlement(Settlement):
    """The money of one turn: its hold also grows with the input that comes in, and prices audio as audio."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: Realtime) -> None:
        super().__init__(shop, exchange, rules)
        self._covered_input = Input()
        self._response_tokens = self.figures.limit_tokens
        self._is_for_nothing = False

    def expect_responses(self, count: int) -> None:
        """Let the hold grow as far as *count* responses can get, each up to the model's limit."""
        if self._response_tokens is not None:
            self.figures.limit_tokens = self._response_tokens * count

    @property
    def can_grow(self) -> bool:
        """Whether the hold may cover more: it is open, and not the empty hold of `expect_nothing`."""
        return not (self.is_closed or self._is_for_nothing)

    def expect(self, needed: Input) -> None:
        """Let the next hold cover *needed* and a window beyond it."""
        self._set_input(needed + INPUT_WINDOW)

    def expect_nothing(self) -> None:
        """Let the next hold be nothing, whatever was asked for before."""
        self._is_for_nothing = True
        self.covered_tokens = self._window_tokens = 0

    def _price(self, output_tokens: int) -> Charge:
        return NOTHING if self._is_for_nothing else super()._price(output_tokens)

    async def cover_input(self, needed: Input) -> None:
        """Raise the hold if *needed* is beyond what it covers.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError, LedgerUnavailableError: As `Ledger.extend`.
        """
        if not needed.is_within(self._covered_input):
            await hold_with_window(self._extend_input, needed, INPUT_WINDOW)

    async def _extend_input(self, covered: Input) -> None:
        self._set_input(covered)
        await self._raise_hold(self.covered_tokens)

    def _set_input(self, covered: Input) -> None:
        self._covered_input = covered
        self.figures.input_bound_tokens = covered.text + covered.sound

    def _estimate(self, output_tokens: int) -> Usage:
        return Usage(
            input_tokens=self.figures.input_bound_tokens,
            audio_input_tokens=self._covered_input.sound,
            output_tokens=output_tokens,
            audio_output_tokens=output_tokens,
            source="bound",
        )


def exchange_after(shop: Shop, exchange: Exchange) -> Exchange:
    """Return a new exchange of the same session, which begins now."""
    after = exchange.as_asked_in(exchange.dialect)
    after.id = new_id("req")
    after.received_at, after.started_s = shop.clock.now(), shop.clock.monotonic()
    return after


async def reserve_afresh(
    shop: Shop, exchange: Exchange, candidate: Candidate, reserve: Callable[[Candidate], Awaitable[None]]
) -> None:
    """Reserve in the middle of a session; if the key has changed meanwhile, look it up again first.

    Raises:
        RelayError: The key is no longer valid, or can't pay.
    """
    try:
        await reserve(candidate)
    except StaleKeyError:
        exchange.is_fresh_authentication = True
        exchange.principal = await shop.dispatch.authenticate(exchange)
        if candidate not in shop.catalog.candidates(
            exchange.principal, exchange.model, exchange.dialect, exchange.operation
        ):
            raise NoChannelError(param="model", group=exchange.principal.group, model=exchange.model) from None
        await reserve(candidate)


class Turn:
    """One response, from the hold before it begins until it is posted."""

    def __init__(
        self, shop: Shop, exchange: Exchange, rules: Realtime, context: Context, attempts: list[Attempt]
    ) -> None:
        self._shop = shop
        self._rules = rules
        self._context = context
        self._attempts = attempts
        self._meter: PluginMeter | None = None
        self._first_output_ms: int | None = None
        self._marked = (0, 0)
        self._refusal: RelayError | None = None
        self.exchange = exchange
        self.settlement = TurnSettlement(shop, exchange, rules)
        self.candidate: Candidate | None = None
        self._sent_at, self._sent_s = exchange.received_at, exchange.started_s

    async def reserve(self, candidate: Candidate) -> None:
        """Hold what the next response of *candidate* may cost, before it can begin.

        Raises:
            NoPriceError, InsufficientBalanceError, KeyCapError, StaleKeyError, LedgerUnavailableError: As `Settlement.reserve`.
        """
        clock = self._shop.clock
        self.candidate, self._sent_at, self._sent_s = candidate, clock.now(), clock.monotonic()
        self.settlement.expect(self._context.input_bound)
        await self.settlement.reserve(candidate)

    async def next(self) -> "Turn":
        """Return the turn after this one, already reserved; see `reserve_afresh`.

        If the account can't pay for another response while some are under way, the turn holds nothing: what these have
        said is booked with it once `cover` has refused more.

        Raises:
            RelayError: The key is no longer valid, or can't pay for another response.
        """
        assert self.candidate is not None, "a turn that was posted was reserved"
        exchange = exchange_after(self._shop, self.exchange)
        turn = Turn(self._shop, exchange, self._rules, self._context, [])
        try:
            await reserve_afresh(self._shop, exchange, self.candidate, turn.reserve)
        except (InsufficientBalanceError, KeyCapError) as refusal:
            if not self._context.open_count:
                raise
            turn._refusal = refusal
            turn.settlement.expect_nothing()
            await turn.settlement.reserve(self.candidate)
        turn.meter()
        return turn

    def meter(self) -> None:
        """Ask the plugins for a meter of this turn."""
        assert self.candidate is not None
        self._meter = self._shop.dispatch.meter_stream(self.exchange, self.candidate.channel)

    def saw(self, frame: str) -> None:
        """Feed a frame to the plugins' meter, as an event of a stream."""
        if self._meter is not None:
            self._meter.feed(b"data: %b\n\n" % frame.encode())

    def began(self) -> None:
        """Count the turn's time from now on."""
        self.exchange.started_s = self._shop.clock.monotonic()

    async def cover(self) -> None:
        """Let the hold grow with the response, before more of it is passed on.

        More is asked for by a generous bound. If that is refused, the response goes on until the
        closer count has used up the hold.

        Raises:
            RelayError: The refusal, once the hold is used up.
        """
        context, settlement = self._context, self.settlement
        settlement.expect_responses(context.response_count)
        while self._refusal is None and settlement.needs_more(
            context.output_bound_tokens, context.output_counted_tokens
        ):
            try:
                await settlement.extend()
            except RelayError as refusal:
                self._refusal = refusal
        if self._refusal is not None and context.output_counted_tokens >= settlement.covered_tokens:
            raise self._refusal
        if self._first_output_ms is None:
            self._first_output_ms = settlement.elapsed_ms()

    def mark(self) -> None:
        """Mark what was delivered of the responses under way: recovery posts it if the process dies."""
        output = self._context.output_of(None)
        if output.delivered != self._marked:
            self._marked = output.delivered
            if any(output.delivered):
                self.settlement.mark(self._context.delivered_usage(output), _evidence(output))

    async def post(self, done: ResponseDone) -> tuple[RequestRecord, Posted] | None:
        """Book the response that *done* ended, durably; return None if it failed without output, which costs nothing.

        A response that its customer cancelled counts as complete.
        """
        output = self._context.output_of(done.id)
        error_type = done.error.get("code") or done.error.get("type")
        evidence = msgspec.structs.replace(
            _evidence(output),
            stop_reason=kept_name(done.reason),
            is_end_seen=done.status != "failed",
            error_type=kept_name(error_type) if isinstance(error_type, str) else None,
        )
        outcome: Outcome = "complete" if done.status == "cancelled" else derive_outcome(evidence)
        usage = (self._meter.usage() if self._meter is not None else None) or done.usage
        if usage is None:
            usage = self._context.delivered_usage(output) if any(output.delivered) else Usage(source="estimated")
        if done.is_disputed:
            usage = msgspec.structs.replace(usage, source="disputed")
        self.settlement.expect_responses(1)
        usage = self.settlement.figures.plausible(usage, evidence, sound_tokens=self._context.spoken_tokens(output))
        return await self._close(usage, outcome, evidence)

    async def _close(self, usage: Usage, outcome: Outcome, evidence: Evidence) -> tuple[RequestRecord, Posted] | None:
        attempts = [*self._attempts, self._attempt()]
        if outcome == "upstream_error":
            await self.settlement.void(outcome, evidence, attempts)
            return None
        ending = Ending(usage=usage, outcome=outcome, evidence=evidence, first_output_ms=self._first_output_ms)
        return await self.settlement.post(ending, attempts)

    def _attempt(self) -> Attempt:
        assert self.candidate is not None
        return Attempt(
            candidate=self.candidate,
            started_at=self._sent_at,
            duration_ms=round((self._shop.clock.monotonic() - self._sent_s) * 1000),
            status=SWITCHING_PROTOCOLS,
        )

    async def release(self, error: RelayError | None) -> None:
        """Release the hold of a session that ends between two responses; a posted turn holds nothing any more."""
        outcome: Outcome = "upstream_error" if isinstance(error, UpstreamError) else "customer_gone"
        await self.settlement.void(outcome, Evidence(), [*self._attempts, self._attempt()])

    async def cut(self, error: RelayError) -> tuple[RequestRecord, Posted] | None:
        """Book what was delivered of a response that *error* cut short; None if its post has already begun.

        When the customer leaves, the upstream is closed at once, so the shop's policy ``drain`` is ``delivered`` here.
        """
        if self.settlement.is_closed:
            return None
        output, is_gone = self._context.output_of(None), isinstance(error, CustomerGoneError)
        is_input_only = is_gone and self._shop.profile.limits.hang_up == "input_only"
        policy: HangUpPolicy = "input_only" if is_input_only else "delivered"
        evidence = msgspec.structs.replace(
            _evidence(output),
            error_type=None if is_gone else error.code,
            is_unpaid=isinstance(error, InsufficientBalanceError | KeyCapError | StaleKeyError),
            hang_up_policy=policy if is_gone else None,
        )
        usage = self._context.delivered_usage(Output() if is_input_only else output)
        return await self._close(usage, derive_outcome(evidence), evidence)


def _evidence(output: Output) -> Evidence:
    return Evidence(has_text=output.has_text, has_tool_call=output.has_call, output_bytes=output.delivered[0])

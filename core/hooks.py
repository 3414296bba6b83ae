"""The six hooks: what each is for, when it is called, and what its answers mean.

Plugins mark their methods with `hookimpl`; an implementation takes only the arguments it uses.
Plugins compute, core acts: no plugin writes to the ledger.
"""

from collections.abc import Sequence
from typing import Protocol

import pluggy

from .charge import Charge
from .exchange import Attempt, Candidate, Channel, ChannelRequest, Claim, Exchange, PriceFacts, Principal, RequestRecord
from .usage import Usage

hookspec = pluggy.HookspecMarker("relay")
hookimpl = pluggy.HookimplMarker("relay")


class Meter(Protocol):
    """Counts what one answer uses, from its events."""

    def feed(self, event: bytes) -> None:
        """Take one whole event of a stream as it was received, or a whole body."""
        ...

    def usage(self) -> Usage | None:
        """Return what was used so far, or None if no figure has been seen."""
        ...


class RelayHooks:
    """The specifications, in the order in which an exchange meets them."""

    @hookspec
    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """Say who is asking.

        Called once per exchange, and once more, with ``exchange.is_fresh_authentication`` set,
        if the ledger finds that the key has changed. If the body is longer than 64 KiB, it is also
        called before the rest is read, when the model is not known yet. Plugins are asked in profile
        order; the first answer counts.

        Args:
            exchange: The request so far: its key, address, headers, dialect and model.

        Returns:
            Who it is, or None if this plugin does not know the key; if none does, the answer is 401. If the
            ledger does not know the key as one of that account, the request is refused.

        Raises:
            RejectedError: The key is known and refused. Any other exception refuses as well.
        """

    @hookspec
    async def select_channel(
        self, exchange: Exchange, candidates: Sequence[Candidate], attempts: Sequence[Attempt]
    ) -> Sequence[Candidate] | None:
        """Narrow or reorder the candidates for the next attempt.

        Called once per attempt, every plugin in profile order, each with what the one before
        left. Core has already removed what group, key, model, dialect or circuit forbid. As long as
        some are untried, it offers only those that speak the customer's dialect, and of these only
        the one that answered the conversation last. Of what all plugins leave, it takes the first
        candidate that has not been tried.

        Args:
            exchange: The request; ``exchange.principal`` says who asks.
            candidates: What the plugin before left: channels, each with one of its keys.
            attempts: What has been tried for this exchange, in order; empty at first.

        Returns:
            Some of *candidates*, best first; or None to leave them as they are. If none is left: 503, or after
            a failed attempt the error of that attempt. An exception, or another candidate, refuses the request.
        """

    @hookspec
    async def transform_request(self, exchange: Exchange, channel: Channel, request: ChannelRequest) -> None:
        """Change what is about to be sent, in place.

        Called once per attempt, every plugin in profile order. *request* is in the channel's
        dialect, ``request.dialect``. An exception ends the attempt; the next candidate is tried.

        Args:
            exchange: The customer's request, which stays as it is.
            channel: Where this attempt goes.
            request: Body and headers to change; they belong to this attempt only.
        """

    @hookspec
    def meter_stream(self, exchange: Exchange, channel: Channel) -> Meter | None:
        """Return an object that counts this answer in place of core's own meter.

        Called once per attempt, before its first event; the first answer counts. Nothing is
        dispatched per event: core calls the meter's ``feed`` itself. If the meter raises, or returns
        counts that are not whole numbers from 0, core's own takes over and the stream goes on.

        Args:
            exchange: The request that is being answered.
            channel: Which channel answers.

        Returns:
            A meter, or None to leave the counting to the next plugin, at last to core.
        """

    @hookspec
    def settle(self, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        """Price *usage*, on top of what earlier policies charged.

        Called for every billing plugin in profile order: with a bound, to reserve; while a
        stream runs, for its marks; and with the measured usage, to post. Must be pure: same
        arguments, same charge; no clock, no I/O.

        Args:
            facts: Everything a price may depend on besides usage; the time is ``facts.at``.
            usage: Token counts. If their source is ``bound``, the charge is the amount to hold: it must
                cover the most expensive answer possible, and have a line for each of ``tool_counts``, its name as
                the item. A tool without a line is refused; a factor of 0 gives it away.
            charge: What earlier policies charged; None for the first.

        Returns:
            A charge with this policy's lines added or changed, or None to leave *charge* as it
            is. The request is refused if there is no charge after the last policy, on an exception, and on
            a charge that is negative or not exact: counts are whole numbers, factors fractions. A post
            can't be refused: there a policy that fails is passed over, logged and counted.
        """

    @hookspec
    async def post_check(self, record: RequestRecord) -> Sequence[Claim] | None:
        """Look at a settled exchange and claim what its customer is owed.

        Called once per settled exchange, all plugins in profile order, after the answer has
        ended. Exchanges that a process did not get to before it ended or died, that recovery charged, or
        that were booked from the spool, are shown after the next start; such records have no attempts, and
        may be shown twice if a process dies meanwhile. An exception is logged and counted.

        Args:
            record: What is kept of the exchange: facts, usage, outcome, evidence, charge.

        Returns:
            Claims, or None. Core writes each once per request and rule. A claim whose share is negative or
            not exact is passed over, logged and counted; the others are written.
        """

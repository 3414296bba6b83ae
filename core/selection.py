"""Which candidate is tried next, whether another attempt is worth it, and the error when none is left."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from .circuit import Retries, Route
from .dialects.meaning import retry_after_s
from .errors import (
    CoolingDownError,
    NoChannelError,
    PluginError,
    RelayError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from .exchange import Attempt, Candidate, Exchange
from .observe import emit_exception
from .shop import Shop

Answer = TypeVar("Answer")


class Selection:
    """The candidates of one exchange, over all its attempts.

    *attempts* grows during the exchange: whoever makes an attempt appends it.
    """

    def __init__(
        self, shop: Shop, exchange: Exchange, candidates: Sequence[Candidate], attempts: Sequence[Attempt]
    ) -> None:
        assert exchange.principal is not None, "authenticated before selecting"
        self._exchange = exchange
        self._group = exchange.principal.group
        self._candidates = candidates
        self._attempts = attempts
        self._shop = shop
        self._retries = Retries(shop.retries)
        # With one candidate there is nothing to prefer, and no need to identify the conversation.
        self._conversation = shop.affinity.conversation_of(exchange) if len(candidates) > 1 else None
        self._failure: RelayError | None = None

    async def try_in_turn(self, attempt: Callable[[Candidate], Awaitable[Answer]]) -> Answer:
        """Return what *attempt* returns for the first candidate that answers, wholly or in part.

        Raises:
            RelayError: No candidate answered, or *attempt* failed in a way that no other candidate would mend.
        """
        with self._retries as retries:
            while True:
                candidate, attempt_count = await self._choose(), len(self._attempts)
                try:
                    answer = await attempt(candidate)
                except (UpstreamError, PluginError) as failure:
                    # Otherwise the request was not sent, or a billing plugin failed at the price of the answer.
                    has_failed = any(attempt.failure for attempt in self._attempts[attempt_count:])
                    told = self._told(failure) if has_failed else failure
                    if not (has_failed and self._may_go_on(failure) and retries.take()):
                        if told is failure:
                            raise
                        failure.__traceback__ = None  # as below
                        raise told from None
                    if isinstance(failure, PluginError):
                        emit_exception("plugin.failed", failure, request_id=self._exchange.id)
                    self._failure = told.with_traceback(None)  # its frames lead here, and would keep the request
                else:
                    if self._conversation is not None:
                        self._shop.affinity.remember(self._conversation, candidate)
                    return answer

    def answer_began(self) -> None:
        """Note that the attempt under way is being answered; it no longer counts as a retry, however long it takes."""
        self._retries.give_back()

    async def _choose(self) -> Candidate:
        """Return the best candidate that has not been tried and is not cooling down.

        Raises:
            RelayError: None is left: the last attempt's failure, or the reason why none could be made.
        """
        allowed = list(filter(self._allows, self._candidates))
        if not allowed:
            raise self._failure or self._cooling_down()
        preferred = self._spoken(allowed) or allowed
        preferred = self._answered_last(preferred) or preferred
        chosen = await self._shop.dispatch.select_channel(self._exchange, preferred, self._attempts)
        for candidate in self._untried(chosen):
            return candidate
        raise self._failure or NoChannelError(param="model", group=self._group, model=self._exchange.model)

    def _told(self, failure: UpstreamError | PluginError) -> RelayError:
        """Return the failure to report to the customer: *failure*, or an earlier one that a retry may cure sooner.

        A request that timed out may have been carried out upstream at the shop's expense. Such a timeout is reported
        whatever else failed, lest the customer's program ask again by itself.
        """
        earlier = self._failure
        is_of_channel = isinstance(failure, UpstreamError) and failure.failure != "request"
        if earlier is None or not is_of_channel or _may_be_done(failure):
            return failure
        if _may_be_done(earlier):
            return earlier
        return min(failure, earlier, key=_remedy)

    def _may_go_on(self, failure: RelayError) -> bool:
        """Say whether another candidate is worth an attempt after *failure*."""
        if isinstance(failure, UpstreamError) and failure.failure == "request":
            return False
        is_left = any(map(self._allows, self._untried(self._candidates)))
        return is_left and len(self._attempts) < self._shop.profile.limits.attempts_max

    def _allows(self, candidate: Candidate) -> bool:
        return self._shop.circuit.allows(Route.of(self._exchange, candidate))

    def _untried(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        if not self._attempts:
            return candidates
        tried = {_place_of(attempt.candidate) for attempt in self._attempts}
        return [candidate for candidate in candidates if _place_of(candidate) not in tried]

    def _spoken(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return those that speak the customer's dialect; none of them once all have been tried."""
        spoken = [candidate for candidate in candidates if candidate.dialect == self._exchange.dialect]
        return spoken if self._untried(spoken) else []

    def _answered_last(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return the one that answered this conversation last, unless it has been tried."""
        place = self._shop.affinity.recall(self._conversation) if self._conversation is not None else None
        if place is None:
            return []
        return self._untried([candidate for candidate in candidates if _place_of(candidate) == place])

    def _cooling_down(self) -> RelayError:
        """Return the error while every candidate is cooling down; it tells when the first may be tried again."""
        circuit = self._shop.circuit
        rests = [circuit.rest_s(Route.of(self._exchange, candidate)) for candidate in self._candidates]
        wait_s = max(1, math.ceil(min(rests)))
        if all(circuit.is_throttled(*_place_of(candidate)) for candidate in self._candidates):
            return UpstreamStatusError("throttled", 429, retry_after_s=wait_s)
        return CoolingDownError(wait_s, group=self._group, model=self._exchange.model)


def _place_of(candidate: Candidate) -> tuple[str, str]:
    """Return the channel and key; one exchange tries each such pair once."""
    return candidate.channel.name, candidate.key_id


def _may_be_done(failure: RelayError) -> bool:
    """Say whether an upstream may have carried out the request, although no answer came in time.

    504 and Cloudflare's 524 report that about an upstream behind the one that was asked
    (w:documented/edge-524-timeout).
    """
    if isinstance(failure, UpstreamStatusError):
        return failure.upstream_status in (504, 524)
    return isinstance(failure, UpstreamTimeoutError) and failure.deadline != "connect"


def _remedy(failure: RelayError) -> tuple[float, bool]:
    """Return what ranks a failure: seconds until a retry may help, or infinity, and whether no shorter request would."""
    wait_s = retry_after_s(failure)
    is_too_large = isinstance(failure, UpstreamError) and failure.failure == "too_large"
    return math.inf if wait_s is None else wait_s, not is_too_large

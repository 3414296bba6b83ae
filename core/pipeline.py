"""The way of an exchange, top to bottom.

    read -> authenticate -> [ select -> transform -> reserve -> send ]* -> answer -> post -> end -> check

One exchange ends in exactly one outcome, and its reservation in exactly one of posted or voided.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import msgspec

from .answers import answer_with_error
from .background import is_in_background, stop_making
from .channel_guard import is_deployment, send
from .claims import file_claims
from .dialects import rules_of_channel
from .dialects.dialect import ChannelSide, DialectRules, is_of_type
from .dialects.seal_refusals import unsealed
from .dialects.speech import note_plain_sound
from .dialects.system_refusals import let_the_user_say, said_by_the_user, said_by_the_user_here
from .ending import Ending
from .errors import (
    CustomerGoneError,
    LedgerUnavailableError,
    UpstreamBrokenError,
    UpstreamStatusError,
)
from .exchange import Attempt, Candidate, ChannelRequest, Evidence, Exchange, Outcome
from .failpoints import hit
from .fresh import run_fresh
from .hub.translation import Translation
from .observe import emit
from .plugin import ChannelPlugin
from .repeats import read_idempotency_key
from .selection import Selection
from .settlement import Settlement
from .shop import Shop
from .sink import Sink
from .streaming import StreamAnswer
from .transport import UpstreamResponse, let_go
from .trial import Trial, transform
from .whole import WholeAnswer, read_refusal, read_small

MAY_COME_WHOLE = frozenset({"transcription", "image_generation", "image_edit"})
"""Operations in which some models ignore the wish for a stream; their whole answer is passed on instead.

Source: OpenAI API reference, ``stream`` of "Create transcription" and "Create image", read 2026-11-24.
"""

TRANSLATED_AT_ONCE_BYTES_MAX = 256 * 1024
"""A longer request is translated in a thread aside: a megabyte of many values takes 30 to 300 ms of CPU."""


async def carry(shop: Shop, exchange: Exchange, rules: DialectRules, sink: Sink) -> None:
    """Carry one exchange, whose request has been read, to the end of its answer.

    Raises:
        RelayError: As `Passage.run`.
    """
    read_idempotency_key(exchange)
    await run_fresh(exchange, lambda: Passage(shop, exchange, rules, sink))


class Passage:
    """One run of an exchange, from its authentication through channels to its settlement."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: DialectRules, sink: Sink) -> None:
        self._shop = shop
        self._exchange = exchange
        self._rules = rules
        self._sink = sink
        self._attempts: list[Attempt] = []
        self._settlement = Settlement(shop, exchange, rules)
        self._stream: StreamAnswer | None = None
        self._selection: Selection

    @property
    def has_reserved(self) -> bool:
        """A hold was taken, whatever became of it."""
        return self._settlement.has_reserved

    async def run(self) -> None:
        """Authenticate, try candidates until one answers, settle, and end the answer.

        Raises:
            RelayError: Nothing was committed to the customer; the hold, if any, is released.
        """
        exchange, shop = self._exchange, self._shop
        exchange.principal = await shop.dispatch.authenticate(exchange)
        candidates: Sequence[Candidate] = shop.catalog.candidates(
            exchange.principal, exchange.model, exchange.dialect, exchange.operation
        )
        shop.catalog.check_further(exchange.principal, exchange)
        candidates = await shop.answers.keepers(exchange, candidates)
        if exchange.stream:
            self._stream = StreamAnswer(
                exchange, self._rules, self._settlement, self._sink, shop.heartbeat, shop.profile.limits
            )
        try:
            try:
                self._selection = Selection(shop, exchange, candidates, self._attempts)
                ending = await self._selection.try_in_turn(self._attempt)
            finally:
                if self._stream is not None:
                    self._stream.close()
            await self._settle(ending)
        except BaseException as exc:
            # Whatever it was, even a bug of ours, the hold must not outlive the exchange.
            # This does nothing once a post is on its way.
            outcome: Outcome = "customer_gone" if isinstance(exc, CustomerGoneError) else "upstream_error"
            await self._settlement.void(outcome, Evidence(), self._attempts)
            raise

    async def _attempt(self, candidate: Candidate) -> Ending:
        """Prepare the request for one candidate, reserve, send it, and carry its answer.

        Raises:
            UpstreamError, PluginError: The attempt failed with nothing committed.
        """
        channel_side = await self._channel_side(candidate)
        request = channel_side.prepare(self._exchange, candidate.model_sent)
        await transform(self._shop, self._exchange, candidate, request, self._attempts)
        await self._settlement.reserve(candidate)
        if self._shop.system_texts.refuses(candidate):
            let_the_user_say(request)
        mends = [unsealed, said_by_the_user, said_by_the_user_here]
        while True:
            try:
                ending = await self._send(candidate, request, channel_side)
                if said_by_the_user not in mends:
                    # Remembered only once the mend has worked: the words of the refusal could be the customer's, echoed.
                    self._shop.system_texts.remember(candidate)
                return ending
            except UpstreamStatusError as refusal:
                mended = next((mend for mend in mends if mend(request, refusal)), None)
                if mended is None:
                    raise
                mends.remove(mended)  # sent once more for each, at most

    async def _channel_side(self, candidate: Candidate) -> ChannelSide:
        """Return the customer's rules where the candidate speaks their dialect, else a translation into its own."""
        channel = self._channel(candidate)
        is_beside = channel.is_reasoning_beside_output
        if candidate.dialect == self._exchange.dialect:
            return rules_of_channel(self._rules, is_reasoning_beside_output=is_beside)
        assert self._exchange.principal is not None, "authenticated before a channel is chosen"
        keeper = self._shop.seals.of(self._exchange.principal.account_id, candidate)
        translate = partial(
            Translation,
            self._exchange,
            candidate.dialect,
            candidate.model_sent,
            keeper,
            is_deployment=is_deployment(channel, candidate.model_sent),
            is_reasoning_beside_output=is_beside,
        )
        if sum(map(len, self._exchange.fields.values())) > TRANSLATED_AT_ONCE_BYTES_MAX:
            with self._sink.listening():
                translation = await self._shop.aside.run(self._exchange.principal.account_id, translate)
        else:
            translation = translate()
        if translation.dropped:
            self._sink.set_header(b"x-relay-dropped", ", ".join(translation.dropped).encode("ascii", "replace"))
        return translation

    async def _send(self, candidate: Candidate, request: ChannelRequest, channel_side: ChannelSide) -> Ending:
        """Send *request* and carry the answer to the customer."""
        response: UpstreamResponse | None = None
        is_understood = False
        with Trial(self._shop, self._exchange, candidate, self._attempts) as trial:
            try:
                # An answer in the background goes on without its customer, so the wait is not interrupted:
                # it is read until it can be cancelled.
                with nullcontext() if is_in_background(self._exchange) else self._sink.listening():
                    response = await send(self._channel(candidate), request, self._shop.secrets[candidate.key_id])
                    trial.status = response.status
                    hit("after_send")
                    if not 200 <= response.status < 300:
                        raise await read_refusal(response, request)
                ending = await self._carry_answer(candidate, channel_side, response, trial.elapsed_s)
                if ending.outcome != "customer_gone" or ending.evidence.output_bytes:
                    trial.answered(ending.error)
                is_understood = not isinstance(ending.error, UpstreamBrokenError)
                return ending
            except UpstreamStatusError:
                is_understood = True
                raise
            finally:
                if response is not None:
                    let_go(response, is_understood=is_understood)

    def _channel(self, candidate: Candidate) -> ChannelPlugin[Any]:
        return self._shop.channels[candidate.channel.name]

    async def _carry_answer(
        self, candidate: Candidate, channel_side: ChannelSide, response: UpstreamResponse, waited_s: float
    ) -> Ending:
        exchange, channel = self._exchange, self._channel(candidate)
        meter = self._shop.dispatch.meter_stream(exchange, candidate.channel)
        note_plain_sound(exchange, response.headers.get("content-type", ""))
        stream_type = channel_side.stream_type(exchange)
        is_stream = is_of_type(response.headers.get("content-type", stream_type), stream_type)
        if self._stream is not None and is_stream:
            reader = channel_side.stream_reader(exchange)
            try:
                first_event_s = channel.deadlines.first_event_s - waited_s
                return await self._stream.attempt(response, reader, meter, first_event_s, self._selection.answer_began)
            finally:
                if is_in_background(exchange):
                    api_key = self._shop.secrets[candidate.key_id]
                    await stop_making(channel, api_key, candidate, exchange, response, reader)
        if self._stream is not None:
            if exchange.operation not in MAY_COME_WHOLE or self._sink.is_head_sent:
                # A document is an error dressed as success, or no answer at all.
                channel_side.read_body(exchange, await read_small(response))
                raise UpstreamBrokenError("a document came where a stream was asked for")
            self._stream.close()  # no keep-alive may be written before an answer that has a length
        self._selection.answer_began()
        whole = WholeAnswer(exchange, channel_side, self._settlement.figures, self._sink, self._shop.profile.limits)
        return await whole.attempt(response, meter)

    async def _settle(self, ending: Ending) -> None:
        """Post, write the end of the answer, then let the after-sales plugins look at it."""
        if ending.outcome == "upstream_error":
            # Only a beginning without output was passed on: there is nothing to pay for.
            await self._settlement.void("upstream_error", ending.evidence, self._attempts)
            await self._end(ending)
            return
        usage = self._settlement.figures.plausible(ending.usage, ending.evidence)
        try:
            record, posted = await self._settlement.post(msgspec.structs.replace(ending, usage=usage), self._attempts)
        except LedgerUnavailableError as error:
            emit("post.failed", request_id=self._exchange.id)
            await self._end(msgspec.structs.replace(ending, error=error))
            return
        if ending.usage.is_total_contradicted:
            emit("usage.contradicted", request_id=self._exchange.id, channel=record.facts.channel)
        hit("before_end")
        await self._end(ending)
        self._settlement.delivered()
        # If the process ends before this, the next start files them; it may also give the charge back.
        await file_claims(self._shop.dispatch, self._shop.ledger, record, posted)

    async def _end(self, ending: Ending) -> None:
        """Write what is left of the answer, unless the customer has left or takes nothing any more."""
        with suppress(CustomerGoneError), self._sink.listening():
            if ending.error is not None:
                await answer_with_error(self._sink, self._exchange, self._rules, ending.error)
            elif self._sink.is_head_sent:
                await self._sink.end(ending.end)
            else:
                await self._sink.whole(200, [(b"content-type", ending.content_type.encode())], ending.end)

"""The way of an exchange, top to bottom.

    read -> authenticate -> [ select -> transform -> reserve -> send ]* -> answer -> post -> end -> check

One exchange ends in exactly one outcome, and its reservation in exactly one of posted or voided.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from .answers import JSON, answer_with_error
from .dialects.dialect import DialectRules
from .errors import (
    AuthenticationError,
    CoolingDownError,
    CustomerGoneError,
    FailureClass,
    LedgerUnavailableError,
    NoChannelError,
    NotAllowedError,
    PluginError,
    RelayError,
    StaleKeyError,
    UpstreamBrokenError,
    UpstreamError,
    UpstreamStatusError,
)
from .exchange import Attempt, Candidate, ChannelRequest, Evidence, Exchange, HangUpPolicy, RequestRecord
from .failpoints import hit
from .failures import classify
from .ledger.operations import Posted
from .observe import emit, emit_exception
from .outcome import derive_outcome
from .plugin import ChannelPlugin
from .plugin_meter import PluginMeter
from .settlement import Settlement
from .shop import Shop
from .sink import WRITE_DEADLINE_S, Sink
from .streaming import Ending, StreamAnswer
from .transport import UpstreamResponse

ERROR_BODY_BYTES_MAX = 64 * 1024
ERROR_BODY_S = 10.0
"""How long the words of a refusal are waited for."""
BODY_BYTES_MAX = 64 * 1024 * 1024


async def carry(shop: Shop, exchange: Exchange, rules: DialectRules, body: bytes, sink: Sink) -> None:
    """Carry one exchange from its body to its end; every failure is answered in its dialect."""
    try:
        rules.read_request(exchange, body)
        try:
            passage = Passage(shop, exchange, rules, sink)
            await passage.run()
        except (AuthenticationError, NotAllowedError, NoChannelError, StaleKeyError):
            # What was remembered of the key may be out of date: a group switched or a key
            # renewed a moment ago must hold for this very request.
            if not passage.may_be_stale:
                raise
            exchange.is_fresh_authentication = True
            await Passage(shop, exchange, rules, sink).run()
    except CustomerGoneError:
        return
    except RelayError as error:
        if isinstance(error, PluginError | LedgerUnavailableError):
            emit_exception("request.failed", error, request_id=exchange.id, code=error.code)
        await answer_with_error(sink, exchange, rules, error)


class Passage:
    """One authenticated passage of an exchange through channels to its settlement."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: DialectRules, sink: Sink) -> None:
        self._shop = shop
        self._exchange = exchange
        self._rules = rules
        self._sink = sink
        self._attempts: list[Attempt] = []
        self._settlement = Settlement(
            exchange,
            rules,
            ledger=shop.ledger,
            dispatch=shop.dispatch,
            limits=shop.profile.limits,
            price=shop.profile.prices.get(exchange.model),
            price_version=shop.price_version,
            clock=shop.clock,
        )
        self._stream: StreamAnswer | None = None
        self._failure: RelayError | None = None
        """What the last attempt failed of: the customer's answer where none is left to try."""

    @property
    def may_be_stale(self) -> bool:
        """What was remembered of the key may have led to the refusal, and nothing is held yet."""
        principal = self._exchange.principal
        return (
            not self._exchange.is_fresh_authentication
            and not self._settlement.has_reserved
            and (principal is None or principal.is_remembered)
        )

    async def run(self) -> None:
        """Authenticate, try candidates until one answers, settle, and end the answer.

        Raises:
            RelayError: Nothing was committed to the customer; the hold, if any, is released.
        """
        exchange, shop = self._exchange, self._shop
        exchange.principal = await shop.dispatch.authenticate(exchange)
        candidates = shop.catalog.candidates(exchange.principal, exchange.model, exchange.dialect)
        if exchange.stream:
            self._stream = StreamAnswer(
                exchange, self._rules, self._settlement, self._sink, shop.heartbeat, shop.profile.limits
            )
        try:
            ending = await self._answer(candidates)
        except CustomerGoneError:
            await self._settlement.void("customer_gone", Evidence(), self._attempts)
            raise
        except Exception:
            # Whatever it was, a bug of ours included: the hold must not outlive the exchange.
            await self._settlement.void("upstream_error", Evidence(), self._attempts)
            raise
        finally:
            if self._stream is not None:
                self._stream.close()
        try:
            await self._settle(ending)
        except Exception:
            # Does nothing once the post is on its way.
            await self._settlement.void("upstream_error", Evidence(), self._attempts)
            raise

    async def _answer(self, candidates: Sequence[Candidate]) -> Ending:
        """Try candidates in turn until one has answered, whole or in part."""
        with self._shop.retries.exchange() as retries:
            while True:
                candidate = await self._select(candidates)
                try:
                    return await self._attempt(candidate)
                except (UpstreamError, PluginError) as failure:
                    if not (self._may_go_on(failure, candidates) and retries.take()):
                        raise

    async def _select(self, candidates: Sequence[Candidate]) -> Candidate:
        """Return the best candidate never tried that is not cooling down."""
        shop, model = self._shop, self._exchange.model
        open_ones = [c for c in candidates if shop.circuit.allows(c.channel.name, model, c.key_id)]
        if not open_ones:
            raise self._failure or self._cooling_down(candidates)
        chosen = await shop.dispatch.select_channel(self._exchange, open_ones, self._attempts)
        untried = self._untried(chosen)
        if untried:
            return untried[0]
        if self._failure is not None:
            raise self._failure
        principal = self._exchange.principal
        assert principal is not None, "authenticated before selecting"
        raise NoChannelError(param="model", group=principal.group, model=model)

    def _cooling_down(self, candidates: Sequence[Candidate]) -> RelayError:
        """Return what is said while every candidate rests: when the first of them is due again."""
        circuit, exchange = self._shop.circuit, self._exchange
        rests = [circuit.rest_s(one.channel.name, exchange.model, one.key_id) for one in candidates]
        wait_s = max(1, math.ceil(min(rests)))
        if all(circuit.is_throttled(one.channel.name, one.key_id) for one in candidates):
            return UpstreamStatusError("throttled", 429, retry_after_s=wait_s)
        assert exchange.principal is not None, "authenticated before selecting"
        return CoolingDownError(wait_s, group=exchange.principal.group, model=exchange.model)

    def _may_go_on(self, failure: RelayError, candidates: Sequence[Candidate]) -> bool:
        """Say whether another candidate is worth an attempt after *failure*."""
        if isinstance(failure, UpstreamError) and failure.failure == "request":
            return False
        self._failure = failure
        circuit, model = self._shop.circuit, self._exchange.model
        is_left = any(circuit.allows(c.channel.name, model, c.key_id) for c in self._untried(candidates))
        return is_left and len(self._attempts) < self._shop.profile.limits.attempts_max

    def _untried(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        tried = {(one.candidate.channel.name, one.candidate.key_id) for one in self._attempts}
        return [one for one in candidates if (one.channel.name, one.key_id) not in tried]

    async def _attempt(self, candidate: Candidate) -> Ending:
        """Prepare the request for one candidate, reserve, send it, and carry its answer.

        Raises:
            UpstreamError, PluginError: The attempt failed with nothing committed.
        """
        request = self._rules.prepare(self._exchange, candidate.model_sent)
        try:
            await self._shop.dispatch.transform_request(self._exchange, candidate.channel, request)
        except PluginError:
            now = self._shop.clock.now()
            self._attempts.append(Attempt(candidate=candidate, started_at=now, duration_ms=0, failure="sick"))
            raise
        await self._settlement.reserve(candidate)
        return await self._send(candidate, request)

    async def _send(self, candidate: Candidate, request: ChannelRequest) -> Ending:
        """Send *request* and carry the answer; note how it went, for the log and for the circuit."""
        clock, circuit = self._shop.clock, self._shop.circuit
        place = (candidate.channel.name, self._exchange.model, candidate.key_id)
        started_at, started_s = clock.now(), clock.monotonic()
        response: UpstreamResponse | None = None
        # A customer who leaves in the middle says nothing about the channel; nor does "request".
        failure: UpstreamError | None = None
        verdict: FailureClass | None = "request"
        circuit.begin(*place)
        try:
            with self._sink.listening():
                response = await self._channel(candidate).send(request, self._shop.secrets[candidate.key_id])
                hit("after_send")
                if not 200 <= response.status < 300:
                    raise await refusal(response)
            ending = await self._carry_answer(candidate, response)
            failure = ending.error if isinstance(ending.error, UpstreamError) else None
            verdict = failure.failure if failure is not None else None
            return ending
        except UpstreamError as exc:
            failure, verdict = exc, exc.failure
            raise
        finally:
            if response is not None:
                response.close()
            circuit.report(*place, verdict, getattr(failure, "retry_after_s", None))
            self._attempts.append(
                Attempt(
                    candidate=candidate,
                    started_at=started_at,
                    duration_ms=round((clock.monotonic() - started_s) * 1000),
                    status=response.status if response is not None else None,
                    failure=failure.failure if failure is not None else None,
                )
            )

    def _channel(self, candidate: Candidate) -> ChannelPlugin[Any]:
        return self._shop.channels[candidate.channel.name]

    async def _carry_answer(self, candidate: Candidate, response: UpstreamResponse) -> Ending:
        channel = self._channel(candidate)
        if self._stream is None:
            return await self._whole(response, candidate, channel)
        if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            # A stream was asked for: a document here is an error dressed as success, or no answer.
            self._rules.read_body(self._exchange, await read_small(response))
            raise UpstreamBrokenError("a document came where a stream was asked for")
        reader = self._rules.stream_reader(
            self._exchange, is_reasoning_beside_output=channel.is_reasoning_beside_output
        )
        meter = self._shop.dispatch.meter_stream(self._exchange, candidate.channel)
        return await self._stream.attempt(response, reader, meter, channel.deadlines.first_event_s)

    async def _whole(self, response: UpstreamResponse, candidate: Candidate, channel: ChannelPlugin[Any]) -> Ending:
        """Read a whole answer; a customer who leaves meanwhile pays by the shop's hang-up policy."""
        pieces: list[bytes] = []
        policy: HangUpPolicy | None = None
        try:
            with self._sink.listening():
                await read_all(response, BODY_BYTES_MAX, pieces)
        except CustomerGoneError:
            policy = self._shop.profile.limits.hang_up
            if policy != "drain" or not await self._drain(response, pieces):
                usage, evidence = self._settlement.delivered_usage(0, None), Evidence(hang_up_policy=policy)
                return Ending(usage=usage, outcome="customer_gone", evidence=evidence, model_returned=None)
        body = b"".join(pieces)
        reading = self._rules.read_body(
            self._exchange, body, is_reasoning_beside_output=channel.is_reasoning_beside_output
        )
        meter = self._shop.dispatch.meter_stream(self._exchange, candidate.channel)
        counted = PluginMeter(meter).usage_of(body) if meter is not None else None
        evidence = msgspec.structs.replace(reading.evidence, hang_up_policy=policy)
        return Ending(
            usage=counted or reading.usage or self._settlement.delivered_usage(reading.output_counted_tokens, None),
            outcome=derive_outcome(evidence),
            evidence=evidence,
            model_returned=reading.model_returned,
            end=body,
        )

    async def _drain(self, response: UpstreamResponse, pieces: list[bytes]) -> bool:
        """Read on after the customer has left; say whether the answer came whole in time."""
        try:
            async with asyncio.timeout(self._shop.profile.limits.drain_s):
                await read_all(response, BODY_BYTES_MAX, pieces)
        except (TimeoutError, UpstreamError):
            return False
        return True

    async def _settle(self, ending: Ending) -> None:
        """Post, then write the end of the answer, then let the after-sales plugins look."""
        if ending.outcome == "upstream_error":
            # A beginning was passed on, and no output after it: there is nothing to pay for.
            await self._settlement.void("upstream_error", ending.evidence, self._attempts)
            await self._end(ending)
            return
        try:
            record, posted = await self._settlement.post(
                self._settlement.plausible(ending.usage),
                ending.outcome,
                ending.evidence,
                self._attempts,
                model_returned=ending.model_returned,
                first_output_ms=self._stream.first_output_ms if self._stream is not None else None,
            )
        except LedgerUnavailableError as error:
            emit("post.failed", request_id=self._exchange.id)
            await self._end(msgspec.structs.replace(ending, error=error))
            return
        hit("before_end")
        await self._end(ending)
        self._settlement.delivered()
        await self._check(record, posted)

    async def _end(self, ending: Ending) -> None:
        """Write what is left of the answer; a customer who has left, or takes nothing, misses it."""
        try:
            with self._sink.listening():
                async with asyncio.timeout(WRITE_DEADLINE_S):
                    await self._write_end(ending)
        except (CustomerGoneError, TimeoutError):
            return

    async def _write_end(self, ending: Ending) -> None:
        if ending.error is not None:
            await answer_with_error(self._sink, self._exchange, self._rules, ending.error)
        elif self._sink.is_head_sent:
            await self._sink.end(ending.end)
        else:
            await self._sink.whole(200, [JSON], ending.end)

    async def _check(self, record: RequestRecord, posted: Posted) -> None:
        """Write the claims that after-sales plugins find, each once.

        The answer has ended: whatever fails here is logged, and can be run again from the log.
        """
        try:
            for claim in await self._shop.dispatch.post_check(record):
                await self._shop.ledger.claim(record.request_id, claim, round(claim.share * posted.charge_nano))
        except Exception as exc:
            emit_exception("claim.unfiled", exc, request_id=record.request_id)


async def read_all(response: UpstreamResponse, bytes_max: int, pieces: list[bytes]) -> None:
    """Add the rest of the body of *response* to *pieces*; interrupted, it can be called again.

    Raises:
        UpstreamBrokenError: It ended early, or is larger than *bytes_max*.
    """
    size = sum(map(len, pieces))
    while data := await response.read():
        pieces.append(data)
        size += len(data)
        if size > bytes_max:
            raise UpstreamBrokenError(f"an answer of more than {bytes_max} bytes")


async def read_small(response: UpstreamResponse) -> bytes:
    """Return the body of an answer that should be short, such as an error's."""
    pieces: list[bytes] = []
    await read_all(response, ERROR_BODY_BYTES_MAX, pieces)
    return b"".join(pieces)


async def refusal(response: UpstreamResponse) -> UpstreamError:
    """Return the class of an answer that is not a success.

    The status alone decides where the words are too many, broken off or late: a refusal that
    quotes a long prompt back must not count as a sick channel.
    """
    pieces: list[bytes] = []
    with suppress(UpstreamError, TimeoutError):
        async with asyncio.timeout(ERROR_BODY_S):
            await read_all(response, ERROR_BODY_BYTES_MAX, pieces)
    return classify(response.status, response.headers, b"".join(pieces))

"""One stream on its way to the customer: staged, committed, passed on, ended.

    stage    hold everything back until the first output event; a failure here may be retried
    commit   the first byte of output goes out; from here on there is no second upstream
    pass on  whole events as they arrive; the meter reads along; the hold grows with the output
    end      held back until the post has committed, then written

How a stream ended is returned as an `Ending`; the pipeline posts it and writes the last bytes.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from .answers import answerable
from .dialects.dialect import DialectRules, NativeReader, StreamReader, keep_alive_behind
from .ending import Ending
from .errors import (
    CustomerGoneError,
    InsufficientBalanceError,
    KeyCapError,
    PluginError,
    RelayError,
    RevokedKeyError,
    StaleKeyError,
    UpstreamBrokenError,
    UpstreamError,
    UpstreamTimeoutError,
)
from .exchange import Exchange, HangUpPolicy
from .heartbeat import Heartbeat
from .outcome import derive_outcome
from .plugin_meter import PluginMeter
from .profile.structs import Limits
from .settlement import Settlement
from .sink import WRITE_DEADLINE_S, Sink
from .transport import UpstreamResponse

STAGED_BYTES_MAX = 64 * 1024
STAGED_S_MAX = 30.0
BEHIND_S = 0.25
"""How long to wait for usage after the end mark, where none came before it."""
DRAWINGS = frozenset({"image_generation", "image_edit"})
"""Operations whose first output is a draft: a customer who leaves with it has most of a picture, and pays for one."""
SILENCE_S = 15.0
"""How long nothing may go to the customer before a keep-alive is written, also at the start of the answer."""


class StreamAnswer:
    """The stream of one exchange, over all its attempts.

    It has slots so that what a chunk needs lies close together: with a thousand streams, most lookups miss the
    CPU's caches.
    """

    __slots__ = (
        "_began_s", "_delivered_tokens", "_exchange", "_extension", "_first_output_ms", "_has_stopped", "_heartbeat",
        "_is_at_end", "_is_committed", "_keep_alive", "_limits", "_marked", "_meter", "_native", "_policy", "_put",
        "_reader", "_refusal", "_rules", "_settlement", "_sink", "_sound_type", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        exchange: Exchange,
        rules: DialectRules,
        settlement: Settlement,
        sink: Sink,
        heartbeat: Heartbeat,
        limits: Limits,
    ) -> None:
        self._exchange = exchange
        self._rules = rules
        self._settlement = settlement
        self._sink = sink
        self._heartbeat = heartbeat
        self._limits = limits
        self._reader: StreamReader
        self._native: NativeReader
        self._meter: PluginMeter | None
        """These three belong to the attempt under way. Its response is not kept here: it keeps `_take`, a circle."""
        self._put = sink.put
        self._waiting, self._is_at_end = b"", False
        """The last bytes, still to be handed over, and whether the upstream's body ended with them."""
        self._has_stopped = False
        """`_take` has asked the upstream's response to pause."""
        self._sound_type = "application/octet-stream"
        """The upstream's content type, for streams of sound."""
        self._extension: asyncio.Task[None] | None = None
        self._refusal: RelayError | None = None
        self._policy: HangUpPolicy | None = None
        """The policy by which a customer who has left is charged; None if nobody has."""
        self._marked: tuple[int, HangUpPolicy | None] | None = None
        self._delivered_tokens = 0
        """Output tokens that reached the customer's socket."""
        self._began_s = asyncio.get_running_loop().time()
        self._keep_alive = rules.keep_alive
        self._is_committed = False
        self._first_output_ms: int | None = None
        heartbeat.add(self)

    def close(self) -> None:
        """Leave the heartbeat, so that nothing is written but the end; a second call does nothing."""
        self._heartbeat.discard(self)

    def beat(self, now_s: float) -> bool:
        """Mark what was delivered, and hang up on a customer who takes nothing; see `Beating`."""
        sink = self._sink
        if sink.waiting_since_s is not None:
            if now_s - sink.waiting_since_s > WRITE_DEADLINE_S:
                sink.hang_up()
            return False
        if self._settlement.is_revoked:
            self._refusal = RevokedKeyError("the key was revoked while the answer was under way")
            self._settlement.withdraw()
        elif not isinstance(self._refusal, StaleKeyError):
            self._refusal = None  # by now the account may have been topped up, or the disk have room
        progress = (self._delivered_tokens, self._policy)
        if self._is_committed and progress != self._marked:
            self._marked = progress
            usage = self._settlement.figures.delivered(self._delivered_tokens, self._native.usage(), self._native)
            evidence = msgspec.structs.replace(self._native.evidence(), hang_up_policy=self._policy)
            self._settlement.mark(usage, evidence)  # last, as a billing plugin may fail at it
        return now_s - max(sink.written_s, self._began_s) >= SILENCE_S

    async def keep_alive(self) -> None:
        """Write the dialect's keep-alive, if it has one, after the head of the answer."""
        if self._keep_alive:
            self._open()
            await self._sink.write(self._keep_alive)

    def _open(self) -> None:
        """Send the head of the answer, unless it has been sent."""
        if not self._sink.is_head_sent:
            stream_type = self._rules.stream_type(self._exchange)
            content_type = f"{stream_type}; charset=utf-8" if stream_type != "audio/" else self._sound_type
            self._sink.head(200, [(b"content-type", content_type.encode()), (b"cache-control", b"no-cache")])

    async def attempt(
        self,
        response: UpstreamResponse,
        reader: StreamReader,
        meter: PluginMeter | None,
        first_event_s: float,
        commit: Callable[[], None],
    ) -> Ending:
        """Carry one upstream's stream to the customer, as far as it goes; *commit* is called once it can't be retried.

        Raises:
            UpstreamError: It failed before anything was committed; another channel may be tried.
        """
        self._reader, self._native, self._meter = reader, reader.native, meter
        try:
            with self._sink.listening():
                staged = await self._stage(response, first_event_s)
                await self._cover()
        except CustomerGoneError:
            # The upstream has read the input, and may go on thinking.
            self._policy = self._limits.hang_up
            if self._policy == "drain":
                await self._drain(response)
            if self._native.error is not None and not self._native.is_output_seen:
                raise self._native.error from None
            return self._ending(None)
        self._sound_type = response.headers.get("content-type", self._sound_type)
        self._is_committed = True
        commit()
        self._keep_alive = keep_alive_behind(staged, self._keep_alive)
        self._first_output_ms = self._settlement.elapsed_ms()
        error = await self._carry_on(staged, response)
        return self._ending(error or self._native.error)

    async def _carry_on(self, staged: bytes, response: UpstreamResponse) -> RelayError | None:
        """Pass on a committed stream to its end; return what it failed with."""
        error: RelayError | None = None
        try:
            with self._sink.listening():
                self._open()
                await self._hand_over(staged)
                await self._pass_on(response)
                await self._look_behind(response)
            if self._native.is_ended:
                response.finish()
        except CustomerGoneError:
            self._policy = None if self._native.is_ended else self._limits.hang_up
            if self._policy is None or self._policy == "drain":
                await self._drain(response)
        except Exception as exc:
            # Output has gone out: it is charged for, and no other channel may continue the answer.
            error = answerable(exc, self._exchange.id)
        finally:
            if self._extension is not None:
                # Its result no longer matters: the post closes the hold whatever its size.
                self._extension.cancel()
                self._extension.add_done_callback(lambda task: task.cancelled() or task.exception())
        return error

    def _feed(self, data: bytes) -> bytes:
        """Read *data*, or the end of the body if it is empty; return what of it goes to the customer."""
        if self._meter is not None:
            self._meter.feed(data)
        return self._reader.feed(data) if data else self._reader.finish()

    async def _stage(self, response: UpstreamResponse, first_event_s: float) -> bytes:
        """Return the first bytes worth committing to; raises if the stream fails before its first output."""
        native = self._native
        staged: list[bytes] = []
        staged_bytes = 0
        loop = asyncio.get_running_loop()
        due_s = loop.time() + STAGED_S_MAX
        try:
            async with asyncio.timeout(first_event_s):
                while staged_bytes < STAGED_BYTES_MAX and loop.time() < due_s:
                    data = await response.read()
                    passed = self._feed(data)
                    if native.error is not None and not native.is_output_seen:
                        raise native.error
                    staged.append(passed)
                    staged_bytes += len(passed)
                    if native.is_output_seen or native.is_ended:
                        break
                    if not data:
                        raise UpstreamBrokenError("the stream ended before its first output event")
        except TimeoutError:
            raise UpstreamTimeoutError("first_event") from None
        return b"".join(staged)

    async def _pass_on(self, response: UpstreamResponse) -> None:
        """Hand over events as they arrive, until the stream ends, breaks, or is no longer paid for."""
        while not _is_over(self._native):
            self._has_stopped = False
            await response.hand_over(self._take)
            if not self._has_stopped:
                # Calling it again could loop without ever waiting, and block the whole process.
                raise UpstreamBrokenError("the stream was let go of before its end")
            await self._hand_over(self._waiting)
            if self._is_at_end and not _is_over(self._native):
                raise UpstreamBrokenError("the stream ended without its end mark")

    def _take(self, data: bytes) -> bool:
        """Pass *data* on at once and return True; if more has to be done, leave it to `_pass_on` and return False."""
        reader, native, settlement = self._reader, self._native, self._settlement
        if self._meter is not None:
            self._meter.feed(data)
        passed = reader.feed(data) if data else reader.finish()  # as in `_feed`, but a chunk is spared the call
        bound, counted = native.output_bound_tokens, native.output_counted_tokens
        is_covered = bound * 2 <= settlement.covered_tokens or not settlement.needs_more(bound, counted)
        is_over = native.is_ended or native.error is not None
        if is_over or not (data and is_covered) or (passed and not self._put(passed)):
            self._waiting, self._is_at_end, self._has_stopped = passed, not data, True
            return False
        self._delivered_tokens = counted
        return True

    async def _hand_over(self, data: bytes) -> None:
        """Write *data* once the hold covers it."""
        await self._cover()
        if data:
            await self._sink.write(data)
        self._delivered_tokens = self._native.output_counted_tokens

    async def _cover(self) -> None:
        """Make sure that the hold covers what was read."""
        if self._native.output_bound_tokens * 2 > self._settlement.covered_tokens:
            await self._raise_hold()

    async def _raise_hold(self) -> None:
        """Extend the hold while the stream goes on; wait for the ledger only where the hold is used up.

        Extensions are asked for by the upper bound of the output, which is generous. So if one is refused,
        the stream goes on until the best count has used up the hold. Then one more is asked for, and only
        if that is refused too does the stream end.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError: The refusal, once the hold is used up.
            LedgerUnavailableError, PluginError: The shop failed to extend, and the hold is used up.
        """
        settlement, native = self._settlement, self._native
        bound, counted = native.output_bound_tokens, native.output_counted_tokens
        while settlement.needs_more(bound, counted):
            is_used_up = counted >= settlement.covered_tokens
            if isinstance(self._refusal, StaleKeyError) or (self._refusal is not None and not is_used_up):
                break
            is_asked_now = self._extension is None
            if self._extension is None:
                self._extension = asyncio.create_task(settlement.extend())
            if bound < settlement.covered_tokens and not self._extension.done():
                return
            extension, self._extension, self._refusal = self._extension, None, None
            try:
                await extension
            except RelayError as refusal:
                self._refusal = refusal
                if is_used_up and is_asked_now:
                    break
        if self._refusal is not None and counted >= settlement.covered_tokens:
            raise self._refusal

    async def _look_behind(self, response: UpstreamResponse) -> None:
        """Read on briefly after an end without usage: some upstreams send it after the end mark."""
        native = self._native
        if not native.is_ended or native.usage() is not None:
            return
        with suppress(TimeoutError, UpstreamError, PluginError):
            async with asyncio.timeout(BEHIND_S):
                while native.usage() is None and (data := await response.read()):
                    self._feed(data)

    async def _drain(self, response: UpstreamResponse) -> None:
        """Read on to the true usage after the customer has left, for a limited time and within the hold."""
        native = self._native
        with suppress(TimeoutError, UpstreamError, PluginError, CustomerGoneError), self._sink.reading_on():
            async with asyncio.timeout(self._limits.drain_s):
                while not native.is_ended and native.output_counted_tokens < self._settlement.covered_tokens:
                    data = await response.read()
                    self._feed(data)
                    if not data:
                        return
                await self._look_behind(response)

    def _ending(self, error: RelayError | None) -> Ending:
        reader, native, policy = self._reader, self._native, self._policy
        usage = (self._meter.usage() if self._meter is not None else None) or native.usage()
        evidence = native.evidence()
        is_whole = native.is_ended and error is None
        is_unpaid = isinstance(error, InsufficientBalanceError | KeyCapError | StaleKeyError)
        is_final = is_whole or (evidence.stop_reason is not None and not is_unpaid and policy != "input_only")
        if usage is None or not is_final:
            tokens = 0 if policy == "input_only" else self._delivered_tokens
            usage = self._settlement.figures.delivered(tokens, usage, native)
            if policy is not None and tokens and self._exchange.operation in DRAWINGS:
                usage = msgspec.structs.replace(usage, unit_count=max(usage.unit_count, 1))
        evidence = msgspec.structs.replace(
            evidence,
            is_end_seen=is_whole,
            error_type=evidence.error_type or (error.code if error is not None else None),
            is_unpaid=is_unpaid,
            hang_up_policy=policy,
        )
        return Ending(
            usage=usage,
            outcome=derive_outcome(evidence, self._exchange.output_tokens_asked),
            evidence=evidence,
            model_returned=native.model_returned,
            first_output_ms=self._first_output_ms,
            # The rest of an answer that broke off is not paid for, so it can't be fetched later.
            answer_id=reader.answer_id if is_whole else None,
            end=reader.end if is_whole else b"",
            error=error,
        )


def _is_over(native: NativeReader) -> bool:
    """Say whether nothing more will be passed on: the end mark or an error event was seen."""
    return native.is_ended or native.error is not None

"""A running session: passes frames both ways until one side ends.

Frames pass unchanged. Those that begin, grow or end a response drive the hold and the post of its
turn; audio is never decoded. When one side ends, both are closed, and the open turn is settled by
the reason of the end.
"""

import asyncio

import msgspec

from ..answers import answerable, sentence
from ..circuit import Route
from ..claims import file_claims
from ..dialects.disguised import disguised_error
from ..dialects.openai_face import describe_openai_error
from ..dialects.realtime import Realtime
from ..dialects.realtime_events import (
    ResponseDone,
    event_id_of,
    event_type,
    read_response_done,
    read_response_id,
    read_session_event,
    with_error,
)
from ..dialects.upstream_costs import without_costs
from ..errors import (
    BadRequestError,
    CustomerGoneError,
    LedgerUnavailableError,
    RejectedError,
    RelayError,
    SessionEndedError,
    ShuttingDownError,
    StaleKeyError,
    StorageFullError,
    UpstreamBrokenError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from ..exchange import Exchange, RequestRecord
from ..failpoints import hit
from ..ledger.operations import Posted
from ..observe import emit, emit_exception
from ..shop import Shop
from ..sink import WRITE_DEADLINE_S, Headers
from ..transport import Frame
from ..trial import log_failure
from .customer import Customer
from .opening import Opened
from .request import models_of, read_customer_frame
from .transcription import Transcriptions
from .turn import SWITCHING_PROTOCOLS, Turn

NORMAL, GOING_AWAY, POLICY, FAILURE, RESTART, TRY_LATER = 1000, 1001, 1008, 1011, 1012, 1013
"""Codes of close frames. Source: RFC 6455, 7.4, and IANA's registry of close codes, read 2026-11-24."""
_RATE_LIMITS = "rate_limits.updated"
"""What is left of the limits of the upstream account. All customers share it, so none of them is told."""
_TRANSCRIPTION = "conversation.item.input_audio_transcription."


class Session:
    """One open session, from the upstream's first frame to the last frame of either side."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: Realtime, customer: Customer, opened: Opened) -> None:
        assert opened.turn.candidate is not None, "an opened session has a channel"
        self._shop = shop
        self._exchange = exchange
        self._rules = rules
        self._customer = customer
        self._upstream = opened.socket
        self._context = opened.context
        self._turn: Turn = opened.turn
        self._candidate = opened.turn.candidate
        allowed = exchange.principal.models if exchange.principal is not None else None
        self._models = models_of(self._candidate, exchange.model, allowed, frozenset(shop.profile.prices))
        self._unclaimed: list[tuple[RequestRecord, Posted]] = []
        """What was posted, but not yet shown to the after-sales plugins, oldest first."""
        self._transcriptions = Transcriptions(
            shop, exchange, rules, self._candidate, self._models, self._context, self._unclaimed.append
        )
        self._first = opened.first
        self._books = asyncio.Lock()
        """Held while a turn's hold or post is under way, so that nothing interrupts it."""
        self._loop = asyncio.get_running_loop()
        self._began_s = self._heard_s = self._loop.time()
        self._limit: asyncio.Future[None] = self._loop.create_future()
        # Read here, lest asyncio complain: the limit may be reached when nobody awaits it any more.
        self._limit.add_done_callback(lambda limit: limit.cancelled() or limit.exception())
        self._sending_since: float | None = None
        self._is_reported = False

    async def run(self, subprotocol: str | None, headers: Headers) -> None:
        """Upgrade the customer's connection, pass frames on until one side ends, close both and settle.

        It runs in a task of its own: a shutdown then ends the session like any other limit, and interrupts no
        settlement.
        """
        session = asyncio.create_task(self._run(subprotocol, headers))
        while not session.done():
            try:
                await asyncio.wait([session])
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None:
                    task.uncancel()
                self._stop(ShuttingDownError())
        session.result()

    async def _run(self, subprotocol: str | None, headers: Headers) -> None:
        try:
            await self._customer.accept(subprotocol, headers)
        except CustomerGoneError as gone:
            await self._end(gone)
        else:
            await self._end(await self._pass_frames())

    async def _pass_frames(self) -> RelayError | None:
        """Pass frames on until the session ends, and return why, as `_end_of` does."""
        self._shop.heartbeat.add(self)
        # The upstream's pump first: its opening frame comes before anything that the customer asks for.
        upstream = asyncio.create_task(self._pump_upstream())
        pumps = [asyncio.create_task(self._pump_customer()), upstream]
        try:
            await asyncio.wait([*pumps, self._limit], return_when=asyncio.FIRST_COMPLETED)
            return self._end_of([self._limit, *pumps])
        finally:
            self._shop.heartbeat.discard(self)
            async with self._books:
                for pump in pumps:
                    pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._limit.cancel()

    def _end_of(self, ended: list["asyncio.Future[None]"]) -> RelayError | None:
        """Return why the session ended; None if the upstream closed in order while no response was under way."""
        [first, *_] = [future for future in ended if future.done()]
        exc = first.exception()
        if exc is None:
            return UpstreamBrokenError("closed in the middle of a response") if self._context.open_count else None
        return answerable(exc, self._turn.exchange.id)

    async def _end(self, error: RelayError | None) -> None:
        async with asyncio.TaskGroup() as closing:
            closing.create_task(self._upstream.close())
            await self._settle_last(error)
            await self._settle_transcriptions(error)
            if not isinstance(error, CustomerGoneError):
                await self._tell_end(error)
        self._turn.settlement.delivered()
        if isinstance(error, UpstreamError):
            self._report(error)
        await self._file_claims()

    async def _settle_last(self, error: RelayError | None) -> None:
        """Settle the open turn; without an error, no response is under way."""
        try:
            if error is not None and self._context.open_count:
                self._settled(await self._turn.cut(error))
            else:
                await self._turn.release(error)
        except LedgerUnavailableError as exc:
            emit("post.failed", request_id=self._turn.exchange.id, code=exc.code)
        except Exception as exc:
            # A bug of ours: the hold must not outlive the session. This does nothing once a post is on its way.
            emit_exception("request.crashed", exc, request_id=self._turn.exchange.id)
            await self._turn.release(error)

    async def _settle_transcriptions(self, error: RelayError | None) -> None:
        """Settle the unfinished transcriptions, whatever became of the turn."""
        try:
            await self._transcriptions.release(error)
        except RelayError as exc:
            emit("post.failed", request_id=self._exchange.id, code=exc.code)

    def _settled(self, posted: tuple[RequestRecord, Posted] | None) -> None:
        if posted is not None:
            self._unclaimed.append(posted)

    async def _file_claims(self) -> None:
        """Show the after-sales plugins what was posted, once the customer has had the end of it."""
        while self._unclaimed:
            # If this is interrupted, it is done again when the session ends.
            await file_claims(self._shop.dispatch, self._shop.ledger, *self._unclaimed[0])
            del self._unclaimed[0]

    async def _tell_end(self, error: RelayError | None) -> None:
        """Tell the customer why the session ends: an error event if there is an error, then a close frame."""
        try:
            async with asyncio.timeout(WRITE_DEADLINE_S):
                if error is not None:
                    await self._customer.send(self._error_event(error))
                await self._customer.close(close_code(error), "" if error is None else error.code)
        except (CustomerGoneError, TimeoutError):
            return

    def _error_event(self, error: RelayError, refused_id: str | None = None) -> str:
        words = sentence(error, self._exchange.locale)
        return self._rules.render_refusal(error, words, self._turn.exchange.id, refused_id).decode()

    def _report(self, error: UpstreamError) -> None:
        """Report an upstream's error to circuit and log; of one session, only the first."""
        if self._is_reported:
            return
        self._is_reported = True
        log_failure(error, self._turn.exchange.id, self._candidate, SWITCHING_PROTOCOLS)
        route = Route.of(self._exchange, self._candidate)
        self._shop.circuit.report(route, error.failure, getattr(error, "retry_after_s", None))

    def beat(self, now_s: float) -> bool:
        """Mark what was delivered, and stop the session at its limits; see `Beating`."""
        limits = self._shop.profile.limits
        if self._customer.waited_s(now_s) > WRITE_DEADLINE_S:
            self._stop(CustomerGoneError("the customer takes nothing"))
        elif self._sending_since is not None and now_s - self._sending_since > WRITE_DEADLINE_S:
            self._stop(UpstreamTimeoutError("idle"))
        elif now_s - self._began_s > limits.realtime_total_s:
            self._stop(SessionEndedError("session_expired", seconds=f"{limits.realtime_total_s:g}"))
        elif now_s - self._heard_s > limits.realtime_idle_s:
            self._stop(SessionEndedError("session_idle", seconds=f"{limits.realtime_idle_s:g}"))
        self._turn.mark()  # last, as a billing plugin may fail at it
        self._transcriptions.mark()
        return False

    def _stop(self, error: RelayError) -> None:
        if not self._limit.done():
            self._limit.set_exception(error)

    async def keep_alive(self) -> None:
        """Do nothing: websockets are kept alive by pings."""

    async def _pump_customer(self) -> None:
        """Pass the customer's frames on; a bad one is answered with an error here, and the session goes on."""
        while True:
            frame = await self._customer.receive()
            self._heard_s = self._loop.time()
            try:
                passed = read_customer_frame(frame, self._models)
            except BadRequestError as error:
                await self._customer.send(self._error_event(error, event_id_of(frame)))
                continue
            self._context.customer_sent(passed.kind, passed.measure)
            if passed.kind.endswith("session.update"):
                self._transcriptions.asked_for(read_session_event(str(frame)))
            await self._cover_input()
            self._sending_since = self._loop.time()
            await self._upstream.send(passed.frame)
            self._sending_since = None

    async def _cover_input(self) -> None:
        async with self._books:
            if self._turn.settlement.can_grow:
                await self._turn.settlement.cover_input(self._context.input_bound)
                await self._transcriptions.cover()
                return
        # The last turn was posted and none could be held for: the session is ending, so send nothing more.
        await self._loop.create_future()

    async def _pump_upstream(self) -> None:
        """Pass the upstream's frames on, each as soon as its possible cost is covered."""
        frame: Frame | None = self._first
        while frame is not None:
            self._heard_s = self._loop.time()
            if isinstance(frame, str):
                await self._read_along(frame)
            else:
                await self._customer.send(frame)
            frame = await self._upstream.receive()

    async def _read_along(self, frame: str) -> None:
        kind = event_type(frame)
        if kind == _RATE_LIMITS:
            return
        if kind == "response.done":
            await self._finish(frame, read_response_done(frame))
            return
        self._turn.saw(frame)
        if kind == "error":
            self._context.request_failed()
            frame = self._shown_error(frame)
        elif kind == "response.created":
            self._context.response_began(read_response_id(frame))
            self._turn.began()
            await self._cover_input()
        elif kind.startswith("response.") and kind.endswith(".delta"):
            self._context.response_sent(kind, frame)
            async with self._books:
                await self._turn.cover()
        elif kind in ("session.created", "session.updated"):
            facts = read_session_event(frame)
            self._context.session_changed(facts)
            self._transcriptions.confirmed(facts)
            await self._cover_input()
        elif kind.startswith("input_audio_buffer."):
            self._transcriptions.committed(frame, self._context.buffer_changed(kind, frame))
        elif kind.startswith(_TRANSCRIPTION):
            await self._pass_transcript(kind.removeprefix(_TRANSCRIPTION), frame)
            return
        await self._customer.send(frame)
        self._context.handed_over()

    async def _finish(self, frame: str, done: ResponseDone) -> None:
        """Post a response, hold for the next, and only then show the customer that it is done.

        Raises:
            RelayError: The next can't be held for, so the session ends after this response.
        """
        if self._context.has_ended(done.id):  # a repeated end, which is only passed on
            await self._customer.send(self._shown_end(frame, done))
            return
        self._turn.saw(frame)
        refusal: RelayError | None = None
        async with self._books:
            turn = self._turn
            self._settled(await turn.post(done))
            self._context.response_ended(done)
            try:
                self._turn = await turn.next()
                if self._context.open_count:  # the turn just posted had marked and held for what these have said
                    self._turn.mark()
                    await self._turn.cover()
            except RelayError as exc:
                refusal = exc
        hit("before_end")
        try:
            await self._customer.send(self._shown_end(frame, done))
        finally:
            turn.settlement.delivered()  # a customer who has gone by now left after the end
        await self._file_claims()
        if refusal is not None:
            raise refusal

    async def _pass_transcript(self, kind: str, frame: str) -> None:
        """Pass on a piece of a transcript, or post it and pass on its end; then hold for the audio still to transcribe.

        Raises:
            RelayError: That can't be held for, so the session ends after this transcript.
        """
        if kind == "failed":
            self._transcriptions.failed(frame)
        elif kind == "completed":
            async with self._books:
                await self._transcriptions.post(frame)
        try:
            await self._customer.send(frame)
        finally:
            self._transcriptions.delivered()  # a customer who has gone by now left after the end
        if kind == "delta":
            self._transcriptions.count_piece(frame)
        await self._file_claims()
        await self._cover_input()

    def _shown_error(self, frame: str) -> str:
        """Return an upstream error as the customer may see it: unchanged if about the request, else in our words."""
        error = disguised_error(frame.encode())
        if is_about_request(error, frame):
            return frame
        self._report(error)
        return self._error_event(error)

    def _shown_end(self, frame: str, done: ResponseDone) -> str:
        shown = self._shown_failure(frame, done) if done.error else frame
        return without_costs(shown.encode()).decode()

    def _shown_failure(self, frame: str, done: ResponseDone) -> str:
        """Return the end of a failed response; unless its error is about the request, it is put into our words."""
        error = disguised_error(msgspec.json.encode({"error": done.error}))
        if is_about_request(error, frame):
            return frame
        self._report(error)
        return with_error(frame, describe_openai_error(error, sentence(error, self._exchange.locale)))


def is_about_request(error: UpstreamStatusError, frame: str) -> bool:
    """Say whether *error* is about the request, and its message, cleaned of upstream names, is unchanged in *frame*."""
    return error.failure == "request" and msgspec.json.encode(error.message).decode()[1:-1] in frame


def close_code(error: RelayError | None) -> int:
    """Return the code to close a session with; 1000 only if the upstream closed in order and cut nothing off."""
    match error:
        case None:
            return NORMAL
        case ShuttingDownError():
            return RESTART
        case SessionEndedError():
            return GOING_AWAY
        case LedgerUnavailableError() | StorageFullError():
            return TRY_LATER
        case StaleKeyError() | RejectedError():
            return POLICY
        case _:
            return FAILURE

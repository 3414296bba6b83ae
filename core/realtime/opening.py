"""Opens a session at an upstream: it is authenticated, reserved and tried like any exchange.

The upstream's first event, ``session.created``, is the commit point: until then another channel
may be tried, and a refusal is an HTTP error. Source: OpenAI API reference, Realtime server events,
"session.created", the first event of every connection; read 2026-11-24.
"""

import asyncio

import msgspec

from ..channel_guard import connect
from ..dialects.disguised import disguised_error
from ..dialects.realtime import Realtime
from ..dialects.realtime_events import event_type
from ..errors import CustomerGoneError, UpstreamBrokenError, UpstreamTimeoutError
from ..exchange import Attempt, Candidate, ChannelRequest, Evidence, Exchange, Outcome
from ..failpoints import hit
from ..fresh import run_fresh
from ..selection import Selection
from ..shop import Shop
from ..sink import Sink
from ..transport import Frame, UpstreamSocket
from ..trial import Trial, transform
from .context import Context
from .turn import Turn


class Opened(msgspec.Struct, frozen=True):
    """A session that an upstream has begun: its socket, its first frame, and the turn that is reserved."""

    socket: UpstreamSocket
    first: Frame
    turn: Turn
    context: Context


async def open_session(shop: Shop, exchange: Exchange, rules: Realtime, sink: Sink) -> Opened:
    """Return a session on the first candidate that begins one.

    Raises:
        RelayError: No candidate did, or none was allowed; the hold is released.
    """
    return await run_fresh(exchange, lambda: SessionOpening(shop, exchange, rules, sink))


class SessionOpening:
    """One run through the candidates, from authentication to a session that has begun."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: Realtime, sink: Sink) -> None:
        self._shop = shop
        self._exchange = exchange
        self._rules = rules
        self._sink = sink
        self._attempts: list[Attempt] = []
        self._context = Context()
        self._turn = Turn(shop, exchange, rules, self._context, self._attempts)

    @property
    def has_reserved(self) -> bool:
        """Whether a hold was taken, whatever became of it."""
        return self._turn.settlement.has_reserved

    async def run(self) -> Opened:
        """Authenticate, and try candidates until one begins a session."""
        exchange, shop = self._exchange, self._shop
        exchange.principal = await shop.dispatch.authenticate(exchange)
        candidates = shop.catalog.candidates(exchange.principal, exchange.model, exchange.dialect, exchange.operation)
        try:
            return await Selection(shop, exchange, candidates, self._attempts).try_in_turn(self._attempt)
        except BaseException as exc:
            outcome: Outcome = "customer_gone" if isinstance(exc, CustomerGoneError) else "upstream_error"
            await self._turn.settlement.void(outcome, Evidence(), self._attempts)
            raise

    async def _attempt(self, candidate: Candidate) -> Opened:
        request = self._rules.prepare(self._exchange, candidate.model_sent)
        await transform(self._shop, self._exchange, candidate, request, self._attempts)
        await self._turn.reserve(candidate)
        with Trial(self._shop, self._exchange, candidate, self._attempts) as trial:
            with self._sink.listening():
                socket, first = await self._connect(candidate, request)
            trial.answered()
            trial.is_noted_later = True  # by the turn, at the end of its response
        self._turn.meter()
        return Opened(socket, first, self._turn, self._context)

    async def _connect(self, candidate: Candidate, request: ChannelRequest) -> tuple[UpstreamSocket, Frame]:
        """Return the socket of a new session and its first frame."""
        channel = self._shop.channels[candidate.channel.name]
        socket = await connect(channel, request, self._shop.secrets[candidate.key_id])
        hit("after_send")
        try:
            return socket, await self._first(socket, channel.deadlines.first_event_s)
        except BaseException:
            await socket.close()
            raise

    async def _first(self, socket: UpstreamSocket, first_event_s: float) -> Frame:
        try:
            async with asyncio.timeout(first_event_s):
                frame = await socket.receive()
        except TimeoutError:
            raise UpstreamTimeoutError("first_event") from None
        if frame is None:
            raise UpstreamBrokenError("the session ended before it began")
        if isinstance(frame, str) and event_type(frame) == "error":
            raise disguised_error(frame.encode())
        return frame

"""One attempt at one candidate: its result goes to the circuit, and to the attempts of the exchange."""

from types import TracebackType

from .circuit import Route
from .errors import FailureClass, PluginError, RelayError, UpstreamError, UpstreamStatusError
from .exchange import Attempt, Candidate, ChannelRequest, Exchange
from .observe import emit, kinds_of
from .shop import Shop


async def transform(
    shop: Shop, exchange: Exchange, candidate: Candidate, request: ChannelRequest, attempts: list[Attempt]
) -> None:
    """Let the plugins edit *request*; if one fails, the attempt is over before it began.

    Raises:
        RelayError: A plugin refused, or failed.
    """
    try:
        await shop.dispatch.transform_request(exchange, candidate.channel, request)
    except PluginError:
        attempts.append(Attempt(candidate=candidate, started_at=shop.clock.now(), duration_ms=0, failure="sick"))
        raise


class Trial:
    """A context from just before the request is sent until its answer has ended.

    Attributes:
        status: HTTP status of the upstream's answer; None if there was none.
        is_noted_later: The attempt is appended later, by whoever carries on the session that has begun.
    """

    __slots__ = (
        "_attempts", "_candidate", "_error", "_has_answered", "_request_id", "_route", "_shop", "_started_at", "_started_s",
        "is_noted_later", "status",
    )  # fmt: skip

    def __init__(self, shop: Shop, exchange: Exchange, candidate: Candidate, attempts: list[Attempt]) -> None:
        self._shop = shop
        self._candidate = candidate
        self._request_id = exchange.id
        self._route = Route.of(exchange, candidate)
        self._attempts = attempts
        self._started_at, self._started_s = shop.clock.now(), shop.clock.monotonic()
        self._has_answered = False
        self._error: UpstreamError | PluginError | None = None
        """The error with which the channel broke its answer off."""
        self.status: int | None = None
        self.is_noted_later = False

    def __enter__(self) -> "Trial":
        self._shop.circuit.begin(self._route)
        return self

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request was sent."""
        return self._shop.clock.monotonic() - self._started_s

    def answered(self, error: RelayError | None = None) -> None:
        """Note that an answer arrived: whole, or until *error* broke it off."""
        self._has_answered = True
        self._error = self._channels_own(error)

    def _channels_own(self, error: BaseException | None) -> UpstreamError | PluginError | None:
        """Return *error* if it is the channel's failure, and not that of another plugin, such as a billing plugin."""
        is_others = isinstance(error, PluginError) and error.plugin != self._candidate.channel.use
        return error if isinstance(error, UpstreamError | PluginError) and not is_others else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed_with = self._channels_own(error) or self._error
        if isinstance(failed_with, UpstreamStatusError) and self.status is None:
            self.status = failed_with.upstream_status  # the channel read the answer itself
        failure: FailureClass | None = None if failed_with is None else "sick"
        if isinstance(failed_with, UpstreamError):
            failure = failed_with.failure
            log_failure(failed_with, self._request_id, self._candidate, self.status)
        # A customer who leaves midway says nothing about the channel.
        verdict = "request" if failure is None and not self._has_answered else failure
        self._shop.circuit.report(self._route, verdict, getattr(failed_with, "retry_after_s", None))
        if not self.is_noted_later:
            self._attempts.append(
                Attempt(
                    candidate=self._candidate,
                    started_at=self._started_at,
                    duration_ms=round(self.elapsed_s * 1000),
                    status=self.status,
                    failure=failure,
                )
            )


def log_failure(error: UpstreamError, request_id: str, candidate: Candidate, status: int | None) -> None:
    """Log why an upstream failed, in types and numbers: the operator learns of a wrong key only here."""
    if error.failure != "request":
        emit(
            "attempt.failed",
            request_id=request_id,
            channel=candidate.channel.name,
            key_id=candidate.key_id,
            failure=error.failure,
            status=status,
            error=kinds_of(error),
        )

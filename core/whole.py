"""An answer that is one document: read whole and metered, or recognised as an error."""

import asyncio
from contextlib import suppress

import msgspec

from .dialects.dialect import ChannelSide
from .dialects.tally import Tally
from .dialects.upstream_costs import without_costs
from .ending import Ending
from .errors import CustomerGoneError, PluginError, UpstreamBrokenError, UpstreamError
from .exchange import ChannelRequest, Evidence, Exchange, HangUpPolicy
from .failures import classify
from .figures import Figures
from .outcome import derive_outcome
from .plugin_meter import PluginMeter
from .profile.structs import Limits
from .sink import Sink
from .transport import UpstreamResponse

ERROR_BODY_BYTES_MAX = 64 * 1024
ERROR_BODY_S = 10.0
"""How long to wait for the body of an error."""
BODY_BYTES_MAX = 64 * 1024 * 1024


class WholeAnswer:
    """The answer to a request without a stream, or to one for a stream that was answered whole all the same."""

    def __init__(
        self, exchange: Exchange, channel_side: ChannelSide, figures: Figures, sink: Sink, limits: Limits
    ) -> None:
        self._exchange = exchange
        self._channel_side = channel_side
        self._figures = figures
        self._sink = sink
        self._limits = limits

    async def attempt(self, response: UpstreamResponse, meter: PluginMeter | None) -> Ending:
        """Read one upstream's answer; a customer who leaves meanwhile pays by the shop's hang-up policy.

        Raises:
            UpstreamError: It is broken, or an error dressed as success; another channel may be tried.
        """
        pieces: list[bytes] = []
        policy: HangUpPolicy | None = None
        try:
            with self._sink.listening():
                await read_all(response, BODY_BYTES_MAX, pieces)
        except CustomerGoneError:
            policy = self._limits.hang_up
            if policy != "drain" or not await self._drain(response, pieces):
                unseen, evidence = self._figures.delivered(0, None, Tally()), Evidence(hang_up_policy=policy)
                return Ending(usage=unseen, outcome="customer_gone", evidence=evidence)
        body = b"".join(pieces)
        reading = self._channel_side.read_body(self._exchange, body)
        usage = (meter.usage_of(body) if meter is not None else None) or reading.usage
        evidence = msgspec.structs.replace(reading.evidence, hang_up_policy=policy)
        return Ending(
            usage=usage or self._figures.delivered(reading.tally.output_counted_tokens, None, reading.tally),
            outcome=derive_outcome(evidence, self._exchange.output_tokens_asked),
            evidence=evidence,
            model_returned=reading.model_returned,
            answer_id=reading.answer_id,
            end=without_costs(body) if reading.answer is None else reading.answer,
            content_type=reading.content_type,
        )

    async def _drain(self, response: UpstreamResponse, pieces: list[bytes]) -> bool:
        """Read on after the customer has left; return whether the answer was complete in time."""
        try:
            with self._sink.reading_on():
                async with asyncio.timeout(self._limits.drain_s):
                    await read_all(response, BODY_BYTES_MAX, pieces)
        except (TimeoutError, UpstreamError, PluginError, CustomerGoneError):
            return False
        return True


async def read_all(response: UpstreamResponse, bytes_max: int, pieces: list[bytes]) -> None:
    """Append the rest of the body of *response* to *pieces*; after an interruption it can be called again.

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


async def read_refusal(response: UpstreamResponse, asked: ChannelRequest) -> UpstreamError:
    """Return the error for an answer to *asked* whose status is no success.

    The status alone decides if the body is too long, broken off or late: a refusal that quotes a long
    prompt must not count as a sick channel.
    """
    pieces: list[bytes] = []
    with suppress(UpstreamError, PluginError, TimeoutError):
        async with asyncio.timeout(ERROR_BODY_S):
            await read_all(response, ERROR_BODY_BYTES_MAX, pieces)
    return classify(response.status, response.headers, b"".join(pieces), asked)

"""One attempt at a channel that does not speak the customer's dialect.

The channel's native reader reads usage and outcome, as for a customer of the channel's dialect;
what it passes on is decoded into the hub's form and encoded for the customer. So a translated
exchange has the same usage, charge and outcome as a native one.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from ..dialects import RULES, rules_of_channel
from ..dialects.dialect import BodyReading, NativeReader
from ..dialects.fields import Fields
from ..errors import BadRequestError, NotCarriedError, UpstreamBrokenError
from ..exchange import ChannelRequest, Dialect, Exchange
from ..sse import Splitter
from ..usage import Usage
from .answer import Begun, Delta, PartBegun, PartEnded, Sealed, StreamEvent
from .codec import Codec, Opening, StreamDecoder, StreamEncoder
from .codecs import CODECS
from .conversation import Request, ToolCall
from .halves import Rejoiner
from .model_names import is_vendors_name
from .seals import SealKeeper, remember_calls, with_remembered_seals

DROPPED_NAMES_MAX = 32
_BEGUN = Begun()
_is_name = re.compile(r"[A-Za-z0-9_.]{1,64}").fullmatch
"""Customers choose the names of unknown fields, so any other name is never repeated to anyone."""


class Translation:
    """Does for one attempt what the native rules do when both sides speak the same dialect; see `DialectRules`."""

    def __init__(
        self,
        exchange: Exchange,
        dialect: Dialect,
        model_sent: str,
        keeper: SealKeeper | None = None,
        *,
        is_deployment: bool = False,
        is_reasoning_beside_output: bool = False,
    ) -> None:
        """Translate the request of *exchange* into *dialect*, for a channel's *model_sent*.

        *keeper* remembers the seals that this customer got from this upstream; None if none are remembered.
        *is_deployment* means that the owner of the upstream account chose that name. If it does not show which model
        it is, but the customer's name does, the model is recognised by the customer's name. For
        *is_reasoning_beside_output*, see `OpenAIChat`.

        Raises:
            BadRequestError: A field is invalid.
            NotCarriedError: Something can't be expressed in the channel's dialect.
        """
        self._rules = rules_of_channel(RULES[dialect], is_reasoning_beside_output=is_reasoning_beside_output)
        self._customer: Codec = CODECS[exchange.dialect]
        self._channel: Codec = CODECS[dialect]
        self._keeper = keeper
        self._sent: Exchange = exchange.as_asked_in(dialect)
        is_shown_by_customer = is_deployment and is_vendors_name(exchange.model) and not is_vendors_name(model_sent)
        model = exchange.model if is_shown_by_customer else model_sent
        self._sent.model, self._sent.query = model, self._channel.query if exchange.stream else ""
        self._asked: Request = self._customer.decode_request(exchange)
        if self._asked.unanswerable:
            raise NotCarriedError(param=self._asked.unanswerable[0], dialect=dialect)
        try:
            dropped = self._encode(msgspec.structs.replace(self._asked, model=model))
        except (msgspec.DecodeError, RecursionError) as exc:
            # Only decoding finds a number beyond any float; in its own dialect the request would have passed unread.
            raise BadRequestError(param=self._unreadable(exchange.fields)) from exc
        # No answer repeats the messages, and a long conversation would take megabytes until the answer ends.
        self._asked = msgspec.structs.replace(self._asked, messages=())
        self.dropped: tuple[str, ...] = tuple(filter(_is_name, dropped))[:DROPPED_NAMES_MAX]
        """Names of what the channel's dialect can't express and was left out, as far as a header can hold them."""

    def _encode(self, request: Request) -> Sequence[str]:
        """Write *request* in the channel's dialect; return the names of what was left out."""
        if self._keeper is not None:
            request = msgspec.structs.replace(request, messages=with_remembered_seals(request.messages, self._keeper))
        encoded = self._channel.encode_request(request)
        self._sent.fields = encoded.fields
        return (*request.dropped, *encoded.dropped)

    def _unreadable(self, fields: Fields) -> str | None:
        """Return the first of *fields* that is translated, but can't be fully decoded; None if all can."""
        for name, value in fields.items():
            try:
                msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                if name not in self._asked.dropped:
                    return name
        return None

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request in the channel's dialect."""
        return self._rules.prepare(self._sent, model_sent)

    def stream_type(self, exchange: Exchange) -> str:
        return self._rules.stream_type(self._sent)

    def stream_reader(self, exchange: Exchange) -> "TranslatedReader":
        """Return a reader that meters the channel's stream and returns the customer's."""
        native = self._rules.stream_reader(self._sent)
        opening = self._opening(exchange)
        decoder, encoder = self._channel.stream_decoder(), self._customer.stream_encoder(opening)
        return TranslatedReader(native, decoder, encoder, opening.input_tokens, self._keeper)

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        """Read a whole answer; ``BodyReading.answer`` is its form for the customer."""
        reading = self._rules.read_body(self._sent, body)
        opening = self._opening(exchange)
        usage = reading.usage or _estimate(opening.input_tokens, reading.tally.output_counted_tokens)
        try:
            answer = self._channel.decode_answer(body)
        except (ValueError, RecursionError) as exc:
            # A native customer would get it, as the reader accepted it; but it can't be translated.
            raise UpstreamBrokenError("an answer of a form that can't be translated") from exc
        if self._keeper is not None:
            remember_calls((part for choice in answer.choices for part in choice.parts), self._keeper)
        return msgspec.structs.replace(reading, answer=self._customer.encode_answer(answer, usage, opening))

    def _opening(self, exchange: Exchange) -> Opening:
        return Opening(
            id="".join(character for character in exchange.id.removeprefix("req") if character.isalnum()),
            model=exchange.model,
            created_at_s=int(exchange.received_at.timestamp()),
            input_tokens=self._rules.input_estimate(self._sent),
            request=self._asked,
            query=exchange.query,
        )


class TranslatedReader:
    """A `StreamReader` that writes what its native one passes in the customer's dialect."""

    __slots__ = (
        "_call_ids", "_decoder", "_encoder", "_end", "_ending", "_has_begun", "_input_tokens", "_keeper", "_rejoiner",
        "_splitter", "native",
    )  # fmt: skip

    answer_id = None
    """The upstream may keep the answer, but its customer can't continue it."""

    def __init__(
        self,
        native: NativeReader,
        decoder: StreamDecoder,
        encoder: StreamEncoder,
        input_tokens: int,
        keeper: SealKeeper | None = None,
    ) -> None:
        self.native = native
        self._decoder = decoder
        self._encoder = encoder
        self._input_tokens = input_tokens
        self._keeper = keeper
        self._call_ids: dict[int, str] = {}
        """The ids of the open calls, by the index of their parts."""
        self._splitter = Splitter()
        self._rejoiner = Rejoiner()
        self._has_begun = False
        self._ending: bytes | None = None
        """The translation of the channel's end mark, without the usage."""
        self._end = b""

    def feed(self, data: bytes) -> bytes:
        """Take the channel's next bytes; return them in the customer's dialect."""
        return self._translate(self.native.feed(data))

    def finish(self) -> bytes:
        """Take the end of the channel's body."""
        passed = self.native.finish()
        # The last event may have come without the blank line after it; one more does no harm.
        return self._translate(passed + b"\n\n" if passed else b"")

    def _translate(self, passed: bytes) -> bytes:
        native = self.native
        written = self._encode(self._splitter.feed(passed)) if passed else b""
        if native.is_ended and self._ending is None:
            ending = self._encode(self._splitter.feed(native.end + b"\n\n"))
            self._ending = ending + self._begin() + b"".join(map(self._write, self._decoder.finish()))
        return written

    @property
    def end(self) -> bytes:
        """See `StreamReader`. Made only when it is needed, as figures may come after the end mark."""
        if self._ending is not None and not self._end:
            native = self.native
            usage = native.usage() or _estimate(self._input_tokens, native.output_counted_tokens)
            self._end = self._ending + self._encoder.finish(usage)
        return self._end

    def _encode(self, raw_events: Iterable[bytes]) -> bytes:
        encode, decode, rejoiner = self._encoder.feed, self._decoder.feed, self._rejoiner
        try:
            return b"".join(
                [
                    encode(event) if type(event) is Delta else self._write(event)
                    for raw in raw_events
                    for event in decode(rejoiner.join(raw) if rejoiner.half or raw.find(b"\\u") >= 0 else raw)
                ]
            )
        except (ValueError, RecursionError) as exc:
            raise UpstreamBrokenError("an event of a form that can't be translated") from exc

    def _begin(self, begun: Begun = _BEGUN) -> bytes:
        """Write the beginning, once: an upstream may leave it out, or repeat it."""
        if self._has_begun:
            return b""
        self._has_begun = True
        return self._encoder.feed(begun)

    def _write(self, event: StreamEvent) -> bytes:
        """Write an event that is no `Delta`; the seal of a call is remembered in passing."""
        if isinstance(event, Begun):
            return self._begin(event)
        if self._keeper is not None:
            match event:
                case PartBegun(index=index, part=ToolCall() as call):
                    self._call_ids[index] = call.id
                    remember_calls((call,), self._keeper)
                case Sealed(index=index, seal=seal) if index in self._call_ids:
                    self._keeper.remember(self._call_ids[index], seal)
                case PartEnded(index=index):
                    self._call_ids.pop(index, None)
                case _:
                    pass
        return self._begin() + self._encoder.feed(event)


def _estimate(input_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens, source="estimated")

"""One attempt at a channel that does not speak the customer's dialect.

The channel's native reader decides what was used and how it ended, as for a customer of its own
dialect; beside it, what it passes on is decoded into the hub's form and encoded for the customer.
So a translated exchange has the usage, charge and outcome of the native one.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from ..dialects import RULES
from ..dialects.dialect import BodyReading, StreamReader
from ..dialects.fields import Fields
from ..errors import BadRequestError, NotCarriedError, UpstreamBrokenError, UpstreamStatusError
from ..exchange import ChannelRequest, Dialect, Evidence, Exchange
from ..sse import Splitter
from ..usage import Usage
from .answer import Begun, Delta, PartBegun, PartEnded, Sealed, StreamEvent
from .codec import Codec, Opening, StreamDecoder, StreamEncoder
from .codecs import CODECS
from .conversation import Request, ToolCall
from .halves import Rejoiner
from .model_names import tells
from .seals import SealKeeper, remember_calls, with_remembered_seals

DROPPED_NAMES_MAX = 32
_BEGUN = Begun()
_is_name = re.compile(r"[A-Za-z0-9_.]{1,64}").fullmatch
"""Customers choose the names of unknown fields: no other is repeated to anyone."""


class Translation:
    """Does for one attempt what the native rules do where both sides speak alike; see `DialectRules`."""

    def __init__(
        self,
        exchange: Exchange,
        dialect: Dialect,
        model_sent: str,
        keeper: SealKeeper | None = None,
        *,
        is_deployment: bool = False,
    ) -> None:
        """Translate what *exchange* asks into *dialect*, for a channel's *model_sent*.

        *keeper* remembers the seals that this customer was told by this upstream; None if nobody does.
        With *is_deployment* the upstream's account chose that name: the customer's counts, where it alone tells the model.

        Raises:
            BadRequestError: A field that can't be.
            NotCarriedError: Something can't be said in the channel's dialect.
        """
        self._rules = RULES[dialect]
        self._customer: Codec = CODECS[exchange.dialect]
        self._channel: Codec = CODECS[dialect]
        self._keeper = keeper
        self._sent: Exchange = exchange.as_asked_in(dialect)
        model = exchange.model if is_deployment and tells(exchange.model) and not tells(model_sent) else model_sent
        self._sent.model, self._sent.query = model, self._channel.query if exchange.stream else ""
        self._asked: Request = self._customer.decode_request(exchange)
        if self._asked.unanswerable:
            raise NotCarriedError(param=self._asked.unanswerable[0], dialect=dialect)
        try:
            dropped = self._encode(msgspec.structs.replace(self._asked, model=model))
        except (msgspec.DecodeError, RecursionError) as exc:
            # Passed on as it came it could have been: only who reads it finds a number beyond any float.
            raise BadRequestError(param=self._unreadable(exchange.fields)) from exc
        self.dropped: tuple[str, ...] = tuple(filter(_is_name, dropped))[:DROPPED_NAMES_MAX]
        """What was left out because the channel's dialect has no word for it, as far as it can be told in a header."""

    def _encode(self, request: Request) -> Sequence[str]:
        """Write *request* in the channel's dialect; return what was left out."""
        if self._keeper is not None:
            request = msgspec.structs.replace(request, messages=with_remembered_seals(request.messages, self._keeper))
        self._sent.fields = self._channel.encode_request(request)
        return (*request.dropped, *self._channel.dropped(request))

    def _unreadable(self, fields: Fields) -> str | None:
        """Return the first of *fields* that is translated and can't be read to its ground; None where all can."""
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
        """Return the content type in which the channel streams."""
        return self._rules.stream_type(self._sent)

    def stream_reader(self, exchange: Exchange, *, is_reasoning_beside_output: bool = False) -> "TranslatedReader":
        """Return a reader that meters the channel's stream and gives the customer's."""
        native = self._rules.stream_reader(self._sent, is_reasoning_beside_output=is_reasoning_beside_output)
        opening = self._opening(exchange)
        decoder, encoder = self._channel.stream_decoder(), self._customer.stream_encoder(opening)
        return TranslatedReader(native, decoder, encoder, opening.input_tokens, self._keeper)

    def read_body(self, exchange: Exchange, body: bytes, *, is_reasoning_beside_output: bool = False) -> BodyReading:
        """Read a whole answer; the customer's form of it stands in ``BodyReading.answer``."""
        reading = self._rules.read_body(self._sent, body, is_reasoning_beside_output=is_reasoning_beside_output)
        opening = self._opening(exchange)
        usage = reading.usage or _estimate(opening.input_tokens, reading.output_counted_tokens)
        try:
            said = self._channel.decode_answer(body)
        except (ValueError, RecursionError) as exc:
            # A native customer gets what the reader let pass; nobody can put it into other words.
            raise UpstreamBrokenError("an answer of a form that can't be translated") from exc
        if self._keeper is not None:
            remember_calls((part for choice in said.choices for part in choice.parts), self._keeper)
        answer = self._customer.encode_answer(said, usage, opening)
        return msgspec.structs.replace(reading, answer=answer)

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
    """A `StreamReader` whose figures are the channel's and whose bytes are the customer's."""

    __slots__ = (
        "_call_ids", "_decoder", "_encoder", "_end", "_ending", "_has_begun", "_input_tokens", "_keeper", "_native",
        "_rejoiner", "_splitter",
    )  # fmt: skip

    def __init__(
        self,
        native: StreamReader,
        decoder: StreamDecoder,
        encoder: StreamEncoder,
        input_tokens: int,
        keeper: SealKeeper | None = None,
    ) -> None:
        self._native = native
        self._decoder = decoder
        self._encoder = encoder
        self._input_tokens = input_tokens
        self._keeper = keeper
        self._call_ids: dict[int, str] = {}
        """Of the calls that are open."""
        self._splitter = Splitter()
        self._rejoiner = Rejoiner()
        self._has_begun = False
        self._ending: bytes | None = None
        """What the channel's end mark is in the customer's dialect, but for the figures."""
        self._end = b""

    def feed(self, data: bytes) -> bytes:
        """Take the channel's next bytes; return what they are in the customer's dialect."""
        return self._translate(self._native.feed(data))

    def finish(self) -> bytes:
        """Take the end of the channel's body."""
        passed = self._native.finish()
        # The last event may have come without the blank line behind it; one more does no harm.
        return self._translate(passed + b"\n\n" if passed else b"")

    def _translate(self, passed: bytes) -> bytes:
        native = self._native
        written = self._encode(self._splitter.feed(passed)) if passed else b""
        if native.is_ended and self._ending is None:
            ending = self._encode(self._splitter.feed(native.end + b"\n\n"))
            self._ending = ending + self._begin() + b"".join(map(self._tell, self._decoder.finish()))
        return written

    @property
    def end(self) -> bytes:
        """See `StreamReader`; made when it is asked for, as figures may come behind the end mark."""
        if self._ending is not None and not self._end:
            native = self._native
            usage = native.usage() or _estimate(self._input_tokens, native.output_counted_tokens)
            self._end = self._ending + self._encoder.finish(usage)
        return self._end

    def _encode(self, events: Iterable[bytes]) -> bytes:
        encode, decode, rejoiner = self._encoder.feed, self._decoder.feed, self._rejoiner
        try:
            return b"".join(
                [
                    encode(said) if type(said) is Delta else self._tell(said)
                    for event in events
                    for said in decode(rejoiner.join(event) if rejoiner.half or event.find(b"\\u") >= 0 else event)
                ]
            )
        except (ValueError, RecursionError) as exc:
            raise UpstreamBrokenError("an event of a form that can't be translated") from exc

    def _begin(self, begun: Begun = _BEGUN) -> bytes:
        """Write the beginning, once: an upstream may leave its own out, or say it again."""
        if self._has_begun:
            return b""
        self._has_begun = True
        return self._encoder.feed(begun)

    def _tell(self, said: StreamEvent) -> bytes:
        """Write what is no piece of text; a call's seal is remembered on its way."""
        if isinstance(said, Begun):
            return self._begin(said)
        if self._keeper is not None:
            match said:
                case PartBegun(index=index, part=ToolCall() as call):
                    self._call_ids[index] = call.id
                    remember_calls((call,), self._keeper)
                case Sealed(index=index, seal=seal) if index in self._call_ids:
                    self._keeper.remember(self._call_ids[index], seal)
                case PartEnded(index=index):
                    self._call_ids.pop(index, None)
                case _:
                    pass
        return self._begin() + self._encoder.feed(said)

    @property
    def is_output_seen(self) -> bool:
        """See `StreamReader`."""
        return self._native.is_output_seen

    @property
    def is_ended(self) -> bool:
        """See `StreamReader`."""
        return self._native.is_ended

    @property
    def error(self) -> UpstreamStatusError | None:
        """See `StreamReader`."""
        return self._native.error

    @property
    def model_returned(self) -> str | None:
        """See `StreamReader`."""
        return self._native.model_returned

    @property
    def answer_id(self) -> str | None:
        """None: what the hub translates is kept nowhere for the customer."""
        return None

    @property
    def output_bound_tokens(self) -> int:
        """See `StreamReader`."""
        return self._native.output_bound_tokens

    @property
    def output_counted_tokens(self) -> int:
        """See `StreamReader`."""
        return self._native.output_counted_tokens

    @property
    def output_audio_tokens(self) -> int:
        """See `StreamReader`."""
        return self._native.output_audio_tokens

    @property
    def output_image_tokens(self) -> int:
        """See `StreamReader`."""
        return self._native.output_image_tokens

    @property
    def search_count(self) -> int:
        """Searches of the web that were seen."""
        return self._native.search_count

    @property
    def tool_counts(self) -> dict[str, int]:
        """As `StreamReader.tool_counts`."""
        return self._native.tool_counts

    def usage(self) -> Usage | None:
        """See `StreamReader`."""
        return self._native.usage()

    def evidence(self) -> Evidence:
        """See `StreamReader`."""
        return self._native.evidence()


def _estimate(input_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens, source="estimated")

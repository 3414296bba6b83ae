"""What a dialect implements to be translated from and to: plain objects, no I/O."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ..exchange import Dialect, Exchange
from ..usage import Usage
from .answer import Answer, StreamEvent
from .conversation import Request


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What an encoder of answers needs to know before the first byte.

    Attributes:
        id: Unique, letters and digits only; the encoder puts its dialect's prefix before it.
        model: The model the customer asked for, shown where the upstream names none.
        created_at_s: Seconds since 1970.
        input_tokens: Estimate, for dialects that tell it before the upstream has
            (wire/DIALECTS.md 3.4).
        request: The customer's request: some answers repeat parts of it.
        query: The customer's query string, which chooses Gemini's framing.
    """

    id: str
    model: str
    created_at_s: int
    input_tokens: int
    request: Request
    query: str = ""


class StreamDecoder(Protocol):
    """Reads one upstream stream; holds no more of the answer than is open."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """Return what one whole event of the stream, as its native reader passed it on, says.

        An event that says nothing the hub knows gives nothing; it never raises for an unknown
        one. `Begun` comes first, unless the upstream left its beginning out; every part begun is
        ended before its `Stopped`.

        Raises:
            UpstreamBrokenError: An event that contradicts what came before.
        """
        ...

    def finish(self) -> Sequence[StreamEvent]:
        """Take the end of a stream that ended in order; return what only that tells."""
        ...


class StreamEncoder(Protocol):
    """Writes one customer's stream."""

    def feed(self, event: StreamEvent) -> bytes:
        """Return the bytes that *event* is in this dialect; empty where it has no word for it.

        `Begun` comes first, and once.
        """
        ...

    def finish(self, usage: Usage) -> bytes:
        """Return the end of the answer, which is held back until the post has committed.

        Called once, after the last event. Stop reason, usage and end mark stand here as far as
        the dialect's clients need them to come last.
        """
        ...


class Codec(Protocol):
    """Decoder and encoder of one dialect; holds no state."""

    dialect: Dialect
    query: str
    """What has to stand in the query for streams to come as server-sent events."""

    def decode_request(self, exchange: Exchange) -> Request:
        """Return what *exchange* asks for.

        Raises:
            BadRequestError: A field that can't be; names it.
        """
        ...

    def encode_request(self, request: Request) -> dict[str, msgspec.Raw]:
        """Return the body's top level for a channel of this dialect; ``request.model`` is its own name.

        Raises:
            NotCarriedError: Something the dialect has no word for, and that can't be left out.
        """
        ...

    def dropped(self, request: Request) -> Sequence[str]:
        """Return what `encode_request` leaves out of *request* without refusing, in the hub's words."""
        ...

    def decode_answer(self, body: bytes) -> Answer:
        """Return what a whole answer, which its native reader has read as sound, says."""
        ...

    def encode_answer(self, answer: Answer, usage: Usage, opening: Opening) -> bytes:
        """Return *answer* as a whole document of this dialect."""
        ...

    def stream_decoder(self) -> StreamDecoder:
        """Return a decoder for one upstream's stream."""
        ...

    def stream_encoder(self, opening: Opening) -> StreamEncoder:
        """Return an encoder for one customer's stream."""
        ...

"""What a dialect offers to be translated from and to: plain functions and objects, no I/O."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ..exchange import Dialect, Exchange
from ..usage import Usage
from .answer import Answer, StreamEvent
from .conversation import Request
from .request_body import EncodedRequest


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What an encoder of answers needs to know before the first byte.

    Attributes:
        id: Unique, letters and digits only; the encoder puts its dialect's prefix before it.
        model: The model that the customer asked for, shown if the upstream names none.
        created_at_s: Seconds since 1970.
        input_tokens: An estimate, for dialects that report the input at the beginning
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
    """Decodes one upstream stream; keeps no more of the answer than its open parts."""

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """Return the hub's events in one whole event of the stream, as its native reader passed it on.

        An event of an unknown kind gives nothing, and never raises. `Begun` comes first, unless the
        upstream left out its beginning; every part that has begun ends before the `Stopped` of its choice.

        Raises:
            UpstreamBrokenError: A part of the answer is in it, but can't be read.
        """
        ...

    def finish(self) -> Sequence[StreamEvent]:
        """Take the end of a stream that ended in order; return the events that only the end brings."""
        ...


class StreamEncoder(Protocol):
    """Encodes one customer's stream."""

    def feed(self, event: StreamEvent) -> bytes:
        """Return *event* in this dialect; empty if the dialect can't express it.

        `Begun` comes first, exactly once.
        """
        ...

    def finish(self, usage: Usage) -> bytes:
        """Return the end of the answer, which is held back until the post has committed.

        Called once, after the last event. Stop reason, usage and end mark are in it, as far as the
        dialect's clients need them to come last.
        """
        ...


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """Decoders and encoders of one dialect.

    Attributes:
        dialect: The dialect.
        query: The query that makes streams come as server-sent events.
        decode_request: Returns the request of an exchange in the hub's form. Raises `BadRequestError` if a field is
            invalid, and names it.
        encode_request: Returns the request for a channel of this dialect; its model is the channel's name of it. Raises
            `NotCarriedError` if the dialect can't express something that can't be left out either.
        decode_answer: Returns a whole answer, which its native reader has already accepted, in the hub's form.
        encode_answer: Returns an answer as a whole document of this dialect.
        stream_decoder: Returns a decoder for one upstream's stream.
        stream_encoder: Returns an encoder for one customer's stream.
    """

    dialect: Dialect
    query: str = ""
    decode_request: Callable[[Exchange], Request]
    encode_request: Callable[[Request], EncodedRequest]
    decode_answer: Callable[[bytes], Answer]
    encode_answer: Callable[[Answer, Usage, Opening], bytes]
    stream_decoder: Callable[[], StreamDecoder]
    stream_encoder: Callable[[Opening], StreamEncoder]

"""Anthropic's messages, to and from the hub. Source: wire/DIALECTS.md 2.4, 3.4, 4-6, 9.1, read 2026-11-24."""

from collections.abc import Sequence

import msgspec

from ...exchange import Dialect, Exchange
from ...usage import Usage
from ..answer import Answer
from ..codec import Opening
from ..conversation import Request
from .answer_decoder import decode_answer
from .answer_encoder import encode_answer
from .request_decoder import decode_request
from .request_encoder import dropped, encode_request
from .stream_decoder import MessagesStreamDecoder
from .stream_encoder import MessagesStreamEncoder


class MessagesCodec:
    """The `Codec` of ``anthropic_messages``."""

    dialect: Dialect = "anthropic_messages"
    query = ""

    def decode_request(self, exchange: Exchange) -> Request:
        """Return the request of *exchange* in the hub's form."""
        return decode_request(exchange)

    def encode_request(self, request: Request) -> dict[str, msgspec.Raw]:
        """Return the body for a channel of Anthropic's."""
        return encode_request(request)

    def dropped(self, request: Request) -> Sequence[str]:
        """Return the names of what such a body leaves out."""
        return dropped(request)

    def decode_answer(self, body: bytes) -> Answer:
        """Return a message in the hub's form."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, usage: Usage, opening: Opening) -> bytes:
        """Return *answer* as a message."""
        return encode_answer(answer, usage, opening)

    def stream_decoder(self) -> MessagesStreamDecoder:
        """Return a decoder for one stream of message events."""
        return MessagesStreamDecoder()

    def stream_encoder(self, opening: Opening) -> MessagesStreamEncoder:
        """Return an encoder for one stream of message events."""
        return MessagesStreamEncoder(opening)

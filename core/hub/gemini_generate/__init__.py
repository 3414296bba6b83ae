"""Gemini's generateContent, to and from the hub. Source: wire/DIALECTS.md 2.5, 3.4, 4-6, read 2026-11-24."""

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
from .stream_decoder import GeminiStreamDecoder
from .stream_encoder import GeminiStreamEncoder


class GeminiCodec:
    """The `Codec` of ``gemini_generate``."""

    dialect: Dialect = "gemini_generate"
    query = "alt=sse"

    def decode_request(self, exchange: Exchange) -> Request:
        """Return the request of *exchange* in the hub's form."""
        return decode_request(exchange)

    def encode_request(self, request: Request) -> dict[str, msgspec.Raw]:
        """Return the body for a channel to Gemini."""
        return encode_request(request)

    def dropped(self, request: Request) -> Sequence[str]:
        """Return the names of what such a body leaves out."""
        return dropped(request)

    def decode_answer(self, body: bytes) -> Answer:
        """Return one of Gemini's answers in the hub's form."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, usage: Usage, opening: Opening) -> bytes:
        """Return *answer* in Gemini's form."""
        return encode_answer(answer, usage, opening)

    def stream_decoder(self) -> GeminiStreamDecoder:
        """Return a decoder for one stream of answers."""
        return GeminiStreamDecoder()

    def stream_encoder(self, opening: Opening) -> GeminiStreamEncoder:
        """Return an encoder for one stream of answers."""
        return GeminiStreamEncoder(opening)

"""OpenAI's chat completions, to and from the hub. Source: wire/DIALECTS.md 2.2, 2.6, 4-6, read 2026-11-24."""

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
from .stream_decoder import ChatStreamDecoder
from .stream_encoder import ChatStreamEncoder


class ChatCodec:
    """The `Codec` of ``openai_chat``."""

    dialect: Dialect = "openai_chat"
    query = ""

    def decode_request(self, exchange: Exchange) -> Request:
        """Return the request of *exchange* in the hub's form."""
        return decode_request(exchange)

    def encode_request(self, request: Request) -> dict[str, msgspec.Raw]:
        """Return the body for a chat channel."""
        return encode_request(request)

    def dropped(self, request: Request) -> Sequence[str]:
        """Return the names of what such a body leaves out."""
        return dropped(request)

    def decode_answer(self, body: bytes) -> Answer:
        """Return a completion in the hub's form."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, usage: Usage, opening: Opening) -> bytes:
        """Return *answer* as a completion."""
        return encode_answer(answer, usage, opening)

    def stream_decoder(self) -> ChatStreamDecoder:
        """Return a decoder for one stream of chunks."""
        return ChatStreamDecoder()

    def stream_encoder(self, opening: Opening) -> ChatStreamEncoder:
        """Return an encoder for one stream of chunks."""
        return ChatStreamEncoder(opening)

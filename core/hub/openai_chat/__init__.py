"""OpenAI's chat completions, to and from the hub. Source: wire/DIALECTS.md 2.2, 2.6, 4-6, read 2026-11-24."""

from ..codec import Codec
from .answer_decoder import decode_answer
from .answer_encoder import encode_answer
from .request_decoder import decode_request
from .request_encoder import encode_request
from .stream_decoder import ChatStreamDecoder
from .stream_encoder import ChatStreamEncoder

CHAT = Codec(
    dialect="openai_chat",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=ChatStreamDecoder,
    stream_encoder=ChatStreamEncoder,
)

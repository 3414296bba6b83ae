"""OpenAI's Responses, to and from the hub. Source: wire/DIALECTS.md 2.3, 3.4, 4-6, 9.2, read 2026-11-24."""

from ..codec import Codec
from .answer_decoder import decode_answer
from .answer_encoder import encode_answer
from .request_decoder import decode_request
from .request_encoder import encode_request
from .stream_decoder import ResponsesStreamDecoder
from .stream_encoder import ResponsesStreamEncoder

RESPONSES = Codec(
    dialect="openai_responses",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=ResponsesStreamDecoder,
    stream_encoder=ResponsesStreamEncoder,
)

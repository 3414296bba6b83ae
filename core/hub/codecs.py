"""The dialects that can be translated from and to."""

from collections.abc import Mapping

from ..exchange import Dialect
from .anthropic_messages import MessagesCodec
from .codec import Codec
from .gemini_generate import GeminiCodec
from .openai_chat import ChatCodec
from .openai_responses import ResponsesCodec

CODECS: Mapping[Dialect, Codec] = {
    "openai_chat": ChatCodec(),
    "openai_responses": ResponsesCodec(),
    "anthropic_messages": MessagesCodec(),
    "gemini_generate": GeminiCodec(),
}
"""All codecs, by dialect."""

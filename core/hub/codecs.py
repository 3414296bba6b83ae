"""The dialects that can be translated from and to."""

from collections.abc import Mapping

from ..exchange import Dialect
from .anthropic_messages import MESSAGES
from .codec import Codec
from .gemini_generate import GEMINI
from .openai_chat import CHAT
from .openai_responses import RESPONSES

CODECS: Mapping[Dialect, Codec] = {codec.dialect: codec for codec in (CHAT, RESPONSES, MESSAGES, GEMINI)}
"""All codecs, by dialect."""

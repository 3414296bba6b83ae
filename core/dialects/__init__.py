"""The wire formats that relay speaks, each under its name."""

from collections.abc import Mapping

from ..exchange import Dialect
from .anthropic_messages import AnthropicMessages
from .compaction import ResponsesCompact
from .counting import GeminiCount, MessagesCount, ResponsesCount
from .dialect import DialectRules
from .embeddings import Embeddings
from .gemini_embeddings import GeminiEmbeddings
from .gemini_generate import GeminiGenerate
from .gemini_interactions import GeminiInteractions
from .kinds import MODERATIONS, RERANK, TEXTS_OR_OBJECTS
from .openai_chat import OpenAIChat
from .openai_completions import OpenAICompletions
from .openai_responses import OpenAIResponses
from .pictures import Pictures
from .realtime import Realtime
from .single import Single
from .speech import Speech
from .transcription import Transcription

RULES: Mapping[Dialect, DialectRules] = {
    "openai_chat": OpenAIChat(),
    "openai_responses": OpenAIResponses(),
    "anthropic_messages": AnthropicMessages(),
    "gemini_generate": GeminiGenerate(is_stream=False),
    "gemini_interactions": GeminiInteractions(),
    "openai_completions": OpenAICompletions(),
    "embeddings": Embeddings(),
    "images": Pictures("image_generation", "/v1/images/generations"),
    "audio": Transcription("transcription", "/v1/audio/transcriptions"),
    "moderations": Single(
        "moderations",
        "moderation",
        "/v1/moderations",
        required=("input", TEXTS_OR_OBJECTS),
        kinds=MODERATIONS,
        default_model="omni-moderation-latest",
    ),
    "rerank": Single("rerank", "rerank", "/v1/rerank", required=("documents", TEXTS_OR_OBJECTS), kinds=RERANK),
    "realtime": Realtime(),
}
"""The rules of each dialect's main endpoint, by the dialect's name. They hold no state."""

_REASONING_BESIDE: Mapping[Dialect, DialectRules] = {
    "openai_chat": OpenAIChat(is_reasoning_beside_output=True),
    "openai_completions": OpenAICompletions(is_reasoning_beside_output=True),
}
ENDPOINTS: tuple[DialectRules, ...] = (
    *RULES.values(),
    GeminiGenerate(is_stream=True),
    MessagesCount(),
    ResponsesCount(),
    ResponsesCompact(),
    GeminiCount(),
    GeminiEmbeddings(is_batch=False),
    GeminiEmbeddings(is_batch=True),
    Pictures("image_edit", "/v1/images/edits"),
    Transcription("translation", "/v1/audio/translations"),
    Speech(),
    Single("rerank", "rerank", "/v2/rerank", required=("documents", TEXTS_OR_OBJECTS), kinds=RERANK),
)
"""Every endpoint that is served, including those that a dialect has besides its main one."""


def rules_of_channel(rules: DialectRules, *, is_reasoning_beside_output: bool) -> DialectRules:
    """Return *rules*, or where the dialect has them, those for output tokens that do not include reasoning."""
    return _REASONING_BESIDE.get(rules.name, rules) if is_reasoning_beside_output else rules

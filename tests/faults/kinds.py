"""The documented fields of every endpoint, each with what it may be, in words of this file's own.

Endpoints that share their fields with another have only some here.
"""

from dataclasses import dataclass

_WORDS: dict[str, tuple[bytes, ...]] = {
    "text": (b'"x"',),
    "number": (b"0.5",),
    "switch": (b"true",),
    "list": (b"[]", b'["x"]', b"[1]", b"[ {}]", b"[[1]]", b"[null]", b"[true]"),
    "object": (b"{}",),
    "objects": (b"[]", b"[ {}]"),
    "some": (b"[ {}]",),
    "texts": (b'["x"]',),
    "tokens": (b"[1]", b"[[1]]"),
}
_NEEDED = {"messages", "contents", "input", "prompt", "documents", "images"}


@dataclass(frozen=True)
class Row:
    """One field of one endpoint. ``right`` are the values that it may have, null aside."""

    path: str
    name: str
    right: tuple[bytes, ...]

    @property
    def is_needed(self) -> bool:
        """Without it there is nothing to do."""
        return self.name in _NEEDED


_CHAT = """
messages: some; audio: object; frequency_penalty: number; function_call: text object; functions: objects;
logit_bias: list object; logprobs: switch; metadata: object; modalities: list; moderation: object;
parallel_tool_calls: switch; prediction: object; presence_penalty: number; prompt_cache_key: text;
prompt_cache_options: object; prompt_cache_retention: text; reasoning_effort: text; response_format: object;
safety_identifier: text; seed: number; service_tier: text; stop: text list; store: switch; stream_options: object;
temperature: number; tool_choice: text object; tools: objects; top_k: number; top_logprobs: number; top_p: number;
user: text; verbosity: text; web_search_options: object
"""
_RESPONSES = """
input: text some; access_programs: object; background_options: object; context_management: list; image: object;
include: list; instructions: text; max_tool_calls: number; metadata: object; moderation: object;
parallel_tool_calls: switch; personality: text; prompt_cache_key: text; prompt_cache_options: object;
prompt_cache_retention: text; reasoning: object; safety_identifier: text; service_tier: text; store: switch;
stream_options: object; temperature: number; text: object; tool_choice: text object; tools: objects;
top_logprobs: number; top_p: number; truncation: text; user: text
"""
_COMPLETIONS = """
echo: switch; frequency_penalty: number; logit_bias: list object; logprobs: number; presence_penalty: number;
seed: number; stop: text list; stream_options: object; suffix: text; temperature: number; top_p: number; user: text
"""
_MESSAGES = """
messages: some; billing_policy: object; cache_control: object; compaction: object; container: text object;
context_management: object; diagnostics: object; fallback_credit_token: text object; fallbacks: text list;
inference_geo: text; mcp_servers: objects; metadata: object; output_config: object; output_format: object;
service_tier: text; speed: text; stop_sequences: list; system: text list; temperature: number; thinking: object;
tool_choice: object; tools: objects; top_k: number; top_p: number; user_profile_id: text; workspace_id: text
"""
_GEMINI = """
contents: some; cachedContent: text; generationConfig: object; generation_config: object; labels: object;
modelArmorConfig: object; model_armor_config: object; safetySettings: objects object; safety_settings: objects object;
serviceTier: text number; store: switch; systemInstruction: text object; system_instruction: text object;
toolConfig: object; tool_config: object; tools: objects object
"""
_GEMINI_EMBEDDINGS = """
embedContentConfig: object; outputDimensionality: number text; output_dimensionality: number text; taskType: text number;
title: text
"""
_INTERACTIONS = """
input: text some; generation_config: object; labels: object; response_format: list object; response_mime_type: text;
response_modalities: list; safety_settings: objects; service_tier: text; store: switch; system_instruction: text;
tools: objects
"""
_EMBEDDINGS = "input: text texts tokens some; encoding_format: text; user: text"
_IMAGES = """
prompt: text; background: text; complexity: text; frame_count: number; frame_duration_ms: number;
image: text list object; input_fidelity: text; markup: text list object; mask: text list object; moderation: text;
output_compression: number; output_format: text; partial_images: number; quality: text; response_format: text;
safety_identifier: text; size: text; style: text; svg: object; user: text
"""
_EDITS = _IMAGES + "; images: texts some"
_SPEECH = (
    "input: text; instructions: text; response_format: text; speed: number; stream_format: text; voice: text object"
)
_MODERATIONS = "input: text texts some"
_RERANK = """
documents: text texts some; max_chunks_per_doc: number; max_tokens_per_doc: number; priority: number;
query: text object; rank_fields: list; return_documents: switch; top_n: number
"""
_TABLES = {
    "/v1/chat/completions": _CHAT,
    "/v1/responses": _RESPONSES,
    "/v1/responses/input_tokens": "input: text some; instructions: text; tools: objects",
    "/v1/responses/compact": "input: text some; instructions: text; service_tier: text",
    "/v1/completions": _COMPLETIONS,
    "/v1/messages": _MESSAGES,
    "/v1/messages/count_tokens": "messages: some; system: text list; thinking: object; tools: objects",
    "/v1beta/models/{model}:generateContent": _GEMINI,
    "/v1beta/models/{model}:streamGenerateContent": "contents: some; cachedContent: text; tools: objects object",
    "/v1beta/models/{model}:countTokens": "contents: some; tools: objects object",
    "/v1beta/models/{model}:embedContent": _GEMINI_EMBEDDINGS,
    "/v1beta/interactions": _INTERACTIONS,
    "/v1/embeddings": _EMBEDDINGS,
    "/v1/images/generations": _IMAGES,
    "/v1/images/edits": _EDITS,
    "/v1/audio/speech": _SPEECH,
    "/v1/moderations": _MODERATIONS,
    "/v1/rerank": _RERANK,
    "/v2/rerank": "documents: text texts some; max_tokens_per_doc: number; priority: number; query: text object",
}


def _row(path: str, text: str) -> Row:
    name, words = text.split(":")
    return Row(path, name.strip(), tuple(value for word in words.split() for value in _WORDS[word]))


ROWS = tuple(_row(path, text) for path, table in _TABLES.items() for text in table.split(";"))

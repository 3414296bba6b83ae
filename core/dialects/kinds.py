"""Which types of JSON value the documented fields of a request may have; others are refused, naming the field.

There is a table for each dialect. A field that relay reads anyway (model, stream, limits) is checked
where it is read, and in no table; all other fields are left to the upstream. Only the first byte of a
value is checked, or that of a list's first member; numbers are read, because one may be too large for
any upstream. null always passes, except for essential fields: vendors treat it as absent.

No table is stricter than its vendor. If another vendor that speaks a dialect accepts another type than
the dialect's owner, both are allowed.

Sources, read 2026-11-29: the parameters of openai-python 3.54.0 (types/chat, types/responses,
types/audio, types/*_params.py), anthropic-sdk-python 2.12.0 (types, types/beta) and google-genai
3.4.0 (models.py, _gaos/types/interactions); docs.cohere.com/v2/reference/rerank.
"""

import re
from collections.abc import Callable, Mapping

import msgspec

from ..errors import BadRequestError
from .fields import Fields

Allows = Callable[[msgspec.Raw], object]
"""Returns something true if a value is of a type that the field may have."""

Kinds = Mapping[str, Allows]

_read_number = msgspec.json.Decoder(float | None).decode
_TEXT_START = re.compile(rb'"').match


def check_kinds(fields: Fields, kinds: Kinds, path: str = "") -> None:
    """Refuse the first field of a wrong type; *path* is put before its name.

    Raises:
        BadRequestError: Names the field.
    """
    for name, value in fields.items():
        allows = kinds.get(name)
        if allows is not None and not allows(value):
            raise BadRequestError(param=path + name)


def check_needed(fields: Fields, name: str, allows: Allows) -> None:
    """Refuse a request without its essential field *name*, or with a wrong type of it.

    Raises:
        BadRequestError: Names the field.
    """
    value = fields.get(name)
    if value is None or not allows(value):
        raise BadRequestError(param=name)


def _number(value: msgspec.Raw) -> bool:
    """Say whether *value* is a number that fits a double: no upstream accepts ``1e400``."""
    try:
        _read_number(value)
    except ValueError:
        return False
    return True


def _number_or_text(value: msgspec.Raw) -> bool:
    return _TEXT_START(value) is not None or _number(value)


def _in_both_spellings(kinds: Kinds) -> Kinds:
    """Return *kinds* for names in camel case and in snake case: Google's APIs accept both."""
    snake = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): allows for name, allows in kinds.items()}
    return {**kinds, **snake}


TEXT: Allows = re.compile(rb'["n]').match
NUMBER: Allows = _number
SWITCH: Allows = re.compile(rb"[tfn]").match
LIST: Allows = re.compile(rb"[\[n]").match
OBJECT: Allows = re.compile(rb"[{n]").match
TEXT_OR_LIST: Allows = re.compile(rb'["\[n]').match
TEXT_OR_OBJECT: Allows = re.compile(rb'["{n]').match
LIST_OR_OBJECT: Allows = re.compile(rb"[\[{n]").match
TEXT_LIST_OR_OBJECT: Allows = re.compile(rb'["\[{n]').match
OBJECTS: Allows = re.compile(rb"\[[ \t\n\r]*[{\]]|n").match
"""A list of objects, which may be empty."""
OBJECT_OR_OBJECTS: Allows = re.compile(rb"\{|\[[ \t\n\r]*[{\]]|n").match
NUMBER_OR_TEXT: Allows = _number_or_text
"""Google's JSON may have numbers as text too. Source: Protocol Buffers, JSON mapping, read 2026-11-29."""

# Required fields: neither null nor empty.
SOME_TEXT: Allows = re.compile(rb'"[^"]').match
TURNS: Allows = re.compile(rb"\[[ \t\n\r]*\{").match
"""A list of objects."""
TURN_OR_TURNS: Allows = re.compile(rb'\{[ \t\n\r]*"|\[[ \t\n\r]*\{').match
"""Google's APIs accept a single value of a repeated field without brackets, as Google's own examples have turns.

Source: cloud.google.com vertex-ai inference, w:gemini/image-output, read 2026-11-29.
"""
TEXT_OR_TURNS: Allows = re.compile(rb'"[^"]|\[[ \t\n\r]*\{').match
TEXT_OBJECT_OR_TURNS: Allows = re.compile(rb'"[^"]|\{[ \t\n\r]*"|\[[ \t\n\r]*\{').match
ITEMS: Allows = re.compile(rb'\[[ \t\n\r]*["{]').match
"""A list of strings or objects."""
TEXTS_OR_OBJECTS: Allows = re.compile(rb'"[^"]|\[[ \t\n\r]*["{]').match
"""A string, or a list of strings or objects."""
INPUTS: Allows = re.compile(rb'"[^"]|\[[ \t\n\r]*["{\[\d-]').match
"""A string, or a list of strings, tokens, lists of tokens, or of the objects in which some vendors take pictures."""

CHAT: Kinds = {
    "audio": OBJECT,
    "frequency_penalty": NUMBER,
    "function_call": TEXT_OR_OBJECT,
    "functions": OBJECTS,
    "logit_bias": LIST_OR_OBJECT,
    "logprobs": SWITCH,
    "metadata": OBJECT,
    "modalities": LIST,
    "moderation": OBJECT,
    "parallel_tool_calls": SWITCH,
    "prediction": OBJECT,
    "presence_penalty": NUMBER,
    "prompt_cache_key": TEXT,
    "prompt_cache_options": OBJECT,
    "prompt_cache_retention": TEXT,
    "reasoning_effort": TEXT,
    "response_format": OBJECT,
    "safety_identifier": TEXT,
    "seed": NUMBER,
    "service_tier": TEXT,
    "stop": TEXT_OR_LIST,
    "store": SWITCH,
    "temperature": NUMBER,
    "tool_choice": TEXT_OR_OBJECT,
    "tools": OBJECTS,
    "top_k": NUMBER,
    "top_logprobs": NUMBER,
    "top_p": NUMBER,
    "user": TEXT,
    "verbosity": TEXT,
    "web_search_options": OBJECT,
}
"""OpenAI's, and ``top_k``, which all vendors that have it spell alike; llama.cpp also accepts ``logit_bias`` as pairs.

Source: ggml-org/llama.cpp tools/server/README.md, read 2026-11-29.
"""

RESPONSES: Kinds = {
    "access_programs": OBJECT,
    "background_options": OBJECT,
    "context_management": LIST,
    "image": OBJECT,
    "include": LIST,
    "instructions": TEXT,
    "max_tool_calls": NUMBER,
    "metadata": OBJECT,
    "moderation": OBJECT,
    "parallel_tool_calls": SWITCH,
    "personality": TEXT,
    "prompt_cache_key": TEXT,
    "prompt_cache_options": OBJECT,
    "prompt_cache_retention": TEXT,
    "reasoning": OBJECT,
    "safety_identifier": TEXT,
    "service_tier": TEXT,
    "store": SWITCH,
    "stream_options": OBJECT,
    "temperature": NUMBER,
    "text": OBJECT,
    "tool_choice": TEXT_OR_OBJECT,
    "tools": OBJECTS,
    "top_logprobs": NUMBER,
    "top_p": NUMBER,
    "truncation": TEXT,
    "user": TEXT,
}

COMPLETIONS: Kinds = {
    "echo": SWITCH,
    "frequency_penalty": NUMBER,
    "logit_bias": LIST_OR_OBJECT,
    "logprobs": NUMBER,
    "presence_penalty": NUMBER,
    "seed": NUMBER,
    "stop": TEXT_OR_LIST,
    "suffix": TEXT,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "user": TEXT,
}
"""OpenAI's, with ``logit_bias`` as in `CHAT`."""

MESSAGES: Kinds = {
    "billing_policy": OBJECT,
    "cache_control": OBJECT,
    "compaction": OBJECT,
    "container": TEXT_OR_OBJECT,
    "context_management": OBJECT,
    "diagnostics": OBJECT,
    "fallback_credit_token": TEXT_OR_OBJECT,
    "fallbacks": TEXT_OR_LIST,
    "inference_geo": TEXT,
    "mcp_servers": OBJECTS,
    "metadata": OBJECT,
    "output_config": OBJECT,
    "output_format": OBJECT,
    "service_tier": TEXT,
    "speed": TEXT,
    "stop_sequences": LIST,
    "system": TEXT_OR_LIST,
    "temperature": NUMBER,
    "thinking": OBJECT,
    "tool_choice": OBJECT,
    "tools": OBJECTS,
    "top_k": NUMBER,
    "top_p": NUMBER,
    "user_profile_id": TEXT,
    "workspace_id": TEXT,
}

GEMINI: Kinds = _in_both_spellings(
    {
        "cachedContent": TEXT,
        "labels": OBJECT,
        "modelArmorConfig": OBJECT,
        "safetySettings": OBJECT_OR_OBJECTS,
        "serviceTier": NUMBER_OR_TEXT,
        "store": SWITCH,
        "systemInstruction": TEXT_OR_OBJECT,
        "toolConfig": OBJECT,
        "tools": OBJECT_OR_OBJECTS,
    }
)
"""Google accepts an object for a list of one, and numbers for enumerations.

``systemInstruction`` as text is Firebase's.

Source: firebase.google.com, GenerateContentRequest; w:gemini/stream-json-array-enum-int, read 2026-11-29.
"""

GEMINI_CONFIG: Kinds = _in_both_spellings(
    {
        "frequencyPenalty": NUMBER_OR_TEXT,
        "imageConfig": OBJECT,
        "logprobs": NUMBER_OR_TEXT,
        "mediaResolution": NUMBER_OR_TEXT,
        "presencePenalty": NUMBER_OR_TEXT,
        "responseMimeType": TEXT,
        "responseModalities": TEXT_OR_LIST,
        "responseSchema": OBJECT,
        "seed": NUMBER_OR_TEXT,
        "stopSequences": TEXT_OR_LIST,
        "temperature": NUMBER_OR_TEXT,
        "thinkingConfig": OBJECT,
        "topK": NUMBER_OR_TEXT,
        "topP": NUMBER_OR_TEXT,
    }
)
"""Members of ``generationConfig``."""

GEMINI_THINKING: Kinds = _in_both_spellings(
    {"includeThoughts": SWITCH, "thinkingBudget": NUMBER_OR_TEXT, "thinkingLevel": NUMBER_OR_TEXT}
)
"""Members of its ``thinkingConfig``."""

GEMINI_EMBEDDINGS: Kinds = _in_both_spellings(
    {
        "embedContentConfig": OBJECT,
        "model": TEXT,
        "outputDimensionality": NUMBER_OR_TEXT,
        "taskType": NUMBER_OR_TEXT,
        "title": TEXT,
    }
)

INTERACTIONS: Kinds = {
    "generation_config": OBJECT,
    "labels": OBJECT,
    "response_format": LIST_OR_OBJECT,
    "response_mime_type": TEXT,
    "response_modalities": LIST,
    "safety_settings": OBJECTS,
    "service_tier": TEXT,
    "store": SWITCH,
    "system_instruction": TEXT,
    "tools": OBJECTS,
}

EMBEDDINGS: Kinds = {"encoding_format": TEXT, "user": TEXT}

IMAGES: Kinds = {
    "background": TEXT,
    "complexity": TEXT,
    "frame_count": NUMBER,
    "frame_duration_ms": NUMBER,
    "image": TEXT_LIST_OR_OBJECT,
    "input_fidelity": TEXT,
    "markup": TEXT_LIST_OR_OBJECT,
    "mask": TEXT_LIST_OR_OBJECT,
    "moderation": TEXT,
    "output_compression": NUMBER,
    "output_format": TEXT,
    "partial_images": NUMBER,
    "response_format": TEXT,
    "safety_identifier": TEXT,
    "style": TEXT,
    "svg": OBJECT,
    "user": TEXT,
}

SPEECH: Kinds = {"instructions": TEXT, "response_format": TEXT, "speed": NUMBER, "voice": TEXT_OR_OBJECT}

FORM: Kinds = {}
"""All values of a form are text."""

MODERATIONS: Kinds = {}
"""Nothing besides the input."""

RERANK: Kinds = {
    "max_chunks_per_doc": NUMBER,
    "max_tokens_per_doc": NUMBER,
    "priority": NUMBER,
    "query": TEXT_OR_OBJECT,
    "rank_fields": LIST,
    "return_documents": SWITCH,
    "top_n": NUMBER,
}
"""Cohere's, of both versions; for Jina the query may also be a picture."""

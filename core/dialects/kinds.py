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
from .fields import Fields, missing_field

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
    if value is None:
        raise missing_field(name)
    if not allows(value):
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


def _by_name(listed: Mapping[Allows, str]) -> Kinds:
    """Return the type of each field, of those that are *listed* by their types."""
    return {name: allows for allows, names in listed.items() for name in names.split()}


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

CHAT: Kinds = _by_name(
    {
        LIST: "modalities",
        LIST_OR_OBJECT: "logit_bias",
        NUMBER: "frequency_penalty presence_penalty seed temperature top_k top_logprobs top_p",
        OBJECT: "audio metadata moderation prediction prompt_cache_options response_format web_search_options",
        OBJECTS: "functions tools",
        SWITCH: "logprobs parallel_tool_calls store",
        TEXT: "prompt_cache_key prompt_cache_retention reasoning_effort safety_identifier service_tier user verbosity",
        TEXT_OR_LIST: "stop",
        TEXT_OR_OBJECT: "function_call tool_choice",
    }
)
"""OpenAI's, and ``top_k``, which all vendors that have it spell alike; llama.cpp also accepts ``logit_bias`` as pairs.

Source: ggml-org/llama.cpp tools/server/README.md, read 2026-11-29.
"""

RESPONSES: Kinds = _by_name(
    {
        LIST: "context_management include",
        NUMBER: "max_tool_calls temperature top_logprobs top_p",
        OBJECT: (
            "access_programs background_options image metadata moderation prompt_cache_options reasoning "
            "stream_options text"
        ),
        OBJECTS: "tools",
        SWITCH: "parallel_tool_calls store",
        TEXT: (
            "instructions personality prompt_cache_key prompt_cache_retention safety_identifier service_tier "
            "truncation user"
        ),
        TEXT_OR_OBJECT: "tool_choice",
    }
)

COMPLETIONS: Kinds = _by_name(
    {
        LIST_OR_OBJECT: "logit_bias",
        NUMBER: "frequency_penalty logprobs presence_penalty seed temperature top_p",
        SWITCH: "echo",
        TEXT: "suffix user",
        TEXT_OR_LIST: "stop",
    }
)
"""OpenAI's, with ``logit_bias`` as in `CHAT`."""

MESSAGES: Kinds = _by_name(
    {
        LIST: "stop_sequences",
        NUMBER: "temperature top_k top_p",
        OBJECT: (
            "billing_policy cache_control compaction context_management diagnostics metadata output_config "
            "output_format thinking tool_choice"
        ),
        OBJECTS: "mcp_servers tools",
        TEXT: "inference_geo service_tier speed user_profile_id workspace_id",
        TEXT_OR_LIST: "fallbacks system",
        TEXT_OR_OBJECT: "container fallback_credit_token",
    }
)

GEMINI: Kinds = _in_both_spellings(
    _by_name(
        {
            NUMBER_OR_TEXT: "serviceTier",
            OBJECT: "labels modelArmorConfig toolConfig",
            OBJECT_OR_OBJECTS: "safetySettings tools",
            SWITCH: "store",
            TEXT: "cachedContent",
            TEXT_OR_OBJECT: "systemInstruction",
        }
    )
)
"""Google accepts an object for a list of one, and numbers for enumerations.

``systemInstruction`` as text is Firebase's.

Source: firebase.google.com, GenerateContentRequest; w:gemini/stream-json-array-enum-int, read 2026-11-29.
"""

GEMINI_CONFIG: Kinds = _in_both_spellings(
    _by_name(
        {
            NUMBER_OR_TEXT: "frequencyPenalty logprobs mediaResolution presencePenalty seed temperature topK topP",
            OBJECT: "imageConfig responseSchema thinkingConfig",
            TEXT: "responseMimeType",
            TEXT_OR_LIST: "responseModalities stopSequences",
        }
    )
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

INTERACTIONS: Kinds = _by_name(
    {
        LIST: "response_modalities",
        LIST_OR_OBJECT: "response_format",
        OBJECT: "generation_config labels",
        OBJECTS: "safety_settings tools",
        SWITCH: "store",
        TEXT: "response_mime_type service_tier system_instruction",
    }
)

EMBEDDINGS: Kinds = {"encoding_format": TEXT, "user": TEXT}

IMAGES: Kinds = _by_name(
    {
        NUMBER: "frame_count frame_duration_ms output_compression partial_images",
        OBJECT: "svg",
        TEXT: (
            "background complexity input_fidelity moderation output_format response_format safety_identifier style user"
        ),
        TEXT_LIST_OR_OBJECT: "image markup mask",
    }
)

SPEECH: Kinds = {"instructions": TEXT, "response_format": TEXT, "speed": NUMBER, "voice": TEXT_OR_OBJECT}

FORM: Kinds = {}
"""All values of a form are text."""

MODERATIONS: Kinds = {}
"""Nothing besides the input."""

RERANK: Kinds = _by_name(
    {
        LIST: "rank_fields",
        NUMBER: "max_chunks_per_doc max_tokens_per_doc priority top_n",
        SWITCH: "return_documents",
        TEXT_OR_OBJECT: "query",
    }
)
"""Cohere's, of both versions; for Jina the query may also be a picture."""

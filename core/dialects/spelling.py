"""Refuses fields that another program would take for one that relay reads: they differ only in letter case.

Gateways written in Go, as most other shops are, ignore the case of JSON names: ``Model`` beside ``model`` would price
one model and send another. Source: pkg.go.dev encoding/json, "Unmarshal" (prefers the exact name, accepts any case),
read 2026-11-30.
"""

from collections.abc import Iterable

from ..errors import BadRequestError

_READ = frozenset(
    {
        "background", "best_of", "cachedContent", "cached_content", "candidateCount", "candidate_count", "contents",
        "conversation", "documents", "fallbacks", "functions", "generationConfig", "generation_config", "include_usage",
        "inference_geo", "input", "instructions", "maxOutputTokens", "max_completion_tokens", "max_output_tokens",
        "max_tokens", "messages", "model", "models", "n", "plugins", "previous_message_id", "previous_response_id",
        "prompt", "quality", "query", "requests", "search_parameters", "seconds", "serviceTier", "service_tier", "size",
        "speed", "store", "stream", "stream_options", "system", "systemInstruction", "system_instruction", "thread",
        "tools", "web_search_options",
    }
)  # fmt: skip
"""Names on which the price, the hold, the model or the form of the answer depends, in all dialects."""
_SPELT = {name.casefold(): name for name in _READ}


def check_spelling(names: Iterable[str]) -> None:
    """Refuse a name that differs only in letter case from one that relay reads.

    Raises:
        BadRequestError: Names the field and its right spelling.
    """
    for name in names:
        if name not in _READ and (spelt := _SPELT.get(name.casefold())) is not None:
            raise BadRequestError("misspelt_field", param=name, expected=spelt)

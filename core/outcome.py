"""Derives how an exchange ended, from nothing but the structure of its answer (docs/architecture.md)."""

from .exchange import Evidence, Outcome

REFUSALS = frozenset({"refusal", "content_filter", "sensitive"})
"""Stop reasons by which a model or its vendor refuses.

Source: wire/DIALECTS.md 4, read 2026-11-23; presets/zhipu.yaml.
"""
INTERRUPTIONS = frozenset({"insufficient_system_resource", "network_error", "error", "MALFORMED_RESPONSE"})
"""Stop reasons of answers that the vendor broke off.

Source: presets/deepseek.yaml, presets/zhipu.yaml; ``error`` is OpenRouter's and Mistral's, openrouter.ai api/reference
and docs.mistral.ai, read 2026-11-29; ``MALFORMED_RESPONSE`` Gemini's, `FinishReason` of google-genai 3.4.0, read
2026-11-30.
"""


def derive_outcome(evidence: Evidence, output_tokens_asked: int | None = None) -> Outcome:
    """Return how an exchange with this *evidence* ended.

    An answer that stopped at ``max_tokens`` is ``complete``, unless it consists only of thinking: then,
    as for an answer without any content, nothing was delivered and the outcome is ``empty``. If the
    customer asked for no output, by a limit of 0 tokens, an answer without content is ``complete``.
    """
    has_answer = evidence.has_text or evidence.has_tool_call
    if evidence.hang_up_policy is not None:
        return "customer_gone"
    if not evidence.is_end_seen:
        has_output = has_answer or evidence.has_thinking or evidence.has_refusal or evidence.output_bytes > 0
        return "truncated" if has_output else "upstream_error"
    if evidence.has_refusal or evidence.stop_reason in REFUSALS:
        return "refused"
    if has_answer and evidence.stop_reason in INTERRUPTIONS:
        return "truncated"
    return "complete" if has_answer or output_tokens_asked == 0 else "empty"

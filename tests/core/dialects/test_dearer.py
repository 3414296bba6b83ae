"""Tiers and places that cost the shop more than its prices say are refused by name; all others pass."""

import msgspec
import pytest

from relay.core.dialects.dearer import refuse_dearer, refuse_gateways_own
from relay.core.dialects.meaning import code_of
from relay.core.errors import BadRequestError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_tier", '"priority"'),
        ("service_tier", '"fast"'),
        ("service_tier", '"Priority"'),
        ("service_tier", '"\\u0070riority"'),
        ("service_tier", '"SERVICE_TIER_PRIORITY"'),
        ("serviceTier", '"priority"'),
        ("serviceTier", "3"),
        ("service_tier", "3"),
        ("service_tier", '"3"'),
        ("serviceTier", "3.0"),
        ("speed", '"fast"'),
        ("inference_geo", '"us"'),
        ("providerOptions", '{"gateway": {"order": ["groq"]}}'),
    ],
)
def test_what_costs_more_is_refused(name: str, value: str) -> None:
    """However it is spelt."""
    with pytest.raises(BadRequestError) as refused:
        refuse_dearer({"model": msgspec.Raw(b'"m"'), name: msgspec.Raw(value.encode())})
    assert (code_of(refused.value), refused.value.param) == ("not_offered", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_tier", '"auto"'),
        ("service_tier", '"default"'),
        ("service_tier", '"flex"'),
        ("service_tier", '"standard_only"'),
        ("service_tier", "null"),
        ("serviceTier", '"SERVICE_TIER_FLEX"'),
        ("speed", '"standard"'),
        ("speed", "1.25"),
        ("inference_geo", '"global"'),
        ("inference_geo", "null"),
        ("models", "null"),
        ("models", "[]"),
        ("provider", '{"allow_fallbacks":false,"order":["anthropic"]}'),
        ("providerOptions", "{}"),
    ],
)
def test_what_costs_no_more_passes(name: str, value: str) -> None:
    """Cheaper tiers, the vendor's default, speech at a speed of its own, no other models, and OpenRouter's choice of a provider."""
    refuse_dearer({"model": msgspec.Raw(b'"m"'), name: msgspec.Raw(value.encode())})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fallbacks", "null"),
        ("fallbacks", "[]"),
        ("mock_testing_fallbacks", "false"),
        ("context_window_fallback_dict", "{}"),
        ("disable_fallbacks", "true"),
        ("num_retries", "0"),
    ],
)
def test_a_program_may_spell_out_what_it_does_not_want_of_a_gateway(name: str, value: str) -> None:
    """As careful programs of LiteLLM's do."""
    refuse_gateways_own({name: msgspec.Raw(value.encode())}, "openai_chat")


def test_the_token_of_a_refusal_is_no_fallback() -> None:
    """Claude's clients send it with the request that they make of another model, whose prompt is then cheaper."""
    fields = {"fallback_credit_token": msgspec.Raw(b'"token"')}
    refuse_gateways_own(fields, "anthropic_messages")
    with pytest.raises(BadRequestError):
        refuse_gateways_own(fields, "openai_chat")

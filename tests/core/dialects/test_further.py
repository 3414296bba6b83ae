"""Other models that may answer, and what is asked of them."""

import json
from typing import Any

import msgspec
import pytest

from relay.core.dialects.further import check_fallbacks, further_models
from relay.core.errors import BadRequestError


def asked(**members: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(member).encode()) for name, member in members.items()}


def test_other_models_that_may_answer_are_found() -> None:
    """In fallbacks, and in tools that ask a model of their own; a member of a schema is none."""
    fallbacks = [{"model": "opus", "max_tokens": 5}, {}]
    tools = [{"name": "advisor", "model": "sonnet"}, {"name": "f", "input_schema": {"properties": {"model": {}}}}]
    found = further_models(asked(fallbacks=fallbacks, tools=tools))
    assert found == (("fallbacks", "opus"), ("tools", "sonnet"))
    assert further_models(asked(tools=tools[1:])) == ()


def test_a_tool_that_draws_may_name_two() -> None:
    """One for the picture, one for its lines."""
    tools = [{"type": "image_generation", "model": "gpt-image-1.5", "svg": {"model": "gpt-5"}}]
    assert further_models(asked(tools=tools)) == (("tools", "gpt-image-1.5"), ("tools", "gpt-5"))


def test_a_turn_may_bring_such_a_tool_along() -> None:
    """Of what else turns hold, nothing is a tool."""
    drawing = {"type": "additional_tools", "tools": [{"type": "image_generation", "model": "gpt-image-1.5"}]}
    said = {"role": "user", "content": "é", "model": "no tool"}
    assert further_models(asked(input=[said, drawing])) == (("input", "gpt-image-1.5"),)
    assert further_models(asked(input=[said])) == further_models(asked(input="é")) == ()


@pytest.mark.parametrize("param", ["tools", "input"])
def test_a_model_spelled_with_an_escape_is_found_too(param: str) -> None:
    """Its upstream reads it all the same."""
    tools = rb'[{"type":"image_generation","mod\u0065l":"gpt-image-1.5"}]'
    told = {"tools": tools, "input": b'[{"role":"user","content":"hi"},{"tools":%b}]' % tools}
    assert further_models({param: msgspec.Raw(told[param])}) == ((param, "gpt-image-1.5"),)


def test_a_model_of_the_vendors_choice_is_not_offered() -> None:
    """Nobody could say its price."""
    with pytest.raises(BadRequestError) as refused:
        further_models(asked(fallbacks="default"))
    assert (refused.value.reason, refused.value.param) == ("not_offered", "fallbacks")


@pytest.mark.parametrize(
    ("entry", "param"),
    [({"speed": "fast"}, "speed"), ({"inference_geo": "us"}, "inference_geo"), ({"max_tokens": 101}, "max_tokens")],
)
def test_a_fallback_is_offered_no_more_than_the_request(entry: dict[str, Any], param: str) -> None:
    """Neither a faster tier, nor more output than is held for."""
    with pytest.raises(BadRequestError) as refused:
        check_fallbacks(asked(fallbacks=[{"model": "opus"}, {"model": "opus", **entry}]), 100)
    assert (refused.value.reason, refused.value.param) == ("not_offered", f"fallbacks.{param}")
    own = {"speed": "standard", "max_tokens": 100, "thinking": {"type": "disabled"}, "output_config": {}}
    check_fallbacks(asked(fallbacks=[{"model": "opus", **own}]), 100)
    check_fallbacks({}, 100)


@pytest.mark.parametrize("name", ["fallbacks", "messages", "num_retries"])
def test_a_fallback_has_no_fields_but_claudes(name: str) -> None:
    """Claude refuses any other; LiteLLM would go by it."""
    with pytest.raises(BadRequestError) as refused:
        check_fallbacks(asked(fallbacks=[{"model": "opus", name: ["o1-pro"]}]), 100)
    assert (refused.value.reason, refused.value.param) == ("not_offered", "fallbacks")

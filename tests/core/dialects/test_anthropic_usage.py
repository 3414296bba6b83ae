"""Usage in Anthropic's form is read whole, pass by pass."""

import pytest

from relay.core.dialects.anthropic_usage import read_anthropic_usage
from relay.core.dialects.figures import UntrueFigureError
from relay.core.usage import Iteration, Usage


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"input_tokens": 10, "output_tokens": 4}, Usage(input_tokens=10, output_tokens=4)),
        (
            {
                "input_tokens": 3,
                "cache_read_input_tokens": 17269,
                "cache_creation_input_tokens": 37,
                "output_tokens": 1,
            },
            Usage(input_tokens=3, cache_read_tokens=17269, cache_write_5m_tokens=37, output_tokens=1),
        ),
        (
            {
                "input_tokens": 1,
                "output_tokens": 1,
                "cache_creation_input_tokens": 100,
                "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 50},
            },
            Usage(input_tokens=1, cache_write_5m_tokens=50, cache_write_1h_tokens=50, output_tokens=1),
        ),
        (
            {
                "input_tokens": 1,
                "output_tokens": 1,
                "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 50},
            },
            Usage(input_tokens=1, cache_write_5m_tokens=30, cache_write_1h_tokens=50, output_tokens=1),
        ),
        (
            {
                "input_tokens": 1,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 8},
                "server_tool_use": {"web_search_requests": 2},
            },
            Usage(input_tokens=1, output_tokens=9, reasoning_tokens=8, web_search_count=2),
        ),
        ({"output_tokens": 4}, Usage(output_tokens=4)),
        ({}, None),
        (None, None),
    ],
)
def test_counts_stand_beside_each_other(usage: object, read: Usage | None) -> None:
    """What the split of cache writes does not cover counts as five minutes."""
    assert read_anthropic_usage(usage) == read


def test_several_passes_are_summed_and_kept() -> None:
    """The top level leaves passes out; each is priced at its own model."""
    passes = [
        {"input_tokens": 1128, "output_tokens": 135, "type": "message"},
        {"input_tokens": 2543, "output_tokens": 18, "type": "advisor_message", "model": "claude-opus-4-8"},
    ]
    assert read_anthropic_usage({"input_tokens": 1128, "output_tokens": 135, "iterations": passes}) == Usage(
        input_tokens=3671,
        output_tokens=153,
        iterations=(
            Iteration(input_tokens=1128, output_tokens=135),
            Iteration(input_tokens=2543, output_tokens=18, model="claude-opus-4-8"),
        ),
    )


def test_one_pass_of_the_same_model_is_no_iteration() -> None:
    """Its counts are the answer's."""
    passes = [{"input_tokens": 28, "output_tokens": 106}]
    assert read_anthropic_usage({"input_tokens": 28, "output_tokens": 106, "iterations": passes}) == Usage(
        input_tokens=28, output_tokens=106
    )


def test_as_many_passes_as_an_answer_can_take_are_read() -> None:
    """A hundred."""
    usage = read_anthropic_usage({"input_tokens": 1, "output_tokens": 1, "iterations": [{"output_tokens": 2}] * 100})
    assert usage is not None
    assert (usage.output_tokens, len(usage.iterations)) == (200, 100)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": 1, "output_tokens": "1"},
        {"input_tokens": 1, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 0.5}},
        {"input_tokens": 1, "output_tokens": 1, "iterations": [{"input_tokens": -1}]},
        {"input_tokens": 1, "output_tokens": 1, "iterations": ["pass"]},
        {"input_tokens": 1, "output_tokens": 1, "iterations": [{"output_tokens": 2}] * 101},
        [1],
    ],
)
def test_figures_that_cannot_be_true_are_refused(usage: object) -> None:
    """The reader then puts the local bound in their place."""
    with pytest.raises(UntrueFigureError):
        read_anthropic_usage(usage)

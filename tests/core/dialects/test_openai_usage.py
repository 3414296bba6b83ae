"""Usage in OpenAI's form is made disjoint, whoever wrote it."""

import pytest

from relay.core.dialects.figures import UntrueFigureError
from relay.core.dialects.openai_usage import read_openai_usage
from relay.core.usage import Usage


def figures(prompt: object = 100, completion: object = 10, **more: object) -> dict[str, object]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 110, **more}


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (figures(), Usage(input_tokens=100, output_tokens=10)),
        (figures(0, 0), Usage(is_total_contradicted=True)),
        (
            figures(prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 30, "audio_tokens": 5}),
            Usage(
                input_tokens=10,
                cache_read_tokens=60,
                cache_write_5m_tokens=30,
                output_tokens=10,
                audio_input_tokens=5,
            ),
        ),
        (
            figures(completion_tokens_details={"reasoning_tokens": 7, "audio_tokens": 2}),
            Usage(input_tokens=100, output_tokens=10, reasoning_tokens=7, audio_output_tokens=2),
        ),
        (
            figures(
                prompt_tokens_details={"cached_tokens": 60, "image_tokens": 25},
                completion_tokens_details={"image_tokens": 8},
            ),
            Usage(
                input_tokens=40, cache_read_tokens=60, output_tokens=10, image_input_tokens=25, image_output_tokens=8
            ),
        ),
        (
            figures(
                prompt_tokens_details={"cached_tokens": 60, "image_tokens": 70},
                completion_tokens_details={"image_tokens": 80},
            ),
            Usage(
                input_tokens=40, cache_read_tokens=60, output_tokens=10, image_input_tokens=40, image_output_tokens=10
            ),
        ),
        (figures(prompt_cache_hit_tokens=64), Usage(input_tokens=36, cache_read_tokens=64, output_tokens=10)),
        (figures(cached_tokens=40), Usage(input_tokens=60, cache_read_tokens=40, output_tokens=10)),
        (
            figures(prompt_tokens_details={"cached_tokens": 20, "cache_creation_input_tokens": 50}),
            Usage(input_tokens=30, cache_read_tokens=20, cache_write_5m_tokens=50, output_tokens=10),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 248,
                "total_tokens": 632,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            Usage(input_tokens=384, output_tokens=248, audio_input_tokens=375),
        ),
        (figures(prompt_tokens_details=None), Usage(input_tokens=100, output_tokens=10)),
        (
            figures(prompt_tokens_details={"cached_tokens": 150, "cache_write_tokens": 9}),
            Usage(cache_read_tokens=100, output_tokens=10),
        ),
        ({"prompt_tokens": 2, "total_tokens": 2}, Usage(input_tokens=2)),
        ({"prompt_tokens": 2}, None),
        ({"total_tokens": 187}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_parts_of_the_prompt_become_disjoint(usage: object, read: Usage | None) -> None:
    """Cached and written tokens leave the fresh ones, never below zero."""
    assert read_openai_usage(usage) == read


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"server_tool_use_details": {"web_search_requests": 2, "tool_calls_requested": 3}}, 2),
        ({"server_tool_use": {"web_search_requests": 2}}, 2),
        ({"server_tool_use_details": {"web_search_requests": 2}, "server_tool_use": {"web_search_requests": 2}}, 2),
        ({"server_tool_use_details": None}, 0),
        ({"server_tool_use_details": {"tool_calls_requested": 3}}, 0),
        ({"num_search_queries": 15, "citation_tokens": 50}, 15),
    ],
)
def test_searches_are_counted_once_under_whatever_name(more: dict[str, object], count: int) -> None:
    """OpenRouter tells them beside calls of its other tools, Perplexity among its own counts."""
    assert read_openai_usage(figures(**more)) == Usage(input_tokens=100, output_tokens=10, web_search_count=count)


def test_reasoning_beside_the_output_is_found_in_the_total() -> None:
    """xAI: 165 + 2 + 125 = 292."""
    usage = {
        "prompt_tokens": 165,
        "completion_tokens": 2,
        "total_tokens": 292,
        "completion_tokens_details": {"reasoning_tokens": 125},
    }
    assert read_openai_usage(usage, is_reasoning_beside_output=True) == Usage(
        input_tokens=165, output_tokens=127, reasoning_tokens=125
    )


@pytest.mark.parametrize(
    "usage",
    [
        figures(prompt=-1),
        figures(completion=2.5),
        figures(completion="10"),
        figures(prompt=2**63),
        figures(prompt_tokens_details={"cached_tokens": -5}),
        figures(prompt_tokens_details="none"),
        figures(num_search_queries=-1),
        figures(server_tool_use={"web_search_requests": "2"}),
        "110",
    ],
)
def test_figures_that_cannot_be_true_are_refused(usage: object) -> None:
    """The reader then puts the local bound in their place."""
    with pytest.raises(UntrueFigureError):
        read_openai_usage(usage)


@pytest.mark.parametrize(
    ("usage", "is_beside", "is_contradicted"),
    [
        (figures(100, 10), False, False),
        (figures(100, 9), False, True),
        (figures(100, 9, completion_tokens_details={"reasoning_tokens": 1}), False, True),
        (figures(100, 9, completion_tokens_details={"reasoning_tokens": 1}), True, False),
        (figures(100, 9, completion_tokens_details={"reasoning_tokens": 2}), True, True),
        (figures(100, 9), True, False),
        (figures(100, 11), True, True),
        ({"prompt_tokens": 2, "total_tokens": 2}, False, False),
        ({"prompt_tokens": 2, "completion_tokens": 3}, False, False),
        ({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": "5"}, False, False),
    ],
)
def test_a_total_that_contradicts_its_parts_is_noted(usage: object, is_beside: bool, is_contradicted: bool) -> None:
    """By the channel's setting: where reasoning stands beside the output, the total has it too."""
    read = read_openai_usage(usage, is_reasoning_beside_output=is_beside)
    assert read is not None
    assert read.is_total_contradicted is is_contradicted


def test_reasoning_beside_the_output_is_added_where_no_total_tells_of_it() -> None:
    """2 and 125."""
    usage = {"prompt_tokens": 165, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 125}}
    assert read_openai_usage(usage, is_reasoning_beside_output=True) == Usage(
        input_tokens=165, output_tokens=127, reasoning_tokens=125
    )

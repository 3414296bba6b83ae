"""Google's interactions, whole and streamed."""

import json
from typing import Any

import pytest

from relay.plugins.channels.simulator import interactions
from relay.plugins.channels.simulator.answer import Answer

CALL = Answer(
    kind="gemini_interactions",
    model="m",
    text="Hello",
    thinking="hm",
    tool_name="look",
    tool_arguments='{"a":1}',
    stop="tool",
    input_tokens=3,
)


@pytest.mark.parametrize(
    "given",
    [
        "hi there",
        [{"type": "text", "text": "hi there"}],
        [
            {"type": "user_input", "content": [{"type": "text", "text": "old"}]},
            {"type": "model_output", "content": [{"type": "text", "text": "mine"}]},
            {"type": "user_input", "content": [{"type": "text", "text": "hi there"}]},
        ],
    ],
)
def test_the_last_words_are_the_customers(given: Any) -> None:
    """As text, as a content, or in steps."""
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
    asked = interactions.asked({"input": given, "tools": tools, "generation_config": {"max_output_tokens": 7}})
    assert (asked.words, asked.tools, asked.output_tokens_max) == ("hi there", {"look": {"type": "object"}}, 7)


def test_a_whole_answer_has_steps_and_usage() -> None:
    """Thoughts count beside the output."""
    told = json.loads(interactions.body(CALL))
    assert [step["type"] for step in told["steps"]] == ["thought", "model_output", "function_call"]
    assert (told["status"], told["steps"][2]["arguments"]) == ("requires_action", {"a": 1})
    assert told["usage"] == {
        "total_input_tokens": 3,
        "total_cached_tokens": 0,
        "total_output_tokens": 4,
        "total_thought_tokens": 1,
        "total_tool_use_tokens": 0,
        "total_tokens": 8,
    }


def test_a_stream_begins_and_ends_each_step() -> None:
    """Then the whole usage, then the mark."""
    *events, end = interactions.events(CALL)
    told = [json.loads(event.partition(b"data: ")[2]) for event in events]
    kinds = [event["event_type"] for event in told]
    assert kinds == ["interaction.created", *["step.start", "step.delta", "step.stop"] * 3, "interaction.completed"]
    assert (told[-1]["interaction"]["usage"]["total_tokens"], end) == (8, b"event: done\ndata: [DONE]\n\n")

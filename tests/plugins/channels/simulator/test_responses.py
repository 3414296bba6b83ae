from typing import Any

import msgspec
import pytest
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseReasoningItem, ResponseStreamEvent
from pydantic import TypeAdapter

from relay.plugins.channels.simulator import responses
from relay.plugins.channels.simulator.answer import Answer

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def spoken(**changes: Any) -> Answer:
    return Answer(kind="openai_responses", model="m", text="one two", input_tokens=5, **changes)


def documents(answer: Answer) -> list[Any]:
    return [msgspec.json.decode(event.partition(b"\ndata: ")[2]) for event in responses.events(answer)]


def test_body_is_a_response() -> None:
    """The SDK's own type takes it, with thinking, words and a call, and the figures add up."""
    made = Response.model_validate_json(
        responses.body(spoken(thinking="so so", tool_name="f", tool_arguments='{"a":1}', stop="tool"))
    )
    reasoning, _, call = made.output
    assert isinstance(reasoning, ResponseReasoningItem)
    assert isinstance(call, ResponseFunctionToolCall)
    assert (reasoning.summary[0].text, made.output_text, call.arguments) == ("so so", "one two", '{"a":1}')
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens, made.usage.total_tokens) == (5, 6, 11)


def test_stream_is_told_piece_by_piece() -> None:
    """In the order of the recordings; each event numbered, named twice, and of the SDK's type."""
    made = documents(spoken())
    assert [document["type"] for document in made] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [document["sequence_number"] for document in made] == list(range(10))
    assert [EVENT.validate_python(document).type for document in made] == [document["type"] for document in made]
    assert [event.split(b"\n")[0].decode()[7:] for event in responses.events(spoken())] == [
        document["type"] for document in made
    ]


def test_every_item_begins_empty_and_ends_whole() -> None:
    """Thinking, words and a call, each told by events of the SDK's types."""
    made = documents(spoken(thinking="so so", tool_name="f", tool_arguments='{"a": 1}', stop="tool"))
    for document in made:
        EVENT.validate_python(document)
    added = [one["item"] for one in made if one["type"] == "response.output_item.added"]
    done = [one["item"] for one in made if one["type"] == "response.output_item.done"]
    assert [(item["type"], item.get("summary"), item.get("content"), item.get("arguments")) for item in added] == [
        ("reasoning", [], None, None),
        ("message", None, [], None),
        ("function_call", None, None, ""),
    ]
    assert done == made[-1]["response"]["output"]
    assert (
        "".join(one["delta"] for one in made if one["type"] == "response.function_call_arguments.delta") == '{"a": 1}'
    )


@pytest.mark.parametrize(
    ("stop", "status", "details"),
    [
        ("end", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("tool", "completed", None),
    ],
)
def test_every_stop_has_its_end(stop: Any, status: str, details: Any) -> None:
    """A limit is told by another event than the rest."""
    end = documents(spoken(stop=stop))[-1]
    assert (end["type"], end["response"]["status"]) == (f"response.{status}", status)
    assert end["response"]["incomplete_details"] == details


def test_refusal_is_a_part_of_its_own() -> None:
    """Told by its own events."""
    made = documents(spoken(stop="refusal"))
    assert made[-1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "one two"}]
    assert [one["delta"] for one in made if one["type"] == "response.refusal.delta"] == ["one ", "two"]


def test_usage_stands_in_the_last_event_alone() -> None:
    """Unless it is left out, or lied about."""
    figures = [[one["response"]["usage"] for one in documents(spoken(**change)) if "response" in one] for change in (
        {}, {"is_usage_given": False}, {"usage_lie": "many"})]  # fmt: skip
    assert [one[:2] for one in figures] == [[None, None]] * 3
    assert [one[2] and one[2]["output_tokens"] for one in figures] == [2, None, "many"]


def test_a_stream_fails_by_two_events() -> None:
    """The second is the end, and both are numbered on."""
    error, failed = responses.error_event(4).decode().strip().split("\n\n")
    assert error.startswith("event: error\n")
    assert '"sequence_number":4' in error
    assert failed.startswith("event: response.failed\n")
    assert '"sequence_number":5' in failed

"""Interactions: what counts as output, as the end, as an error, as usage."""

import json
from typing import Any

import pytest

from relay.core.dialects.gemini_interactions_answer import (
    InteractionsStreamReader,
    read_interaction,
    read_interactions_usage,
)
from relay.core.errors import FailureClass, UpstreamBrokenError, UpstreamStatusError
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import answer_bytes, exchange

END = b"event: done\ndata: [DONE]\n\n"
STREAMS = [
    ("interactions-stream", 13, 32, 806, "completed"),
    ("interactions-thinking-stream", 34, 2, 1016, "completed"),
    ("interactions-tools-stream", 156, 34, 118, "requires_action"),
]


def reader(*, is_kept: bool = True) -> InteractionsStreamReader:
    return InteractionsStreamReader(exchange("gemini_interactions"), thinking_asked=False, is_kept=is_kept)


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'event_type': kind, **members})}\n\n".encode()


def completed(status: str = "completed", **members: Any) -> bytes:
    return event("interaction.completed", interaction={"id": "v1_a", "status": status, **members})


@pytest.mark.parametrize(("name", "fresh", "output", "thoughts", "status"), STREAMS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_recorded_stream_passes_and_is_read_for_every_cut(
    name: str, fresh: int, output: int, thoughts: int, status: str, size: int
) -> None:
    """Thoughts stand beside the output; the end is its mark."""
    data, along = answer_bytes(f"gemini/{name}"), reader()
    passed = b"".join(along.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert (passed + along.end, along.end, along.is_ended) == (data, END, True)
    assert along.usage() == Usage(input_tokens=fresh, output_tokens=output + thoughts, reasoning_tokens=thoughts)
    assert (derive_outcome(along.evidence()), along.stop_reason) == ("complete", status)
    assert (along.answer_id, along.model_returned) == ("v1_REDACTED_1", "gemini-3-flash-preview")


def test_a_recorded_answer_is_read() -> None:
    """Its usage, its outcome, and what it is kept under."""
    made, body = exchange("gemini_interactions"), answer_bytes("gemini/interactions-plain")
    reading = read_interaction(made, body, thinking_asked=False, is_kept=True)
    assert reading.usage == Usage(input_tokens=14, output_tokens=34 + 222, reasoning_tokens=222)
    assert (derive_outcome(reading.evidence), reading.answer_id) == ("complete", "v1_REDACTED_1")
    assert read_interaction(made, body, thinking_asked=False, is_kept=False).answer_id is None


def test_an_answer_that_is_not_kept_has_no_id() -> None:
    """Nobody can go on from it."""
    along = reader(is_kept=False)
    along.feed(event("interaction.created", interaction={"id": "v1_a", "model": "m"}))
    assert (along.answer_id, along.model_returned) == (None, "m")


@pytest.mark.parametrize(
    ("kind", "members", "is_output"),
    [
        ("step.start", {"step": {"type": "thought"}}, False),
        ("step.start", {"step": {"type": "model_output"}}, False),
        ("step.start", {"step": {"type": "google_search_call"}}, False),
        ("step.start", {"step": {"type": "function_call", "name": "f", "arguments": {}}}, True),
        ("step.delta", {"delta": {"type": "thought_signature", "signature": "c2ln"}}, False),
        ("step.delta", {"delta": {"type": "text", "text": "Hi"}}, True),
        ("step.delta", {"delta": {"type": "thought_summary", "content": {"type": "text", "text": "Hm"}}}, True),
        ("step.delta", {"delta": {"type": "image", "data": "aGk="}}, True),
    ],
)
def test_output_is_what_a_customer_can_use(kind: str, members: dict[str, Any], is_output: bool) -> None:
    """A signature alone commits nothing."""
    along = reader()
    assert along.feed(event(kind, **members)) == event(kind, **members)
    assert along.is_output_seen is is_output


def test_a_stream_that_was_completed_is_whole_without_its_mark() -> None:
    """Nothing is left to hold back."""
    along = reader()
    along.feed(event("step.delta", delta={"type": "text", "text": "Hi"}) + completed())
    assert (along.is_ended, along.finish(), along.is_ended, along.end) == (False, b"", True, b"")


def test_a_stream_that_was_not_completed_is_truncated() -> None:
    """Though its mark came: that is not passed on."""
    along = reader()
    along.feed(event("step.delta", delta={"type": "text", "text": "Hi"}))
    assert (along.feed(END), along.finish(), along.is_ended) == (b"", b"", False)
    assert derive_outcome(along.evidence()) == "truncated"


@pytest.mark.parametrize(
    ("last", "failure"),
    [
        (event("error", error={"code": "unavailable", "message": "overloaded"}), "overloaded"),
        (b"event: error\ndata: overloaded\n\n", "sick"),
        (completed("failed", errors=[{"code": "internal", "message": "overloaded"}]), "sick"),
        (completed("cancelled"), "sick"),
    ],
)
def test_an_error_is_not_passed_on(last: bytes, failure: FailureClass) -> None:
    """Whichever way it is told."""
    along = reader()
    assert along.feed(last) == b""
    assert along.error is not None
    assert (along.error.failure, along.is_ended) == (failure, False)


@pytest.mark.parametrize("data", [b"event: interaction.new\ndata: 3\n\n", b": comment\n\n", event("future.kind", a=1)])
def test_what_is_not_known_passes(data: bytes) -> None:
    """Nothing is read from it."""
    along = reader()
    assert (along.feed(data), along.is_output_seen) == (data, False)


def test_cached_tokens_are_a_part_of_the_input_and_tools_beside_it() -> None:
    """Each count of its own."""
    figures = {
        "total_input_tokens": 10,
        "total_cached_tokens": 4,
        "total_tool_use_tokens": 3,
        "total_output_tokens": 2,
        "total_thought_tokens": 5,
    }
    assert read_interactions_usage(figures, "gemini-3-pro") == Usage(
        input_tokens=9, cache_read_tokens=4, output_tokens=7, reasoning_tokens=5
    )
    assert read_interactions_usage({"total_tokens": 3}, "gemini-3-pro") is None


def test_sound_and_pictures_are_noted() -> None:
    """What of them was cached is cached input."""
    figures = {
        "total_input_tokens": 100,
        "input_tokens_by_modality": [{"modality": "image", "tokens": 60}, {"modality": "audio", "tokens": 40}],
        "total_cached_tokens": 50,
        "cached_tokens_by_modality": [{"modality": "image", "tokens": 50}],
        "total_output_tokens": 1300,
        "output_tokens_by_modality": [{"modality": "text", "tokens": 10}, {"modality": "image", "tokens": 1290}],
    }
    assert read_interactions_usage(figures, "gemini-3-pro") == Usage(
        input_tokens=50,
        cache_read_tokens=50,
        output_tokens=1300,
        audio_input_tokens=40,
        image_input_tokens=10,
        image_output_tokens=1290,
    )


def test_figures_that_cannot_be_true_give_way_to_the_local_bound() -> None:
    """512 for a request without fields; in the answer 8 and 8 for its step, 1 for its word."""
    steps = [{"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}]
    body = json.dumps({"id": "a", "status": "completed", "steps": steps, "usage": {"total_input_tokens": -1}}).encode()
    reading = read_interaction(exchange("gemini_interactions"), body, thinking_asked=False, is_kept=True)
    assert reading.usage == Usage(input_tokens=512, output_tokens=17, source="disputed")


@pytest.mark.parametrize("body", [b'{"error":{"code":"unavailable"}}', b'{"status":"failed"}', b'{"status":3}'])
def test_an_error_dressed_as_an_answer_is_an_error(body: bytes) -> None:
    """Its class is told by what it says."""
    with pytest.raises(UpstreamStatusError):
        read_interaction(exchange("gemini_interactions"), body, thinking_asked=False, is_kept=True)


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        read_interaction(exchange("gemini_interactions"), b"<html>", thinking_asked=False, is_kept=True)


def test_pictures_and_sound_are_counted_as_they_pass() -> None:
    """Who leaves before the last figures has had them."""
    along = reader()
    for kind, data in (("image", "aGk="), ("audio", "A" * 6400)):
        along.feed(event("step.delta", index=0, delta={"type": kind, "data": data}))
    assert (along.output_image_tokens, along.output_audio_tokens, along.output_counted_tokens) == (1290, 2, 1292)


@pytest.mark.parametrize(("model", "searches", "maps"), [("gemini-3-pro", 3, 2), ("gemini-2.5-pro", 1, 1)])
def test_what_google_looked_up_is_counted_as_it_bills_it(model: str, searches: int, maps: int) -> None:
    """Searches and queries of maps of Gemini 3 each, of older ones the answer; what it does not bill not at all."""
    counts = [
        {"type": "google_search", "count": 3},
        {"type": "google_maps", "count": 2},
        {"type": "retrieval", "count": 1},
        {"type": "google_search"},
    ]
    figures = {"total_input_tokens": 3, "total_output_tokens": 1, "grounding_tool_count": counts}
    usage = read_interactions_usage(figures, model)
    assert usage == Usage(input_tokens=3, output_tokens=1, web_search_count=searches, tool_counts={"google_maps": maps})
    assert read_interactions_usage({**figures, "grounding_tool_count": "odd"}, model) == Usage(
        input_tokens=3, output_tokens=1
    )


@pytest.mark.parametrize(("model", "searches", "maps"), [("gemini-3-pro", 2, 2), ("gemini-2.5-pro", 1, 1)])
def test_what_google_looks_up_is_noted_when_it_is_told(model: str, searches: int, maps: int) -> None:
    """Who leaves before the last figures has had it."""
    along = reader()
    along.feed(event("interaction.created", interaction={"id": "v1_a", "model": model}))
    for kind in ("google_search_call", "google_maps_call", "url_context_call") * 2:
        along.feed(event("step.start", step={"type": kind}))
    assert (along.search_count, along.tool_counts) == (searches, {"google_maps": maps})


def test_a_whole_answer_without_figures_is_counted_by_its_steps() -> None:
    """54 bytes of thought, text and arguments are 15 tokens; a call is 8 more, a picture 1290."""
    steps = [
        {"type": "thought", "summary": [{"type": "text", "text": "t" * 18}]},
        {"type": "model_output", "content": [{"type": "text", "text": "x" * 27}, {"type": "image", "data": "aGk="}]},
        {"type": "function_call", "name": "f", "arguments": {"a": "b"}},
    ]
    body = json.dumps({"status": "completed", "steps": steps}, separators=(",", ":")).encode()
    reading = read_interaction(exchange("gemini_interactions"), body, thinking_asked=False, is_kept=True)
    assert (reading.usage, reading.tally.output_counted_tokens) == (None, 15 + 8 + 1290)
    assert (reading.evidence.has_thinking, reading.evidence.has_tool_call, reading.evidence.picture_count) == (
        True,
        True,
        1,
    )

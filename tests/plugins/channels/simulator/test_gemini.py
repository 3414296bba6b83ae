from typing import Any

import msgspec
import pytest
from google.genai.types import GenerateContentResponse

from relay.plugins.channels.simulator import gemini, gemini_array
from relay.plugins.channels.simulator.answer import Answer


def spoken(**changes: Any) -> Answer:
    return Answer(kind="gemini_generate", model="m", text="one two", input_tokens=5, **changes)


def read(document: bytes) -> GenerateContentResponse:
    return GenerateContentResponse.model_validate_json(document)


def test_body_is_an_answer() -> None:
    """The SDK's own type takes it, and thinking stands beside the output."""
    answer = read(gemini.body(spoken(thinking="so so", tool_name="f", tool_arguments='{"a":1}', stop="tool")))
    assert answer.candidates is not None
    assert answer.candidates[0].content is not None
    parts = answer.candidates[0].content.parts or []
    calls = [part.function_call.args for part in parts if part.function_call]
    assert [(part.text, part.thought) for part in parts] == [("so so", True), ("one two", None), (None, None)]
    assert calls == [{"a": 1}]
    usage = answer.usage_metadata
    assert usage is not None
    counts = (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)
    assert (*counts, usage.total_token_count) == (5, 4, 2, 11)


def test_stream_has_words_then_the_finish_with_the_usage() -> None:
    """Two choices, word by word; every event is of the SDK's type and ends by CR LF."""
    made = gemini.events(spoken(choice_count=2))
    assert {event[-4:] for event in made} == {b"\r\n\r\n"}
    documents = [read(event[6:]) for event in made]
    candidates = [candidate for document in documents for candidate in document.candidates or ()]
    told = [(one.index, one.content and one.content.parts and one.content.parts[0].text) for one in candidates]
    assert told == [(0, "one "), (1, "one "), (0, "two"), (1, "two"), (0, ""), (1, "")]
    assert [one.finish_reason for one in candidates] == [None] * 4 + ["STOP"] * 2
    assert [one.usage_metadata and one.usage_metadata.candidates_token_count for one in documents] == [None] * 4 + [4]


@pytest.mark.parametrize(
    ("stop", "reason"), [("end", "STOP"), ("length", "MAX_TOKENS"), ("tool", "STOP"), ("refusal", "SAFETY")]
)
def test_every_stop_has_its_reason(stop: Any, reason: str) -> None:
    """As the API names it."""
    assert msgspec.json.decode(gemini.body(spoken(stop=stop)))["candidates"][0]["finishReason"] == reason


def test_usage_is_left_out_or_lied_about() -> None:
    """No figures at all, or another output."""
    silent, lying = (gemini.body(spoken(**change)) for change in ({"is_usage_given": False}, {"usage_lie": -5}))
    assert "usageMetadata" not in msgspec.json.decode(silent)
    assert msgspec.json.decode(lying)["usageMetadata"]["candidatesTokenCount"] == -5


def test_errors_are_named_by_their_status() -> None:
    """With the number in the body too, and UNKNOWN for what the API never says."""
    assert gemini.error(429, "rate_limit_error", "slow") == (
        b'{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}'
    )
    assert msgspec.json.decode(gemini.error(402, "x", "y"))["error"]["status"] == "UNKNOWN"


def test_array_holds_the_same_documents() -> None:
    """One JSON document in all, whole or failed in the middle."""
    made = gemini_array.events(spoken())
    assert [msgspec.json.encode(one) for one in msgspec.json.decode(b"".join(made))] == gemini.documents(spoken())
    failed = msgspec.json.decode(b"".join([*made[:2], gemini_array.error_event(2)]))
    assert failed[2]["error"]["status"] == "UNAVAILABLE"
    assert msgspec.json.decode(gemini_array.error_event(0))[0]["error"]["code"] == 503

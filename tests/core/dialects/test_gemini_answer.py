"""Answers in Gemini's form: what counts as output, as the end, as an error, as usage."""

import json
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.gemini_answer import GeminiStreamReader
from relay.core.errors import UpstreamBrokenError, UpstreamStatusError
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields

GEMINI = RULES["gemini_generate"]


def reader(*, is_array: bool = False) -> GeminiStreamReader:
    return GeminiStreamReader(exchange("gemini_generate"), thinking_asked=False, is_array=is_array)


def answer(*parts: dict[str, Any], stop: str | None = None, **members: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if stop is not None:
        candidate["finishReason"] = stop
    return json.dumps({"candidates": [candidate], **members}).encode()


def event(*parts: dict[str, Any], stop: str | None = None, **members: Any) -> bytes:
    return b"data: " + answer(*parts, stop=stop, **members) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("part", "is_output"),
    [
        ({"text": ""}, False),
        ({"text": "", "thoughtSignature": "c2ln"}, False),
        ({"text": "Hi"}, True),
        ({"text": "Hm", "thought": True}, True),
        ({"functionCall": {"name": "f", "args": {}}}, True),
        ({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, True),
        ({"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": True}, False),
        ({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}}, True),
        ({"text": "Hi", "thought": None}, True),
        ({"executableCode": {"code": "1"}}, True),
    ],
)
def test_output_is_what_a_customer_can_use(part: dict[str, Any], is_output: bool) -> None:
    """A signature alone commits nothing."""
    along = reader()
    assert along.feed(event(part)) == event(part)
    assert along.is_output_seen is is_output


def test_the_end_is_that_of_the_body_after_a_finish_reason() -> None:
    """Text may follow the first reason, and a second one come."""
    along = reader()
    first, second = event({"text": "a"}, stop="STOP"), event({"text": "b"}, stop="STOP")
    assert along.feed(first) == first
    assert not along.is_ended
    assert along.feed(second) == second
    assert (along.finish(), along.is_ended, along.end) == (b"", True, b"")


def test_a_body_without_a_finish_reason_is_not_whole() -> None:
    """Cut in order, as some do."""
    along = reader()
    along.feed(event({"text": "a"}))
    along.finish()
    assert (along.is_ended, derive_outcome(along.evidence())) == (False, "truncated")


def test_an_array_ends_with_its_bracket() -> None:
    """Which is held back; what precedes it goes at once."""
    along = reader(is_array=True)
    members = b"[" + answer({"text": "a"}) + b",\r\n" + answer({"text": "b"}, stop="STOP")
    assert along.feed(members + b"\r\n]\r\n") == members
    assert (along.is_ended, along.end) == (True, b"\r\n]")


def test_the_last_usage_counts() -> None:
    """Cumulative; thoughts and tools' prompts stand beside the other counts, cached tokens inside the prompt."""
    along = reader()
    along.feed(event({"text": "a"}, usageMetadata={"promptTokenCount": 10, "candidatesTokenCount": 1}))
    figures = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "toolUsePromptTokenCount": 3,
        "candidatesTokenCount": 2,
        "thoughtsTokenCount": 5,
    }
    along.feed(event({"text": "b"}, stop="STOP", usageMetadata=figures))
    assert along.usage() == Usage(input_tokens=9, cache_read_tokens=4, output_tokens=7, reasoning_tokens=5)


@pytest.mark.parametrize(("total", "is_contradicted"), [(20, False), (17, True), (None, False)])
def test_a_total_that_contradicts_its_parts_is_noted(total: int | None, is_contradicted: bool) -> None:
    """10 + 3 + 2 + 5."""
    figures = {"promptTokenCount": 10, "toolUsePromptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 5}
    along = reader()
    along.feed(event({"text": "a"}, stop="STOP", usageMetadata={**figures, "totalTokenCount": total}))
    usage = along.usage()
    assert usage is not None
    assert usage.is_total_contradicted is is_contradicted


def test_usage_that_cannot_be_true_gives_way_to_the_local_bound() -> None:
    """512 for a request without fields; 8 for the answer and 1 for its byte."""
    along = reader()
    along.feed(event({"text": "a"}, usageMetadata={"promptTokenCount": -1}))
    assert along.usage() == Usage(input_tokens=512, output_tokens=9, source="disputed")


def test_an_error_is_not_passed_on() -> None:
    """Though it came with status 200."""
    along = reader()
    assert along.feed(b'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\r\n\r\n') == b""
    assert along.error is not None
    assert along.error.failure == "overloaded"


@pytest.mark.parametrize("expected", [e for e in BODIES if e.dialect == "gemini_generate"], ids=lambda each: each.name)
def test_a_recorded_answer_is_read(expected: Expected) -> None:
    """Its usage and its outcome; where it has no figures, none."""
    reading = GEMINI.read_body(exchange("gemini_generate", request_fields(expected.name)), answer_bytes(expected.name))
    assert reading.usage == expected.usage
    assert derive_outcome(reading.evidence) == expected.outcome


def test_recorded_arrays_are_read_for_every_cut() -> None:
    """Enums as numbers too: a reason is a reason."""
    for name, output in (("gemini/stream-json-array", 16 + 32), ("gemini/stream-json-array-enum-int", 578)):
        data = answer_bytes(name)
        along = reader(is_array=True)
        passed = b"".join(along.feed(data[at : at + 1]) for at in range(len(data)))
        assert passed + along.end == data.rstrip()
        assert along.is_ended
        usage = along.usage()
        assert usage is not None
        assert (usage.output_tokens, derive_outcome(along.evidence())) == (output, "complete")


def test_an_answer_of_nothing_but_figures_is_empty() -> None:
    """Gemini sends such, and has counted them."""
    body = b'{"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5},"modelVersion":"m"}'
    reading = RULES["gemini_generate"].read_body(exchange("gemini_generate"), body)
    assert (reading.usage, derive_outcome(reading.evidence)) == (Usage(input_tokens=5), "empty")


@pytest.mark.parametrize(
    ("number", "outcome"), [(1, "complete"), (2, "complete"), (3, "refused"), (5, "refused"), (99, "complete")]
)
def test_a_reason_may_be_a_number(number: int, outcome: str) -> None:
    """To who asks for numbers; one that is not known ends an answer as any."""
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": number}
    body = json.dumps({"candidates": [candidate]}).encode()
    reading = RULES["gemini_generate"].read_body(exchange("gemini_generate"), body)
    assert derive_outcome(reading.evidence) == outcome


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("ESCALATION", "refused"), ("IMAGE_OTHER", "refused"), ("PUP_LIMITED_DISABLED", "refused"),
     ("MALFORMED_RESPONSE", "truncated"), ("CONTINUATION", "complete"), ("NO_IMAGE", "complete")],
)  # fmt: skip
def test_the_outcome_follows_the_reason(reason: str, outcome: str) -> None:
    """What was filtered is refused, what Gemini could not finish is truncated, a limit is an end."""
    body = json.dumps({"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": reason}]}).encode()
    assert derive_outcome(GEMINI.read_body(exchange("gemini_generate"), body).evidence) == outcome


def test_an_error_dressed_as_an_answer_is_an_error() -> None:
    """Its class is told by what it says."""
    with pytest.raises(UpstreamStatusError):
        GEMINI.read_body(exchange("gemini_generate"), b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}')


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        GEMINI.read_body(exchange("gemini_generate"), b"<html>")


def test_pictures_and_sound_are_counted_as_they_pass() -> None:
    """Who leaves before the last figures has had them."""
    along = reader()
    along.feed(event({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"text": "a hat"}))
    along.feed(event({"inlineData": {"mimeType": "audio/L16", "data": "A" * 6400}}))
    assert (along.output_image_tokens, along.output_audio_tokens, along.output_counted_tokens) == (1290, 2, 1294)


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        (b": note\n\n", b""),
        (b"data: [DONE]\n\n", b""),
        (b"event: ping\n\n", b""),
        (b'data:{"a":1}\n\n', b'data: {"a":1}\n\n'),
        (b'event: message\r\ndata: {"a":1}\r\n\r\n', b'data: {"a":1}\n\n'),
        (b'data: {"a":\ndata: 1}\n\n', b'data: {"a": 1}\n\n'),
        (b'data: {"a":1}\r\n\r\n', b'data: {"a":1}\r\n\r\n'),
    ],
)
def test_an_event_passes_in_the_form_that_googles_sdk_reads(sent: bytes, passed: bytes) -> None:
    """One line of data; comments, names and another dialect's end mark make it fail."""
    assert reader().feed(sent) == passed


def test_searches_are_counted_once_however_often_they_are_told() -> None:
    """Two queries of one candidate; what is told in no known form is none."""
    along = reader()
    grounding = {"webSearchQueries": ["a", "b"]}
    told = {"content": {"parts": [{"text": "Hi"}]}, "groundingMetadata": grounding}
    odd = {"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": 5}}
    figures = {"promptTokenCount": 3, "candidatesTokenCount": 1}
    for candidate in (told, told, odd):
        along.feed(b"data: " + json.dumps({"candidates": [candidate], "usageMetadata": figures}).encode() + b"\n\n")
    along.finish()
    assert along.usage() == Usage(input_tokens=3, output_tokens=1, web_search_count=2)


@pytest.mark.parametrize(
    ("model", "queries", "count"),
    [
        ("gemini-3-pro-preview", ["a", "b", "a", ""], 2),
        ("gemini-3.5-flash", ["", ""], 0),
        ("gemini-2.5-pro", ["a", "b", "a", ""], 1),
        ("models/gemini-2.0-flash", ["a", "b"], 1),
        ("gemini-2.5-flash", [""], 0),
        ("gemini-25", ["a", "b"], 2),
        (None, ["a", "b"], 2),
    ],
)
def test_searches_are_those_that_google_bills(model: str | None, queries: list[str], count: int) -> None:
    """Of Gemini 3 each query once, of older ones the answer; the empty ones of none. Whole and streamed."""
    told = {
        "candidates": [{"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": queries}}] * 2,
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1},
        "modelVersion": model,
    }
    along = reader()
    along.feed(b"data: " + json.dumps(told).encode() + b"\n\n")
    along.finish()
    whole = GEMINI.read_body(exchange("gemini_generate"), json.dumps(told).encode()).usage
    assert along.usage() == whole == Usage(input_tokens=3, output_tokens=1, web_search_count=count)


@pytest.mark.parametrize(("model", "count"), [("gemini-3.1-flash-image", 3), ("gemini-2.5-flash-image", 1)])
def test_a_search_for_pictures_is_a_search(model: str, count: int) -> None:
    """The same words sought on the web and among pictures are two."""
    grounding = {"webSearchQueries": ["a"], "imageSearchQueries": ["a", "b", "a", ""]}
    told = {
        "candidates": [{"finishReason": "STOP", "groundingMetadata": grounding}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1},
        "modelVersion": model,
    }
    usage = GEMINI.read_body(exchange("gemini_generate"), json.dumps(told).encode()).usage
    assert usage == Usage(input_tokens=3, output_tokens=1, web_search_count=count)


def test_a_model_that_no_answer_names_is_the_one_that_was_asked_for() -> None:
    """As relays in between leave it out."""
    asked = exchange("gemini_generate")
    asked.model = "gemini-2.5-pro"
    told = {
        "candidates": [{"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": ["a", "b"]}}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1},
    }
    usage = GEMINI.read_body(asked, json.dumps(told).encode()).usage
    assert usage == Usage(input_tokens=3, output_tokens=1, web_search_count=1)


def test_sources_of_an_unknown_form_are_no_places() -> None:
    """The answer is read all the same."""
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "groundingMetadata": {"groundingChunks": 5}}
    body = {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}
    reading = GEMINI.read_body(exchange("gemini_generate"), json.dumps(body).encode())
    assert reading.usage == Usage(input_tokens=3, output_tokens=2)

"""Requests in Gemini's form, and relay's own answers in it."""

import json
from typing import Any

import pytest

from relay.core.answers import sentence
from relay.core.dialects.gemini_generate import GeminiGenerate
from relay.core.errors import (
    AuthenticationError,
    BadRequestError,
    RelayError,
    StorageFullError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from relay.core.exchange import Exchange
from tests.core.dialects.replay import exchange

WHOLE, STREAM = GeminiGenerate(is_stream=False), GeminiGenerate(is_stream=True)
HI = [{"role": "user", "parts": [{"text": "Hi"}]}]


def read(rules: GeminiGenerate = WHOLE, query: str = "", **members: Any) -> Exchange:
    """Return an exchange that read a small request with *members*."""
    made = exchange("gemini_generate")
    made.query = query
    rules.read_request(made, json.dumps({"contents": HI, **members}).encode())
    return made


@pytest.mark.parametrize(
    "config", [{"generationConfig": {"maxOutputTokens": 9, "candidateCount": 2}}, {"generation_config": {"max_output_tokens": 9, "candidate_count": 2}}]
)  # fmt: skip
def test_what_relay_reads(config: dict[str, Any]) -> None:
    """In either spelling that the API takes."""
    made = read(**config)
    assert (made.stream, made.output_tokens_asked, made.choice_count) == (False, 9, 2)


def test_a_turn_without_brackets_passes_as_it_came() -> None:
    """Google takes one of a repeated field so."""
    made = exchange("gemini_generate")
    body = b'{"contents":{"role":"user","parts":{"text":"Hi"}}}'
    WHOLE.read_request(made, body)
    assert WHOLE.prepare(made, "gemini-x").body() == body


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": {}}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"generationConfig": 3}, "generationConfig"),
        ({"generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"candidateCount": 99}}, "generationConfig.candidateCount"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """With its place."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("query", "content_type"), [("alt=sse", "text/event-stream"), ("", "application/json"), ("alt=json", "application/json")]
)  # fmt: skip
def test_the_query_chooses_the_framing_of_a_stream(query: str, content_type: str) -> None:
    """The same upstream as towards the customer; other parameters stay here."""
    made = read(STREAM, f"{query}&pretty=1")
    request = STREAM.prepare(made, "gemini-x")
    assert (STREAM.stream_type(made), request.query, request.model) == (content_type, query, "gemini-x")
    assert request.body() == b'{"contents":[{"role": "user", "parts": [{"text": "Hi"}]}]}'


@pytest.mark.parametrize(
    ("rules", "query", "sent"),
    [
        (STREAM, "$alt=sse", ""),
        (STREAM, "alt=proto", ""),
        (STREAM, "alt=sse&alt=proto", "alt=sse"),
        (STREAM, "alt=sse&alt=json", "alt=json"),
        (STREAM, "alt=sse&%24alt=json%3Benum-encoding%3Dint", "%24alt=json%3Benum-encoding%3Dint"),
        (WHOLE, "%24alt=json%3Benum-encoding%3Dint", "%24alt=json%3Benum-encoding%3Dint"),
        (WHOLE, "alt=media", ""),
    ],
)
def test_no_form_of_the_answer_is_asked_for_that_relay_does_not_read(
    rules: GeminiGenerate, query: str, sent: str
) -> None:
    """Else a customer could make a channel look sick, and leave with the answer unpaid."""
    made = read(rules, query)
    assert rules.prepare(made, "gemini-x").query == sent
    assert rules.stream_type(made) == ("text/event-stream" if sent == "alt=sse" else "application/json")


def test_a_whole_answer_is_not_asked_for_as_events() -> None:
    """Whatever the query says: it is read as one document."""
    assert WHOLE.prepare(read(WHOLE, "alt=sse"), "gemini-x").query == ""


@pytest.mark.parametrize(
    ("thinking", "is_asked"),
    [
        ({}, False),
        ({"thinkingBudget": 0}, False),
        ({"thinkingBudget": 100}, True),
        ({"thinkingLevel": "low"}, True),
        ({"includeThoughts": True}, True),
        ({"thinking_budget": 100}, True),
        ({"thinking_level": "low"}, True),
        ({"include_thoughts": True}, True),
    ],
)
@pytest.mark.parametrize("names", [("generationConfig", "thinkingConfig"), ("generation_config", "thinking_config")])
def test_thinking_is_asked_for_by_budget_or_level(
    names: tuple[str, str], thinking: dict[str, Any], is_asked: bool
) -> None:
    """Or by wanting to see it, in either spelling."""
    members: dict[str, Any] = {names[0]: {names[1]: thinking}}
    made = read(**members)
    assert WHOLE.stream_reader(made).evidence().thinking_asked is is_asked


def test_a_limit_that_cannot_be_is_told_what_it_may_be() -> None:
    """Under its full name."""
    with pytest.raises(BadRequestError) as refused:
        read(generationConfig={"maxOutputTokens": 0})
    told = "the field 'generationConfig.maxOutputTokens' must be a whole number from 1 to 10000000"
    assert sentence(refused.value, "en") == told


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"generationConfig": {}, "generation_config": {}}, "generation_config"),
        (
            {"generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 2}},
            "generationConfig.maxOutputTokens",
        ),
        ({"generationConfig": {"thinkingConfig": {}, "thinking_config": {}}}, "thinking_config"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0, "thinking_budget": 9}}}, "thinking_budget"),
    ],
)
def test_a_field_in_both_spellings_is_refused(members: dict[str, Any], param: str) -> None:
    """One could be held for, and the other asked for."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (UpstreamTimeoutError("idle"), 504, "DEADLINE_EXCEEDED"),
        (UpstreamStatusError("sick", 500), 502, "INTERNAL"),
        (UpstreamStatusError("request", 422), 422, "INVALID_ARGUMENT"),
    ],
)
def test_an_error_s_code_is_its_status(error: RelayError, code: int, name: str) -> None:
    """The number in the body is the one of the answer, as at Google's."""
    said = json.loads(WHOLE.render_error(error, "words", "req-1"))["error"]
    assert (said["code"], said["status"]) == (code, name)


def test_errors_are_googles() -> None:
    """Our code stands where theirs have a reason."""
    body = json.loads(WHOLE.render_error(AuthenticationError(), "words", "req-1"))
    assert body["error"] == {
        "code": 401,
        "message": "words",
        "status": "UNAUTHENTICATED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "invalid_api_key",
                "metadata": {"requestId": "req-1"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (UpstreamStatusError("throttled", 429, retry_after_s=17), "17s"),
        (UpstreamStatusError("throttled", 429), "5s"),
        (StorageFullError(), "30s"),
    ],
)
def test_the_time_to_wait_stands_where_googles_clients_look(error: RelayError, wait: str) -> None:
    """Beside our code, whatever the language of the sentence."""
    _, retry = json.loads(WHOLE.render_error(error, "words", "req-1"))["error"]["details"]
    assert retry == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait}


def test_nothing_is_written_into_silence_nor_after_a_break() -> None:
    """Google's clients survive neither comments nor unknown events."""
    assert (WHOLE.keep_alive, WHOLE.render_error_event(AuthenticationError(), "words", "req-1")) == (b"", b"")


def test_a_model_named_beside_the_path_is_the_one_that_is_paid_for() -> None:
    """No other can be made to answer."""
    request = WHOLE.prepare(read(model="models/dearer"), "gemini-x")
    assert json.loads(request.body())["model"] == "models/gemini-x"

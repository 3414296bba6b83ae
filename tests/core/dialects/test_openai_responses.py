"""Requests in the form of Responses, and relay's own answers in it."""

import json
from typing import Any

import pytest

from relay.core.dialects.openai_responses import OpenAIResponses
from relay.core.errors import BadRequestError, UpstreamBrokenError
from relay.core.exchange import Continued, Exchange
from tests.core.dialects.replay import exchange

RULES = OpenAIResponses()


def read(**members: Any) -> Exchange:
    """Return an exchange that read a small request with *members*."""
    made = exchange("openai_responses")
    RULES.read_request(made, json.dumps({"model": "gpt-5", "input": "Hi", **members}).encode())
    return made


def test_what_relay_reads() -> None:
    """Model, stream, limit."""
    made = read(stream=True, max_output_tokens=9)
    assert (made.model, made.stream, made.output_tokens_asked, made.continued) == ("gpt-5", True, 9, None)


def test_a_request_that_goes_on_names_the_kept_answer() -> None:
    """Then it may bring nothing new of its own."""
    made = exchange("openai_responses")
    RULES.read_request(made, b'{"model":"gpt-5","previous_response_id":"resp_1"}')
    assert made.continued == Continued("previous_response_id", "resp_1")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"model": ""}, "model"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"previous_response_id": 3}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """And so is what the upstream's account keeps for nobody's customer, or would do unseen."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


def test_only_the_models_name_is_edited() -> None:
    """Unknown fields stay, byte for byte."""
    made = exchange("openai_responses")
    RULES.read_request(made, b'{"model":"a","input":[ {"role" : "user"} ],"x": [1 ]}')
    request = RULES.prepare(made, "b")
    assert request.body() == b'{"model":"b","input":[ {"role" : "user"} ],"x":[1 ]}'
    assert (request.model, request.headers) == ("b", {})


@pytest.mark.parametrize(
    ("members", "is_asked"),
    [
        ({}, False),
        ({"reasoning": {"effort": "low"}}, True),
        ({"reasoning": {"effort": None}}, False),
        ({"reasoning": {"effort": "none"}}, False),
    ],
)
def test_thinking_is_asked_for_by_effort(members: dict[str, Any], is_asked: bool) -> None:
    """By name only."""
    assert RULES.stream_reader(read(**members)).evidence().thinking_asked is is_asked


@pytest.mark.parametrize(
    ("members", "answer_id"),
    [({}, "resp_1"), ({"store": None}, "resp_1"), ({"store": True}, "resp_1"), ({"store": False}, None)],
)
def test_an_answer_is_kept_unless_the_request_says_otherwise(members: dict[str, Any], answer_id: str | None) -> None:
    """Which a field of null does not."""
    assert RULES.read_body(read(**members), b'{"id":"resp_1","status":"completed","output":[]}').answer_id == answer_id


def test_a_broken_stream_ends_in_both_events_that_clients_know() -> None:
    """The SDKs raise on `error`; Codex waits for a last response."""
    events = RULES.render_error_event(UpstreamBrokenError(), "words", "req-1").decode()
    first, second, rest = events.split("\n\n")
    assert rest == ""
    assert first.startswith("event: error\ndata: ")
    assert json.loads(first.partition("data: ")[2]) == {
        "type": "error",
        "sequence_number": 2147483646,
        "code": "upstream_error",
        "message": "words",
        "param": None,
        "error": {"message": "words", "type": "server_error", "param": None, "code": "upstream_error"},
    }
    assert second.startswith("event: response.failed\ndata: ")
    assert json.loads(second.partition("data: ")[2]) == {
        "type": "response.failed",
        "sequence_number": 2147483647,
        "response": {
            "id": "req-1",
            "object": "response",
            "status": "failed",
            "output": [],
            "usage": None,
            "error": {"code": "upstream_error", "message": "words"},
        },
    }


def test_errors_are_openais() -> None:
    """As on every endpoint of theirs."""
    assert RULES.render_error(BadRequestError(param="input"), "words", "req-1").startswith(
        b'{"error":{"message":"words"'
    )

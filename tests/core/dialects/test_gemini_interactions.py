"""Requests for interactions, and relay's own answers to them."""

import json
from typing import Any

import pytest

from relay.core.dialects.gemini_interactions import KEPT_ELSEWHERE, GeminiInteractions
from relay.core.errors import AuthenticationError, BadRequestError, UpstreamTimeoutError
from relay.core.exchange import Continued, Exchange
from tests.core.dialects.replay import exchange

RULES = GeminiInteractions()


def read(**members: Any) -> Exchange:
    """Return an exchange that read a small request with *members*."""
    made = exchange("gemini_interactions")
    RULES.read_request(made, json.dumps({"model": "m", "input": "Hi", **members}, separators=(",", ":")).encode())
    return made


def test_what_relay_reads() -> None:
    """The model and the stream stand in the body, the limit in its configuration."""
    made = read(stream=True, generation_config={"max_output_tokens": 9})
    assert (made.model, made.stream, made.output_tokens_asked, made.continued) == ("m", True, 9, None)


def test_an_interaction_goes_on_from_one_that_was_kept() -> None:
    """By its name; what was said before is not seen here."""
    made = read(previous_interaction_id="v1_a")
    assert (made.continued, made.has_unseen_input) == (Continued("previous_interaction_id", "v1_a"), True)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"stream": "yes"}, "stream"),
        ({"previous_interaction_id": 3}, "previous_interaction_id"),
        ({"generation_config": 3}, "generation_config"),
        ({"generation_config": {"max_output_tokens": 0}}, "max_output_tokens"),
        ({"background": True}, "background"),
        *(({name: "x"}, name) for name in KEPT_ELSEWHERE),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """What lives in the upstream's account is none of a customer's."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


def test_only_the_model_s_name_may_differ() -> None:
    """And the address says how the answer is to come."""
    whole, streamed = RULES.prepare(read(store=False), "m"), RULES.prepare(read(stream=True), "theirs")
    assert (whole.query, whole.body()) == ("", b'{"model":"m","input":"Hi","store":false}')
    assert (streamed.query, streamed.body()) == ("alt=sse", b'{"model":"theirs","input":"Hi","stream":true}')


@pytest.mark.parametrize(
    ("config", "is_asked"), [({}, False), ({"thinking_level": "low"}, True), ({"thinking_summaries": "auto"}, True)]
)
def test_thinking_is_asked_for_by_level_or_summary(config: dict[str, Any], is_asked: bool) -> None:
    """A limit alone says nothing of it."""
    made = read(generation_config={"temperature": 1, **config})
    assert RULES.stream_reader(made).evidence().thinking_asked is is_asked


@pytest.mark.parametrize(
    ("members", "answer_id"),
    [({}, "v1_a"), ({"store": None}, "v1_a"), ({"store": True}, "v1_a"), ({"store": False}, None)],
)
def test_an_answer_is_kept_unless_the_request_says_otherwise(members: dict[str, Any], answer_id: str | None) -> None:
    """Which a field of null does not."""
    assert RULES.read_body(read(**members), b'{"id":"v1_a","status":"completed","steps":[]}').answer_id == answer_id


def test_a_stream_that_broke_ends_with_an_error_event() -> None:
    """In the form of the API's own."""
    assert RULES.render_error_event(UpstreamTimeoutError("idle"), "words", "req-1") == (
        b'event: error\ndata: {"event_type":"error","error":{"code":"upstream_timeout","message":"words"}}\n\n'
    )


def test_refusals_are_googles() -> None:
    """As for generateContent; nothing is written into silence."""
    assert (
        json.loads(RULES.render_error(AuthenticationError(), "words", "req-1"))["error"]["status"] == "UNAUTHENTICATED"
    )
    assert RULES.keep_alive == b""

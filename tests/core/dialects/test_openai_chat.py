"""Chat requests: what is read, what is refused by name, what is sent on."""

import json
from typing import Any

import pytest

from relay.core.dialects.dialect import DialectRules
from relay.core.dialects.openai_chat import OpenAIChat
from relay.core.dialects.openai_responses import OpenAIResponses
from relay.core.dialects.pictures import Pictures
from relay.core.errors import BadRequestError, UpstreamStatusError
from relay.core.exchange import Exchange
from tests.core.dialects.replay import exchange

RULES = OpenAIChat()
MESSAGES = [{"role": "user", "content": "Hi"}]


def asked(**members: Any) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": MESSAGES, **members}).encode()


def read(body: bytes) -> Exchange:
    made = exchange("openai_chat", authorization="Bearer sk-1", openai_organization="org-1")
    RULES.read_request(made, body)
    return made


def test_a_request_is_read() -> None:
    """Model, stream, the larger of both limits, and the number of answers."""
    made = read(asked(stream=True, max_tokens=100, max_completion_tokens=200, n=3))
    assert (made.model, made.stream, made.output_tokens_asked, made.choice_count) == ("gpt-4o", True, 200, 3)


def test_what_a_request_leaves_out_is_none_or_one() -> None:
    """No stream, no limit, one answer."""
    made = read(asked(stream=None, max_tokens=None, n=None))
    assert (made.stream, made.output_tokens_asked, made.choice_count) == (False, None, 1)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": []}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"max_tokens": 5.0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": 10_000_001}, "max_completion_tokens"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": []}, "top_p"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """Nothing is sent upstream, and the customer learns which field it was."""
    with pytest.raises(BadRequestError) as refused:
        read(asked(**members))
    assert refused.value.param == param


def test_unknown_fields_pass_byte_for_byte() -> None:
    """Their spelling is the customer's, the blanks between the fields are ours."""
    body = b'{ "model":"gpt-4o", "x" :{"a": [1 ,2.50]},"messages":[{"role": "user"}],"seed":1e2 }'
    assert RULES.prepare(read(body), "gpt-4o").body() == (
        b'{"model":"gpt-4o","x":{"a": [1 ,2.50]},"messages":[{"role": "user"}],"seed":1e2}'
    )


def test_what_is_priced_is_what_is_sent() -> None:
    """Of a repeated key, in whatever spelling, one value is read and the same is sent."""
    made = read(b'{"model":"cheap","messages":[{"role":"user"}],"m\\u006fdel":"dear","n":1,"n":2}')
    assert (made.model, made.choice_count) == ("dear", 2)
    assert RULES.prepare(made, "dear").body() == b'{"model":"dear","messages":[{"role":"user"}],"n":2}'


def test_the_channels_model_name_is_sent() -> None:
    """The customer's exchange keeps its own."""
    made = read(b'{"model":"gpt-4o","messages":[{"role":"user"}]}')
    assert RULES.prepare(made, "gpt-4o-2024").body() == b'{"model":"gpt-4o-2024","messages":[{"role":"user"}]}'
    assert bytes(made.fields["model"]) == b'"gpt-4o"'


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (b"", b'{"include_usage":true}'),
        (b',"stream_options":null', b'{"include_usage":true}'),
        (b',"stream_options":{"include_usage":false}', b'{"include_usage":true}'),
        (b',"stream_options":{"include_obfuscation": false}', b'{"include_obfuscation":false,"include_usage":true}'),
        (b',"stream_options":{"include_usage":true,"include_usage":false}', b'{"include_usage":true}'),
    ],
)
def test_usage_is_asked_for_in_every_stream(options: bytes, sent: bytes) -> None:
    """Other options stay."""
    made = read(b'{"model":"m","messages":[{"role":"user"}],"stream":true' + options + b"}")
    assert bytes(RULES.prepare(made, "m").fields["stream_options"]) == sent


def test_no_usage_is_asked_for_without_a_stream() -> None:
    """A whole answer has it anyway, and some upstreams refuse the option."""
    assert "stream_options" not in RULES.prepare(read(asked()), "gpt-4o").fields


def test_no_header_of_the_customer_travels() -> None:
    """Neither key nor organisation; content type and accept are the channel's."""
    assert RULES.prepare(read(asked()), "gpt-4o").headers == {}


@pytest.mark.parametrize(
    ("members", "is_asked"),
    [
        ({}, False),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "high"}, True),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"enable_thinking": False}, False),
        ({"reasoning": {"effort": "low"}}, True),
    ],
)
def test_thinking_that_was_asked_for_is_evidence(members: dict[str, Any], is_asked: bool) -> None:
    """In the spellings of OpenAI, OpenRouter, DeepSeek and Qwen."""
    assert RULES.stream_reader(read(asked(**members))).evidence().thinking_asked is is_asked


def test_the_customers_wish_for_usage_decides_what_is_hidden() -> None:
    """Not what relay itself asked for."""
    chunk = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    wants = read(asked(stream=True, stream_options={"include_usage": True}))
    assert RULES.stream_reader(wants).feed(chunk) == chunk
    assert RULES.stream_reader(read(asked(stream=True))).feed(chunk) == b""


def test_an_error_event_is_one_data_line() -> None:
    """The SDKs raise on an error object in a chunk."""
    error = UpstreamStatusError("sick", 500)
    assert RULES.render_error_event(error, "words", "req-1") == (
        b'data: {"error":{"message":"words","type":"server_error","param":null,"code":"upstream_error"}}\n\n'
    )


@pytest.mark.parametrize("rules", [RULES, OpenAIResponses(), Pictures("image_generation", "/v1/images/generations")])
def test_keep_alives_are_blank_lines(rules: DialectRules) -> None:
    """Some programs take the line of a comment for an event: gpt_academic and VPet (docs/clients.md)."""
    assert rules.keep_alive == b"\n\n"


def test_input_is_bounded_and_estimated() -> None:
    """By the bytes of the request: 61 of them."""
    made = read(b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}')
    assert (RULES.input_bound(made), RULES.input_estimate(made)) == (529, 10)


def test_errors_have_openais_form() -> None:
    """As rendered for all of OpenAI's endpoints."""
    assert RULES.render_error(BadRequestError(param="n"), "words", "req-1").startswith(b'{"error":{"message":"words"')

"""Embeddings: a whole answer, priced by its input."""

import json
from typing import Any

import pytest

from relay.core.dialects.embeddings import Embeddings
from relay.core.errors import BadRequestError, NoPriceError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Evidence, Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields

RULES = Embeddings()


def read(**members: Any) -> Exchange:
    made = exchange("embeddings")
    RULES.read_request(made, json.dumps({"model": "m", "input": "Hi", **members}).encode())
    return made


@pytest.mark.parametrize("given", ["Hi", ["Hi", "you"], [1, 2], [[1], [2]]])
def test_a_request_is_read(given: Any) -> None:
    """Text, texts, tokens, lists of tokens; never a stream."""
    made = read(input=given, stream=True)
    assert (made.model, made.stream, made.choice_count) == ("m", False, 1)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": 5}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "16"}, "dimensions"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """Before anything is sent."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


def test_only_the_models_name_changes_on_the_way() -> None:
    """Everything else as it came."""
    assert RULES.prepare(read(user="u"), "m-2").body() == b'{"model":"m-2","input":"Hi","user":"u"}'


@pytest.mark.parametrize("expected", [e for e in BODIES if e.dialect == "embeddings"], ids=lambda each: each.name)
def test_a_recorded_answer_has_its_usage_and_its_ending(expected: Expected) -> None:
    """Vectors as numbers or as base64."""
    reading = RULES.read_body(exchange("embeddings", request_fields(expected.name)), answer_bytes(expected.name))
    assert (reading.usage, derive_outcome(reading.evidence)) == (expected.usage, expected.outcome)


def test_no_vector_is_an_empty_answer() -> None:
    """The end was seen, and nothing came."""
    reading = RULES.read_body(read(), b'{"object":"list","data":[],"model":"m"}')
    assert (reading.usage, reading.evidence, reading.model_returned) == (None, Evidence(is_end_seen=True), "m")


def test_usage_that_cannot_be_true_gives_way_to_the_local_bound() -> None:
    """512 and half of the seven bytes of both fields."""
    reading = RULES.read_body(read(), b'{"data":[1],"usage":{"prompt_tokens":-2,"total_tokens":-2}}')
    assert reading.usage == Usage(input_tokens=515, source="disputed")


@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b'{"detail":"no"}', b'{"data":5}'])
def test_another_document_is_an_error(body: bytes) -> None:
    """Although it came with status 200."""
    with pytest.raises(UpstreamStatusError):
        RULES.read_body(read(), body)


def test_a_page_is_no_answer() -> None:
    """A proxy's, with status 200."""
    with pytest.raises(UpstreamBrokenError):
        RULES.read_body(read(), b"<html>")


def test_embeddings_do_not_stream() -> None:
    """Nobody asks for a reader, because no request of the dialect is a stream."""
    with pytest.raises(AssertionError):
        RULES.stream_reader(read())


def test_errors_have_openais_form() -> None:
    """The same as for chat."""
    assert RULES.render_error(NoPriceError(), "words", "req-1") == (
        b'{"error":{"message":"words","type":"invalid_request_error","param":null,"code":"model_price_error"}}'
    )


def test_a_total_beyond_the_prompt_is_no_output() -> None:
    """An embedding writes nothing: the prompt is charged, and the contradiction told."""
    reading = RULES.read_body(read(), b'{"data":[1],"usage":{"prompt_tokens":8,"total_tokens":9000}}')
    assert reading.usage == Usage(input_tokens=8, is_total_contradicted=True)


@pytest.mark.parametrize("usage", [{"total_tokens": 8}, {"prompt_tokens": 8}, {"prompt_tokens": 8, "total_tokens": 8}])
def test_one_figure_says_it_all(usage: dict[str, int]) -> None:
    """There is nothing but a prompt."""
    reading = RULES.read_body(read(), json.dumps({"data": [1], "usage": usage}).encode())
    assert reading.usage == Usage(input_tokens=8)

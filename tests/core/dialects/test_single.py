"""Endpoints that are asked once: what is read, and what is counted."""

import json
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Dialect, Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields

ASKED: dict[Dialect, dict[str, Any]] = {
    "moderations": {"model": "omni-moderation-latest", "input": "Hi"},
    "rerank": {"model": "rerank-v3.5", "query": "capital?", "documents": ["a", "b"]},
}


def read(dialect: Dialect, **members: Any) -> Exchange:
    """Return an exchange that read a small request of *dialect* with *members*."""
    made = exchange(dialect)
    RULES[dialect].read_request(made, json.dumps({**ASKED[dialect], **members}).encode())
    return made


@pytest.mark.parametrize("dialect", ASKED)
def test_a_request_is_read(dialect: Dialect) -> None:
    """Its model, and how many of what is sold apiece; it is never a stream."""
    made = read(dialect)
    assert (made.model, made.stream, made.choice_count) == (ASKED[dialect]["model"], False, 1)
    assert RULES[dialect].prepare(made, "other").body().startswith(b'{"model":"other",')


@pytest.mark.parametrize("model", [None, ""])
def test_where_no_model_is_named_one_is_meant(model: str | None) -> None:
    """And it is what the upstream is told."""
    made = read("moderations", model=model)
    assert made.model == "omni-moderation-latest"
    assert json.loads(RULES["moderations"].prepare(made, made.model).body())["model"] == "omni-moderation-latest"


@pytest.mark.parametrize(
    ("dialect", "members", "param"),
    [
        ("moderations", {"input": []}, "input"),
        ("rerank", {"documents": None}, "documents"),
        ("rerank", {"model": None}, "model"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(dialect: Dialect, members: dict[str, Any], param: str) -> None:
    """A ranking has no model of its own accord."""
    with pytest.raises(BadRequestError) as refused:
        read(dialect, **members)
    assert refused.value.param == param


@pytest.mark.parametrize("expected", [e for e in BODIES if e.dialect in ASKED], ids=lambda each: each.name)
def test_a_recorded_answer_is_counted(expected: Expected) -> None:
    """By its tokens where it has some, and apiece."""
    rules = RULES[expected.dialect]
    reading = rules.read_body(exchange(expected.dialect, request_fields(expected.name)), answer_bytes(expected.name))
    assert (reading.usage, derive_outcome(reading.evidence)) == (expected.usage, expected.outcome)


def test_an_answer_without_anything_is_empty() -> None:
    """No document was near enough; the search is paid for, apiece or by what its words likely are."""
    reading = RULES["rerank"].read_body(read("rerank"), b'{"results":[]}')
    usage = Usage(input_tokens=10, unit_count=1, source="estimated")
    assert (reading.usage, derive_outcome(reading.evidence)) == (usage, "empty")


def test_a_searchs_own_figures_count() -> None:
    """Tokens that are told, and units, as they are."""
    told = b'{"results":[1],"usage":{"input_tokens":7},"meta":{"billed_units":{"search_units":2}}}'
    assert RULES["rerank"].read_body(read("rerank"), told).usage == Usage(input_tokens=7, unit_count=2)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"usage": {"total_tokens": 21, "prompt_tokens": 20}}, Usage(input_tokens=21, unit_count=1)),
        ({"usage": {"total_tokens": 21}}, Usage(input_tokens=21, unit_count=1)),
        ({"usage": {"prompt_tokens": 20}}, Usage(input_tokens=20, unit_count=1)),
        (
            {"meta": {"tokens": {"input_tokens": 14, "output_tokens": 2}}},
            Usage(input_tokens=14, output_tokens=2, unit_count=1),
        ),
        (
            {"meta": {"tokens": {"input_tokens": 14}, "billed_units": {"search_units": 2}}},
            Usage(input_tokens=14, unit_count=2),
        ),
        ({"tokens": {"input_tokens": 14, "output_tokens": 0}}, Usage(input_tokens=14, unit_count=1)),
        ({"usage": {}, "meta": {"tokens": {}}}, Usage(input_tokens=10, unit_count=1, source="estimated")),
    ],
)
def test_tokens_are_read_wherever_a_vendor_tells_them(told: dict[str, Any], usage: Usage) -> None:
    """Jina and Voyage tell a total, of which nothing is output; SiliconFlow and Cohere tell them elsewhere."""
    body = json.dumps({"results": [1], **told}).encode()
    assert RULES["rerank"].read_body(read("rerank"), body).usage == usage


def test_tokens_that_cannot_be_true_give_way_to_the_local_bound() -> None:
    """Wherever they stand."""
    body = b'{"results":[1],"meta":{"tokens":{"input_tokens":-1}}}'
    usage = RULES["rerank"].read_body(read("rerank"), body).usage
    assert usage is not None
    assert (usage.source, usage.unit_count) == ("disputed", 1)


@pytest.mark.parametrize(
    ("documents", "units"),
    [
        ("a", 1),
        (["a"], 1),
        (["a"] * 99, 1),
        (["a"] * 101, 2),
        (["x" * 25_000] * 2, 2),
        (["x" * 496], 1),
        ([{"text": "a"}] * 900, 10),
    ],
)
def test_a_ranking_is_held_for_in_as_many_units_as_its_documents_can_make(documents: Any, units: int) -> None:
    """A hundred documents each, and a long one is several."""
    assert read("rerank", documents=documents).unit_bound == units


@pytest.mark.parametrize(("told", "units", "source"), [(8, 8, "upstream"), (9, 2, "disputed"), (2**40, 2, "disputed")])
def test_units_that_cannot_be_true_give_way_to_the_local_bound(told: int, units: int, source: str) -> None:
    """Two units at most for 101 documents, and four times as many are believed."""
    body = b'{"results":[1],"meta":{"billed_units":{"search_units":%d}}}' % told
    usage = RULES["rerank"].read_body(read("rerank", documents=["a"] * 101), body).usage
    assert usage is not None
    assert (usage.unit_count, usage.source) == (units, source)


@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b'{"data":3}'])
def test_an_error_dressed_as_an_answer_is_an_error(body: bytes) -> None:
    """Whatever its status."""
    with pytest.raises(UpstreamStatusError):
        RULES["rerank"].read_body(read("rerank"), body)


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        RULES["rerank"].read_body(read("rerank"), b"<html>")

"""Gemini's embeddings: one content or several, priced by their input."""

import json
from typing import Any

import pytest

from relay.core import vocabulary
from relay.core.dialects.gemini_embeddings import GeminiEmbeddings
from relay.core.errors import BadRequestError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import answer_bytes, exchange

ONE, SEVERAL = GeminiEmbeddings(is_batch=False), GeminiEmbeddings(is_batch=True)
HI = {"parts": [{"text": "Hi"}]}


def read(rules: GeminiEmbeddings, **members: Any) -> Exchange:
    made = exchange("gemini_generate")
    made.stream, made.query = False, ""
    rules.read_request(made, json.dumps(members, separators=(",", ":")).encode())
    return made


def test_one_content_is_sent_as_it_came() -> None:
    """With whatever else stands beside it."""
    request = ONE.prepare(read(ONE, content=HI, outputDimensionality=768), "e-1")
    assert (request.operation, request.model) == ("embeddings", "e-1")
    assert request.body() == b'{"content":{"parts":[{"text":"Hi"}]},"outputDimensionality":768}'


def test_every_model_named_in_a_body_is_the_one_that_is_paid_for() -> None:
    """The path decides what is priced, so nothing else may decide what is made."""
    requests = [{"model": "models/dearer", "content": HI}, {"content": HI}]
    one = ONE.prepare(read(ONE, model="models/dearer", content=HI), "e-1")
    several = SEVERAL.prepare(read(SEVERAL, requests=requests), "e-1")
    assert one.body() == b'{"model":"models/e-1","content":{"parts":[{"text":"Hi"}]}}'
    assert several.body() == (
        b'{"requests":[{"model":"models/e-1","content":{"parts":[{"text":"Hi"}]}},{"content":{"parts":[{"text":"Hi"}]}}]}'
    )


@pytest.mark.parametrize(
    ("rules", "members", "param"),
    [
        (ONE, {}, "content"),
        (ONE, {"content": "Hi"}, "content"),
        (SEVERAL, {}, "requests"),
        (SEVERAL, {"requests": []}, "requests"),
        (SEVERAL, {"requests": ["Hi"]}, "requests"),
        (SEVERAL, {"requests": [{}]}, "requests.content"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(
    rules: GeminiEmbeddings, members: dict[str, Any], param: str
) -> None:
    """Nothing is sent."""
    with pytest.raises(BadRequestError) as refused:
        read(rules, **members)
    assert refused.value.param == param


def test_a_recorded_answer_costs_its_input() -> None:
    """Four tokens of text, and nothing of output."""
    reading = SEVERAL.read_body(exchange("gemini_generate"), answer_bytes("gemini/embed-batch"))
    assert (reading.usage, reading.tally.output_counted_tokens) == (Usage(input_tokens=4), 0)
    assert derive_outcome(reading.evidence) == "complete"


def test_an_answer_without_figures_has_no_usage() -> None:
    """As of gemini-embedding-001: what was sent is counted here."""
    assert ONE.read_body(exchange("gemini_generate"), b'{"embedding":{"values":[0.5]}}').usage is None


@pytest.mark.parametrize(
    ("rules", "members", "text"),
    [
        (ONE, {"content": HI, "model": "models/e", "taskType": "CLUSTERING"}, "Hi"),
        (SEVERAL, {"requests": [{"model": "models/e", "content": HI}, {"content": HI}]}, "Hi\nHi"),
    ],
)
def test_what_is_embedded_is_counted_with_the_vocabulary(
    monkeypatch: pytest.MonkeyPatch, rules: GeminiEmbeddings, members: dict[str, Any], text: str
) -> None:
    """Its texts, and neither the model's name nor what it is for."""
    read_texts: list[str] = []

    def count(text: str) -> int:
        read_texts.append(text)
        return 7

    monkeypatch.setattr(vocabulary, "is_loaded", lambda: True)
    monkeypatch.setattr(vocabulary, "count", count)
    assert (rules.input_estimate(read(rules, **members)), read_texts) == (7, [text])


def test_figures_that_cannot_be_true_give_way_to_the_local_bound() -> None:
    """512 tokens for a request without fields."""
    body = b'{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":-4}}'
    reading = SEVERAL.read_body(exchange("gemini_generate"), body)
    assert reading.usage == Usage(input_tokens=512, source="disputed")


def test_an_error_dressed_as_an_answer_is_an_error() -> None:
    """Its class is told by what it says."""
    with pytest.raises(UpstreamStatusError):
        ONE.read_body(exchange("gemini_generate"), b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}')


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        ONE.read_body(exchange("gemini_generate"), b"<html>")

"""Counting in each dialect: which path, what is read, how a count is told."""

import json
from typing import Any

import pytest

from relay.core.dialects.counting import Counting, GeminiCount, MessagesCount, ResponsesCount
from relay.core.dialects.dialect import DialectRules
from relay.core.errors import BadRequestError
from relay.core.exchange import Dialect
from tests.core.dialects.replay import exchange

TURN = [{"role": "user", "content": "Hi"}]
CASES: list[tuple[Any, dict[str, Any], str, str, bytes]] = [
    (
        MessagesCount(),
        {"model": "m", "messages": TURN},
        "messages",
        "/v1/messages/count_tokens",
        b'{"input_tokens":7}',
    ),
    (
        ResponsesCount(),
        {"model": "m", "input": "Hi"},
        "input",
        "/v1/responses/input_tokens",
        b'{"object":"response.input_tokens","input_tokens":7}',
    ),
    (GeminiCount(), {"contents": TURN}, "contents", "/v1beta/models/{model}:countTokens", b'{"totalTokens":7}'),
]


@pytest.mark.parametrize(("rules", "body", "turns", "path", "told"), CASES)
def test_a_count_is_told_in_the_dialects_own_words(
    rules: DialectRules, body: dict[str, Any], turns: str, path: str, told: bytes
) -> None:
    """And asks for no limit, which a request for an answer would need."""
    assert isinstance(rules, Counting)
    made = exchange(rules.name)
    rules.read_request(made, json.dumps(body).encode())
    assert (rules.operation, rules.path, rules.render_count(7)) == ("count_tokens", path, told)


@pytest.mark.parametrize(("rules", "body", "turns", "path", "told"), CASES)
def test_a_request_without_turns_is_refused_by_name(
    rules: DialectRules, body: dict[str, Any], turns: str, path: str, told: bytes
) -> None:
    """There is nothing to count."""
    name: Dialect = rules.name
    with pytest.raises(BadRequestError) as refused:
        rules.read_request(exchange(name), json.dumps({**body, turns: []}).encode())
    assert refused.value.param == turns


def test_gemini_takes_the_request_within_a_member_too() -> None:
    """As its older clients send it."""
    rules, made = GeminiCount(), exchange("gemini_generate")
    rules.read_request(made, json.dumps({"generateContentRequest": {"contents": TURN}}).encode())
    assert set(made.fields) == {"generateContentRequest"}
    with pytest.raises(BadRequestError) as refused:
        rules.read_request(made, json.dumps({"generateContentRequest": {"contents": []}}).encode())
    assert refused.value.param == "contents"


@pytest.mark.parametrize("part", [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": "A" * 9000}}])
def test_what_is_counted_of_gemini_is_the_same_wherever_it_stands(part: dict[str, Any]) -> None:
    """Relay's own estimate, where a channel of another dialect can't count."""
    rules, contents = GeminiCount(), [{"role": "user", "parts": [part]}]
    beside, within = exchange("gemini_generate"), exchange("gemini_generate")
    rules.read_request(beside, json.dumps({"contents": contents}).encode())
    asked = {"model": "models/gemini-2.5-flash", "contents": contents}
    rules.read_request(within, json.dumps({"generateContentRequest": asked}).encode())
    assert rules.input_estimate(within) == rules.input_estimate(beside)


def test_gemini_counts_for_the_model_that_is_asked_upstream() -> None:
    """Google demands its name within the member, and refuses another than the path's."""
    rules = GeminiCount()
    made = exchange("gemini_generate")
    rules.read_request(made, b'{"generateContentRequest":{"model":"models/ours","contents":[{}]}}')
    assert rules.prepare(made, "theirs").body() == (
        b'{"generateContentRequest":{"model":"models/theirs","contents":[{}]}}'
    )

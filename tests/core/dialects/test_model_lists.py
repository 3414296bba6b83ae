"""Lists of models, page by page, in the three forms."""

import json
from typing import Any

import pytest

from relay.core.dialects.model_lists import AnthropicModels, GeminiModels, ModelEntry, OpenAIModels
from relay.core.errors import BadRequestError

FIVE = [ModelEntry(name=name, created_at=1700000000) for name in "abcde"]
ANTHROPIC, GEMINI, OPENAI = AnthropicModels(), GeminiModels(), OpenAIModels()


def test_openais_list_has_no_pages() -> None:
    """Whatever is asked for."""
    assert OPENAI.render_page(FIVE[:1], {"limit": "0"}) == (
        b'{"object":"list","data":[{"id":"a","object":"model","created":1700000000,"owned_by":"relay"}]}'
    )
    assert OPENAI.render_page([], {}) == b'{"object":"list","data":[]}'


def test_openais_model_stands_alone() -> None:
    """As GET /v1/models/a answers."""
    assert OPENAI.render_model(FIVE[0]) == b'{"id":"a","object":"model","created":1700000000,"owned_by":"relay"}'


def test_anthropics_list_names_its_ends() -> None:
    """In the form of GET /v1/models; the limit of output is told where it is known."""
    entry = ModelEntry(name="claude", created_at=1700000000, output_tokens_max=64000)
    assert ANTHROPIC.render_page([entry], {}) == (
        b'{"data":[{"type":"model","id":"claude","display_name":"claude","created_at":"2023-11-14T22:13:20Z",'
        b'"lifecycle":"active","max_tokens":64000}],"has_more":false,"first_id":"claude","last_id":"claude"}'
    )
    assert ANTHROPIC.render_page([], {}) == b'{"data":[],"has_more":false,"first_id":null,"last_id":null}'


@pytest.mark.parametrize(
    ("query", "names", "has_more"),
    [
        ({}, "abcde", False),
        ({"limit": "5"}, "abcde", False),
        ({"limit": "4"}, "abcd", True),
        ({"limit": "2", "after_id": "b"}, "cd", True),
        ({"limit": "2", "after_id": "c"}, "de", False),
        ({"after_id": "e"}, "", False),
        ({"limit": "2", "before_id": "d"}, "bc", True),
        ({"limit": "2", "before_id": "c"}, "ab", False),
        ({"before_id": "a"}, "", False),
    ],
)
def test_anthropics_pages_begin_behind_a_model_or_end_before_one(
    query: dict[str, str], names: str, has_more: bool
) -> None:
    """And say whether there is more in that direction."""
    page: dict[str, Any] = json.loads(ANTHROPIC.render_page(FIVE, query))
    assert ("".join(model["id"] for model in page["data"]), page["has_more"]) == (names, has_more)
    assert (page["first_id"], page["last_id"]) == ((names[0], names[-1]) if names else (None, None))


def test_anthropics_page_has_twenty_models_unless_more_are_asked_for() -> None:
    """A thousand at most."""
    many = [ModelEntry(name=f"m{number}", created_at=0) for number in range(1001)]
    assert json.loads(ANTHROPIC.render_page(many, {}))["last_id"] == "m19"
    assert json.loads(ANTHROPIC.render_page(many, {"limit": "1000"}))["last_id"] == "m999"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"limit": "1e2"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"after_id": "x"}, "after_id"),
        ({"before_id": "x"}, "before_id"),
        ({"after_id": "a", "before_id": "c"}, "before_id"),
    ],
)
def test_what_cannot_be_a_page_of_anthropics_is_refused_by_name(query: dict[str, str], param: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadRequestError) as refused:
        ANTHROPIC.render_page(FIVE, query)
    assert refused.value.param == param


def test_geminis_list_tells_what_can_be_asked() -> None:
    """Under the names of Google's methods."""
    entry = ModelEntry(name="gemini-x", created_at=0, output_tokens_max=8192, methods=("generateContent",))
    assert GEMINI.render_page([entry], {}) == (
        b'{"models":[{"name":"models/gemini-x","displayName":"gemini-x","outputTokenLimit":8192,'
        b'"supportedGenerationMethods":["generateContent"]}]}'
    )
    assert json.loads(GEMINI.render_model(FIVE[0])) == {
        "name": "models/a",
        "displayName": "a",
        "supportedGenerationMethods": [],
    }


def test_geminis_pages_go_on_from_the_token() -> None:
    """To the last, which has none."""
    first = json.loads(GEMINI.render_page(FIVE, {"pageSize": "3"}))
    second = json.loads(GEMINI.render_page(FIVE, {"pageSize": "3", "pageToken": first["nextPageToken"]}))
    assert [model["displayName"] for model in (*first["models"], *second["models"])] == list("abcde")
    assert "nextPageToken" not in second


def test_geminis_page_has_fifty_models_unless_more_are_asked_for() -> None:
    """A thousand at most, which is no error."""
    many = [ModelEntry(name=f"m{number}", created_at=0) for number in range(1001)]
    assert len(json.loads(GEMINI.render_page(many, {"pageSize": "0"}))["models"]) == 50
    assert len(json.loads(GEMINI.render_page(many, {"pageSize": "5000"}))["models"]) == 1000


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"pageSize": "-1"}, "pageSize"),
        ({"pageSize": "many"}, "pageSize"),
        ({"pageToken": "x"}, "pageToken"),
        ({"pageToken": "é"}, "pageToken"),
        ({"pageToken": "/w=="}, "pageToken"),
        ({"pageToken": "eA=="}, "pageToken"),
    ],
)
def test_what_cannot_be_a_page_of_geminis_is_refused_by_name(query: dict[str, str], param: str) -> None:
    """A token of another list, too."""
    with pytest.raises(BadRequestError) as refused:
        GEMINI.render_page(FIVE, query)
    assert refused.value.param == param

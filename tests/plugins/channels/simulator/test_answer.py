from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.plugins.channels.simulator.answer import THINKING, Answer, UnreadableError, answer, pieces, tokens
from relay.plugins.channels.simulator.dialects import DIALECTS
from relay.plugins.channels.simulator.questions import read_question

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def said(
    content: Any = "hi", *, chunk_count: int | None = None, path: str = "/v1/chat/completions", **fields: Any
) -> Answer:
    document = {"model": "m", "messages": [{"role": "user", "content": content}], **fields}
    question = read_question(path, msgspec.json.encode(document), None)
    return answer(question, DIALECTS[question.kind].asked(question.fields), chunk_count)


def test_question_is_echoed() -> None:
    """Without a wish for anything else the last words of the user come back."""
    assert said("one two").text == "You said: one two This is the simulator speaking; no model was asked."


def test_same_question_has_the_same_answer() -> None:
    """Nothing in an answer is left to chance."""
    assert said("one two") == said("one two")


def test_input_is_counted_from_the_bytes_that_came() -> None:
    """The messages' JSON is 32 bytes: eight tokens."""
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}] }'
    assert read_question("/v1/chat/completions", body, None).input_tokens == 8


def test_output_is_counted_from_what_goes_out() -> None:
    """16 bytes of text and 76 of thinking, twice: 4 and 19 tokens, twice."""
    spoken = Answer(kind="openai_chat", model="m", text="x" * 16, thinking=THINKING, choice_count=2)
    assert (len(THINKING), spoken.output_tokens, spoken.thinking_tokens) == (76, 46, 38)


def test_output_limit_cuts_the_text() -> None:
    """Three tokens are twelve bytes, and the stop says so."""
    cut = said("one two", max_tokens=3)
    assert (cut.text, cut.stop, cut.output_tokens) == ("You said: on", "length", 3)


def test_a_limit_of_no_tokens_leaves_nothing() -> None:
    """As where a prompt is only to be cached."""
    nothing = said("one two", max_tokens=0)
    assert (nothing.text, nothing.stop, nothing.output_tokens) == ("", "length", 0)


def test_output_limit_does_not_cut_a_character() -> None:
    """A limit within a character drops it whole."""
    assert said("金瓜瓜", max_tokens=3).text == "You said: "


def test_chunk_count_sets_the_pieces() -> None:
    """For load an answer has as many pieces as were asked for."""
    assert pieces(said(chunk_count=50).text) == ["word "] * 50


@given(st.text())
def test_pieces_make_up_the_text(text: str) -> None:
    """No character is lost between the pieces of a stream."""
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"tool_choice": "required"}, id="required"),
        pytest.param({"tool_choice": {"type": "function", "function": {"name": "weather"}}}, id="named"),
        pytest.param({"tool_choice": {"type": "any"}, "path": "/v1/messages"}, id="any"),
        pytest.param({"tool_choice": {"type": "tool", "name": "weather"}, "path": "/v1/messages"}, id="tool"),
        pytest.param({"content": "please use a tool"}, id="spoken of"),
    ],
)
def test_wanted_tool_is_called_with_arguments_of_its_schema(wish: dict[str, Any]) -> None:
    """Each way of asking leads to a call that fits the schema."""
    called = said(**{"tools": [WEATHER], **wish})
    assert (called.tool_name, called.tool_arguments, called.stop) == ("weather", '{"city":"text"}', "tool")


@pytest.mark.parametrize("choice", ["none", {"type": "none"}, "auto"])
def test_tool_nobody_asked_for_is_not_called(choice: Any) -> None:
    """Tools alone are no reason to call one."""
    assert said(tools=[WEATHER], tool_choice=choice).tool_name == ""


def test_result_of_a_tool_is_followed_by_words() -> None:
    """A conversation with tools comes to its end."""
    messages = [{"role": "user", "content": "use a tool"}, {"role": "tool", "content": "sunny"}]
    assert said(tools=[WEATHER], messages=messages).tool_name == ""


@pytest.mark.parametrize(
    "wish",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"schema": WEATHER["function"]["parameters"]}}},  # type: ignore[index]
        {
            "output_config": {"format": {"type": "json_schema", "schema": WEATHER["function"]["parameters"]}},  # type: ignore[index]
            "path": "/v1/messages",
        },
    ],
    ids=["openai", "anthropic"],
)
def test_schema_is_answered_with_a_document_of_it(wish: dict[str, Any]) -> None:
    """Structured output holds a document that fits."""
    assert said(**wish).text == '{"city":"text"}'


def test_thinking_comes_when_asked() -> None:
    """Thinking switched on is answered with thinking."""
    assert (said(thinking={"type": "enabled"}).thinking, said().thinking) == (THINKING, "")


@pytest.mark.parametrize("count", [0.5, -1, 129])
def test_choices_that_cannot_be_are_refused(count: float) -> None:
    """A hundred and twenty-eight are the most."""
    with pytest.raises(UnreadableError):
        said(n=count)


def test_cached_system_text_is_a_cache_write() -> None:
    """A system text marked for the cache is counted there and not as input."""
    system = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    cached = said(path="/v1/messages", system=system)
    assert (cached.input_tokens, cached.cache_write_tokens) == (8, 17)


def test_tokens_of_nothing_are_none() -> None:
    """An empty text is no token."""
    assert tokens("") == 0

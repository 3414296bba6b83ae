from typing import Any

import pytest

from relay.plugins.channels.simulator.asked import Asked
from relay.plugins.channels.simulator.dialects import DIALECTS

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT: dict[str, Any] = {
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}},
    "reasoning_effort": "low",
    "max_tokens": 9,
}
RESPONSES: dict[str, Any] = {
    "input": [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"text": "hi"}]}],
    "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}],
    "tool_choice": {"type": "function", "name": "weather"},
    "text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA}},
    "reasoning": {"effort": "low"},
    "max_output_tokens": 9,
}
MESSAGES: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    "tools": [{"name": "weather", "input_schema": SCHEMA}],
    "tool_choice": {"type": "tool", "name": "weather"},
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "max_tokens": 9,
}
GEMINI: dict[str, Any] = {
    "contents": [{"parts": [{"text": "hi"}]}],
    "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    "generationConfig": {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"includeThoughts": True},
        "maxOutputTokens": 9,
    },
}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("openai_chat", CHAT),
        ("openai_responses", RESPONSES),
        ("anthropic_messages", MESSAGES),
        ("gemini_generate", GEMINI),
        ("gemini_array", GEMINI),
    ],
)
def test_every_dialect_says_the_same(kind: Any, fields: dict[str, Any]) -> None:
    """Words, a tool by its name, a schema, thinking and a limit; of a stream's usage chat alone is silent."""
    asked = DIALECTS[kind].asked(fields)
    assert (asked.words, asked.tool(), asked.schema) == ("hi", ("weather", SCHEMA), SCHEMA)
    assert (asked.is_thinking, asked.output_tokens_max, asked.is_usage_wanted) == (True, 9, kind != "openai_chat")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("openai_chat", {"messages": [{"role": "user", "content": "tool"}, {"role": "tool", "content": "sunny"}]}),
        ("openai_responses", {"input": [{"role": "user", "content": "tool"}, {"type": "function_call_output"}]}),
        (
            "anthropic_messages",
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}, {"text": "tool"}]}]},
        ),
        ("gemini_generate", {"contents": [{"role": "user", "parts": [{"functionResponse": {}}, {"text": "tool"}]}]}),
    ],
)
def test_every_dialect_s_result_of_a_tool_is_known(kind: Any, fields: dict[str, Any]) -> None:
    """After it no tool is called for being spoken of."""
    assert DIALECTS[kind].asked(fields).is_tool_answered


@pytest.mark.parametrize("kind", ["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"])
def test_nothing_is_asked_by_an_empty_request(kind: Any) -> None:
    """But one answer."""
    assert DIALECTS[kind].asked({}) == Asked(is_usage_wanted=kind != "openai_chat")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("openai_chat", {"response_format": {"type": "json_object"}}),
        ("openai_responses", {"text": {"format": {"type": "json_object"}}}),
        ("gemini_generate", {"generationConfig": {"responseMimeType": "application/json"}}),
    ],
)
def test_json_of_any_form_is_an_object(kind: Any, fields: dict[str, Any]) -> None:
    """An empty one fits."""
    assert DIALECTS[kind].asked(fields).schema == {"type": "object"}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Asked(tools={"a": {}, "b": {}}, tool_choice="any"), "a"),
        (Asked(tools={"a": {}, "b": {}}, tool_named="b"), "b"),
        (Asked(tools={"a": {}}, words="Use a TOOL"), "a"),
        (Asked(tools={"a": {}}, words="hi"), None),
        (Asked(tools={"a": {}}, words="tool", is_tool_answered=True), None),
        (Asked(tools={"a": {}}, words="tool", tool_choice="none"), None),
        (Asked(tool_choice="any"), None),
        (Asked(tools={"a": {}}, tool_choice="auto", tool_named="c"), None),
    ],
)
def test_a_tool_is_called_where_one_is_wanted(asked: Asked, name: str | None) -> None:
    """The one named, else the first."""
    tool = asked.tool()
    assert (tool and tool[0]) == name

"""Each vendor's SDK on the other vendor's models: nothing but the model's name tells them apart."""

import anthropic
import openai
import pytest
from anthropic.types import ToolParam
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.sdk.scripted import CITIES
from tests.sdk.shop import Shop

QUESTION = "Weather in Lisbon and 上海?"
SCHEMA: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL: ChatCompletionToolParam = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
TOOL: ToolParam = {"name": "weather", "input_schema": SCHEMA}
PRICED = 100 * 2000 + 40 * 8000
"""100 tokens in and 40 out, in nano-credits: the same as on the model's own API."""


def test_openais_sdk_calls_claudes_tools(shop: Shop, openai_client: openai.OpenAI) -> None:
    """Two calls at once, whole, with their ids, the reason and the usage."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
    completion = openai_client.chat.completions.create(model="claude-scripted", messages=asked, tools=[CHAT_TOOL])
    [choice] = completion.choices
    calls = choice.message.tool_calls or []
    assert [(call.id, call.type == "function" and call.function.arguments) for call in calls] == [
        ("toolu_0", '{"city":"Lisbon"}'),
        ("toolu_1", '{"city":"上海"}'),
    ]
    assert choice.finish_reason == "tool_calls"
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (100, 40)
    row = shop.row(completion._request_id)
    assert (row["dialect"], row["outcome"], row["charge_nano"]) == ("openai_chat", "complete", PRICED)


def test_openais_sdk_streams_claudes_tools(shop: Shop, openai_client: openai.OpenAI) -> None:
    """The SDK's own accumulator puts the pieces of both calls together."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
    with openai_client.chat.completions.stream(model="claude-scripted", messages=asked, tools=[CHAT_TOOL]) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments or call.function.arguments for call in calls] == [
        '{"city": "Lisbon"}',
        '{"city": "上海"}',
    ]
    assert final.choices[0].finish_reason == "tool_calls"


def test_anthropics_sdk_calls_gpts_tools(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """Two blocks with their inputs as objects."""
    message = anthropic_client.messages.create(
        model="gpt-scripted", max_tokens=100, messages=[{"role": "user", "content": QUESTION}], tools=[TOOL]
    )
    assert [(block.id, block.input) for block in message.content if block.type == "tool_use"] == [
        ("call_0", {"city": "Lisbon"}),
        ("call_1", {"city": "上海"}),
    ]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (100, 40)
    row = shop.row(message._request_id)
    assert (row["dialect"], row["outcome"], row["charge_nano"]) == ("anthropic_messages", "complete", PRICED)


def test_anthropics_sdk_streams_gpts_tools(anthropic_client: anthropic.Anthropic) -> None:
    """The SDK's own accumulator finds every block whole."""
    with anthropic_client.messages.stream(
        model="gpt-scripted", max_tokens=100, messages=[{"role": "user", "content": QUESTION}], tools=[TOOL]
    ) as stream:
        final = stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [{"city": city} for city in CITIES]
    assert (final.stop_reason, final.usage.output_tokens) == ("tool_use", 40)


def test_what_cannot_be_carried_is_a_typed_error(openai_client: openai.OpenAI) -> None:
    """With the field's name, and nothing is charged."""
    with pytest.raises(openai.BadRequestError) as refused:
        openai_client.chat.completions.create(
            model="claude-scripted", messages=[{"role": "user", "content": "Hi"}], n=2
        )
    assert (refused.value.code, refused.value.param) == ("not_carried", "n")
    assert "anthropic_messages" in refused.value.message


def test_what_was_left_out_is_named_for_the_operator(openai_client: openai.OpenAI) -> None:
    """In a header, where nobody's program stumbles over it; a native answer has none."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi"}]
    crossed = openai_client.chat.completions.with_raw_response.create(
        model="claude-scripted", messages=asked, seed=3, logit_bias={"50256": -100}, top_p=0.5, temperature=1
    )
    native = openai_client.chat.completions.with_raw_response.create(model="gpt-scripted", messages=asked, seed=3)
    assert crossed.headers["x-relay-dropped"] == "logit_bias, seed, top_p"
    assert "x-relay-dropped" not in native.headers

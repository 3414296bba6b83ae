"""What OpenAI's own SDK makes of the shop's answers."""

from typing import cast

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.sdk.shop import Shop

HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
SAID = "You said: hi This is the simulator speaking; no model was asked."
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    name: str
    population: int


def test_a_plain_answer_costs_its_tokens(shop: Shop, openai_client: openai.OpenAI) -> None:
    """8 tokens in and 16 out at ratio 1 and 4 cost 0.000144 credits; the SDK's request id is the log's."""
    completion = openai_client.chat.completions.create(model="gpt-sim", messages=HI)
    row = shop.row(completion._request_id)
    assert completion.choices[0].message.content == SAID
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (8, 16)
    assert (row["outcome"], row["charge_nano"], row["attempt_count"]) == ("complete", 144_000, 1)


async def test_the_async_client_gets_the_same(shop: Shop) -> None:
    """Plain and streamed, without a difference."""
    async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key) as client:
        completion = await client.chat.completions.create(model="gpt-sim", messages=HI)
        stream = await client.chat.completions.create(model="gpt-sim", messages=HI, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert completion.choices[0].message.content == "".join(pieces) == SAID


def test_a_stream_without_usage_asked_has_none_and_is_billed(shop: Shop, openai_client: openai.OpenAI) -> None:
    """Every chunk has its choice, and the row the upstream's figures all the same."""
    stream = openai_client.chat.completions.create(model="gpt-sim", messages=HI, stream=True)
    chunks = list(stream)
    row = shop.row(stream.response.headers["x-request-id"])
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAID
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    assert (row["charge_nano"], row["usage_source"]) == (144_000, "upstream")


def test_a_stream_with_usage_asked_ends_in_it(openai_client: openai.OpenAI) -> None:
    """The last chunk has no choices and the usage."""
    stream = openai_client.chat.completions.create(
        model="gpt-sim", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    *_, last = stream
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (8, 16)


def test_tools_called_in_parallel_arrive_whole(shop: Shop, openai_client: openai.OpenAI) -> None:
    """Two calls with their arguments; 100 tokens in and 40 out cost 0.00052 credits."""
    completion = openai_client.chat.completions.create(model="gpt-scripted", messages=HI, tools=[WEATHER])
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert [(call.id, call.function.arguments) for call in calls if call.type == "function"] == [
        ("call_0", '{"city": "Lisbon"}'),
        ("call_1", '{"city": "上海"}'),
    ]
    assert shop.row(completion._request_id)["charge_nano"] == 520_000


def test_tools_streamed_in_parallel_are_put_together_by_the_sdk(openai_client: openai.OpenAI) -> None:
    """The SDK's own accumulator finds every piece of both calls."""
    with openai_client.chat.completions.stream(model="gpt-scripted", messages=HI, tools=[WEATHER]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert [call.function.arguments for call in calls] == ['{"city": "Lisbon"}', '{"city": "上海"}']


def test_a_tool_is_called_and_its_result_taken(openai_client: openai.OpenAI) -> None:
    """The whole round: asked for a tool, called, given its result, answered."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "use the tool"}]
    first = openai_client.chat.completions.create(model="gpt-sim", messages=asked, tools=[WEATHER])
    called = first.choices[0].message
    assert called.tool_calls is not None
    result: ChatCompletionMessageParam = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "sun"}
    said = cast(ChatCompletionMessageParam, called.model_dump(exclude_none=True))
    second = openai_client.chat.completions.create(model="gpt-sim", messages=[*asked, said, result], tools=[WEATHER])
    assert [first.choices[0].finish_reason, second.choices[0].finish_reason] == ["tool_calls", "stop"]


def test_structured_output_is_parsed(openai_client: openai.OpenAI) -> None:
    """The parse helper sends a JSON schema and gets an object of its class."""
    parsed = openai_client.chat.completions.parse(model="gpt-sim", messages=HI, response_format=City)
    assert parsed.choices[0].message.parsed == City(name="text", population=1)


def test_structured_output_is_parsed_from_a_stream(openai_client: openai.OpenAI) -> None:
    """The streaming helper gives the same object."""
    with openai_client.chat.completions.stream(model="gpt-sim", messages=HI, response_format=City) as stream:
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert parsed == City(name="text", population=1)


def test_two_choices_arrive_and_are_paid(shop: Shop, openai_client: openai.OpenAI) -> None:
    """n = 2 doubles the output: 8 in and 32 out cost 0.000272 credits."""
    completion = openai_client.chat.completions.create(model="gpt-sim", messages=HI, n=2)
    assert [choice.message.content for choice in completion.choices] == [SAID, SAID]
    assert shop.row(completion._request_id)["charge_nano"] == 272_000


def test_embeddings_asked_as_base64_come_as_numbers(shop: Shop, openai_client: openai.OpenAI) -> None:
    """The SDK asks for base64 unless told otherwise, and decodes it; 2 tokens cost 0.000004 credits."""
    packed = openai_client.embeddings.create(model="embedding-sim", input="hello")
    plain = openai_client.embeddings.create(model="embedding-sim", input="hello", encoding_format="float")
    assert len(packed.data[0].embedding) == 8
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
    assert packed.usage.prompt_tokens == 2
    assert shop.row(packed._request_id)["charge_nano"] == 4_000


def test_models_are_listed_and_shown(openai_client: openai.OpenAI) -> None:
    """The list has what the key may ask for, and each can be retrieved."""
    assert {"gpt-sim", "claude-sim", "embedding-sim"} <= {model.id for model in openai_client.models.list()}
    assert openai_client.models.retrieve("gpt-sim").id == "gpt-sim"


def test_a_limited_key_lists_what_it_may_ask_for(shop: Shop) -> None:
    """Models outside the key's own list are not offered."""
    with openai.OpenAI(base_url=f"{shop.url}/v1", api_key=shop.limited_key) as client:
        assert [model.id for model in client.models.list()] == ["gpt-sim"]


def test_a_raw_response_carries_the_request_id(openai_client: openai.OpenAI) -> None:
    """The id that the SDK shows is the header's."""
    raw = openai_client.chat.completions.with_raw_response.create(model="gpt-sim", messages=HI)
    assert raw.request_id == raw.headers["x-request-id"] == raw.parse()._request_id

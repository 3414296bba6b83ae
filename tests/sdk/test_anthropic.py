"""What Anthropic's own SDK makes of the shop's answers."""

import anthropic
from anthropic.types import MessageParam, ThinkingBlock, ToolParam, ToolUseBlock
from pydantic import BaseModel

from tests.sdk.shop import Shop

HI: list[MessageParam] = [{"role": "user", "content": "hi"}]
SAID = "You said: hi This is the simulator speaking; no model was asked."
THOUGHT = "The question is read twice, weighed, and answered as simply as it was asked."
WEATHER: ToolParam = {
    "name": "weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class City(BaseModel):
    name: str
    population: int


def test_a_plain_answer_costs_its_tokens(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """8 tokens in and 16 out at ratio 1 and 4 cost 0.000144 credits; the SDK's request id is the log's."""
    message = anthropic_client.messages.create(model="claude-sim", max_tokens=100, messages=HI)
    row = shop.row(message._request_id)
    assert [block.text for block in message.content if block.type == "text"] == [SAID]
    assert (message.usage.input_tokens, message.usage.output_tokens) == (8, 16)
    assert (row["outcome"], row["charge_nano"], row["attempt_count"]) == ("complete", 144_000, 1)


async def test_the_async_client_gets_the_same(shop: Shop) -> None:
    """Plain and streamed, without a difference."""
    async with anthropic.AsyncAnthropic(base_url=shop.url, api_key=shop.api_key) as client:
        message = await client.messages.create(model="claude-sim", max_tokens=100, messages=HI)
        async with client.messages.stream(model="claude-sim", max_tokens=100, messages=HI) as stream:
            streamed = await stream.get_final_message()
        assert [block.to_dict() for block in streamed.content] == [{"type": "text", "text": SAID}]
        assert [block.to_dict() for block in message.content] == [{"type": "text", "text": SAID}]
        assert streamed.usage.output_tokens == message.usage.output_tokens == 16


def test_a_stream_is_put_together_and_billed(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """The SDK's accumulator ends with stop reason and final usage; the row agrees."""
    with anthropic_client.messages.stream(model="claude-sim", max_tokens=100, messages=HI) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
        row = shop.row(stream.request_id)
    assert text == SAID
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 16)
    assert (row["charge_nano"], row["usage_source"]) == (144_000, "upstream")


def test_a_stop_by_max_tokens_is_told(anthropic_client: anthropic.Anthropic) -> None:
    """Four tokens are asked for, four come, and the stop reason says why."""
    message = anthropic_client.messages.create(model="claude-sim", max_tokens=4, messages=HI)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 4)


def test_tools_called_in_parallel_arrive_whole(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """Two calls with their inputs; 100 tokens in and 40 out cost 0.00052 credits."""
    message = anthropic_client.messages.create(model="claude-scripted", max_tokens=100, messages=HI, tools=[WEATHER])
    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert [(call.id, call.input) for call in calls] == [("toolu_0", {"city": "Lisbon"}), ("toolu_1", {"city": "上海"})]
    assert shop.row(message._request_id)["charge_nano"] == 520_000


def test_tools_streamed_in_parallel_are_put_together_by_the_sdk(anthropic_client: anthropic.Anthropic) -> None:
    """The SDK's own accumulator joins the pieces of both inputs."""
    with anthropic_client.messages.stream(
        model="claude-scripted", max_tokens=100, messages=HI, tools=[WEATHER]
    ) as stream:
        message = stream.get_final_message()
    calls = [block.input for block in message.content if block.type == "tool_use"]
    assert calls == [{"city": "Lisbon"}, {"city": "上海"}]
    assert (message.stop_reason, message.usage.output_tokens) == ("tool_use", 40)


def test_a_tool_is_called_and_its_result_taken(anthropic_client: anthropic.Anthropic) -> None:
    """The whole round: forced to a tool, called, given its result, answered."""
    first = anthropic_client.messages.create(
        model="claude-sim", max_tokens=100, messages=HI, tools=[WEATHER], tool_choice={"type": "any"}
    )
    [call] = [block for block in first.content if isinstance(block, ToolUseBlock)]
    result: MessageParam = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sun"}],
    }
    said: MessageParam = {"role": "assistant", "content": first.content}
    second = anthropic_client.messages.create(
        model="claude-sim", max_tokens=100, messages=[*HI, said, result], tools=[WEATHER]
    )
    assert [first.stop_reason, second.stop_reason] == ["tool_use", "end_turn"]


def test_structured_output_is_parsed(anthropic_client: anthropic.Anthropic) -> None:
    """The parse helper sends a JSON schema and gets an object of its class."""
    parsed = anthropic_client.messages.parse(model="claude-sim", max_tokens=100, messages=HI, output_format=City)
    assert parsed.parsed_output == City(name="text", population=1)


def test_thinking_arrives_with_its_signature(anthropic_client: anthropic.Anthropic) -> None:
    """The block comes whole, and can be sent back as it came."""
    message = anthropic_client.messages.create(
        model="claude-sim", max_tokens=2000, messages=HI, thinking={"type": "enabled", "budget_tokens": 1024}
    )
    thinking = message.content[0]
    assert isinstance(thinking, ThinkingBlock)
    assert (thinking.thinking, thinking.signature) == (THOUGHT, "c2lt")


def test_streamed_thinking_arrives_with_its_signature(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """The signature is a delta of its own; thinking is billed as output: 19 and 16 tokens."""
    with anthropic_client.messages.stream(
        model="claude-sim", max_tokens=2000, messages=HI, thinking={"type": "enabled", "budget_tokens": 1024}
    ) as stream:
        thinking, text = stream.get_final_message().content
        row = shop.row(stream.request_id)
    assert isinstance(thinking, ThinkingBlock)
    assert (thinking.thinking, thinking.signature, text.type) == (THOUGHT, "c2lt", "text")
    assert (row["output_tokens"], row["charge_nano"]) == (35, 296_000)


def test_a_cached_system_text_is_priced_as_written(shop: Shop, anthropic_client: anthropic.Anthropic) -> None:
    """Cache writes are counted beside the input, at 1.25 times its price."""
    message = anthropic_client.messages.create(
        model="claude-sim",
        max_tokens=100,
        messages=HI,
        system=[{"type": "text", "text": "x" * 334, "cache_control": {"type": "ephemeral"}}],
    )
    row = shop.row(message._request_id)
    assert (row["input_tokens"], row["cache_write_5m_tokens"], row["output_tokens"]) == (8, 100, 16)
    assert row["charge_nano"] == 8 * 2_000 + 100 * 2_500 + 16 * 8_000


def test_models_are_listed_and_shown_in_anthropics_form(anthropic_client: anthropic.Anthropic) -> None:
    """The SDK pages through the list, and each can be retrieved."""
    assert {"gpt-sim", "claude-sim"} <= {model.id for model in anthropic_client.models.list()}
    assert anthropic_client.models.retrieve("claude-sim").type == "model"


def test_a_bearer_token_is_the_same_key(shop: Shop) -> None:
    """ANTHROPIC_AUTH_TOKEN is how Claude Code is told the key."""
    with anthropic.Anthropic(base_url=shop.url, auth_token=shop.api_key) as client:
        assert client.messages.create(model="claude-sim", max_tokens=100, messages=HI).stop_reason == "end_turn"

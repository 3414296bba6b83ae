from typing import Any

import msgspec
from anthropic.types import Message

from relay.plugins.channels.simulator import anthropic
from relay.plugins.channels.simulator.answer import Answer


def spoken(**changes: Any) -> Answer:
    return Answer(kind="anthropic_messages", model="c", text="one two", input_tokens=5, **changes)


def test_body_is_a_message() -> None:
    """The SDK's own type takes thinking, text and a tool call, and the figures."""
    answer = spoken(thinking="so", tool_name="f", tool_arguments='{"a":1}', stop="tool", cache_write_tokens=7)
    message = Message.model_validate_json(anthropic.body(answer))
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_creation_input_tokens, usage.output_tokens) == (5, 7, 5)


def test_stream_has_the_order_of_the_api() -> None:
    """Start, ping, each block whole, the figures, the end."""
    made = [event.split(b"\n")[0] for event in anthropic.events(spoken())]
    assert made == [
        b"event: message_start",
        b"event: ping",
        b"event: content_block_start",
        b"event: content_block_delta",
        b"event: content_block_delta",
        b"event: content_block_stop",
        b"event: message_delta",
        b"event: message_stop",
    ]


def test_figures_of_a_stream_are_cumulative() -> None:
    """One token at the start, all of them in message_delta."""
    made = [msgspec.json.decode(event.split(b"data: ")[1]) for event in anthropic.events(spoken())]
    assert (made[0]["message"]["usage"]["output_tokens"], made[6]["usage"]) == (1, {"output_tokens": 2})


def test_tool_arguments_begin_with_an_empty_piece() -> None:
    """As the API does it: an empty string first, then the JSON."""
    answer = Answer(kind="anthropic_messages", model="c", tool_name="f", tool_arguments='{"a": 1}', stop="tool")
    deltas = [
        msgspec.json.decode(event.split(b"data: ")[1])["delta"]["partial_json"]
        for event in anthropic.events(answer)
        if b"input_json_delta" in event
    ]
    assert deltas == ["", '{"', 'a": ', "1}"]

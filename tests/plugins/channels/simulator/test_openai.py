from typing import Any

import msgspec
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Answer


def spoken(**changes: Any) -> Answer:
    return Answer(kind="openai_chat", model="m", text="one two", input_tokens=5, **changes)


def documents(answer: Answer) -> list[Any]:
    return [msgspec.json.decode(event[6:]) for event in openai.events(answer)[:-1]]


def test_body_is_a_chat_completion() -> None:
    """The SDK's own type takes the body, and the figures add up."""
    completion = ChatCompletion.model_validate_json(openai.body(spoken()))
    assert completion.choices[0].message.content == "one two"
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens, completion.usage.total_tokens) == (
        5,
        2,
        7,
    )


def test_stream_has_role_words_finish_usage_and_mark() -> None:
    """The order of a stream is the recordings' own."""
    answer = spoken()
    made = documents(answer)
    assert [chunk["choices"][0]["delta"] if chunk["choices"] else None for chunk in made] == [
        {"role": "assistant", "content": ""},
        {"content": "one "},
        {"content": "two"},
        {},
        None,
    ]
    assert [chunk["usage"] and chunk["usage"]["completion_tokens"] for chunk in made] == [None, None, None, None, 2]
    assert made[3]["choices"][0]["finish_reason"] == "stop"
    assert openai.events(answer)[-1] == b"data: [DONE]\n\n"


def test_every_chunk_is_of_the_sdks_type() -> None:
    """Two choices with thinking and a tool call, chunk by chunk."""
    answer = spoken(thinking="so so", tool_name="f", tool_arguments='{"a": 1}', stop="tool", choice_count=2)
    chunks = [ChatCompletionChunk.model_validate(document) for document in documents(answer)]
    calls = [
        call
        for chunk in chunks
        for choice in chunk.choices
        if choice.index == 1
        for call in choice.delta.tool_calls or ()
    ]
    arguments = [call.function.arguments or "" for call in calls if call.function]
    assert "".join(arguments) == '{"a": 1}'


def test_usage_nobody_asked_for_is_not_streamed() -> None:
    """Without include_usage no chunk has the field."""
    assert [document for document in documents(spoken(is_usage_asked=False)) if "usage" in document] == []

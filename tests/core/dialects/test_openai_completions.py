"""Completions of the form before chat."""

import json
from typing import Any

import pytest

from relay.core.dialects.openai_completions import OpenAICompletions
from relay.core.errors import BadRequestError
from relay.core.exchange import Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import answer_bytes, exchange, request_fields

RULES = OpenAICompletions()


def read(**members: Any) -> Exchange:
    made = exchange("openai_completions")
    RULES.read_request(made, json.dumps({"model": "m", "prompt": "Hi", **members}).encode())
    return made


@pytest.mark.parametrize(
    ("prompt", "choice_count"), [("Hi", 3), (["Hi", "you"], 6), ([1, 2], 3), ([[1], [2]], 6), ([], 3)]
)
def test_a_request_is_read(prompt: Any, choice_count: int) -> None:
    """Whatever form its prompts have, each answered apart; what is made and not shown counts as made."""
    made = read(prompt=prompt, max_tokens=9, n=1, best_of=3, stream=True)
    assert (made.model, made.stream, made.output_tokens_asked, made.choice_count) == ("m", True, 9, choice_count)
    assert RULES.prepare(made, "m").dialect == "openai_completions"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": 3}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """As everywhere."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


def test_a_recorded_completion_is_read() -> None:
    """Text stands beside the choice's index, usage as in chat."""
    asked = exchange("openai_completions", request_fields("openai-other/completions-legacy"))
    reading = RULES.read_body(asked, answer_bytes("openai-other/completions-legacy"))
    assert reading.usage is not None
    assert reading.usage.source == "upstream"
    assert derive_outcome(reading.evidence) == "complete"


def test_a_recorded_stream_is_read_and_passes_unchanged() -> None:
    """Up to its end mark."""
    data = answer_bytes("openai-other/completions-legacy-stream")
    along = RULES.stream_reader(read(stream_options={"include_usage": True}))
    passed = b"".join(along.feed(data[at : at + 7]) for at in range(0, len(data), 7)) + along.finish()
    assert passed + along.end == data
    assert along.is_ended
    assert derive_outcome(along.evidence()) == "complete"


def test_text_is_output() -> None:
    """The first piece commits the stream."""
    along = RULES.stream_reader(read(stream=True))
    chunk = b'data: {"choices":[{"index":0,"text":"Hi","finish_reason":null}]}\n\n'
    assert along.feed(chunk) == chunk
    assert along.is_output_seen
    along.feed(b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n')
    assert along.usage() == Usage(input_tokens=1, output_tokens=2)

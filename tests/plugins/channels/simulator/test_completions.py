"""OpenAI's first form, whole and streamed."""

import json

import pytest

from relay.plugins.channels.simulator import completions
from relay.plugins.channels.simulator.answer import Answer

SAID = Answer(kind="openai_completions", model="m", text="One two", input_tokens=3, choice_count=2)


@pytest.mark.parametrize("prompt", ["hi there", ["hi there", "other"]])
def test_the_prompt_is_what_is_asked(prompt: object) -> None:
    """Of several the first."""
    asked = completions.asked({"prompt": prompt, "n": 2, "max_tokens": 5, "stream_options": {"include_usage": True}})
    assert (asked.words, asked.choice_count, asked.output_tokens_max, asked.is_usage_wanted) == ("hi there", 2, 5, True)


def test_tokens_as_a_prompt_have_no_words() -> None:
    """Nobody here can read them."""
    assert completions.asked({"prompt": [1, 2]}).words == ""


def test_a_whole_answer_has_its_choices_and_usage() -> None:
    """Each with the reason of its end."""
    told = json.loads(completions.body(SAID))
    assert [(choice["text"], choice["finish_reason"]) for choice in told["choices"]] == [("One two", "stop")] * 2
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (3, 4)


def test_a_stream_says_the_same() -> None:
    """Piece by piece, its usage last."""
    *events, end = completions.events(SAID)
    told = [json.loads(event.removeprefix(b"data: ")) for event in events]
    first = [choice["text"] for event in told for choice in event["choices"] if choice["index"] == 0]
    assert ("".join(first), end) == ("One two", b"data: [DONE]\n\n")
    assert told[-1]["usage"]["completion_tokens"] == 4

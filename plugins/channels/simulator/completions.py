"""The simulator's side of OpenAI's legacy ``/v1/completions``, whole and streamed.

Shapes: w:openai-other/completions-legacy and completions-legacy-stream.
"""

from typing import Any

import msgspec

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Answer, pieces
from relay.plugins.channels.simulator.asked import Asked

STREAM_TYPE = openai.STREAM_TYPE
KEEP_ALIVE = openai.KEEP_ALIVE
error, error_event = openai.error, openai.error_event
_FINISH = {"end": "stop", "length": "length", "tool": "stop", "refusal": "stop"}


def asked(fields: dict[str, Any]) -> Asked:
    """Return what a request asks for; only the first of several prompts counts."""
    prompt = fields.get("prompt")
    first = prompt[0] if isinstance(prompt, list) and prompt else prompt
    return Asked(
        words=first if isinstance(first, str) else "",
        choice_count=fields.get("n") or 1,
        output_tokens_max=fields.get("max_tokens"),
        is_usage_wanted=(fields.get("stream_options") or {}).get("include_usage") is True,
    )


def body(answer: Answer) -> bytes:
    """Return a whole completion."""
    choices = [_choice(index, answer.text, _FINISH[answer.stop]) for index in range(answer.choice_count)]
    usage = {"usage": openai.usage(answer)} if answer.is_usage_given else {}
    return msgspec.json.encode(_envelope(answer, choices) | usage)


def events(answer: Answer) -> list[bytes]:
    """Return a whole stream, event by event, the end mark last."""
    made = [
        openai.event(_envelope(answer, [_choice(index, piece, None)]))
        for piece in pieces(answer.text)
        for index in range(answer.choice_count)
    ]
    ends = [_choice(index, "", _FINISH[answer.stop]) for index in range(answer.choice_count)]
    made += [openai.event(_envelope(answer, [end])) for end in ends]
    if answer.is_usage_asked and answer.is_usage_given:
        made.append(openai.event(_envelope(answer, []) | {"usage": openai.usage(answer)}))
    return [*made, b"data: [DONE]\n\n"]


def _envelope(answer: Answer, choices: list[Any]) -> dict[str, Any]:
    return {
        "id": "cmpl-sim",
        "object": "text_completion",
        "created": openai.CREATED_AT,
        "model": answer.model,
        "choices": choices,
    }


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish_reason}

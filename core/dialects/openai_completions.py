"""OpenAI's completions, the form before chat, which old clients and local models still speak."""

import msgspec

from ..exchange import Dialect, Exchange, Operation
from .dearer import refuse_dearer
from .fields import read_bool, read_int, read_model, read_object, read_value
from .kinds import COMPLETIONS, check_kinds
from .openai_chat import OpenAIChat, read_stream_options
from .openai_chat_answer import CHOICES_MAX

_PROMPT = msgspec.json.Decoder(str | list[str | int | list[int]])


class OpenAICompletions(OpenAIChat):
    """Rules of ``POST /v1/completions``: chat's, but for the prompt and the text of a choice."""

    name: Dialect = "openai_completions"
    operation: Operation = "completion"
    path = "/v1/completions"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        exchange.model = read_model(fields)
        prompt = read_value(fields, "prompt", _PROMPT) if "prompt" in fields else ""
        check_kinds(fields, COMPLETIONS)
        refuse_dearer(fields)
        exchange.stream = read_bool(fields, "stream")
        exchange.output_tokens_asked = read_int(fields, "max_tokens", least=0)
        # All choices that are made are paid for, though with ``best_of`` only the best are shown.
        counts = (read_int(fields, name, most=CHOICES_MAX) or 1 for name in ("n", "best_of"))
        exchange.choice_count = max(counts) * _prompt_count(prompt)
        read_stream_options(fields)
        exchange.fields = fields


def _prompt_count(prompt: str | list[str | int | list[int]]) -> int:
    """Return how many prompts there are, each of which gets choices of its own; a list of numbers is one."""
    return max(1, sum(not isinstance(each, int) for each in prompt)) if isinstance(prompt, list) else 1

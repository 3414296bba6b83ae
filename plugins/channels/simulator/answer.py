"""Makes up the simulator's answers: the same answer to the same question.

Honest usage follows one rule: four bytes of UTF-8 are a token, rounded up. The input is the JSON
text of the messages, system text, tools or embedding input as it arrived; the output is all text,
thinking and tool arguments that are sent.
"""

import re
from typing import Any, Literal

import msgspec

from relay.plugins.channels.simulator.asked import Asked
from relay.plugins.channels.simulator.instance import instance

Kind = Literal[
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "anthropic_messages",
    "gemini_generate",
    "gemini_array",
    "gemini_interactions",
    "gemini_embeddings",
    "embeddings",
    "moderation",
    "rerank",
    "compact",
    "speech",
    "transcription",
    "image_generation",
    "image_edit",
]
"""The kind of a request: a dialect, an operation, or Gemini's stream in its other form, one JSON array."""

THINKING = "The question is read twice, weighed, and answered as simply as it was asked."
CHOICES_MAX = 128
WORDS_MAX = 60


class UnreadableError(Exception):
    """The endpoint does not accept the request; the message says why."""


class NotKeptError(UnreadableError):
    """The request is for an earlier answer, but none are kept."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its kind, its token counts, and its fields."""

    kind: Kind
    model: str
    behaviour: str
    stream: bool
    fields: dict[str, Any]
    input_tokens: int
    system_tokens: int = 0
    files: dict[str, list[bytes]] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, before a dialect writes it. ``usage_lie`` replaces the output count."""

    kind: Kind
    model: str
    text: str = ""
    thinking: str = ""
    tool_name: str = ""
    tool_arguments: str = ""
    stop: Literal["end", "length", "tool", "refusal"] = "end"
    choice_count: int = 1
    input_tokens: int = 0
    cache_write_tokens: int = 0
    is_usage_asked: bool = True
    is_usage_given: bool = True
    usage_lie: int | str | None = None

    @property
    def thinking_tokens(self) -> int:
        """Tokens of thinking, over all choices."""
        return self.choice_count * tokens(self.thinking)

    @property
    def output_tokens(self) -> int:
        """All output tokens, thinking included."""
        return self.choice_count * (tokens(self.text) + tokens(self.tool_arguments)) + self.thinking_tokens

    @property
    def output_reported(self) -> Any:
        """The output count that the usage reports."""
        return self.output_tokens if self.usage_lie is None else self.usage_lie

    @property
    def shown_tokens(self) -> Any:
        """The same without thinking, which Google's dialects count apart."""
        return self.output_tokens - self.thinking_tokens if self.usage_lie is None else self.usage_lie

    def total(self, *counts: Any) -> Any:
        """Return the sum of *counts*; for a lie that can't be added up, the lie itself."""
        is_countable = self.usage_lie is None or (isinstance(self.usage_lie, int) and abs(self.usage_lie) < 2**62)
        return sum(counts) if is_countable else self.usage_lie


def tokens(text: str | bytes) -> int:
    """Return the token count of *text*: its bytes of UTF-8 divided by four, rounded up.

    >>> tokens("four"), tokens("fives"), tokens("金")
    (1, 2, 1)
    """
    return -(-len(text.encode() if isinstance(text, str) else text) // 4)


def pieces(text: str) -> list[str]:
    """Return *text* in the pieces of a stream: words with what follows them.

    >>> pieces('He said: {"city":"Paris"}')
    ['He ', 'said: {"', 'city":"', 'Paris"}']
    """
    return re.findall(r"[\w']+[^\w']*|[^\w']+", text)


def answer(question: Question, asked: Asked, chunk_count: int | None) -> Answer:
    """Return the honest answer: a tool call if one is wanted, a document of the schema, else words.

    Raises:
        UnreadableError: More choices are wanted than there can be, or none.
    """
    if not 1 <= asked.choice_count <= CHOICES_MAX:
        raise UnreadableError(f"expected 1 to {CHOICES_MAX} choices")
    cached_tokens = question.system_tokens if asked.is_system_cached else 0
    plain = Answer(
        kind=question.kind,
        model=question.model,
        thinking=THINKING if asked.is_thinking else "",
        choice_count=asked.choice_count,
        input_tokens=question.input_tokens - cached_tokens,
        cache_write_tokens=cached_tokens,
        is_usage_asked=asked.is_usage_wanted or not question.stream,
    )
    tool = asked.tool()
    if tool is not None:
        name, schema = tool
        arguments = msgspec.json.encode(instance(schema)).decode()
        return msgspec.structs.replace(plain, tool_name=name, tool_arguments=arguments, stop="tool")
    if asked.schema is not None:
        return msgspec.structs.replace(plain, text=msgspec.json.encode(instance(asked.schema)).decode())
    text = "word " * chunk_count if chunk_count else _reply(asked.words)
    limit = asked.output_tokens_max
    if isinstance(limit, int) and 0 <= limit < tokens(text):
        cut = text.encode()[: 4 * limit].decode(errors="ignore")
        return msgspec.structs.replace(plain, text=cut, stop="length")
    return msgspec.structs.replace(plain, text=text)


def _reply(words: str) -> str:
    return f"You said: {' '.join(words.split()[:WORDS_MAX])} This is the simulator speaking; no model was asked."

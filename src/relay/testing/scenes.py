"""The cells of the suite: who asks for what, how the answer ends, and what is said in it."""

from collections.abc import Sequence
from itertools import product
from typing import Literal, get_args

import msgspec

from relay.core.exchange import Dialect
from relay.plugins.channels.simulator.answer import Answer, Kind

Task = Literal["text", "tools", "thinking", "images", "structured"]
Ending = Literal["stop", "length", "tool_call", "refusal", "empty", "cut", "error_before", "error_midway", "hang_up"]

TASKS: tuple[Task, ...] = get_args(Task)
ENDINGS: tuple[Ending, ...] = get_args(Ending)
DIALECTS: tuple[Dialect, ...] = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")
"""What customers speak in the suite: the dialects that chats are translated between."""

PROMPT = "How is the weather in Paris, said the walrus-canary?"
RESULT = "sunny-canary, 21 degrees"
TEXT = "The sky over Paris is clear today."
REFUSAL = "I can't help with that."
THINKING = "A clear sky is blue, so that is what to say."
TOOL = "get_weather"
ARGUMENTS = '{"city": "Paris", "unit": "degrees of Celsius"}'
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""One red dot, as PNG in base64."""
INPUT_TOKENS = 1200


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: a customer of *dialect* asks for *task*, as a stream or whole, and the answer has one *ending*."""

    dialect: Dialect
    stream: bool
    task: Task
    ending: Ending

    @property
    def name(self) -> str:
        """The cell's name among the tests."""
        return f"{self.dialect}-{'stream' if self.stream else 'whole'}-{self.task}"

    @property
    def model(self) -> str:
        """The model that the customer asks for: another one in each cell, so that no failure affects the next."""
        return f"{self.name}-{self.ending}"

    @property
    def is_tool_forced(self) -> bool:
        """The customer demands a call; otherwise the tools are only offered, and the answer is text."""
        return self.task == "tools" and self.ending not in ("stop", "length", "refusal")

    def answer(self, kind: Kind, model: str) -> Answer:
        """Return the whole answer of an upstream of *kind*, also if the scene is about one that is cut off."""
        plain = Answer(kind=kind, model=model, text=TEXT, input_tokens=INPUT_TOKENS)
        if self.task == "thinking":
            plain = msgspec.structs.replace(plain, thinking=THINKING)
        match self.ending:
            case "refusal":
                return msgspec.structs.replace(plain, text=REFUSAL, stop="refusal")
            case "empty":
                return msgspec.structs.replace(plain, text="")
            case "length":
                return msgspec.structs.replace(plain, stop="length")
            case _ if self.is_tool_forced:
                return msgspec.structs.replace(plain, text="", tool_name=TOOL, tool_arguments=ARGUMENTS, stop="tool")
            case _:
                text = ARGUMENTS if self.task == "structured" else TEXT
                return msgspec.structs.replace(plain, text=text)


def scenes(tasks: Sequence[Task], endings: Sequence[Ending], streams: Sequence[bool]) -> list[Scene]:
    """Return every possible combination of these *tasks*, *endings* and *streams*.

    Raises:
        ValueError: A word that is no task, or no ending.
    """
    for what, given, known in (("tasks", tasks, TASKS), ("endings", endings, ENDINGS)):
        if unknown := [word for word in given if word not in known]:
            raise ValueError(f"{what}: expected some of {', '.join(known)}; found '{unknown[0]}'")
    made = (
        Scene(dialect=dialect, stream=stream, task=task, ending=ending)
        for ending, dialect, stream, task in product(endings, DIALECTS, streams, tasks)
    )
    return [scene for scene in made if _can_be(scene)]


def _can_be(scene: Scene) -> bool:
    match scene.ending:
        case "tool_call":
            return scene.task == "tools"
        case "error_midway":
            return scene.stream
        case "hang_up":
            return scene.stream and scene.task == "text"
        case _:
            return True

"""What a request asks of the simulator, in one form for all dialects."""

from typing import Any, Literal

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as far as an answer depends on it.

    Attributes:
        words: The last words of the user.
        tools: Schemas of the tools' arguments, by the tools' names.
        tool_choice: Whether a tool may, must not or must be called.
        tool_named: The tool that must be called; empty if none is named.
        is_tool_answered: The last message is the result of a tool.
        schema: The JSON Schema that the answer must fit, or None.
        is_thinking: Thinking is asked for.
        is_usage_wanted: A stream is to report its usage.
        is_system_cached: The system text is to be cached.
    """

    words: str = ""
    tools: dict[str, Any] = {}
    tool_choice: Literal["auto", "none", "any"] = "auto"
    tool_named: str = ""
    is_tool_answered: bool = False
    schema: Any = None
    is_thinking: bool = False
    choice_count: int = 1
    output_tokens_max: int | None = None
    is_usage_wanted: bool = True
    is_system_cached: bool = False

    def tool(self) -> tuple[str, Any] | None:
        """Return name and schema of the tool to call: the one named, else the first if the user says "tool".

        Right after a tool's result the word alone calls no tool.
        """
        if not self.tools or self.tool_choice == "none":
            return None
        if self.tool_named in self.tools:
            return self.tool_named, self.tools[self.tool_named]
        if self.tool_choice == "any" or ("tool" in self.words.lower() and not self.is_tool_answered):
            return next(iter(self.tools.items()))
        return None


def items(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none if *value* is not a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(content: Any) -> str:
    """Return the text of a message, or the texts of its parts.

    >>> words([{"type": "text", "text": "one"}, {"type": "image"}, {"text": "two"}])
    'one two'
    """
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in items(content) if "text" in part)


def last_words(messages: list[dict[str, Any]]) -> str:
    """Return the text of the user's last message; empty if there is none."""
    said = [message.get("content") for message in messages if message.get("role") == "user"]
    return words(said[-1]) if said else ""


def tools(fields: dict[str, Any]) -> dict[str, Any]:
    """Return ``tools`` as OpenAI and Anthropic spell them: schemas by name."""
    given: list[Any] = fields.get("tools") or []
    functions = [tool.get("function") or tool for tool in given]
    return {
        str(function.get("name")): function.get("parameters") or function.get("input_schema") or {}
        for function in functions
    }


def tool_choice(fields: dict[str, Any]) -> tuple[Literal["auto", "none", "any"], str]:
    """Return ``tool_choice`` as OpenAI and Anthropic spell it, and the tool that it names."""
    choice = fields.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    named = (choice.get("function") or choice).get("name") if isinstance(choice, dict) else None
    if kind == "none":
        return "none", ""
    return ("any" if kind in ("required", "any") else "auto"), str(named or "")

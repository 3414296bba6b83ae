"""What the simulator was asked, and what it says to it: the same words for the same question.

Honest usage follows one rule: four bytes of UTF-8 are a token, rounded up. The input is the JSON
text of the messages, system text, tools or embedding input as it arrived; the output is all text,
thinking and tool arguments that go out.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

Kind = Literal["openai_chat", "anthropic_messages", "embeddings"]

THINKING = "The question is read twice, weighed, and answered as simply as it was asked."
INPUT_FIELDS = ("messages", "system", "tools", "input")
WORDS_MAX = 60


class UnreadableError(Exception):
    """The request is not one that the endpoint takes; the message says why."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as far as an answer depends on it."""

    kind: Kind
    model: str
    behaviour: str
    stream: bool
    fields: dict[str, Any]
    input_tokens: int
    system_tokens: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, before a dialect writes it down. ``usage_lie`` stands in for the output count."""

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
        """All tokens that go out, thinking included."""
        return self.choice_count * (tokens(self.text) + tokens(self.tool_arguments)) + self.thinking_tokens


def tokens(text: str | bytes) -> int:
    """Return the token count of *text*: its UTF-8 bytes by four, rounded up.

    >>> tokens("four"), tokens("fives"), tokens("金")
    (1, 2, 1)
    """
    return -(-len(text.encode() if isinstance(text, str) else text) // 4)


def pieces(text: str) -> list[str]:
    """Return *text* in the pieces a stream sends: words with the blanks behind them."""
    return re.findall(r"\S+\s*|\s+", text)


def read_question(path: str, body: bytes, behaviour: str | None) -> Question:
    """Read a request; *behaviour* is the channel's own, which goes before the model's suffix.

    Raises:
        UnreadableError: Not JSON, or without a model.
    """
    kinds: dict[str, Kind] = {
        "/v1/chat/completions": "openai_chat",
        "/v1/messages": "anthropic_messages",
        "/v1/embeddings": "embeddings",
    }
    if path not in kinds:
        raise UnreadableError(f"no endpoint {path}")
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError) as exc:
        raise UnreadableError("the body is no JSON object") from exc
    model = fields.get("model")
    if not isinstance(model, str):
        raise UnreadableError("model: expected text")
    return Question(
        kind=kinds[path],
        model=model,
        behaviour=behaviour or model.partition("+")[2],
        stream=fields.get("stream") is True and kinds[path] != "embeddings",
        fields=fields,
        input_tokens=tokens(b"".join(bytes(raw[name]) for name in INPUT_FIELDS if name in raw)),
        system_tokens=tokens(bytes(raw["system"])) if "system" in raw else 0,
    )


def answer(question: Question, chunk_count: int | None) -> Answer:
    """Return the honest answer: a tool call if one is wanted, a document of the schema, else words."""
    fields = question.fields
    options = fields.get("stream_options")
    is_cached = '"cache_control"' in msgspec.json.encode(fields.get("system")).decode()
    plain = Answer(
        kind=question.kind,
        model=question.model,
        thinking=THINKING if _is_thinking_asked(fields) else "",
        choice_count=_choice_count(fields),
        input_tokens=question.input_tokens - (question.system_tokens if is_cached else 0),
        cache_write_tokens=question.system_tokens if is_cached else 0,
        is_usage_asked=not question.stream or (isinstance(options, dict) and options.get("include_usage") is True),
    )
    tool = _tool_wanted(fields)
    if tool is not None:
        name, schema = tool
        arguments = msgspec.json.encode(instance(schema)).decode()
        return msgspec.structs.replace(plain, tool_name=name, tool_arguments=arguments, stop="tool")
    schema = _schema_wanted(fields)
    if schema is not None:
        return msgspec.structs.replace(plain, text=msgspec.json.encode(instance(schema)).decode())
    text = "word " * chunk_count if chunk_count else _reply(_last_user_text(fields))
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    if isinstance(limit, int) and tokens(text) > limit:
        cut = text.encode()[: 4 * limit].decode(errors="ignore")
        return msgspec.structs.replace(plain, text=cut, stop="length")
    return msgspec.structs.replace(plain, text=text)


def instance(schema: Any, definitions: Any = None, depth: int = 0) -> Any:
    """Return a small document that fits a JSON *schema*, as far as the usual keywords go.

    >>> instance({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    {'city': 'text'}
    """
    if not isinstance(schema, dict) or depth > 20:
        return None
    definitions = definitions or {**schema.get("definitions", {}), **schema.get("$defs", {})}
    if "$ref" in schema:
        return instance(definitions.get(str(schema["$ref"]).rpartition("/")[2]), definitions, depth + 1)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    for keyword in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            first = schema[keyword][0]
            return first if keyword == "enum" else instance(first, definitions, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            names: list[str] = list(schema.get("required") or properties)
            return {name: instance(properties.get(name, {}), definitions, depth + 1) for name in names}
        case "array":
            return [instance(schema.get("items", {}), definitions, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "text".ljust(schema.get("minLength", 0), "x")


def _choice_count(fields: dict[str, Any]) -> int:
    count = fields.get("n") or 1
    if not isinstance(count, int) or not 1 <= count <= 128:
        raise UnreadableError("n: expected 1 to 128")
    return count


def _reply(asked: str) -> str:
    words = " ".join(asked.split()[:WORDS_MAX])
    return f"You said: {words} This is the simulator speaking; no model was asked."


def _is_thinking_asked(fields: dict[str, Any]) -> bool:
    thinking = fields.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def _messages(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = fields.get("messages")
    messages: list[Any] = found if isinstance(found, list) else []
    yield from (message for message in reversed(messages) if isinstance(message, dict))


def _last_user_text(fields: dict[str, Any]) -> str:
    """Return the text of the last message of the user, or nothing."""
    for message in _messages(fields):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else []
            return " ".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)
    return ""


def _tool_wanted(fields: dict[str, Any]) -> tuple[str, Any] | None:
    """Return name and schema of the tool to call: the one forced, else the first if "tool" is spoken of.

    After a tool's result plain words come.
    """
    known: dict[str, Any] = {}
    tools: list[Any] = fields.get("tools") or []
    for tool in tools:
        function = tool.get("function") or tool
        known[str(function.get("name"))] = function.get("parameters") or function.get("input_schema") or {}
    choice = fields.get("tool_choice")
    if not known or choice == "none" or (isinstance(choice, dict) and choice.get("type") == "none"):
        return None
    if isinstance(choice, dict):
        named = (choice.get("function") or choice).get("name")
        if named in known:
            return named, known[named]
    is_forced = choice == "required" or (isinstance(choice, dict) and choice.get("type") == "any")
    is_answered = next(_messages(fields), {}).get("role") == "tool"
    if is_forced or ("tool" in _last_user_text(fields).lower() and not is_answered):
        return next(iter(known.items()))
    return None


def _schema_wanted(fields: dict[str, Any]) -> Any:
    """Return the JSON schema the answer must fit: OpenAI's or Anthropic's way of asking, or None."""
    wanted = fields.get("response_format") or (fields.get("output_config") or {}).get("format")
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return {"type": "object"}
    return wanted.get("schema") or (wanted.get("json_schema") or {}).get("schema")

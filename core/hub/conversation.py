"""The hub's form of a request: a conversation, its tools, and settings for the answer.

What no other dialect can express is kept unchanged, as a `Native` part or tool: the dialect it
came from writes it back as it was, all others drop it or refuse it by name.
"""

from typing import Literal

import msgspec

from ..exchange import Dialect

Role = Literal["system", "developer", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Seal(msgspec.Struct, frozen=True):
    """A signature or encrypted content, which the upstream checks when it is sent back.

    It is valid only for the upstream account that made it (wire/DIALECTS.md 6), and not a byte of
    it may change. ``id`` is the item's own id if the dialect gives one.
    """

    dialect: Dialect
    value: str
    id: str = ""


class CacheMark(msgspec.Struct, frozen=True):
    """Asks to cache the prompt up to here, for ``ttl`` (``5m``, ``1h``; empty: the upstream's default)."""

    ttl: str = ""


class Inline(msgspec.Struct, frozen=True):
    """Media inside the request: base64 text as it came."""

    media_type: str
    data: str


class Link(msgspec.Struct, frozen=True):
    """Media at a URL that the upstream fetches."""

    url: str
    media_type: str = ""


class FileId(msgspec.Struct, frozen=True):
    """Media uploaded to an upstream before; only those of its *dialect* know the id."""

    dialect: Dialect
    id: str


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """A part, item, tool or source that only *dialect* knows, unchanged.

    ``is_piece``: it was inside a message; in Responses there are items beside messages.
    """

    dialect: Dialect
    kind: str
    document: msgspec.Raw
    is_piece: bool = False


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A source that a text cites. ``start`` and ``end`` are positions in the text, in characters, if known.

    ``native`` is the whole citation in its own dialect, such as a place in a document.
    """

    url: str
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None
    native: Native | None = None


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Visible text."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    seal: Seal | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture; ``detail`` is OpenAI's ``low``, ``high``, ``auto``."""

    source: Inline | Link | FileId
    detail: str | None = None
    cache: CacheMark | None = None
    seal: Seal | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """Audio."""

    source: Inline
    cache: CacheMark | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A document; ``detail`` is as in `Image`."""

    source: Inline | Link | FileId
    name: str | None = None
    detail: str | None = None
    cache: CacheMark | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Thinking. ``is_redacted``: there is only a seal, no text to show."""

    text: str
    seal: Seal | None = None
    is_redacted: bool = False


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool by the model.

    ``arguments`` is JSON text as the model wrote it, which a limit may have cut; for a ``custom``
    tool it is free text.
    """

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    seal: Seal | None = None
    cache: CacheMark | None = None


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a tool call; ``name`` is the tool's, if the dialect gives it."""

    call_id: str
    parts: "tuple[Part, ...]"
    name: str | None = None
    is_error: bool = False
    cache: CacheMark | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The model's own words declining the request."""

    text: str


Part = Text | Image | Audio | File | Thinking | ToolCall | ToolResult | Refusal | Native


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn, or a part of one. Tool results are in messages of the user."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the model may call; ``schema`` is the JSON Schema of its arguments (None: none was given).

    A ``custom`` tool takes free text; ``grammar`` is its format as it came.
    """

    name: str
    description: str | None = None
    schema: msgspec.Raw | None = None
    is_strict: bool | None = None
    kind: Literal["function", "custom"] = "function"
    grammar: msgspec.Raw | None = None
    cache: CacheMark | None = None


class NamedTool(msgspec.Struct, frozen=True):
    """A tool: the one that must be called, or one of those that may be."""

    name: str
    kind: Literal["function", "custom"] = "function"


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer must be JSON: any (``schema`` is None), or according to the JSON Schema."""

    schema: msgspec.Raw | None = None
    name: str = ""
    description: str | None = None
    is_strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much to think: an effort, a budget in tokens, or the model's own choice (``is_adaptive``).

    If all are None or False, the request does not say. ``summary`` asks to see the thinking, in
    OpenAI's words (``auto``, ``concise``, ``detailed``); ``is_shown`` says whether to show it at all.
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    is_adaptive: bool = False
    is_off: bool = False
    is_shown: bool | None = None
    summary: str | None = None


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are sampled, and how many; None for what the request does not say."""

    output_tokens_max: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    choice_count: int = 1


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, and what is asked for.

    Attributes:
        model: The name that the customer asked for; `Translation` replaces it by the channel's own.
        dropped: Fields, and members of fields, that the decoder left out because clients expect
            that (wire/DIALECTS.md 5.2), by their names in the customer's dialect.
        unanswerable: Fields that ask for something no other dialect can answer; `Translation`
            refuses the first by name.
        is_usage_asked: A chat customer asked for the usage chunk (always true in other dialects).
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    tools: tuple[Tool | Native, ...] = ()
    tool_choice: ToolChoice | None = None
    allowed_tools: tuple[str, ...] = ()
    is_parallel: bool | None = None
    output_format: OutputFormat | None = None
    reasoning: Reasoning = Reasoning()
    sampling: Sampling = Sampling()
    verbosity: str | None = None
    user: str | None = None
    cache_key: str | None = None
    is_usage_asked: bool = True
    unanswerable: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

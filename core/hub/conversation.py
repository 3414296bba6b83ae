"""The hub's form of a request: a conversation, its tools, and how the answer is to be made.

What no other dialect has a word for stays what it is, as a `Native` part or tool: the dialect it
came from writes it back unchanged, every other one drops it or refuses it by name.
"""

from typing import Literal

import msgspec

from ..exchange import Dialect

Role = Literal["system", "developer", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Seal(msgspec.Struct, frozen=True):
    """What an upstream signed or encrypted so that it can check it when it is sent back.

    It is valid only for the upstream account that made it (wire/DIALECTS.md 6), and is never
    changed by a byte. ``id`` is the item's own id where the dialect gives one.
    """

    dialect: Dialect
    value: str
    id: str = ""


class CacheMark(msgspec.Struct, frozen=True):
    """The prompt up to here is worth caching, for ``ttl`` (``5m``, ``1h``; empty: the upstream's default)."""

    ttl: str = ""


class Inline(msgspec.Struct, frozen=True):
    """Media that travel in the request: base64 text as it came."""

    media_type: str
    data: str


class Link(msgspec.Struct, frozen=True):
    """Media at an address that the upstream fetches."""

    url: str
    media_type: str = ""


class FileId(msgspec.Struct, frozen=True):
    """Media uploaded to one upstream before."""

    dialect: Dialect
    id: str


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """A part, item, tool or source that only *dialect* knows, as it stood there.

    ``is_piece``: it stood within a message; in Responses items stand beside messages.
    """

    dialect: Dialect
    kind: str
    document: msgspec.Raw
    is_piece: bool = False


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A source that a text names. ``start`` and ``end`` are characters of the text, where known.

    ``native`` is all that its own dialect tells of it, such as a place in a document.
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
    """Sound."""

    source: Inline
    cache: CacheMark | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A document; ``detail`` is as a picture's."""

    source: Inline | Link | FileId
    name: str | None = None
    detail: str | None = None
    cache: CacheMark | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of thought. ``is_redacted``: only its seal can be shown."""

    text: str
    seal: Seal | None = None
    is_redacted: bool = False


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool the model wants called.

    ``arguments`` is JSON text as the model wrote it, which a limit may have cut; of a ``custom``
    tool it is free text.
    """

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    seal: Seal | None = None
    cache: CacheMark | None = None


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool gave back; ``name`` where the dialect tells it."""

    call_id: str
    parts: "tuple[Part, ...]"
    name: str | None = None
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    cache: CacheMark | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The model's own words in which it declines."""

    text: str


Part = Text | Image | Audio | File | Thinking | ToolCall | ToolResult | Refusal | Native


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn, or a part of one. Tool results stand in messages of the user."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the model may call; ``schema`` is JSON Schema (None: no arguments were described).

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
    """The one tool that must be called."""

    name: str
    kind: Literal["function", "custom"] = "function"


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is to be JSON: any (``schema`` is None), or as the JSON Schema says."""

    schema: msgspec.Raw | None = None
    name: str = ""
    description: str | None = None
    is_strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much to think: an effort, a budget in tokens, or the model's own choice (``is_adaptive``).

    All None and False: nothing was said. ``summary`` asks to see it, in OpenAI's words
    (``auto``, ``concise``, ``detailed``); ``is_shown`` says so without saying how.
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    is_adaptive: bool = False
    is_off: bool = False
    is_shown: bool | None = None
    summary: str | None = None


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn, and how many; None where the request is silent."""

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
    """A conversation and what is wanted of it.

    Attributes:
        model: Name as the customer asked; `Translation` puts the channel's own in its place.
        dropped: Fields, and members within them, that the decoder left out because the field's
            users expect that (wire/DIALECTS.md 5.2), by their names in the customer's dialect.
        unanswerable: Fields that ask for something no other dialect can answer; `Translation`
            refuses the first by its name.
        is_usage_asked: A chat customer asked for the usage chunk (always true elsewhere).
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

"""Content blocks, which requests and answers of Messages have in common.

Source: wire/DIALECTS.md 2.4, 5.3-5.5, read 2026-11-24.
"""

import msgspec

from ...errors import BadRequestError
from ..conversation import (
    CacheMark,
    Citation,
    File,
    FileId,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from ..media import inline_text
from ..raw import given
from ..seals import read_seal


class Source(msgspec.Struct):
    """Where the bytes of a picture or a document are."""

    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""


class Cache(msgspec.Struct):
    """A mark: the prompt up to here is to be cached."""

    ttl: str = ""


class _Cited(msgspec.Struct):
    """A source that a text cites; each type uses some of the fields."""

    type: str = ""
    url: str | None = None
    source: str | None = None
    title: str | None = None
    document_title: str | None = None
    cited_text: str | None = None


class Wish(msgspec.Struct):
    """``citations`` of a document in a request: whether to cite it."""

    enabled: bool = False


class Block(msgspec.Struct):
    """Any content block."""

    type: str = ""
    text: str | None = ""
    citations: list[msgspec.Raw] | Wish | None = None
    thinking: str | None = ""
    signature: str | None = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: str = ""
    content: msgspec.Raw = msgspec.Raw()
    is_error: bool | None = None
    source: Source | None = None
    title: str | None = None
    cache_control: Cache | None = None


class _Kind(msgspec.Struct):
    type: str = ""


SHARED = frozenset(
    {"text", "thinking", "redacted_thinking", "tool_use", "tool_result", "image", "document"},
)
"""Types of blocks that are read; all others are kept unchanged."""
_read_kind = msgspec.json.Decoder(_Kind).decode
_read_block = msgspec.json.Decoder(Block).decode
_read_cited = msgspec.json.Decoder(_Cited).decode
_read_content = msgspec.json.Decoder(str | list[msgspec.Raw] | None).decode


def read_parts(content: str | list[msgspec.Raw] | None) -> tuple[Part, ...]:
    """Return the parts of *content*, which is one text or a list of blocks.

    Raises:
        msgspec.ValidationError: Not a block.
    """
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(read_part(raw) for raw in content)


def read_part(raw: msgspec.Raw) -> Part:
    """Return one block as a part; one of a type that only this dialect has is kept unchanged."""
    kind = _read_kind(raw).type
    if kind not in SHARED:
        return _native(kind, raw)
    block = _read_block(raw)
    cache = CacheMark(block.cache_control.ttl) if block.cache_control is not None else None
    match block.type:
        case "text":
            cited = block.citations if isinstance(block.citations, list) else ()
            return Text(text=block.text or "", citations=tuple(map(read_citation, cited)), cache=cache)
        case "thinking":
            return Thinking(
                text=block.thinking or "",
                seal=read_seal(block.signature, "anthropic_messages") if block.signature else None,
            )
        case "redacted_thinking":
            return Thinking(text="", seal=read_seal(block.data, "anthropic_messages"), is_redacted=True)
        case "tool_use":
            arguments = bytes(given(block.input) or b"{}").decode()
            return ToolCall(id=block.id, name=block.name, arguments=arguments, cache=cache)
        case "tool_result":
            content = given(block.content)
            parts = read_parts(_read_content(content)) if content is not None else ()
            return ToolResult(call_id=block.tool_use_id, parts=parts, is_error=bool(block.is_error), cache=cache)
        case "image" if block.source is not None:
            return Image(source=_source(block.source), cache=cache)
        case "document" if block.source is not None and block.source.type != "content":
            return File(source=_source(block.source), name=block.title, cache=cache)
    return _native(kind, raw)


def _native(kind: str, raw: msgspec.Raw) -> Native:
    return Native(dialect="anthropic_messages", kind=kind, document=msgspec.Raw(bytes(raw)))


def read_citation(raw: msgspec.Raw) -> Citation:
    """Return the source that a citation names; a document has its title, and no URL.

    Raises:
        msgspec.ValidationError: Not a citation.
    """
    cited = _read_cited(raw)
    return Citation(
        url=cited.url or cited.source or "",
        title=cited.title or cited.document_title or "",
        quote=cited.cited_text or "",
        native=_native(cited.type, raw),
    )


def _source(source: Source) -> Inline | Link | FileId:
    match source.type:
        case "base64":
            return Inline(source.media_type, source.data)
        case "text":
            return inline_text(source.data)
        case "url":
            return Link(source.url)
        case "file":
            return FileId("anthropic_messages", source.file_id)
    raise BadRequestError(param="messages.content.source")

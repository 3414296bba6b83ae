"""Items and their parts, which requests and answers of Responses have in common.

Source: wire/DIALECTS.md 2.3, 5.3-5.5; openai/openai-python types/responses, read 2026-11-24.
"""

from mimetypes import guess_type

import msgspec

from ..conversation import (
    Citation,
    File,
    FileId,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from ..media import read_address
from ..seals import read_seal, sealed_thought


class _Annotation(msgspec.Struct):
    """A source that a text cites; each type uses some of the fields."""

    type: str = ""
    url: str | None = None
    title: str | None = None
    filename: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Piece(msgspec.Struct):
    """A part of a message, a summary, or a tool's output."""

    type: str = ""
    text: str | None = ""
    refusal: str | None = ""
    annotations: list[msgspec.Raw] | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None


class Item(msgspec.Struct):
    """An item of a type that other dialects have too."""

    type: str = "message"
    id: str | None = None
    role: str = ""
    content: str | list[msgspec.Raw] | None = None
    summary: list[msgspec.Raw] | None = None
    encrypted_content: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str | None = None
    input: str | None = None
    output: str | list[msgspec.Raw] | None = None
    result: str | None = None
    output_format: str | None = None


class _Kind(msgspec.Struct):
    type: str = "message"


SHARED = frozenset(
    {
        "message", "reasoning", "function_call", "custom_tool_call", "function_call_output",
        "custom_tool_call_output", "image_generation_call",
    }
)  # fmt: skip
"""Types of items that are read; all others are kept unchanged."""
_read_kind = msgspec.json.Decoder(_Kind).decode
_read_item = msgspec.json.Decoder(Item).decode
_read_piece = msgspec.json.Decoder(Piece).decode
_read_annotation = msgspec.json.Decoder(_Annotation).decode


def read_item(raw: msgspec.Raw) -> tuple[Item, tuple[Part, ...]]:
    """Return an item and its parts; one of a type that only this dialect has is kept unchanged.

    Raises:
        ValueError: Not an item, or one with an invalid part.
    """
    kind = _read_kind(raw).type
    item = _read_item(raw) if kind in SHARED else Item(type=kind)
    match kind:
        case "message":
            return item, read_pieces(item.content)
        case "reasoning":
            return item, (read_reasoning(item),)
        case "function_call":
            return item, (ToolCall(id=item.call_id, name=item.name, arguments=item.arguments or ""),)
        case "custom_tool_call":
            return item, (ToolCall(id=item.call_id, name=item.name, arguments=item.input or "", kind="custom"),)
        case "function_call_output" | "custom_tool_call_output":
            return item, (ToolResult(call_id=item.call_id, parts=read_pieces(item.output)),)
        case "image_generation_call" if item.result:
            return item, (Image(source=Inline(f"image/{item.output_format or 'png'}", item.result)),)
    return item, (_native(kind, raw),)


def read_reasoning(item: Item) -> Thinking:
    """Return a reasoning item: its summary, or if there is none, the text itself, which some upstreams show."""
    shown = item.summary or (item.content if isinstance(item.content, list) else ()) or ()
    text = "\n\n".join(_read_piece(raw).text or "" for raw in shown)
    if not item.encrypted_content:
        return Thinking(text=text)
    return sealed_thought(text, read_seal(item.encrypted_content, "openai_responses", item.id or ""))


def read_pieces(content: str | list[msgspec.Raw] | None) -> tuple[Part, ...]:
    """Return the parts of *content*, which is one text or a list."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(read_piece(raw) for raw in content or ())


def read_piece(raw: msgspec.Raw) -> Part:
    """Return one part of a message; one of a type that only this dialect has is kept unchanged.

    Raises:
        ValueError: Not a part, or one without its content.
    """
    piece = _read_piece(raw)
    match piece:
        case Piece(type="input_text" | "output_text" | "text" | "summary_text"):
            return Text(text=piece.text or "", citations=tuple(map(read_annotation, piece.annotations or ())))
        case Piece(type="refusal"):
            return Refusal(text=piece.refusal or "")
        case Piece(type="input_image", image_url=str() as url):
            return Image(source=read_address(url), detail=piece.detail)
        case Piece(type="input_image", file_id=str() as file_id):
            return Image(source=FileId("openai_responses", file_id), detail=piece.detail)
        case Piece(type="input_file", file_id=str() as file_id):
            return File(source=FileId("openai_responses", file_id), name=piece.filename, detail=piece.detail)
        case Piece(type="input_file", file_data=str() as data):
            return File(source=_read_file(data, piece.filename), name=piece.filename, detail=piece.detail)
        case Piece(type="input_file", file_url=str() as url):
            return File(source=read_address(url), name=piece.filename, detail=piece.detail)
        case Piece(type="" | "input_image" | "input_file"):
            raise ValueError(f"a part of the type '{piece.type}' without what it should hold")
    return msgspec.structs.replace(_native(piece.type, raw), is_piece=True)


def _read_file(data: str, name: str | None) -> Inline | Link:
    """Return the file in ``file_data``; if that is no ``data:`` URL, it is base64, and the file name shows its type."""
    if data.startswith("data:"):
        return read_address(data)
    return Inline(guess_type(name or "")[0] or "application/pdf", data)


def _native(kind: str, raw: msgspec.Raw) -> Native:
    return Native(dialect="openai_responses", kind=kind, document=msgspec.Raw(bytes(raw)))


def read_annotation(raw: msgspec.Raw) -> Citation:
    """Return the source that an annotation cites; a file has its name as the title, and no URL.

    Raises:
        ValueError: Not an annotation.
    """
    annotation = _read_annotation(raw)
    return Citation(
        url=annotation.url or "",
        title=annotation.title or annotation.filename or "",
        start=annotation.start_index,
        end=annotation.end_index,
        native=_native(annotation.type, raw),
    )

"""Parts, as requests and answers of Gemini have in common. Source: wire/DIALECTS.md 5.3-5.5, read 2026-11-24."""

import base64
import binascii
import re

import msgspec

from ...exchange import Dialect
from ..conversation import Audio, File, Image, Inline, Link, Native, Part, Seal, Text, Thinking, ToolCall
from ..names import new_call_id
from ..raw import given
from ..seals import read_seal, write_seal

DIALECT: Dialect = "gemini_generate"
_SNAKE = re.compile(rb'"(inline_data|file_data|function_call|function_response|thought_signature)"(?=\s*:)')
"""Members of a part in the second spelling that the API takes."""


class Blob(msgspec.Struct, rename="camel"):
    """Media within the document, or at an address of Google's."""

    mime_type: str = ""
    data: str = ""
    file_uri: str = ""


class Call(msgspec.Struct):
    """A function that the model wants called."""

    name: str = ""
    args: msgspec.Raw = msgspec.Raw()
    id: str | None = None


class Response(msgspec.Struct):
    """What a function gave back."""

    name: str = ""
    response: msgspec.Raw = msgspec.Raw()
    id: str | None = None


class PartDocument(msgspec.Struct, rename="camel"):
    """Any part."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: Blob | None = None
    function_call: Call | None = None
    function_response: Response | None = None


class Content(msgspec.Struct):
    """One turn."""

    role: str = "user"
    parts: list[msgspec.Raw] | None = None


_read_part = msgspec.json.Decoder(PartDocument).decode


def in_one_spelling(raw: bytes) -> bytes:
    """Return a document with its parts' members in camel case; a quote within a text is escaped, so none is touched."""
    if not _SNAKE.search(raw):
        return raw
    return _SNAKE.sub(lambda match: b'"' + _camel(match[1]) + b'"', raw)


def _camel(name: bytes) -> bytes:
    first, *rest = name.split(b"_")
    return first + b"".join(word.capitalize() for word in rest)


def read_part(raw: msgspec.Raw) -> tuple[PartDocument, Part | None]:
    """Return a part's document and what it is; None for a function's response and for nothing.

    Raises:
        msgspec.ValidationError: Not a part.
    """
    document = _read_part(raw)
    seal = read_signature(document.thought_signature) if document.thought_signature else None
    match document:
        case PartDocument(function_call=Call() as call):
            arguments = bytes(call.args).decode() or "{}"
            return document, ToolCall(id=call.id or new_call_id(), name=call.name, arguments=arguments, seal=seal)
        case PartDocument(function_response=Response()):
            return document, None
        case PartDocument(inline_data=Blob() as blob):
            return document, _media(Inline(blob.mime_type, blob.data), blob.mime_type)
        case PartDocument(file_data=Blob() as blob):
            return document, _media(Link(blob.file_uri, blob.mime_type), blob.mime_type)
        case PartDocument(text=str() as text, thought=True):
            return document, Thinking(text=text, seal=seal)
        case PartDocument(text=str() as text):
            return document, Text(text=text, seal=seal) if text or seal is not None else None
    value = given(raw)
    kind = next(iter(msgspec.json.decode(value)), "part") if value is not None else "part"
    return document, Native(dialect=DIALECT, kind=kind, document=msgspec.Raw(bytes(raw)))


def _media(source: Inline | Link, media_type: str) -> Part:
    if media_type.startswith("image/"):
        return Image(source=source)
    if media_type.startswith("audio/") and isinstance(source, Inline):
        return Audio(source=source)
    return File(source=source)


def read_signature(signature: str) -> Seal:
    """Return what a ``thoughtSignature`` seals; it is base64, a foreign seal within it as well."""
    try:
        text = base64.b64decode(signature, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return Seal(DIALECT, signature)
    seal = read_seal(text, DIALECT)
    return seal if seal.dialect != DIALECT else Seal(DIALECT, signature)


def write_signature(seal: Seal) -> str:
    """Return *seal* as a ``thoughtSignature``; the other way round of `read_signature`."""
    if seal.dialect == DIALECT:
        return seal.value
    return base64.b64encode(write_seal(seal, DIALECT).encode()).decode()

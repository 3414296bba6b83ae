"""Parts, which requests and answers of Gemini have in common. Source: wire/DIALECTS.md 5.3-5.5, read 2026-11-24."""

import base64
import re

import msgspec

from ...exchange import Dialect
from ..answer import new_call_id
from ..conversation import Audio, File, Image, Inline, Link, Native, Part, Seal, Text, ToolCall
from ..media import in_standard_base64
from ..raw import given
from ..seals import read_seal, sealed_thought, write_seal

DIALECT: Dialect = "gemini_generate"
_SNAKE = re.compile(r"_([a-z])")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BLOBS = ("inlineData", "fileData")


class Blob(msgspec.Struct, rename="camel"):
    """Media inside the document, or at a URL."""

    mime_type: str = ""
    data: str = ""
    file_uri: str = ""


class Call(msgspec.Struct):
    """A function call by the model."""

    name: str = ""
    args: msgspec.Raw = msgspec.Raw()
    id: str | None = None
    partialArgs: msgspec.Raw = msgspec.Raw()
    willContinue: bool | None = None

    @property
    def is_piece(self) -> bool:
        """Whether it is a piece of a call; only clients that asked for pieces get any.

        Source: ai.google.dev function-calling.
        """
        return given(self.partialArgs) is not None or self.willContinue is not None


class Response(msgspec.Struct):
    """The result of a function; its media are in ``parts``. Source: ai.google.dev function-calling, read 2026-11-29."""

    name: str = ""
    response: msgspec.Raw = msgspec.Raw()
    id: str | None = None
    parts: list[msgspec.Raw] | None = None


class PartDocument(msgspec.Struct, rename="camel"):
    """Any part."""

    text: str | None = None
    thought: bool | None = None
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


def in_camel_case(raw: msgspec.Raw, *nested: str) -> msgspec.Raw:
    """Return an object with its members' names in camel case, one of the two spellings that the API accepts.

    The contents of its members are left unchanged, as arguments and schemas may have any names; only
    members named in *nested* are converted too.

    Raises:
        ValueError: Not an object.

    >>> bytes(in_camel_case(msgspec.Raw(b'{"file_data":{"file_uri":1},"args":{"a_b":2}}'), "fileData"))
    b'{"fileData":{"fileUri":1},"args":{"a_b":2}}'
    """
    if b"_" not in bytes(raw):
        return raw
    members = {camel_case(name): value for name, value in _MEMBERS.decode(raw).items()}
    for name in nested:
        if given(members.get(name, msgspec.Raw())) is not None:
            members[name] = in_camel_case(members[name])
    return msgspec.Raw(msgspec.json.encode(members))


def camel_case(name: str) -> str:
    """Return a member's name in camel case."""
    return _SNAKE.sub(lambda match: match[1].upper(), name) if "_" in name else name


def read_part(raw: msgspec.Raw) -> tuple[PartDocument, Part | None]:
    """Return a part's document and the part; None for a function's response, and if there is no content.

    Raises:
        msgspec.ValidationError: Not a part.
    """
    document = _read_part(in_camel_case(raw, *_BLOBS))
    seal = read_signature(document.thought_signature) if document.thought_signature else None
    match document:
        case PartDocument(function_call=Call() as call) if not call.is_piece:
            arguments = bytes(given(call.args) or b"{}").decode()
            return document, ToolCall(id=call.id or new_call_id(), name=call.name, arguments=arguments, seal=seal)
        case PartDocument(function_response=Response()):
            return document, None
        case PartDocument(inline_data=Blob() as blob) if not document.thought:  # a draft is not part of the answer
            source = Inline(blob.mime_type, in_standard_base64(blob.data))
            return document, _media(source, blob.mime_type, seal)
        case PartDocument(file_data=Blob() as blob):
            return document, _media(Link(blob.file_uri, blob.mime_type), blob.mime_type, seal)
        case PartDocument(text=str() as text, thought=True):
            return document, sealed_thought(text, seal)
        case PartDocument(text=str() as text):
            return document, Text(text=text, seal=seal) if text or seal is not None else None
    value = given(raw)
    kind = next(iter(msgspec.json.decode(value)), "part") if value is not None else "part"
    return document, Native(dialect=DIALECT, kind=kind, document=msgspec.Raw(bytes(raw)))


def _media(source: Inline | Link, media_type: str, seal: Seal | None) -> Part:
    if media_type.startswith("image/"):
        return Image(source=source, seal=seal)
    if media_type.startswith("audio/") and isinstance(source, Inline):
        return Audio(source=source)
    return File(source=source)


def read_signature(signature: str) -> Seal:
    """Return the seal in a ``thoughtSignature``, which is base64; a foreign seal is encoded in it."""
    try:
        text = base64.b64decode(signature, validate=True).decode("ascii")
    except ValueError:
        return Seal(DIALECT, signature)
    seal = read_seal(text, DIALECT)
    return seal if seal.dialect != DIALECT else Seal(DIALECT, signature)


def write_signature(seal: Seal) -> str:
    """Return *seal* as a ``thoughtSignature``; the reverse of `read_signature`."""
    if seal.dialect == DIALECT:
        return seal.value
    return base64.b64encode(write_seal(seal, DIALECT).encode()).decode()

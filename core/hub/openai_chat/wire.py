"""What requests and answers of chat have in common: tools, their calls and the choice of one."""

from collections.abc import Iterable

import msgspec

from ..conversation import Image, Seal, ToolCall
from ..media import read_address


class Google(msgspec.Struct):
    """Google's own fields of a tool call."""

    thought_signature: str | None = None


class Extra(msgspec.Struct):
    """What stands beside a tool call, by vendor."""

    google: Google | None = None


class Function(msgspec.Struct):
    """A function: its definition, its call, or its name alone."""

    name: str | None = ""
    arguments: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class Custom(msgspec.Struct):
    """A tool that takes free text: its definition or its call."""

    name: str = ""
    input: str = ""
    description: str | None = None
    format: msgspec.Raw = msgspec.Raw()


class Call(msgspec.Struct):
    """A tool call of an answer, or a tool of a request, or the choice of one: all look alike."""

    id: str | None = ""
    type: str | None = "function"
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Extra | None = None
    allowed_tools: "Allowed | None" = None


class Allowed(msgspec.Struct):
    """The tools that may be called of those named."""

    mode: str = "auto"
    tools: list[Call] = []


class Piece(msgspec.Struct):
    """A part of an answer's content, where it is a list, as Mistral's is; ``thinking`` is a list of such again.

    Kinds that are not named here carry no text of the answer. Source: docs.mistral.ai, read 2026-11-29.
    """

    type: str = ""
    text: str | None = None
    thinking: "list[Piece] | str | None" = None

    @property
    def thought(self) -> str:
        """What it says as thinking."""
        return texts_of(self.thinking) if self.type == "thinking" else ""


class Url(msgspec.Struct):
    """The page that an annotation names."""

    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct):
    """A source that an answer names."""

    url_citation: Url | None = None


class _Address(msgspec.Struct):
    url: str = ""


class Picture(msgspec.Struct):
    """A picture of an answer, in OpenRouter's form."""

    image_url: _Address | None = None


def texts_of(content: str | list[Piece] | None) -> str:
    """Return the visible text of *content*."""
    return content if isinstance(content, str) else "".join(piece.text or "" for piece in content or ())


def thoughts_of(content: str | list[Piece] | None) -> str:
    """Return the thinking in *content*."""
    return "".join(piece.thought for piece in content) if isinstance(content, list) else ""


def read_pictures(pictures: list[Picture] | None) -> Iterable[Image]:
    """Yield the pictures of an answer."""
    for picture in pictures or ():
        if picture.image_url is not None and picture.image_url.url:
            yield Image(source=read_address(picture.image_url.url))


def read_call(call: Call) -> ToolCall:
    """Return a tool call as chat writes it."""
    if call.custom is not None:
        return ToolCall(id=call.id or "", name=call.custom.name, arguments=call.custom.input, kind="custom")
    function = call.function or Function()
    google = call.extra_content.google if call.extra_content is not None else None
    signature = google.thought_signature if google is not None else None
    seal = Seal("gemini_generate", signature) if signature is not None else None
    return ToolCall(id=call.id or "", name=function.name or "", arguments=function.arguments or "", seal=seal)

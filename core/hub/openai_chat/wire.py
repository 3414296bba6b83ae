"""What requests and answers of chat have in common: tools, their calls, thinking, sources and pictures."""

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from ..conversation import Citation, Image, Seal, ToolCall
from ..media import read_address
from .thoughts import Detail


class Google(msgspec.Struct):
    """Google's own fields of a tool call."""

    thought_signature: str | None = None


class Extra(msgspec.Struct):
    """Vendors' own fields of a tool call, by vendor."""

    google: Google | None = None


class Function(msgspec.Struct):
    """A function: its definition, its call, or only its name."""

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
    """A tool call in an answer, a tool in a request, or the choice of one: all have the same form."""

    id: str | None = ""
    type: str | None = "function"
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Extra | None = None
    allowed_tools: "Allowed | None" = None


class Allowed(msgspec.Struct):
    """The choice of those tools that may be called."""

    mode: str = "auto"
    tools: list[Call] = []


class Piece(msgspec.Struct):
    """A part of an answer's content if it is a list, as Mistral's is; ``thinking`` is again a list of these.

    Other types carry no text of the answer. Source: docs.mistral.ai, read 2026-11-29.
    """

    type: str = ""
    text: str | None = None
    thinking: "list[Piece] | str | None" = None

    @property
    def thought(self) -> str:
        """Its text, if it is thinking."""
        return texts_of(self.thinking) if self.type == "thinking" else ""


class Url(msgspec.Struct):
    """The page that an annotation cites; ``content`` is the quoted text, which OpenRouter adds."""

    url: str | None = None
    title: str | None = None
    content: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct):
    """A source that an answer cites."""

    url_citation: Url | None = None


class _Found(msgspec.Struct):
    """A page that a search found: Perplexity's ``url`` and ``snippet``, Zhipu's ``link`` and ``content``."""

    url: str | None = None
    link: str | None = None
    title: str | None = None
    snippet: str | None = None
    content: str | None = None


class Searched(msgspec.Struct):
    """The search results of an answer, which are outside its choices.

    Source: w:compat/perplexity-plain; docs.bigmodel.cn, chat completion, ``web_search``; read 2026-11-29.
    """

    search_results: msgspec.Raw = msgspec.Raw()
    web_search: msgspec.Raw = msgspec.Raw()
    citations: msgspec.Raw = msgspec.Raw()

    @property
    def has_found(self) -> bool:
        """Whether it may have any."""
        return any(
            bytes(memoryview(each)[:1]) == b"[" for each in (self.search_results, self.web_search, self.citations)
        )


class _Address(msgspec.Struct):
    url: str = ""


class Picture(msgspec.Struct):
    """A picture of an answer, in OpenRouter's form."""

    image_url: _Address | None = None


class Said(msgspec.Struct):
    """What the message of an answer, and a piece of one, say besides calls."""

    content: str | list[Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    annotations: list[Annotation] | None = None
    images: list[Picture] | None = None

    def read_thinking(self) -> str:
        """Return its thinking, wherever the upstream puts it."""
        if thinking := self.reasoning_content or self.reasoning:
            return thinking
        return "".join(piece.thought for piece in self.content) if isinstance(self.content, list) else ""


_read_found = msgspec.json.Decoder(list[_Found]).decode
_read_addresses = msgspec.json.Decoder(list[str]).decode


def read_annotation(annotation: Annotation) -> Iterable[Citation]:
    """Yield the page that *annotation* cites; no other dialect has its other types."""
    if (source := annotation.url_citation) is not None:
        yield Citation(
            url=source.url or "",
            title=source.title or "",
            quote=source.content or "",
            start=source.start_index,
            end=source.end_index,
        )


def read_found(searched: Searched) -> Iterable[Citation]:
    """Yield the pages that a vendor's search found, or else the bare URLs, which Perplexity sends as well."""
    for raw in (searched.search_results, searched.web_search):
        with suppress(ValueError):  # absent, or of a form that nobody documents
            if pages := _read_found(raw):
                yield from map(_citation, pages)
                return
    with suppress(ValueError):
        yield from (Citation(url=url) for url in _read_addresses(searched.citations))


def _citation(found: _Found) -> Citation:
    url, quote = found.url or found.link or "", found.snippet or found.content or ""
    return Citation(url=url, title=found.title or "", quote=quote)


def texts_of(content: str | list[Piece] | None) -> str:
    """Return the visible text of *content*."""
    return content if isinstance(content, str) else "".join(piece.text or "" for piece in content or ())


def read_pictures(pictures: list[Picture] | None) -> Iterable[Image]:
    """Yield the pictures of an answer."""
    for picture in pictures or ():
        if picture.image_url is not None and picture.image_url.url:
            yield Image(source=read_address(picture.image_url.url))


def read_call(call: Call) -> ToolCall:
    """Return a chat tool call in the hub's form."""
    if call.custom is not None:
        return ToolCall(id=call.id or "", name=call.custom.name, arguments=call.custom.input, kind="custom")
    function = call.function or Function()
    google = call.extra_content.google if call.extra_content is not None else None
    signature = google.thought_signature if google is not None else None
    seal = Seal("gemini_generate", signature) if signature is not None else None
    return ToolCall(id=call.id or "", name=function.name or "", arguments=function.arguments or "", seal=seal)

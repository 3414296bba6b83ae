"""What a request says, looked through only where an upstream's refusal may speak of it."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from .exchange import ChannelRequest

GAP = "\0"
"""Stands between texts, and where words were taken out: none that are told by their neighbours come to stand side by side."""
_REFERENCE = re.compile(
    r"(?:file|ragfile|container|vectorstore|skill|connector|previousresponse|previousinteraction|previousmessage"
    r"|approvalrequest)ids?"
    r"|\w*ur[il]|container|conversation|cachedcontent|filesearchstorenames|ragcorpus|datastore"
    r"|(?:itemreference|prompt|conversation|container|audio)\.id"
)
"""Fields whose text is the id or the address of something outside the request, without underscores, in lower case.

Sources: openai 2 (``types/responses``, ``types/chat``), anthropic (``types/beta``) and google-genai 3.4 (``types.py``),
read 2026-11-30.
"""
_GOOGLES = {"cachedcontent", "fileuri"}
_OF_TOOLS = {"args", "arguments", "input_schema", "parameters", "properties", "response"}
"""What is said to tools and by them: to the upstream no more than text."""


class Asked:
    """One request: its texts, and what it refers to. Told of none, or of one that can't be read, it knows nothing."""

    def __init__(self, request: ChannelRequest | None) -> None:
        self.is_known = request is not None
        self.model = request.model if request is not None else ""
        self._request = request

    def among(self, words: set[str]) -> set[str]:
        """Return those of *words*, in lower case, that stand in a name or a text of the request, or may do so."""
        if not words or self._text is None:
            return words
        return {each for each in words if each in self._text}

    @property
    def refers(self) -> bool:
        """It names something outside itself, or may do so: a file, a cache, an earlier answer, an address."""
        return self._references is None or bool(self._references)

    @property
    def refers_to_googles(self) -> bool:
        """It names a file or a cache of Google's."""
        return any(name in _GOOGLES for name, _ in self._references or ())

    def referred(self, words: set[str]) -> set[str]:
        """Return those of *words*, in lower case with blanks for underscores, that such a name holds, or may hold."""
        if not words or self._references is None:
            return words
        named = GAP.join(text for _, text in self._references).lower().replace("_", " ")
        return {each for each in words if each in named}

    @cached_property
    def _values(self) -> list[Any] | None:
        """The values of the body's fields; None where they can't be told, as those in a file's name."""
        request = self._request
        if request is None or request.form is not None:
            return None
        try:
            return [msgspec.json.decode(value) for value in request.fields.values()]
        except (ValueError, RecursionError):
            return None

    @cached_property
    def _text(self) -> str | None:
        """All names and texts, in lower case."""
        if self._request is None or self._values is None:
            return None
        request = self._request
        pending: list[Any] = [request.model, unquote_plus(request.query), *request.headers.values(), *request.fields]
        pending += self._values
        texts = []
        while pending:
            match pending.pop():
                case str(text):
                    texts.append(text)
                case dict(members):
                    pending += [*members.keys(), *members.values()]
                case list(items):
                    pending += items
        return GAP.join(texts).lower()

    @cached_property
    def _references(self) -> list[tuple[str, str]] | None:
        """The ids and addresses of what lies outside, each by its field's name; None where they can't be told."""
        if self._request is None or self._values is None:
            return None
        pending = [*zip(self._request.fields, self._values, strict=True)]
        references: list[tuple[str, str]] = []
        while pending:
            match pending.pop():
                case (name, str(text)):
                    name = name.replace("_", "").lower()
                    if _REFERENCE.fullmatch(name) and not text.startswith("data:"):
                        references.append((name, text))
                case (name, dict(members)):
                    pending += _members(name, members)
                case (name, list(items)):
                    pending += [(name, item) for item in items]
        return references


def _members(name: str, members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what an object called *name* holds; an id by whose it is."""
    kind = members.get("type")
    if isinstance(kind, str) and kind.endswith("tool_use"):
        return
    for each, value in members.items():
        if each == "id":
            yield f"{'item_reference' if kind == 'item_reference' else name}.id", value
        elif each not in _OF_TOOLS:
            yield each, value

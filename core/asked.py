"""What a request says, looked through only where an upstream's refusal may speak of it."""

from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from .exchange import ChannelRequest
from .references import read_values, references

GAP = "\0"
"""Stands between texts, and where words were taken out: none that are told by their neighbours come to stand side by side."""
_GOOGLES = {"cachedcontent", "fileuri"}


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
    def _values(self) -> dict[str, Any] | None:
        """What the body's fields hold; None where it can't be told, as in a file's name."""
        request = self._request
        return read_values(request.fields) if request is not None and request.form is None else None

    @cached_property
    def _text(self) -> str | None:
        """All names and texts, in lower case."""
        if self._request is None or self._values is None:
            return None
        request = self._request
        pending: list[Any] = [request.model, unquote_plus(request.query), *request.headers.values(), self._values]
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
        """The ids and addresses of what lies outside, each behind its name; None where they can't be told."""
        return [*references(self._values)] if self._values is not None else None

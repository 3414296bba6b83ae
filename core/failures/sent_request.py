"""The request that an upstream refused, searched for the words of the refusal."""

from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from ..exchange import ChannelRequest
from ..references import read_values, references

GAP = "\0"
"""Stands between two texts, and where words were removed, so that no phrase is found across the gap."""
_GOOGLES = {"cachedcontent", "fileuri"}


class SentRequest:
    """The texts of one request, and what it refers to.

    If the request is not known, or can't be read, every answer is the cautious one: any word may be in it.
    Nothing is searched before it is asked for: most refusals need no look at the request.
    """

    def __init__(self, request: ChannelRequest | None) -> None:
        self.is_known = request is not None
        self.model = request.model if request is not None else ""
        self._request = request

    def words_in_text(self, words: set[str]) -> set[str]:
        """Return those of *words*, in lower case, that occur or may occur in a name or text of the request."""
        if not words or self._text is None:
            return words
        return {each for each in words if each in self._text}

    @property
    def has_references(self) -> bool:
        """The request refers, or may refer, to something outside it: a file, a cache, an earlier answer, an address."""
        return self._references is None or bool(self._references)

    @property
    def names_google_files(self) -> bool:
        """The request refers to a file or a cache that Google keeps."""
        return any(name in _GOOGLES for name, _ in self._references or ())

    def words_in_references(self, words: set[str]) -> set[str]:
        """Return those of *words* that occur or may occur in an id or address that the request refers to.

        The words are in lower case, with blanks for underscores.
        """
        if not words or self._references is None:
            return words
        named = GAP.join(text for _, text in self._references).lower().replace("_", " ")
        return {each for each in words if each in named}

    @cached_property
    def _values(self) -> dict[str, Any] | None:
        """The values of the body's fields; None where they can't be known, as in an uploaded form."""
        request = self._request
        return read_values(request.fields) if request is not None and request.form is None else None

    @cached_property
    def _text(self) -> str | None:
        """All names and texts of the request in lower case, among other values; None where they can't be known."""
        if self._request is None or self._values is None:
            return None
        request = self._request
        said = msgspec.json.encode(self._values).decode()  # in C: a walk through all values takes ten times as long
        return GAP.join((request.model, unquote_plus(request.query), *request.headers.values(), said)).lower()

    @cached_property
    def _references(self) -> list[tuple[str, str]] | None:
        """Name and value of each id or address of something outside the request; None where they can't be known."""
        return [*references(self._values)] if self._values is not None else None

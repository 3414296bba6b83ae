"""What was probably meant by a name that is none of those known, or by a path that leads to no endpoint."""

import difflib
import heapq
import re
from collections.abc import Iterable, Sequence

LIKENESS_MIN = 0.6
COMPARED_MAX = 20
"""How many names difflib compares with an unknown one: each takes it 60 us, and a shop may have hundreds of models."""
COMPARED_LENGTH_MAX = 100
"""More than any endpoint's path has; what precedes it is a base URL."""


def nearest_endpoint(path: str, served: Sequence[str], fallback: str) -> str:
    """Return the one of *served* (a method and a path each) that *path* was probably meant for.

    That is the one whose path *path* ends with; else the first whose path begins with *path*; else
    the one whose path is most similar; else *fallback*, the main endpoint of the client's dialect.

    >>> nearest_endpoint("/v1/message", ["POST /v1/messages", "GET /v1/models"], "GET /v1/models")
    'POST /v1/messages'
    >>> nearest_endpoint("/api/v4/models", ["POST /v1/messages", "GET /v1/models"], "POST /v1/messages")
    'GET /v1/models'
    """
    asked = _without_version(re.sub("[/\\s]{2,}", "/", path.lower().strip("/ "))[-COMPARED_LENGTH_MAX:])
    paths = {_without_version(endpoint.partition("/")[2]): endpoint for endpoint in served}
    ending = max((known for known in paths if f"/{asked}".endswith(f"/{known}")), key=len, default="")
    begun = next((known for known in paths if asked and known.startswith(f"{asked}/")), "")
    alike = difflib.get_close_matches(asked, paths, n=1, cutoff=LIKENESS_MIN)
    return paths.get(ending or begun or (alike[0] if alike else ""), fallback)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the one of *known* that *name* was probably meant for, or ""; letter case does not count.

    Of many, those are compared that share the largest part of their pairs of letters with it.

    >>> nearest_name("GPT4-o", ["gpt-4o", "gpt-5"]), nearest_name("x", ["gpt-4o", "gpt-5"])
    ('gpt-4o', '')
    """
    asked, folded = name.casefold(), {each.casefold(): each for each in known}
    pairs = _pairs(asked)

    def shared(each: str) -> float:
        other = _pairs(each)
        return len(pairs & other) / (len(pairs) + len(other) or 1)

    likely = [asked] if asked in folded else heapq.nlargest(COMPARED_MAX, folded, key=shared)
    alike = difflib.get_close_matches(asked, likely, n=1, cutoff=LIKENESS_MIN)
    return folded[alike[0]] if alike else ""


def _pairs(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name) - 1)}


def _without_version(path: str) -> str:
    """Return *path* without a version at its beginning.

    >>> _without_version("v1beta/models"), _without_version("v1"), _without_version("models")
    ('models', '', 'models')
    """
    return re.sub("^v\\d+(beta|alpha)?(/|$)", "", path)

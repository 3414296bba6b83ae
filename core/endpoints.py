"""Which path leads to which endpoint, however a client builds it from its base URL.

Customers enter the host, host + ``/v1`` or a full endpoint path as the base URL, and their clients
append ``/v1`` or the endpoint path to it (shops.md W3). So only the last endpoint in a path counts.
"""

import re
from typing import Literal

import msgspec

from .dialects import ENDPOINTS
from .dialects.dialect import DialectRules
from .dialects.kept_answers import KEPT_ANSWER_ENDPOINTS, KeptAnswerEndpoint
from .exchange import Dialect

PATH_LENGTH_MAX = 2048
"""More than any path with the longest name of a model has."""


Page = Literal["models", "subscription", "usage"]
"""Pages for the holder of a key: the list of models, and the balance in the form of OpenAI's old pages."""


class Address(msgspec.Struct, frozen=True):
    """The endpoint that a path leads to, and what the path names.

    Attributes:
        rules: None for a page, which belongs to no one dialect.
        model: The model named by Gemini's paths, or of which the page is shown; "" elsewhere.
        answer_id: The kept answer that the path names, or "".
        kept: The endpoints for that answer, one for each method.
        page: The page, or None for an endpoint.
        deployment: The model that one of Azure's paths names, or "".
    """

    rules: DialectRules | None
    model: str = ""
    answer_id: str = ""
    kept: tuple[KeptAnswerEndpoint, ...] = ()
    page: Page | None = None
    deployment: str = ""

    @property
    def endpoint(self) -> str:
        """The entry in the profile's ``endpoints`` that it belongs to."""
        if self.rules is not None:
            return self.rules.name
        return "models" if self.page == "models" else "billing"


def resolve(path: str) -> Address | None:
    """Return the endpoint that *path* leads to, or None.

    >>> resolve("/v1/chat/completions/chat/completions").rules.name
    'openai_chat'
    >>> resolve("//v1/v1/messages/").rules.name
    'anthropic_messages'
    >>> resolve("/v1/models/gpt-4o").model
    'gpt-4o'
    >>> resolve("/v1/responses/resp_1/cancel").answer_id
    'resp_1'
    >>> resolve("/openai/deployments/gpt-4o/chat/completions").deployment
    'gpt-4o'
    >>> resolve("/dashboard/billing/usage").page
    'usage'
    """
    known = _KNOWN.get(path)
    if known is not None:
        return known
    # Any printable path that names a model matches, so the pattern never has to try all the ways to
    # divide a long one into names, whose number doubles with each part.
    is_sane = len(path) <= PATH_LENGTH_MAX and path.isprintable()
    # A pasted base URL may end in slashes or blanks.
    pieces = filter(None, map(str.strip, path.split("/")))
    match = _ADDRESS.fullmatch("".join(f"/{piece}" for piece in pieces)) if is_sane else None
    if match is None:
        return None
    for pattern, rules in _PATTERNS:
        if found := pattern.fullmatch(match["endpoint"]):
            model = _REPEATED.split(found["model"])[-1] if pattern.groups else ""
            return Address(rules, model, deployment="" if model else match["deployment"] or "")
    for pattern, kept in _KEPT_PATTERNS:
        if found := pattern.fullmatch(match["endpoint"]):
            return Address(kept[0].rules, answer_id=found["id"], kept=kept)
    if page := PAGES.get(f"/v1{match['endpoint']}"):
        return page
    return Address(None, match["endpoint"].removeprefix("/models").removeprefix("/"), page="models")


def _without_version(endpoint: DialectRules | KeptAnswerEndpoint) -> str:
    return re.sub("^/v1(beta)?(?=/)", "", endpoint.path)


def _pattern(rules: DialectRules, name: str) -> str:
    """Return the pattern for the path of *rules*; *name* opens the group for a model in it."""
    return re.escape(_without_version(rules)).replace(re.escape("{model}"), f"({name}.+?)")


def _kept_pattern(path: str, name: str) -> str:
    """Return the pattern for *path*; *name* opens the group for the answer's id, which is no endpoint's name."""
    return re.escape(path).replace(re.escape("/{id}"), f"(?!(?:{_ENDPOINT})$)/({name}[^/]+)")


PAGES = {
    "/v1/models": Address(None, page="models"),
    "/v1/dashboard/billing/subscription": Address(None, page="subscription"),
    "/v1/dashboard/billing/usage": Address(None, page="usage"),
}
"""The pages by their paths."""
_REPEATED = re.compile("(?:^|:[A-Za-z]+(?:/v1beta|/v1)?/)models/")
"""What may precede a model's name: Google's prefix a second time, or a whole Gemini endpoint as the base URL."""
_KNOWN = {path: Address(rules) for rules in ENDPOINTS for path in (rules.path, _without_version(rules))}
_PATTERNS = tuple((re.compile(_pattern(rules, "?P<model>")), rules) for rules in ENDPOINTS)
_ENDPOINT = "|".join(
    [*(_pattern(rules, "?:") for rules in ENDPOINTS), *(path.removeprefix("/v1") for path in PAGES), "/models/.+"]
)
_KEPT_PATHS = dict.fromkeys(_without_version(kept) for kept in KEPT_ANSWER_ENDPOINTS)
_KEPT_PATTERNS = tuple(
    (
        re.compile(_kept_pattern(path, "?P<id>")),
        tuple(kept for kept in KEPT_ANSWER_ENDPOINTS if _without_version(kept) == path),
    )
    for path in _KEPT_PATHS
)
_KEPT = "|".join(_kept_pattern(path, "?:") for path in _KEPT_PATHS)
_BASE = f"(?:/v1beta|/v1|/openai|{_ENDPOINT})*?"
# A deployment's name has at most one slash, so that a long path can't be divided in many ways.
_DEPLOYMENT = f"(?:/deployments/(?P<deployment>[^/]+(?:/[^/]+)??){_BASE})?"
_ADDRESS = re.compile(f"{_BASE}{_DEPLOYMENT}(?P<endpoint>{_ENDPOINT}|{_KEPT})")


def speaker(path: str, headers: dict[str, str], *, is_key_in_query: bool = False) -> Dialect:
    """Return the dialect in which to answer a request whose path belongs to no one dialect.

    Source: wire/DIALECTS.md 1, read 2026-11-23; that only Google's clients put a key into the
    query, field/clients.md, read 2026-11-24.
    """
    if "anthropic-version" in headers or "/messages" in path:
        return "anthropic_messages"
    if "/openai/" in path:
        return "openai_chat"
    if "x-goog-api-key" in headers or is_key_in_query or path.startswith("/v1beta"):
        return "gemini_generate"
    return "openai_chat"

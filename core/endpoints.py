"""Which path is which endpoint, however a client writes its base URL.

Customers put the host root, host + ``/v1`` or a full endpoint path into the base URL field, and
their clients append ``/v1`` or the endpoint path themselves (shops.md W3). So what stands before
the last endpoint in a path says nothing.
"""

import re

import msgspec

from .dialects import RULES
from .dialects.dialect import DialectRules
from .exchange import Dialect

_PATHS: dict[str, Dialect] = {rules.path.removeprefix("/v1"): name for name, rules in RULES.items()}
_ENDPOINT = "|".join(re.escape(path) for path in [*_PATHS, "/models"])
_ADDRESS = re.compile(rf"(?:/v1|{_ENDPOINT})*?(?P<endpoint>{_ENDPOINT})(?P<model>(?<=/models)/.+)?")


class Address(msgspec.Struct, frozen=True):
    """An endpoint a path leads to: a dialect's, or the list of models (of one model if named)."""

    dialect: Dialect | None
    model: str = ""

    @property
    def rules(self) -> DialectRules:
        """The rules of the endpoint's dialect."""
        assert self.dialect is not None
        return RULES[self.dialect]


def resolve(path: str) -> Address | None:
    """Return the endpoint that *path* leads to, or None.

    >>> resolve("/v1/chat/completions/chat/completions").dialect
    'openai_chat'
    >>> resolve("//v1/v1/messages/").dialect
    'anthropic_messages'
    >>> resolve("/v1/models/gpt-4o").model
    'gpt-4o'
    """
    match = _ADDRESS.fullmatch(re.sub("/{2,}", "/", path).rstrip("/"))
    if match is None:
        return None
    endpoint = match["endpoint"]
    if endpoint == "/models":
        return Address(None, (match["model"] or "").removeprefix("/"))
    return Address(_PATHS[endpoint])


def speaker(path: str, headers: dict[str, str]) -> Dialect:
    """Return the dialect in which to answer a request that leads to no endpoint of one dialect.

    Source: wire/DIALECTS.md 1, read 2026-11-23.
    """
    if "anthropic-version" in headers or "/messages" in path:
        return "anthropic_messages"
    return "openai_chat"

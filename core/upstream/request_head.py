"""Where a request goes, and its head."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..transport import UpstreamRequest

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PORTS = {"http": 80, "https": 443}
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
)
"""Headers that belong to the connection; a channel can't set them."""


class Origin(NamedTuple):
    """The origin of a URL, for which connections are kept."""

    host: str
    port: int
    is_tls: bool


@lru_cache(maxsize=1024)
def parse_url(url: str) -> tuple[Origin, str]:
    """Return the origin of *url*, and the lines of a head that follow from it.

    >>> parse_url("http://api.example:8080/v1/chat?a=b c")
    (Origin(host='api.example', port=8080, is_tls=False), '/v1/chat?a=b%20c HTTP/1.1\\r\\nhost: api.example:8080\\r\\n')

    Raises:
        ValueError: Not an http(s) address.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("expected an http(s) address without a name or password")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = parts.port or _PORTS[parts.scheme]
    named = f"[{host}]" if ":" in host else host
    if port != _PORTS[parts.scheme]:
        named = f"{named}:{port}"
    path = parts.path or "/"
    target = quote(f"{path}?{parts.query}" if parts.query else path, safe="!#$%&'()*+,/:;=?@[]~")
    return Origin(host, port, parts.scheme == "https"), f"{target} HTTP/1.1\r\nhost: {named}\r\n"


def render_head(request: UpstreamRequest, lines: str) -> bytes:
    """Return the head of *request*, whose address gave *lines*.

    It has only the channel's headers, the length, and a header that asks for no encoding.

    Raises:
        ValueError: A header that would not arrive as it is.
    """
    pieces = [request.method, " ", lines]
    has_accept = False
    for name, value in request.headers.items():
        name = _lower_name(name)
        if name in _OWN_HEADERS:
            continue
        if _CONTROL.search(value):
            raise ValueError(f"a control character in the header {name}")
        has_accept = has_accept or name == "accept"
        pieces += (name, ": ", value, "\r\n")
    if not has_accept:
        pieces.append("accept: */*\r\n")
    if request.body or request.method not in ("GET", "DELETE"):
        pieces.append(f"content-length: {len(request.body)}\r\n")
    pieces.append("accept-encoding: identity\r\n\r\n")
    return "".join(pieces).encode("latin-1")


@lru_cache(maxsize=1024)
def _lower_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name that is none")
    return name.lower()


def flaw_of_head(status: int, headers: Mapping[str, str]) -> str:
    """Return what makes the head of an answer unusable, in words; "" if nothing does."""
    if not 200 <= status <= 599:
        return f"expected an HTTP status from 200 to 599, found {status}"
    framing = headers.get("transfer-encoding", "chunked").strip().lower()
    if framing != "chunked":
        return f"asked for a plain body, found transfer-encoding {framing[:20]!r}"
    # An error's status is enough: its body is not needed, so it may be in a form that can't be read.
    coding = headers.get("content-encoding", "").strip().lower()
    if status < 400 and coding not in ("", "identity"):
        return f"asked for identity, found content-encoding {coding[:20]!r}"
    return ""

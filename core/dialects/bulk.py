"""How many values a request may hold: each costs far more than its bytes once it is read, and every customer waits.

A talk that fills the longest context is a few megabytes, and some ten thousand values where many tools come with it.
Thirty megabytes of ``{},`` are ten million, which took a gigabyte, and ten seconds of the loop, to translate.
"""

import re

from ..errors import BadRequestError

VALUES_MAX = 100_000
"""Texts, objects and lists; a member's name is a text too. OpenAI takes 2048 messages and 128 tools."""
COMMAS_MAX = 1_000_000
"""Numbers cost less, and a prompt may come as those of its tokens: as many as the longest contexts have."""
_DEPTH_MAX = 10_000
"""Deeper than any reader goes: what is nested so is refused for that."""
_VALUE_BYTES_MIN = 3
"""The least that one takes, with its comma: ``[],``."""
_is_name = re.compile(rb"[A-Za-z0-9_]{1,64}").fullmatch
"""Customers choose the names of unknown fields: no other is repeated to anyone."""


def check_bulk(body: bytes) -> None:
    """Refuse *body*, a document of JSON, where it holds more values than are taken; none of them is read for it.

    Raises:
        BadRequestError: Names the field of the top level in which there were too many.
    """
    if len(body) <= VALUES_MAX * _VALUE_BYTES_MIN or _is_surely_small(body):
        return
    field = b""
    depth, comma_count = 0, 0
    value_count = -1  # behind the last piece stands no text
    pieces = _outside_and_inside_texts(body)
    for index in range(0, len(pieces), 2):
        outside = pieces[index]
        opened = outside.count(b"{") + outside.count(b"[")
        depth += opened - outside.count(b"}") - outside.count(b"]")
        value_count += opened + 1
        comma_count += outside.count(b",")
        if depth > _DEPTH_MAX:
            return
        if value_count > VALUES_MAX or comma_count > COMMAS_MAX:
            raise BadRequestError(
                "too_many_values",
                param=field.decode() if _is_name(field) else None,
                values_max=str(VALUES_MAX),
                numbers_max=str(COMMAS_MAX),
            )
        if depth == 1 and index + 2 < len(pieces) and pieces[index + 2].lstrip().startswith(b":"):
            field = pieces[index + 1]


def _is_surely_small(body: bytes) -> bool:
    """Say whether there are not too many even if what stands in texts is counted."""
    value_count = body.count(b'"') // 2 + body.count(b"{") + body.count(b"[")
    return value_count <= VALUES_MAX and body.count(b",") <= COMMAS_MAX


def _outside_and_inside_texts(body: bytes) -> list[bytes]:
    r"""Return by turns what stands outside texts and in them, without escapes; no more than one text too many.

    >>> _outside_and_inside_texts(rb'{"a":["b\"{","\\"]}')
    [b'{', b'a', b':[', b'b{', b',', b'', b']}']
    """
    return body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"', 2 * VALUES_MAX + 2)

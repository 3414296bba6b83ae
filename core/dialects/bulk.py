"""Limits how many values a request may hold: once read, each costs far more than its bytes, and all customers wait.

A conversation that fills the longest context has a few megabytes, and with many tools about ten thousand values.
Thirty megabytes of ``{},`` are ten million values; translating them took a gigabyte, and the loop for ten seconds.
"""

import re

from ..errors import BadRequestError

VALUES_MAX = 100_000
"""Strings, objects and lists; a member's name is a string too. OpenAI accepts 2048 messages and 128 tools."""
COMMAS_MAX = 1_000_000
"""Numbers cost less, and a prompt may be a list of token numbers: this is as many as the longest contexts have."""
_DEPTH_MAX = 10_000
"""Deeper than any reader goes: such a body is refused for its depth instead."""
_VALUE_BYTES_MIN = 3
"""The fewest bytes of a value, with its comma: ``[],``."""
_is_name = re.compile(rb"[A-Za-z0-9_]{1,64}").fullmatch
"""Customers choose the names of unknown fields, so any other name is never repeated to anyone."""


def check_bulk(body: bytes) -> None:
    """Refuse *body*, a JSON document, if it has too many values; they are counted without being read.

    Raises:
        BadRequestError: Names the top-level field in which the limit was passed.
    """
    if len(body) <= VALUES_MAX * _VALUE_BYTES_MIN or _is_surely_small(body):
        return
    field = b""
    depth, comma_count = 0, 0
    value_count = -1  # no string follows the last piece
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
    """Say whether there are few enough values even if what is inside strings counts.

    A comma has something before it.
    """
    value_count = body.count(b'"') // 2 + body.count(b"{") + body.count(b"[")
    return value_count <= VALUES_MAX and (len(body) <= 2 * COMMAS_MAX or body.count(b",") <= COMMAS_MAX)


def _outside_and_inside_texts(body: bytes) -> list[bytes]:
    r"""Return by turns what is outside and inside strings, with ``?`` for escapes; at most one string beyond the limit.

    >>> _outside_and_inside_texts(rb'{"a":["b\"{","\\"]}')
    [b'{', b'a', b':[', b'b?{', b',', b'?', b']}']
    """
    return body.replace(rb"\\", b"?").replace(rb"\"", b"?").split(b'"', 2 * VALUES_MAX + 2)

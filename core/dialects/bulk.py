"""Limits how many values a request may hold: once read, each costs far more than its bytes.

Thirty megabytes of ``{},`` are ten million values; translating them took a gigabyte, and ten seconds. A conversation
that fills the longest context, a million tokens, has a few megabytes: four thousand calls of Claude Code with short
results have four, and 160 000 values, whose translation takes 0.2 to 0.3 s and 20 MB (measured 2026-11-30).
"""

from ..errors import BadRequestError

VALUES_MAX = 250_000
"""Strings, objects and lists; a member's name is a string too. To translate so many takes a thread 0.3 to 0.5 s."""
COMMAS_MAX = 1_000_000
"""Numbers cost less, and a prompt may be a list of token ids: this is as many as the longest contexts have."""
_VALUE_BYTES_MIN = 3
"""The fewest bytes of a value, with its comma: ``[],``."""


def check_bulk(body: bytes) -> None:
    """Refuse *body*, a JSON document, if it has too many values; they are counted without being read.

    Raises:
        BadRequestError: Tells how many are taken.
    """
    if len(body) <= VALUES_MAX * _VALUE_BYTES_MIN or _is_surely_small(body):
        return
    pieces = _outside_and_inside_texts(body)
    outside = b"".join(pieces[::2])
    value_count = len(pieces) // 2 + outside.count(b"{") + outside.count(b"[")
    if value_count > VALUES_MAX or outside.count(b",") > COMMAS_MAX:
        raise BadRequestError("too_many_values", values_max=str(VALUES_MAX), numbers_max=str(COMMAS_MAX))


def _is_surely_small(body: bytes) -> bool:
    """Say whether there are few enough values even if everything inside strings is counted too."""
    value_count = body.count(b'"') // 2 + body.count(b"{") + body.count(b"[")
    return value_count <= VALUES_MAX and (len(body) <= 2 * COMMAS_MAX or body.count(b",") <= COMMAS_MAX)


def _outside_and_inside_texts(body: bytes) -> list[bytes]:
    r"""Return by turns what is outside and inside strings, with ``?`` for escapes; at most one string beyond the limit.

    >>> _outside_and_inside_texts(rb'{"a":["b\"{","\\"]}')
    [b'{', b'a', b':[', b'b?{', b',', b'?', b']}']
    """
    return body.replace(rb"\\", b"?").replace(rb"\"", b"?").split(b'"', 2 * VALUES_MAX + 2)

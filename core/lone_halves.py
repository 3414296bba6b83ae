"""Reads documents with half of a character, which no text can hold: an upstream cut it in two and escaped each half.

What is passed on keeps its bytes; hub/halves.py puts the halves together for customers of other dialects.
Source: RFC 8259, 7 and 8.2.
"""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

DocumentT = TypeVar("DocumentT")

_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a pair, or half of one."""


def decode_halves(decode: Callable[[bytes], DocumentT], data: bytes) -> DocumentT:
    r"""Return what *decode* makes of *data*, with U+FFFD in place of each half that stands alone.

    Raises:
        ValueError: *data* can't be read for another reason than such a half.

    >>> decode_halves(msgspec.json.decode, rb'["a\ud83d", "\ud83d\ude00", "\\ud83d"]') == ["a\ufffd", "\U0001f600", "\\ud83d"]
    True
    """
    try:
        return decode(data)
    except msgspec.ValidationError:
        raise
    except ValueError:
        readable = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], data)
        if readable == data:
            raise
        return decode(readable)

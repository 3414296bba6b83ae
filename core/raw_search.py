"""Searches in the JSON of requests that is not decoded, because that would take too long."""

import re

_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def mentions(data: bytes, word: bytes) -> bool:
    """Say whether *word* is in *data*, for long data in half the time of ``in``, or less.

    Only when it searches from the end does CPython leap over what can't be part of the word (measured with 3.11 to
    3.13).
    """
    return data.rfind(word) >= 0


def has_escaped_letter(data: bytes) -> bool:
    r"""Say whether *data* spells a letter as an escape, so that a search may miss the words in it.

    Escapes of other characters are common, such as an accent's from Python, or ``<`` from Go.

    >>> has_escaped_letter(rb'"t\u006fols"'), has_escaped_letter(rb'"caf\u00e9 \u003c"')
    (True, False)
    """
    return mentions(data, rb"\u00") and _ESCAPED_LETTER.search(data) is not None

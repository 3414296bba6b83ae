"""What an unquoted word of a profile means, and which words are ambiguous.

YAML 1.1 and 1.2 read ``on``, ``010`` or ``1e-3`` differently, and readers differ again. A profile
takes only what all of them read alike; the rest is refused by name instead of guessed at.

Source: yaml.org/type (1.1: bool, int, float, timestamp) and YAML 1.2.2 section 10.3.2,
read 2026-11-23.
"""

import re

Value = str | int | float | bool | None

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")

_TRAPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"y|n|yes|no|on|off|true|false", re.IGNORECASE),
        "is true or false to some readers of YAML and text to others; write true or false, or quote it",
    ),
    (re.compile(r"null", re.IGNORECASE), "is nothing to some readers of YAML; write null, or quote it"),
    (
        re.compile(r"[-+]?0[0-9_]+"),
        "is octal to some readers of YAML and decimal to others; leave out the leading zero, or quote it",
    ),
    (re.compile(r"[-+]?0[box][0-9a-fA-F_]+"), "is a number in another base; write it in decimal, or quote it"),
    (
        re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)[eE][-+]?[0-9]+"),
        "is a number to some readers of YAML and text to others; write it without an exponent, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        "is a number in base 60 to some readers of YAML; quote it",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?"), "is a date to some readers of YAML; quote it"),
    (
        re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*\.?[0-9_]*)"),
        "is a number to some readers of YAML only; write it as 1000 or 0.5, or quote it",
    ),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "is no number that a profile can use; quote it if it is text"),
    (re.compile(r"="), "is a special value to some readers of YAML; quote it"),
)


def read_plain(text: str) -> tuple[Value, str]:
    """Return what the unquoted word *text* means, and why it must not be used, or "".

    >>> read_plain("12"), read_plain("0.5"), read_plain("true"), read_plain("gpt-4.1")
    ((12, ''), (0.5, ''), (True, ''), ('gpt-4.1', ''))
    >>> read_plain("1:30")
    ('1:30', 'is a number in base 60 to some readers of YAML; quote it')
    """
    if text in CONSTANTS:
        return CONSTANTS[text], ""
    if len(text) <= 30 and _INTEGER.fullmatch(text):
        return int(text), ""
    if len(text) <= 30 and _DECIMAL.fullmatch(text):
        return float(text), ""
    return text, next((reason for pattern, reason in _TRAPS if pattern.fullmatch(text)), "")

"""Names that an upstream gives in its answer: of a model, a stop reason, an error.

They go to the log, where nothing said is kept. An upstream may be another relay, broken
or hostile, and put a prompt where a name belongs, so only what looks like a name is kept.
"""

import re

NO_NAME = "no-name"
"""Stands for something that was given as a name but is none, which is worth knowing too."""

_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9_.:/@+\[\]-]{0,127}")


def kept_name(name: str | None) -> str | None:
    """Return *name* if it looks like a name, else `NO_NAME`; None and "" stay as they are.

    A name has at most 128 characters, and no blanks.

    >>> kept_name("publishers/google/models/gemini-2.5-pro"), kept_name("You asked me to"), kept_name(None)
    ('publishers/google/models/gemini-2.5-pro', 'no-name', None)
    """
    return name if not name or _NAME.fullmatch(name) else NO_NAME

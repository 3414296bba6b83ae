"""Names that an upstream gives in its answer: of a model, a stop reason, an error.

They go to the log, and nothing said is kept (DESIGN 1.5). An upstream may be another relay, broken
or hostile, and say a prompt where a name belongs, so only what can be a name is kept.
"""

import re

NO_NAME = "no-name"
"""Stands for what was given as a name and is none: that it was not the name asked for is evidence, too."""

_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9_.:/@+\[\]-]{0,127}")


def kept_name(name: str | None) -> str | None:
    """Return *name* where it can be one, `NO_NAME` where it can't, and None or "" as they are.

    A name has at most 128 characters, and no blanks.

    >>> kept_name("publishers/google/models/gemini-2.5-pro"), kept_name("You asked me to"), kept_name(None)
    ('publishers/google/models/gemini-2.5-pro', 'no-name', None)
    """
    return name if not name or _NAME.fullmatch(name) else NO_NAME

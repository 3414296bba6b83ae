"""Places where a test can kill the process, to check what it leaves behind.

``RELAY_FAILPOINT=after_reserve:3`` in the environment ends the process with SIGKILL the third
time it passes ``after_reserve``. Without the variable `hit` does nothing.
"""

import os
import signal
from typing import Literal, get_args

from .errors import BadSettingError

Failpoint = Literal[
    "before_reserve",
    "after_reserve",
    "after_send",
    "at_progress",
    "before_post",
    "after_post",
    "before_end",
    "in_recovery",
]


class _Armed:
    """The failpoint at which this process dies, and how often it may still be passed."""

    def __init__(self, setting: str) -> None:
        name, _, count = setting.partition(":")
        if name and (name not in get_args(Failpoint) or not count.isdecimal() or count == "0"):
            expected = ", ".join(get_args(Failpoint))
            raise BadSettingError(
                f"RELAY_FAILPOINT: expected NAME:N with N >= 1 and NAME of {expected}, found {setting!r}"
            )
        self.name = name
        self.remaining_count = int(count or 0)


# Read once, at import: the environment of a process does not change, and the hot path pays one comparison.
_armed = _Armed(os.environ.get("RELAY_FAILPOINT", ""))


def hit(name: Failpoint) -> None:
    """Pass the failpoint *name*; the process dies here if the environment says so."""
    if name != _armed.name:
        return
    _armed.remaining_count -= 1
    if _armed.remaining_count == 0:
        os.kill(os.getpid(), signal.SIGKILL)

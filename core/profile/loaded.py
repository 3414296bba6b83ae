"""A profile that was loaded and checked."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from .structs import Profile


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A profile without problems, and where it came from.

    Attributes:
        profile: The shop; ``memberships`` always holds ``default``.
        path: Its file; plugins and secrets in files are looked up beside it.
        warnings: What the operator should know, each ``file:line:column: path: what``.
        use_places: Where each plugin, then each channel, names its plugin, as ``file:line:column: path``.
        key_places: Where each reference to an upstream's key stands, as ``file:line:column: path``.
    """

    profile: Profile
    path: Path
    warnings: tuple[str, ...] = ()
    use_places: tuple[str, ...] = ()
    key_places: Mapping[str, str] = {}

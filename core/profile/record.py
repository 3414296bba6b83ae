"""Records which profile a data folder was last served with, for the other commands."""

import os
from pathlib import Path

import msgspec

from ..errors import ProfileError
from .exact import decode_exact, to_json
from .loaded import Loaded
from .structs import Profile

RECORD = "profile.json"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """The recorded profile, as it was resolved, and the file it came from."""

    path: str
    profile: Profile


def write_record(data: Path, loaded: Loaded) -> None:
    """Record *loaded* in the existing folder *data*, atomically: readers see the old record or the new one."""
    record = _Record(path=str(loaded.path.resolve()), profile=loaded.profile)
    text, path = to_json(record).encode(), data / RECORD
    if path.exists() and path.read_bytes() == text:
        return  # nothing is written, so that a shop also starts on a full disk, whose ballast can then be released
    draft = data / f"{RECORD}.{os.getpid()}"
    try:
        draft.write_bytes(text)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def read_record(data: Path) -> Loaded:
    """Return the profile that the folder *data* was last served with.

    Raises:
        ProfileError: There is none, or it is not one that this version of relay wrote.
    """
    try:
        text = (data / RECORD).read_bytes()
    except OSError as exc:
        raise ProfileError([f"{data}: no shop was ever run here; name its profile with --profile"]) from exc
    try:
        record = msgspec.json.decode(text, type=_Record, dec_hook=decode_exact)
    except msgspec.MsgspecError as exc:
        raise ProfileError([f"{data / RECORD}: not a profile of this version; name one with --profile"]) from exc
    return Loaded(profile=record.profile, path=Path(record.path))

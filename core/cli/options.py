"""Options that several commands share, and the rule for which data folder is used."""

import os
from pathlib import Path

import click

from ..profile.loader import find_profile, load_profile
from ..profile.record import read_record
from ..profile.structs import Profile

FOLDERS = Path("var")
"""The default place of data folders, below the working directory."""

_FOLDER = click.Path(path_type=Path, file_okay=False)
data_option = click.option(
    "--data",
    type=_FOLDER,
    metavar="DIR",
    help="Data folder. Default: ./var/PROFILE if a profile is named, else $RELAY_DATA, else the only one in ./var.",
)
unread_data_option = click.option(
    "--data",
    type=_FOLDER,
    metavar="DIR",
    expose_value=False,
    help="Accepted for uniformity; this command reads no data.",
)
profile_option = click.option(
    "--profile",
    metavar="FILE",
    help="Profile to check against, instead of the one that the data folder was last run with.",
)
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def resolve_data(data: Path | None, profile_file: str | Path | None = None, *, is_demo: bool = False) -> Path:
    """Return the data folder that a command uses; it need not exist yet.

    Args:
        data: The value of ``--data``, if given.
        profile_file: The profile that the command names, if any.
        is_demo: The command serves a demo, which has a folder of its own.

    Raises:
        click.UsageError: No folder is named, and there is none or more than one; lists them.
    """
    if data is not None:
        return data
    if profile_file is not None:
        return FOLDERS / (Path(profile_file).stem + ("-demo" if is_demo else ""))
    if from_environment := os.environ.get("RELAY_DATA"):
        return Path(from_environment)
    folders = sorted(path for path in FOLDERS.iterdir() if path.is_dir()) if FOLDERS.is_dir() else []
    if len(folders) == 1:
        return folders[0]
    found = ", ".join(map(str, folders)) or "none"
    raise click.UsageError(f"which data folder? name it with --data or $RELAY_DATA; folders in ./{FOLDERS}: {found}")


def resolve_profile(data: Path, profile_file: str | None) -> Profile:
    """Return the profile to check a command against: *profile_file*, else the one that *data* was last run with.

    Raises:
        ProfileError: It has problems, or there is none.
    """
    loaded = read_record(data) if profile_file is None else load_profile(find_profile(profile_file))
    return loaded.profile

"""``relay profile``: check a profile, explain what it resolves to, print its schema."""

import json
from pathlib import Path

import click

from ..errors import ProfileError
from ..finder import built_in_ids
from ..profile.loaded import Loaded
from ..profile.loader import find_profile, load_profile
from ..profile.schema import profile_schema
from . import main
from .explanation import explain as explanation
from .explanation import print_explanation
from .options import json_option, unread_data_option
from .output import print_json
from .unopened import unmade


@main.group()
def profile() -> None:
    """Check, explain and describe profiles."""


@profile.command()
@click.argument("file")
@unread_data_option
@json_option
def check(file: str, is_json: bool) -> None:
    """Print every problem of the profile FILE; exit 1 if there is one.

    A bare name such as pumpkin.yaml is a bundled profile, unless such a file exists. A secret
    that is not set is a warning.
    """
    try:
        loaded = checked_profile(find_profile(file))
    except ProfileError as exc:
        if is_json:
            print_json({"ok": False, "problems": exc.problems, "warnings": exc.warnings})
            raise SystemExit(1) from exc
        raise
    if is_json:
        print_json({"ok": True, "problems": (), "warnings": loaded.warnings})
        return
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    shop = loaded.profile
    click.echo(f"ok: {len(shop.plugins)} plugins, {len(shop.groups)} groups, {len(shop.channels)} channels")


def checked_profile(path: Path) -> Loaded:
    """Return the profile at *path*, after making its plugins once: some refuse their settings only then.

    Raises:
        ProfileError: Every problem of the file; or, if it has none, of its plugins.
    """
    loaded = load_profile(path)
    if problems := tuple(unmade(loaded)):
        raise ProfileError(problems, loaded.warnings)
    return loaded


@profile.command()
@unread_data_option
@click.option("--json", is_flag=True, expose_value=False, help="Accepted for uniformity; the schema is JSON.")
def schema() -> None:
    """Print the JSON Schema of a profile, with the settings of every built-in plugin."""
    click.echo(json.dumps(profile_schema(built_in_ids()), indent=2, ensure_ascii=False))


@profile.command()
@click.argument("file")
@unread_data_option
@json_option
def explain(file: str, is_json: bool) -> None:
    """Print what the profile FILE resolves to: plugins, the order of each hook, groups x models x channels."""
    explained = explanation(load_profile(find_profile(file)))
    print_explanation(explained, is_json=is_json)

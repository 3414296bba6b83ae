"""``relay plugins``: which plugins a profile uses, and where they come from."""

import click

from ..profile.loader import find_profile, load_profile
from . import main
from .explanation import list_plugins, print_plugins
from .options import json_option, unread_data_option


@main.group()
def plugins() -> None:
    """Show plugins."""


@plugins.command("list")
@click.option("--profile", "file", metavar="FILE", required=True, help="Profile that names the plugins.")
@unread_data_option
@json_option
def list_(file: str, is_json: bool) -> None:
    """Print the plugins of a profile in the order in which they are asked, then those of its channels."""
    print_plugins(list_plugins(load_profile(find_profile(file))), is_json=is_json)

"""``relay ledger``: whether the books are right."""

import click
import msgspec

from ..ledger.verify import verify as find_problems
from . import main
from .desk import Desk, with_desk
from .options import json_option
from .output import print_json


class VerifyView(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict as it is printed."""

    ok: bool
    problems: tuple[str, ...]


@main.group()
def ledger() -> None:
    """Check the books."""


@ledger.command()
@with_desk
@json_option
def verify(desk: Desk, is_json: bool) -> None:
    """Recompute balances, charges and hash chains; exit 1 if anything is wrong."""
    desk.check_database()
    problems = tuple(find_problems(desk.data))
    if is_json:
        print_json(VerifyView(ok=not problems, problems=problems))
    else:
        click.echo("\n".join(problems) or "the books are right")
    if problems:
        raise click.exceptions.Exit(1)

"""``relay ledger``: whether the books are right."""

import sys

import click

from ..ledger.verify import CHECK_COUNT, check
from . import main
from .desk import Desk, with_desk
from .options import json_option
from .output import print_json
from .trouble import damage_words_for


@main.group()
def ledger() -> None:
    """Check the books."""


@ledger.command()
@with_desk
@json_option
def verify(desk: Desk, is_json: bool) -> None:
    """Recompute balances, charges and hash chains; exit 1 if anything is wrong."""
    problems = _problems(desk)
    if is_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        click.echo("\n".join(problems) or "the books are right")
    if problems:
        raise click.exceptions.Exit(1)


def _problems(desk: Desk) -> tuple[str, ...]:
    """Return what is wrong; if the file is too damaged to be checked, that is the only problem named."""
    try:
        desk.check_database()
        is_unseen = not sys.stderr.isatty()
        with click.progressbar(check(desk.data), CHECK_COUNT, "checking", hidden=is_unseen, file=sys.stderr) as checks:
            return tuple(problem for problems in checks for problem in problems)
    except Exception as exc:
        if (words := damage_words_for(exc)) is None:
            raise
        return (words,)

"""``relay log``: what was asked, by whom, and what it cost. Never what was said."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import click
import msgspec

from ..money import format_nano
from ..storage import LOG_PAGE, LogEntry, Storage
from . import main
from .arguments import Name, Time, moment_before
from .desk import Desk, find_account, now, with_desk
from .key import find_key
from .options import json_option
from .output import JsonArray, cell, print_cells, rfc3339

COLUMNS = ("at", "request_id", "account", "group", "model", "input_tokens", "output_tokens", "charge", "outcome")
"""What fits on a line; the rest is in the JSON."""
_RENAMED = {"charge_nano": "charge", "attempt_count": "attempts"}


@main.group()
def log() -> None:
    """Show the request log."""


@log.command("list")
@click.option("--account", type=Name(), metavar="A", help="Only requests of this account.")
@click.option("--key", type=Name(), metavar="K", help="Only requests with the key of this id.")
@click.option(
    "--since", type=Time(), metavar="T", help="Only requests since then: RFC 3339, or a span back from now such as 30m."
)
@with_desk
@json_option
def list_(desk: Desk, account: str | None, key: str | None, since: datetime | timedelta | None, is_json: bool) -> None:
    """List requests, oldest first."""

    async def work(storage: Storage) -> None:
        if account is not None:
            await find_account(storage, account)
        if key is not None:
            await find_key(storage, key)
        begin = None if since is None else moment_before(now(), since)
        entries = storage.list_log(account_name=account, key_id=key, since=begin)
        await (_print_json(entries) if is_json else _print_table(entries))

    desk.read(work)


async def _print_json(entries: AsyncIterator[LogEntry]) -> None:
    with JsonArray() as array:
        async for entry in entries:
            array.print(view_of(entry))


async def _print_table(entries: AsyncIterator[LogEntry]) -> None:
    """Print a line for each entry, a page at a time: columns get wider where a later page needs it."""
    lines: list[Sequence[str]] = [COLUMNS]
    widths: list[int] = []
    async for entry in entries:
        lines.append(_cells(entry))
        if len(lines) > LOG_PAGE:
            widths, lines = print_cells(lines, widths), []
    if lines == [COLUMNS]:
        click.echo("no requests")
    elif lines:
        print_cells(lines, widths)


def _cells(entry: LogEntry) -> list[str]:
    view = view_of(entry)
    return [cell(view[name]) for name in COLUMNS]


def view_of(entry: LogEntry) -> dict[str, object]:
    """Return *entry* as it is printed: ``charge`` in credits, ``attempts`` a count."""
    view = msgspec.structs.asdict(entry)
    view.update(at=rfc3339(entry.at), charge_nano=format_nano(entry.charge_nano))
    return {_RENAMED.get(name, name): value for name, value in view.items()}

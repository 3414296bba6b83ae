"""Prints the output of the commands: small aligned tables for people, JSON for programs."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click
import msgspec


def rfc3339(moment: datetime) -> str:
    """Return *moment* in UTC, with milliseconds if it has any.

    >>> rfc3339(datetime(2026, 11, 23, 12, tzinfo=UTC)), rfc3339(datetime(2026, 11, 23, 12, 0, 0, 5000, UTC))
    ('2026-11-23T12:00:00Z', '2026-11-23T12:00:00.005Z')
    """
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def print_json(document: object) -> None:
    """Print one document, indented, or a list of them."""
    if not isinstance(document, list):
        click.echo(_indented(document))
        return
    with JsonArray() as array:
        for item in document:
            array.print(item)


class JsonArray:
    """Prints an array item by item, as the items come: a log may be long."""

    def __init__(self) -> None:
        self._is_empty = True

    def __enter__(self) -> "JsonArray":
        return self

    def print(self, item: object) -> None:
        """Print one more item."""
        lines = _indented(item).replace("\n", "\n  ")
        click.echo(("[" if self._is_empty else ",") + "\n  " + lines, nl=False)
        self._is_empty = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            click.echo("[]" if self._is_empty else "\n]")


def _indented(document: object) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def print_rows(rows: Sequence[Mapping[str, object]], *, is_json: bool, nothing: str) -> None:
    """Print *rows*, which have the same names, under these, or the sentence *nothing* if there are none."""
    if is_json:
        print_json(rows)
    elif rows:
        print_cells([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])
    else:
        click.echo(nothing)


def print_row(row: Mapping[str, object], *, is_json: bool) -> None:
    """Print names and values, one a line."""
    if is_json:
        print_json(row)
    else:
        print_cells([[name, cell(value)] for name, value in row.items()])


def print_cells(lines: Sequence[Sequence[str]], widths: Sequence[int] = ()) -> list[int]:
    """Print *lines*, which have the same number of cells each, with aligned columns.

    Args:
        lines: At least one.
        widths: How wide the columns are at least, or nothing.

    Returns:
        How wide they are.
    """
    wide = [max(map(width, column)) for column in zip(*lines, strict=True)]
    if widths:
        wide = list(map(max, wide, widths))
    for line in lines:
        padded = (text + " " * (columns - width(text)) for text, columns in zip(line, wide, strict=True))
        click.echo("  ".join(padded).rstrip())
    return wide


def cell(value: object) -> str:
    """Return the text of a cell; a dash for None."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes: Chinese characters take two.

    >>> width("ab"), width("金瓜")
    (2, 4)
    """
    if text.isascii():  # nearly all text is, and a log may have a hundred thousand rows to measure
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)

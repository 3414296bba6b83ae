"""The generated part of cli.md: every command with its arguments and options."""

from collections.abc import Iterator

import click

from relay.core.cli import main


def commands() -> dict[str, click.Command]:
    """Return every command that does something, by the words one types."""
    return dict(_commands("relay", main))


def sections() -> str:
    """Return one section per command."""
    return "\n\n".join(_section(words, command) for words, command in commands().items())


def options(command: click.Command) -> list[click.Option]:
    """Return a command's options; ``--help`` is everyone's and left out."""
    return [each for each in command.params if isinstance(each, click.Option)]


def _commands(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None, "it was listed"
        yield from _commands(f"{words} {name}", inner)


def _section(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words)
    usage = " ".join([words, *command.collect_usage_pieces(context)])
    parts = [f"### {words}", f"```text\n{usage}\n```", _paragraphs(command.help or "")]
    records = [option.get_help_record(context) for option in options(command)]
    rows = [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record is not None]
    if rows:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.replace("``", "`").split("\n\n"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")

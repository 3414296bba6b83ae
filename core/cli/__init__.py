"""The command line: ``relay`` and its commands, one module each, imported when called.

A module of this package is a command if it defines one of its own name; whatever it needs is
imported with it, so that ``relay profile check`` starts without a web server.
"""

import importlib
import pkgutil
from typing import Any

import click

from ..errors import ProfileError, RelayError
from .trouble import words_for


class Failure(click.ClickException):
    """An error as the command line shows it: only the message, on stderr, and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Write the message without click's prefix: editors can jump to a profile's ``file:line:column``."""
        click.echo(self.message, err=True)


class Commands(click.Group):
    """Finds commands among this package's modules, and turns relay's errors into exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands. Only help calls this, so importing them all is fine."""
        return [name for name in _module_names() if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        if cmd_name not in _module_names():
            return None
        command = getattr(importlib.import_module(f".{cmd_name}", __name__), cmd_name, None)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; show relay's own errors and those of the disk, and let bugs pass."""
        try:
            return super().invoke(ctx)
        except ProfileError as exc:
            raise Failure("\n".join([*exc.problems, *(f"warning: {each}" for each in exc.warnings)])) from exc
        except RelayError as exc:
            raise Failure(f"error: {exc}") from exc
        except Exception as exc:
            if (words := words_for(exc)) is None:
                raise
            raise Failure(f"error: {words}") from exc


def _module_names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@click.group(cls=Commands)
@click.version_option(package_name="relayshop", prog_name="relay")
def main() -> None:
    """Run a shop that sells access to language models, and look after its accounts."""

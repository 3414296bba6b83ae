"""The command line itself: which commands there are, and what a failure looks like."""

import subprocess
import sys

import click
from click.testing import CliRunner

import relay
from relay.core.cli import main


def test_commands_are_those_operators_script_with() -> None:
    """Scripts rely on exactly these names."""
    lines = CliRunner().invoke(main, ["--help"]).stdout.partition("Commands:\n")[2].splitlines()

    assert [line.split()[0] for line in lines] == [
        "account",
        "bill",
        "key",
        "ledger",
        "log",
        "plugins",
        "profile",
        "run",
    ]


def test_unknown_command_is_a_usage_error() -> None:
    """Modules that are no commands are none on the command line either."""
    assert CliRunner().invoke(main, ["options"]).exit_code == 2


def test_version_is_the_packages() -> None:
    """``relay --version``."""
    assert CliRunner().invoke(main, ["--version"]).stdout == f"relay, version {relay.__version__}\n"


def test_profile_commands_start_without_a_web_server() -> None:
    """Checking a profile must cost nothing that serving needs."""
    program = (
        "import sys; from relay.core.cli import main; main(['profile', 'check', 'minimal.yaml'], standalone_mode=False); "
        "print(sorted({'litestar', 'uvicorn', 'aiohttp', 'sqlalchemy'} & set(sys.modules)))"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output.splitlines()[-1] == "[]"


def leaves(command: click.Command) -> list[click.Command]:
    """Return the commands under *command* that do something."""
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return [leaf for each in inner if each is not None for leaf in leaves(each)]


def test_every_command_takes_data_and_all_but_run_take_json() -> None:
    """A script may pass both without knowing which commands need them."""
    taken = [(leaf.name, {name for each in leaf.params for name in each.opts}) for leaf in leaves(main)]

    assert len(taken) == 16
    assert all("--data" in options for _, options in taken)
    assert [name for name, options in taken if "--json" not in options] == ["run"]

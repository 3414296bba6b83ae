"""Every code block of the pages is right: Python runs, YAML loads, commands exist."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from relay.core.cli import main
from relay.core.profile.loader import load_profile
from tests.docs.blocks import ROOT, Block, blocks, examples
from tests.examples.installed import PYPROJECT

WHOLE_PROFILES = [block for block in blocks("yaml") if yaml.safe_load(block.text).get("shop")]
COMMANDS = [
    pytest.param(words, id=f"{block.page}: {' '.join(words[:4])}")
    for block in blocks("sh")
    for line in block.text.splitlines()
    if (words := shlex.split(line, comments=True))
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.place)
def test_a_block_says_its_language(block: Block) -> None:
    """A block in no language that is tested here is text, and says so."""
    assert block.language in {"python", "yaml", "sh", "toml", "text"}


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.place)
def test_toml_is_the_file_that_installs_a_plugin(block: Block) -> None:
    """As the examples are installed in their own tests, but for the names."""
    named = PYPROJECT.format(name="acme-plugins", plugin_id="acme.fee", module="fee", plugin="Fee")
    expected = tomllib.loads(named)
    expected["project"]["dependencies"] = ["relayshop"]
    assert tomllib.loads(block.text) == expected


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.place)
def test_python_compiles(block: Block) -> None:
    """The block is Python; what it does is tested in test_examples and test_quickstart."""
    assert ast.parse(block.text).body


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.place)
def test_yaml_is_a_profile_or_an_example_s_part_of_one(block: Block) -> None:
    """A piece of a profile belongs to a plugin shown before it, and is tested with it."""
    assert block in WHOLE_PROFILES or block in [example.profile for example in examples()]


@pytest.mark.parametrize("block", WHOLE_PROFILES, ids=lambda block: block.place)
def test_a_whole_profile_loads(block: Block, tmp_path: Path) -> None:
    """The profile has no problem, with the plugins shown on its page beside it."""
    for example in examples():
        (tmp_path / example.name).write_text(example.source.text)
    path = tmp_path / "shop.yaml"
    path.write_text(block.text)
    assert load_profile(path).profile.shop.name.en


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_exists(words: list[str]) -> None:
    """Programs, commands, options and the number of arguments are those there are."""
    program, *rest = words
    if program == "make":
        assert set(rest) <= TARGETS
    elif program == "export":
        assert rest[0].partition("=")[0] in ("RELAY_KEY", "OPENAI_KEY")
    else:
        assert program == ".venv/bin/relay"
        assert parsed(main, "relay", rest).name is not None


def parsed(command: click.Command, name: str, words: list[str]) -> click.Command:
    """Return the command that *words* lead to, with its arguments parsed and nothing done.

    Raises:
        click.UsageError: There is no such command, or it takes other arguments.
    """
    if not isinstance(command, click.Group):
        command.make_context(name, words)
        return command
    inner = command.get_command(click.Context(command), words[0])
    if inner is None:
        raise click.UsageError(f"no command '{words[0]}'")
    return parsed(inner, words[0], words[1:])

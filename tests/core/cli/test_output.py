"""How tables are printed: columns under each other, whatever the script."""

import msgspec
import pytest

from relay.core.cli.output import cell, print_cells, print_json


class Thing(msgspec.Struct):
    name: str
    parts: tuple[int, ...] = ()


def test_columns_stand_under_each_other_in_any_script(capsys: pytest.CaptureFixture[str]) -> None:
    """A Chinese character takes two columns of a terminal."""
    print_cells([["name", "x"], ["金瓜瓜", "y"], ["a", ""]])
    assert capsys.readouterr().out == "name    x\n金瓜瓜  y\na\n"


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (True, "yes"), (False, "no"), (0, "0"), ("", "")])
def test_a_cell_says_what_is_not_there(value: object, text: str) -> None:
    """None is a dash, truth is a word."""
    assert cell(value) == text


@pytest.mark.parametrize(
    ("things", "text"),
    [
        ([], "[]\n"),
        ([Thing("a\nb")], '[\n  {\n    "name": "a\\nb",\n    "parts": []\n  }\n]\n'),
        (
            [Thing("a", (1, 2)), Thing("b")],
            '[\n  {\n    "name": "a",\n    "parts": [\n      1,\n      2\n    ]\n  },\n'
            '  {\n    "name": "b",\n    "parts": []\n  }\n]\n',
        ),
    ],
)
def test_an_array_is_indented_as_a_whole(things: list[Thing], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed an item at a time, and looks as if it were not."""
    print_json(things)
    assert capsys.readouterr().out == text
    assert text == msgspec.json.format(msgspec.json.encode(things), indent=2).decode() + "\n"

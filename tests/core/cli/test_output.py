"""How tables are printed: columns under each other, whatever the script."""

import pytest

from relay.core.cli.output import cell, print_cells


def test_columns_stand_under_each_other_in_any_script(capsys: pytest.CaptureFixture[str]) -> None:
    """A Chinese character takes two columns of a terminal."""
    print_cells([["name", "x"], ["金瓜瓜", "y"], ["a", ""]])
    assert capsys.readouterr().out == "name    x\n金瓜瓜  y\na\n"


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (True, "yes"), (False, "no"), (0, "0"), ("", "")])
def test_a_cell_says_what_is_not_there(value: object, text: str) -> None:
    """None is a dash, truth is a word."""
    assert cell(value) == text

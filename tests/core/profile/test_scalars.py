"""What unquoted words mean, and which mean two things."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from relay.core.profile.scalars import read_plain

TRAPS = [
    "010", "-07", "08", "0x1F", "0o17", "0b1", "1e-3", "1E3", "1.5e3", ".5e1", "on", "Off", "YES", "no", "y", "N",
    "True", "FALSE", "Null", "1:30", "12:30:45", "2024-09-14", "2024-9-14 10:00:00", "1_000", "+5", "5.", ".5",
    ".inf", "-.INF", ".nan", "=",
]  # fmt: skip


@pytest.mark.parametrize("text", TRAPS)
def test_word_that_readers_disagree_on_is_a_trap(text: str) -> None:
    """It keeps its text, and comes with the reason why it must be written otherwise."""
    value, trap = read_plain(text)

    assert value == text
    assert trap.startswith("is ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-12", -12), ("0.5", 0.5), ("-10.25", -10.25), ("true", True), ("false", False), ("null", None),
        ("~", None), ("", None), ("gpt-4.1", "gpt-4.1"), ("4o", "4o"), ("o1", "o1"), ("1.2.3.4", "1.2.3.4"),
        ("https://a.example:8080", "https://a.example:8080"), ("yes please", "yes please"),
    ],
)  # fmt: skip
def test_word_that_all_readers_agree_on_has_its_value(text: str, value: object) -> None:
    """Plain decimals, true, false, null and text."""
    assert read_plain(text) == (value, "")


@pytest.mark.parametrize("text", ["9" * 31, "9" * 5000, "0." + "9" * 29])
def test_a_number_longer_than_readers_keep_is_a_trap(text: str) -> None:
    """Python itself reads none of more than 4300 digits."""
    assert read_plain(text[:30]) == ((int if text.isdecimal() else float)(text[:30]), "")
    assert read_plain(text) == (
        text,
        "is a number to some readers of YAML only; write it as 1000 or 0.5, or quote it",
    )


@given(st.text(alphabet="0123456789abcdefoxyn.:_+-eET~=", max_size=8))
def test_accepted_word_means_the_same_to_a_yaml_1_1_reader(text: str) -> None:
    """Whatever is no trap, PyYAML's own YAML 1.1 resolver reads alike."""
    value, trap = read_plain(text)
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # its stub has none
    theirs = loader.construct_object(yaml.ScalarNode(tag, text)) if not trap else value

    assert value == theirs
    assert type(value) is type(theirs)

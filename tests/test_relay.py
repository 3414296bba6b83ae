"""The front door: the names that authors of plugins import, and the types a checker sees behind them."""

from fractions import Fraction
from types import ModuleType
from typing import assert_type

import pytest

import relay
from relay import endpoint_url, format_exact, format_nano, parse_amount, parse_exact, to_nano


def test_the_list_is_sorted_and_names_nothing_twice() -> None:
    """A name is found where one looks for it."""
    assert list(relay.__all__) == sorted(set(relay.__all__))


def test_the_list_holds_every_name_the_front_door_imports() -> None:
    """What is not in the list is not public, and has no business there."""
    imported = {
        name for name, value in vars(relay).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert imported == set(relay.__all__)


@pytest.mark.parametrize("name", [name for name in relay.__all__ if isinstance(getattr(relay, name), type)])
def test_every_public_class_says_what_it_is(name: str) -> None:
    """A docstring of its own, not one it inherited."""
    assert vars(getattr(relay, name)).get("__doc__")


def test_a_type_checker_sees_the_types_of_money() -> None:
    """Exact numbers in, whole nano-credits out; `make types` checks each line."""
    assert_type(parse_exact("4/3"), Fraction)
    assert_type(to_nano(Fraction(1, 3)), int)
    assert_type(parse_amount("0.5"), int)
    assert_type(format_nano(5), str)
    assert_type(format_exact(Fraction(4, 3)), str)
    assert_type(endpoint_url("https://api.example.com", "/v1/messages"), str)

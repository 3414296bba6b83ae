"""Places become typed values; every problem is found on the way."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relay.core.money import Exact, format_exact
from relay.core.profile.convert import BROKEN, convert
from relay.core.profile.document import read_document
from relay.core.profile.place import Place, Report
from relay.core.profile.structs import GroupName, NonNegative


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: Exact
    limit: Annotated[int, Meta(ge=0)] = 5

    def __post_init__(self) -> None:
        if self.share > 1:
            raise ValueError(f"share must be at most 1, got {self.share}")


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    inner: Inner

    def __post_init__(self) -> None:
        if not self.inner.share:
            raise ValueError("expected a share")


class Odd(msgspec.Struct, frozen=True):
    kind: str

    def __post_init__(self) -> None:
        raise KeyboardInterrupt if self.kind == "stopped" else TypeError("expected another kind")


def read(folder: Path, text: str, kind: Any) -> tuple[Any, tuple[str, ...]]:
    path = folder / "x.yaml"
    path.write_text(text, encoding="utf-8")
    report = Report("x", {"groups": ("lily", "hyacinth")})
    return convert(Place(read_document(path), "", report), kind), report.problems()


VALUES: list[tuple[str, Any, Any]] = [
    ('"4/3"', Exact, Fraction(4, 3)),
    ('"0"', NonNegative, Fraction(0)),
    ('"0.10"', Exact | None, Fraction(1, 10)),
    ("null", Exact | None, None),
    ("5", int, 5),
    ("5", float, 5.0),
    ("0.5", float, 0.5),
    ("true", bool, True),
    ("[a, b]", tuple[str, ...], ("a", "b")),
    ("[a, b]", list[str], ["a", "b"]),
    ("[a, 1]", tuple[str, int], ("a", 1)),
    ("[]", tuple[()], ()),
    ("[a, a]", frozenset[str], frozenset({"a"})),
    ("{a: 1}", dict[str, int], {"a": 1}),
    ("x", Literal["x", "y"], "x"),
    ('{share: "1/2"}', Inner, Inner(Fraction(1, 2))),
    ('{share: "1/2", limit: 7}', str | Inner, Inner(Fraction(1, 2), 7)),
    ("text", str | Inner, "text"),
    ('[x, {share: "1"}]', tuple[str | Inner, ...], ("x", Inner(Fraction(1)))),
    ("{a: [1, null, {b: 0.5}]}", Any, {"a": [1, None, {"b": 0.5}]}),
    ("7", str | int | float | bool | None, 7),
    ('"2024-01-01T00:00:00Z"', str, "2024-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("text", "kind", "value"), VALUES)
def test_value_is_what_its_type_says(tmp_path: Path, text: str, kind: Any, value: Any) -> None:
    """Every annotation a Struct may carry is understood."""
    found = read(tmp_path, text, kind)

    assert found == (value, ())
    assert type(found[0]) is type(value)


PROBLEMS: list[tuple[str, Any, list[str]]] = [
    ("5", str, ["x:1:1: profile: expected text, found 5; quote it"]),
    ('"5"', int, ["x:1:1: profile: expected a whole number, found text; leave out the quotes"]),
    ('"5"', bool, ["x:1:1: profile: expected true or false, found text"]),
    ('"five"', int, ["x:1:1: profile: expected a whole number, found text"]),
    ("[env: NAME]", tuple[str, ...], ["x:1:2: [0]: expected text, found a mapping; quote it"]),
    ("{a: b}", tuple[str, ...], ["x:1:1: profile: expected a list, found a mapping; begin each entry with '- '"]),
    ("on", bool, ["x:1:1: profile: on is true or false to some readers of YAML and text to others; write true or false, or quote it"]),
    ("[1, a, true]", tuple[int, ...], [
        "x:1:5: [1]: expected a whole number, found text",
        "x:1:8: [2]: expected a whole number, found true",
    ]),
    ("a", tuple[int, ...], ["x:1:1: profile: expected a list, found text; put it in brackets, [...]"]),
    ("[]", Annotated[tuple[int, ...], Meta(min_length=1)], ["x:1:1: profile: expected 1 or more entries, found 0"]),
    ("[a]", dict[str, int], ["x:1:1: profile: expected a mapping, found a list"]),
    ("{a: x, 5: 1}", dict[str, int], [
        "x:1:5: a: expected a whole number, found text",
        "x:1:8: 5: expected text as a key, found 5; quote it",
    ]),
    ("z", Literal["x", "y"], ["x:1:1: profile: expected one of x, y, found text"]),
    ('{share: "2"}', Inner, ["x:1:1: profile: share must be at most 1, got 2"]),
    ('{share: "1", limit: -1, x: on}', Inner, [
        "x:1:21: limit: expected a whole number >= 0, found -1",
        "x:1:25: x: unknown key 'x'",
        "x:1:28: x: on is true or false to some readers of YAML and text to others; write true or false, or quote it",
    ]),
    ('{share: "1",\n share: "2"}', Inner, ["x:2:2: share: duplicate key, first on line 1"]),
    ("{a: x}", str | dict[str, int], ["x:1:5: a: expected a whole number, found text"]),
    ('"-1/2"', NonNegative, ['x:1:1: profile: expected at least 0, found "-0.5"']),
    ("{inner: x}", Outer, ["x:1:9: inner: expected a mapping with share, found text"]),
    ("5", str | dict[str, int], ["x:1:1: profile: expected text, found 5; quote it"]),
    ("off", Literal["x", "y"], ["x:1:1: profile: expected one of x, y, found off; off is true or false to some readers of YAML and text to others; write true or false, or quote it"]),
    ('{inner: {share: "2"}}', Outer, ["x:1:9: inner: share must be at most 1, got 2"]),
    ("a", Inner, ["x:1:1: profile: expected a mapping with share, found text"]),
    ('{share: “1.5”}', Inner, [
        'x:1:9: share: expected an exact number as quoted text, such as "1.5" or "4/3", found "“1.5”"',
    ]),
    ('{share: "1\\n5\\x9b"}', Inner, [
        'x:1:9: share: expected an exact number as quoted text, such as "1.5" or "4/3", found "1\\n5\\x9b"',
    ]),
    ('{share: "1.5x"}', Inner, [
        'x:1:9: share: expected an exact number as quoted text, such as "1.5" or "4/3", found text',
    ]),
    ("[1]", Exact, ["x:1:1: profile: expected an exact number as quoted text, found a list"]),
    ("null", Exact, ["x:1:1: profile: expected an exact number as quoted text, found nothing"]),
    ("[a]", str, ["x:1:1: profile: expected text, found a list"]),
    ("[]", str | Inner, ["x:1:1: profile: expected text or a mapping, found a list"]),
    ("null", str | Inner, ["x:1:1: profile: expected text, found nothing; quote it"]),
    ("x", float, ["x:1:1: profile: expected a number, found text"]),
    ("{a: {b: 1, b: 2, on: 3}}", Any, [
        "x:1:12: a.b: duplicate key, first on line 1",
        "x:1:18: a.on: on is true or false to some readers of YAML and text to others; write true or false, or quote it",
    ]),
    ("off", Inner, ["x:1:1: profile: expected a mapping with share, found off is true or false to some readers of YAML and text to others; write true or false, or quote it"]),
    ("{a: {b: 010}}", Any, ["x:1:9: a.b: 010 is octal to some readers of YAML and decimal to others; leave out the leading zero, or quote it"]),
    ("[lily, rose]", tuple[GroupName, ...], ["x:1:8: [1]: unknown group 'rose'; expected one of hyacinth, lily"]),
    ("{hyacint: 1}", dict[GroupName, int], ["x:1:2: hyacint: unknown group 'hyacint'; did you mean 'hyacinth'?"]),
    ("[x]", Literal["x", "y"], ["x:1:1: profile: expected one of x, y, found a list"]),
    ("{a: [1, on]}", Any, ["x:1:9: a[1]: on is true or false to some readers of YAML and text to others; write true or false, or quote it"]),
    ("{}", Annotated[dict[str, int], Meta(min_length=1)], ["x:1:1: profile: expected 1 or more entries, found 0"]),
    ("[]", Annotated[list[int], Meta(min_length=1)], ["x:1:1: profile: expected 1 or more entries, found 0"]),
    ("{kind: x}", Odd, ["x:1:1: profile: expected another kind"]),
    ('{"a b": x}', dict[str, int], ['x:1:9: ["a b"]: expected a whole number, found text']),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "expected"), PROBLEMS)
def test_problem_says_what_was_expected_and_found(tmp_path: Path, text: str, kind: Any, expected: list[str]) -> None:
    """Several problems of one value are all reported, each at its own place."""
    _, problems = read(tmp_path, text, kind)

    assert list(problems) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [("x", int | None), ("[1, x]", tuple[int, ...]), ("{a: 1, b: x}", dict[str, int]), ("{share: x}", Inner)],
)
def test_broken_value_is_told_apart_from_nothing(tmp_path: Path, text: str, kind: Any) -> None:
    """None is a value; what could not be had, or not whole, is not."""
    assert read(tmp_path, text, kind)[0] is BROKEN


def test_who_stops_the_program_stops_it(tmp_path: Path) -> None:
    """That is no problem of the profile."""
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, "{kind: stopped}", Odd)


@given(st.fractions(min_value=0, max_value=10**12, max_denominator=10**6))
def test_exact_number_survives_the_file(tmp_path_factory: pytest.TempPathFactory, number: Fraction) -> None:
    """What is written as text is the same fraction again."""
    assert read(tmp_path_factory.getbasetemp(), f'"{format_exact(number)}"', Exact) == (number, ())

"""The kinds of JSON values by their first byte; every table through a running shop: tests/faults/test_wrong_kinds.py."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from relay.core.dialects import kinds
from relay.core.dialects.kinds import Allows, Kinds, check_kinds, check_needed
from relay.core.errors import BadRequestError
from tests.core.wire import FOLDER

BLANKS = b" \n\t\r" * 100
TOO_LARGE = (b"1e400", b"-1e309", b"1" * 400)
RIGHT: Mapping[str, tuple[bytes, ...]] = {
    "TEXT": (b'""', b'"5"'),
    "NUMBER": (b"0", b"-1.5e3", b"9" * 30, b"1e308", b"1e-999"),
    "SWITCH": (b"true", b"false"),
    "LIST": (b"[]", b"[null]"),
    "OBJECT": (b"{}", b'{"a":1}'),
    "TEXT_OR_LIST": (b'"a"', b"[]"),
    "TEXT_OR_OBJECT": (b'"a"', b"{}"),
    "LIST_OR_OBJECT": (b"[]", b"{}"),
    "TEXT_LIST_OR_OBJECT": (b'"a"', b"[]", b"{}"),
    "OBJECTS": (b"[]", b"[%s]" % BLANKS, b"[{}]", b"[%s{}]" % BLANKS),
    "OBJECT_OR_OBJECTS": (b"{}", b"[]", b"[%s{}]" % BLANKS),
    "NUMBER_OR_TEXT": (b"1", b"-0.5", b'"1e400"'),
}
NEEDED: Mapping[str, tuple[bytes, ...]] = {
    "SOME_TEXT": (b'"a"', b'"\\""'),
    "TURNS": (b"[{}]", b"[%s{}]" % BLANKS),
    "TURN_OR_TURNS": (b'{ "a":1}', b"[%s{}]" % BLANKS),
    "TEXT_OR_TURNS": (b'"a"', b"[%s{}]" % BLANKS),
    "TEXT_OBJECT_OR_TURNS": (b'"a"', b'{ "a":1}', b"[%s{}]" % BLANKS),
    "ITEMS": (b'["a"]', b"[%s{}]" % BLANKS),
    "TEXTS_OR_OBJECTS": (b'"a"', b'[%s"a"]' % BLANKS, b"[{}]"),
    "INPUTS": (b'"a"', b'["a"]', b"[{}]", b"[ -1]", b"[%s1]" % BLANKS, b"[[1]]"),
}
NOTHING = (b"null", b'""', b"[]", b"[%s]" % BLANKS, b"[null]", b"[true]", b"{}", b"5", b"true")
LACKING: Mapping[str, tuple[bytes, ...]] = {
    "SOME_TEXT": (*NOTHING, b'["a"]'),
    "TURNS": (*NOTHING, b"[5]", b'["a"]', b"[[{}]]", b'"a"'),
    "TURN_OR_TURNS": (*NOTHING, b"[5]", b'["a"]', b"[[{}]]", b'"a"'),
    "TEXT_OR_TURNS": (*NOTHING, b"[5]", b'["a"]', b"[[{}]]"),
    "TEXT_OBJECT_OR_TURNS": (*NOTHING, b"[5]", b'["a"]', b"[[{}]]"),
    "ITEMS": (*NOTHING, b"[5]", b"[[{}]]", b'"a"'),
    "TEXTS_OR_OBJECTS": (*NOTHING, b"[5]", b"[[{}]]"),
    "INPUTS": NOTHING,
}
WRONG: Mapping[str, tuple[bytes, ...]] = {
    "TEXT": (b"5", b"true", b"[]", b"{}"),
    "NUMBER": (*TOO_LARGE, b'"5"', b"true", b"[]", b"{}"),
    "SWITCH": (b"0", b'"true"', b"[]", b"{}"),
    "LIST": (b"5", b'"a"', b"true", b"{}"),
    "OBJECT": (b"5", b'"a"', b"true", b"[]"),
    "TEXT_OR_LIST": (b"5", b"true", b"{}"),
    "TEXT_OR_OBJECT": (b"5", b"true", b"[]"),
    "LIST_OR_OBJECT": (b"5", b"true", b'"a"'),
    "TEXT_LIST_OR_OBJECT": (b"5", b"true"),
    "OBJECTS": (b"[5]", b'["a"]', b"[%snull]" % BLANKS, b"[[]]", b"{}", b'"a"'),
    "OBJECT_OR_OBJECTS": (b"[5]", b'["a"]', b'"a"', b"5"),
    "NUMBER_OR_TEXT": (*TOO_LARGE, b"true", b"[]", b"{}"),
}
TABLES: tuple[tuple[str, Kinds], ...] = (
    ("/chat/completions", kinds.CHAT),
    ("/completions", kinds.COMPLETIONS),
    ("/responses", kinds.RESPONSES),
    ("/responses/input_tokens", kinds.RESPONSES),
    ("/messages", kinds.MESSAGES),
    ("/messages/count_tokens", kinds.MESSAGES),
    (":generateContent", kinds.GEMINI),
    (":streamGenerateContent", kinds.GEMINI),
    (":countTokens", kinds.GEMINI),
    ("/interactions", kinds.INTERACTIONS),
    ("/embeddings", kinds.EMBEDDINGS),
    ("/images/generations", kinds.IMAGES),
    ("/images/edits", kinds.IMAGES),
    ("/audio/speech", kinds.SPEECH),
    ("/moderations", kinds.MODERATIONS),
    ("/rerank", kinds.RERANK),
)
RECORDINGS = sorted(FOLDER.glob("*/*.json"))


def allows(name: str, value: bytes) -> bool:
    kind: Allows = getattr(kinds, name)
    return bool(kind(msgspec.Raw(value)))


@pytest.mark.parametrize("name", RIGHT)
def test_a_value_is_of_its_kind(name: str) -> None:
    """Or null; blanks before a list's first member are passed over, however many."""
    assert [value for value in (b"null", *RIGHT[name]) if not allows(name, value)] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_value_is_of_no_other_kind(name: str) -> None:
    """A number that no double holds is of none."""
    assert [value for value in WRONG[name] if allows(name, value)] == []


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_there(name: str) -> None:
    """Only the first member is looked at."""
    assert [value for value in NEEDED[name] if not allows(name, value)] == []


@pytest.mark.parametrize("name", LACKING)
def test_null_and_empty_are_not_what_is_needed(name: str) -> None:
    """However much blank space an empty list holds."""
    assert [value for value in LACKING[name] if allows(name, value)] == []


@pytest.mark.parametrize("fields", [{}, {"messages": msgspec.Raw(b"[]")}])
def test_a_request_about_nothing_is_refused(fields: dict[str, msgspec.Raw]) -> None:
    """By the name of what it lacks."""
    with pytest.raises(BadRequestError) as refused:
        check_needed(fields, "messages", kinds.TURNS)
    assert refused.value.param == "messages"


def test_the_field_is_blamed_and_unknown_ones_are_not() -> None:
    """By its name, with the path that leads to it."""
    fields = {"other": msgspec.Raw(b"1e400"), "a": msgspec.Raw(b'"x"'), "b": msgspec.Raw(b"5")}
    with pytest.raises(BadRequestError) as refused:
        check_kinds(fields, {"a": kinds.TEXT, "b": kinds.TEXT}, "outer.")
    assert refused.value.param == "outer.b"


@pytest.mark.skipif(not RECORDINGS, reason="no recordings; set RELAY_WIRE to their folder")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_recorded_request_is_of_another_kind(path: Path) -> None:
    """Whatever the vendor made of it."""
    request = json.loads(path.read_bytes())["request"]
    endpoint = request["path"].partition("?")[0]
    table = max((row for row in TABLES if endpoint.endswith(row[0])), key=lambda row: len(row[0]), default=("", {}))[1]
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in (request["body"] or {}).items()}
    check_kinds(fields, table)
    check_kinds(config(fields, "generationConfig"), kinds.GEMINI_CONFIG)
    check_kinds(config(config(fields, "generationConfig"), "thinkingConfig"), kinds.GEMINI_THINKING)


def config(fields: Mapping[str, msgspec.Raw], name: str) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(fields.get(name, b"{}"), type=dict[str, msgspec.Raw])

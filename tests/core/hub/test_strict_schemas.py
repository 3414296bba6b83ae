"""Schemas that say enough for a vendor to keep to them, and schemas that don't."""

import json
from typing import Any

import msgspec
import pytest

from relay.core.hub.conversation import Tool
from relay.core.hub.request_body import LeftOut
from relay.core.hub.strict_schemas import _schemas, as_object, claude_schema, is_strict, openai_tools


def raw(schema: dict[str, Any]) -> msgspec.Raw:
    """Return *schema* as it stands in a request."""
    return msgspec.Raw(json.dumps(schema).encode())


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**OPEN, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (OPEN, CLOSED),
        ({"type": "array", "items": OPEN}, {"type": "array", "items": CLOSED}),
        ({"anyOf": [OPEN, {"type": "null"}]}, {"anyOf": [CLOSED, {"type": "null"}]}),
        ({"$defs": {"properties": OPEN}, "$ref": "#/$defs/properties"}, {"$defs": {"properties": CLOSED}, "$ref": "#/$defs/properties"}),
        ({"type": "object", "properties": {"items": OPEN}}, {"type": "object", "properties": {"items": CLOSED}, "additionalProperties": False}),
    ],
)  # fmt: skip
def test_objects_that_name_their_members_are_closed(schema: dict[str, Any], written: dict[str, Any]) -> None:
    """Wherever they stand, whatever their members are called."""
    assert json.loads(bytes(claude_schema(raw(schema)))) == written


@pytest.mark.parametrize(
    "schema",
    [CLOSED, {**OPEN, "additionalProperties": {"type": "string"}}, {"type": "object"}, {"enum": [{"properties": {}}]}],
)
def test_what_says_so_itself_stays_as_it_is(schema: dict[str, Any]) -> None:
    """Byte for byte, and so does what is no schema."""
    assert bytes(claude_schema(raw(schema))) == bytes(raw(schema))


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"type": "number", "minimum": 1, "maximum": 2.5}, {"type": "number", "description": "{minimum: 1, maximum: 2.5}"}),
        ({"type": "string", "description": "A", "minLength": 2}, {"type": "string", "description": "A\n\n{minLength: 2}"}),
        ({"type": "array", "minItems": 2, "uniqueItems": True}, {"type": "array", "description": "{minItems: 2, uniqueItems: true}"}),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}),
        ({"type": "array", "minItems": 0}, {"type": "array", "minItems": 0}),
        ({**CLOSED, "properties": {"minimum": {"enum": [{"maximum": 1}]}}}, {**CLOSED, "properties": {"minimum": {"enum": [{"maximum": 1}]}}}),
    ],
)  # fmt: skip
def test_limits_that_claude_refuses_are_told_in_words(schema: dict[str, Any], written: dict[str, Any]) -> None:
    """As its own SDK tells them; a member of that name, and a value, is none."""
    assert json.loads(bytes(claude_schema(raw(schema)))) == written


@pytest.mark.parametrize(
    ("schema", "is_taken"),
    [
        (CLOSED, True),
        (OPEN, False),
        ({**CLOSED, "required": []}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "object"}, False),
        ({**CLOSED, "properties": {"a": OPEN}}, False),
        ({"type": "array", "items": {"type": "number"}}, True),
        ({**CLOSED, "required": [{"a": 1}, "a"]}, True),
        ({**CLOSED, "required": [["a"]]}, False),
        ({**CLOSED, "properties": [{"a": 1}]}, False),
        ({**CLOSED, "properties": 5}, False),
        ({"properties": {"a": {"type": "string"}}}, False),
        ({**CLOSED, "required": "a"}, False),
        ({"anyOf": [True, CLOSED], "prefixItems": [False]}, True),
        ({"type": "string", "default": OPEN, "enum": [OPEN]}, True),
        ({"type": "array", "items": {"type": "string"}, "additionalProperties": OPEN}, False),
    ],
)
def test_a_strict_schema_leaves_no_member_open(schema: dict[str, Any], is_taken: bool) -> None:
    """As OpenAI refuses a whole request otherwise."""
    assert is_strict(raw(schema)) is is_taken


@pytest.mark.parametrize(
    ("schema", "asked", "is_told"),
    [
        (CLOSED, True, True),
        (OPEN, True, False),
        (OPEN, False, False),
        (OPEN, None, None),
        (None, True, True),
        ({}, True, False),
        ({"description": "x"}, True, False),
        ({"additionalProperties": False}, True, True),
    ],
)
def test_a_tool_is_strict_where_its_schema_can_be(
    schema: dict[str, Any] | None, asked: bool | None, is_told: bool | None
) -> None:
    """Claude takes optional members in strict tools; OpenAI would refuse the whole request."""
    tool = Tool(name="f", schema=raw(schema) if schema is not None else None, is_strict=asked)
    left_out = LeftOut()
    [told] = openai_tools([tool], left_out)
    whole = as_object(tool.schema) if tool.schema is not None else None
    assert told == msgspec.structs.replace(tool, schema=whole, is_strict=is_told)
    assert left_out.names == ([] if is_told is asked else ["tools.strict"])


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": None, "properties": None}, {"type": "object", "properties": {}}),
        ({"type": "object", "required": []}, {"type": "object", "required": [], "properties": {}}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ({"$ref": "#/$defs/A", "$defs": {"A": OPEN}}, {"$ref": "#/$defs/A", "$defs": {"A": OPEN}, "type": "object"}),
        ({"anyOf": [OPEN, CLOSED]}, {"anyOf": [OPEN, CLOSED], "type": "object"}),
        ({"type": "object", "oneOf": [OPEN]}, {"type": "object", "oneOf": [OPEN]}),
        ({"type": "object", "allOf": [OPEN]}, {"type": "object", "allOf": [OPEN]}),
        (5, 5),
    ],
)
def test_arguments_are_an_object_that_names_its_members(schema: Any, written: Any) -> None:
    """Though there are none; what is no schema is its upstream's to refuse."""
    assert json.loads(bytes(as_object(raw(schema)))) == written
    assert bytes(as_object(raw(CLOSED))) == bytes(raw(CLOSED))


def test_a_schema_may_be_deeper_than_calls_can_be() -> None:
    """From Python 3.12 on, more can be read than a function could follow by calling itself."""
    deep: dict[str, Any] = CLOSED
    for _ in range(5_000):
        deep = {"type": "array", "items": deep}
    assert sum(1 for _ in _schemas(deep)) == 5_002

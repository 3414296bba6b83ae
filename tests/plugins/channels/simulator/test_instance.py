from typing import Any

import msgspec
import pytest

from relay.plugins.channels.simulator.instance import instance


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 3}, 3),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"$defs": {"A": {"type": "number"}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}, {"a": 1}),
        ({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, None),
        (
            {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "minItems": 1, "items": {"type": "INTEGER"}}}},
            {"a": [1]},
        ),
        (True, None),
    ],
)
def test_instance_fits_its_schema(schema: object, expected: object) -> None:
    """The usual keywords are followed, and a schema that refers to itself ends."""
    assert instance(schema) == expected


PAIR = {"type": "object", "properties": {"left": {"$ref": "#/$defs/P"}, "right": {"$ref": "#/$defs/P"}}}
WIDE = {"type": "object", "required": [str(n) for n in range(2000)], "properties": {"0": {"$ref": "#/$defs/W"}}}
NESTED: Any = {"type": "array", "minItems": 10**9, "items": {"type": "array", "minItems": 10**9}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"P": PAIR}, "$ref": "#/$defs/P"},
        NESTED,
        {"type": "string", "minLength": 10**12},
        {"$defs": {"W": WIDE}, "$ref": "#/$defs/W"},
    ],
    ids=["tree", "lists", "text", "members"],
)
def test_no_schema_asks_for_more_than_there_is_memory(schema: object) -> None:
    """The demo stands in the open."""
    assert len(msgspec.json.encode(instance(schema))) < 500_000

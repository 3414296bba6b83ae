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
        (True, None),
    ],
)
def test_instance_fits_its_schema(schema: object, expected: object) -> None:
    """The usual keywords are followed, and a schema that refers to itself ends."""
    assert instance(schema) == expected

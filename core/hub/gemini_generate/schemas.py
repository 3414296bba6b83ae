"""Converts Gemini's schemas, which are written in a subset of OpenAPI, to JSON Schema.

There, types are in capitals, ``nullable`` says whether a value may be null, and Google's SDK for JavaScript writes
counts as strings (``Schema`` in genai.d.ts of @google/genai 2.32.0, read 2026-12-01). In the other direction nothing is
converted, as Gemini also accepts JSON Schema (wire/DIALECTS.md 5.3, 5.6).
"""

import re
from typing import Any

import msgspec

_NAMED = ("properties", "$defs", "patternProperties")
"""Members whose own members are schemas, under freely chosen names."""
_COUNTS = ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties")
_is_count = re.compile(r"[0-9]{1,18}").fullmatch
"""Finds counts that every reader can hold."""


def read_schema(raw: msgspec.Raw) -> msgspec.Raw:
    """Return a schema of Gemini's as JSON Schema.

    >>> bytes(read_schema(msgspec.Raw(b'{"type":"STRING","nullable":true}')))
    b'{"type":["string","null"]}'
    """
    return msgspec.Raw(msgspec.json.encode(_converted(msgspec.json.decode(raw))))


def _converted(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    is_nullable = schema.get("nullable") is True
    converted: dict[str, Any] = {}
    for name, value in schema.items():
        match value:
            case str() if name == "type":
                converted[name] = [value.lower(), "null"] if is_nullable else value.lower()
            case str() if name in _COUNTS and _is_count(value):
                converted[name] = int(value)
            case dict() if name in _NAMED:
                converted[name] = {key: _converted(member) for key, member in value.items()}
            case list() if name in ("anyOf", "oneOf", "allOf"):
                converted[name] = [_converted(member) for member in value]
            case dict() if name in ("items", "additionalProperties"):
                converted[name] = _converted(value)
            case _ if name not in ("nullable", "propertyOrdering"):
                converted[name] = value
    if isinstance(order := schema.get("propertyOrdering"), list):
        converted |= _in_order(converted, order)
    return converted


def _in_order(schema: dict[str, Any], order: list[Any]) -> dict[str, Any]:
    """Return the ``properties`` of *schema* in the order to write them in; other dialects go by the schema's own."""
    match schema:
        case {"properties": dict() as named}:
            first = {key: named[key] for key in order if isinstance(key, str) and key in named}
            return {"properties": {**first, **named}}
    return {}

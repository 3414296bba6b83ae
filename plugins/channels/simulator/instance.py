"""Makes a document for a schema: the simulator's structured output and tool arguments."""

from typing import Any

DEPTH_MAX = 20
NODES_MAX = 1000
"""Limit of a document's values; a schema of a hundred bytes can ask for more than fit into memory."""
LENGTH_MAX = 10_000


def instance(schema: Any) -> Any:
    """Return a small document that fits a JSON *schema*, as far as the usual keywords go.

    Values that are nested too deep are null; values beyond the limit are null or left out.

    >>> instance({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    {'city': 'text'}
    """
    is_readable = isinstance(schema, dict)
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})} if is_readable else {}
    return _Writer(definitions).write(schema, 0)


class _Writer:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._nodes_left = NODES_MAX

    def write(self, schema: Any, depth: int) -> Any:
        """Return a value that fits."""
        self._nodes_left -= 1
        if not isinstance(schema, dict) or depth > DEPTH_MAX or self._nodes_left < 0:
            return None
        if "$ref" in schema:
            return self.write(self._definitions.get(str(schema["$ref"]).rpartition("/")[2]), depth + 1)
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("enum", "anyOf", "oneOf", "allOf"):
            if schema.get(keyword):
                first = schema[keyword][0]
                return first if keyword == "enum" else self.write(first, depth + 1)
        return self._write_kind(schema, depth)

    def _write_kind(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        # Google's SDKs write types in capitals. Source: w:gemini/response-schema, read 2026-11-29.
        match str(kind[0] if isinstance(kind, list) else kind).lower():
            case "object":
                properties = schema.get("properties", {})
                names: list[str] = list(schema.get("required") or properties)[: max(self._nodes_left, 0)]
                return {name: self.write(properties.get(name, {}), depth + 1) for name in names}
            case "array":
                count = min(schema.get("minItems", 0), max(self._nodes_left, 0))
                return [self.write(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return "text".ljust(min(schema.get("minLength", 0), LENGTH_MAX), "x")

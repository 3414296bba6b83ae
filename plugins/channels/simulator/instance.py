"""A document for a schema: what the simulator says where structured output or arguments are wanted."""

from typing import Any

DEPTH_MAX = 20


def instance(schema: Any, definitions: Any = None, depth: int = 0) -> Any:
    """Return a small document that fits a JSON *schema*, as far as the usual keywords go.

    >>> instance({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    {'city': 'text'}
    """
    if not isinstance(schema, dict) or depth > DEPTH_MAX:
        return None
    definitions = definitions or {**schema.get("definitions", {}), **schema.get("$defs", {})}
    if "$ref" in schema:
        return instance(definitions.get(str(schema["$ref"]).rpartition("/")[2]), definitions, depth + 1)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    for keyword in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            first = schema[keyword][0]
            return first if keyword == "enum" else instance(first, definitions, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            names: list[str] = list(schema.get("required") or properties)
            return {name: instance(properties.get(name, {}), definitions, depth + 1) for name in names}
        case "array":
            return [instance(schema.get("items", {}), definitions, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "text".ljust(schema.get("minLength", 0), "x")

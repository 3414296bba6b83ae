"""Adapts JSON Schemas to what vendors demand, of strict ones and of any."""

from collections.abc import Iterable
from typing import Any

import msgspec

from .conversation import Native, Tool
from .raw import given
from .request_body import LeftOut

_BY_NAME = ("properties", "$defs", "definitions")
"""Members whose own members are schemas, under freely chosen names."""
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_ELSEWHERE = ("$ref", "anyOf", "oneOf", "allOf")
"""Members by which a schema defines its members elsewhere, so that none need be named beside them."""
_LIMITS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems", "uniqueItems",
)  # fmt: skip
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def as_object(raw: msgspec.Raw) -> msgspec.Raw:
    """Return the schema of a tool's arguments with the ``type`` and ``properties`` of an object, if they are missing.

    OpenAI refuses one without ``properties``, others one without a ``type``.

    Source: the 400s in spring-projects/spring-ai#4776 and farion1231/cc-switch#5490, and ``InputSchemaTyped`` of
    anthropic 2.12.0; read 2026-11-30.

    >>> bytes(as_object(msgspec.Raw(b'{"type":"object"}'))), bytes(as_object(msgspec.Raw(b"{}")))
    (b'{"type":"object","properties":{}}', b'{"type":"object","properties":{}}')
    """
    try:
        members = _read_members(raw)
    except msgspec.ValidationError:  # not a schema at all: the upstream will say so
        return raw
    needed = {"type": msgspec.Raw(b'"object"')}
    if not any(name in members for name in _ELSEWHERE):
        needed["properties"] = msgspec.Raw(b"{}")
    missing = {name: value for name, value in needed.items() if given(members.get(name, msgspec.Raw())) is None}
    return msgspec.Raw(msgspec.json.encode({**members, **missing})) if missing else raw


def claude_schema(raw: msgspec.Raw) -> msgspec.Raw:
    """Return a schema in the form that Claude accepts as strict.

    Objects get ``additionalProperties: false``, unless they name no members or already have the field. Limits of
    numbers, lengths and counts, which Claude refuses, are moved to the description, as Anthropic's own SDK does it.

    Source: platform.claude.com structured-outputs, as quoted by BerriAI/litellm#35811, read 2026-11-29, and, of the
    limits, by LangSchema.Converter.Anthropic (hex.pm); `transform_schema` of anthropic 2.12.0; read 2026-11-30.

    >>> bytes(claude_schema(msgspec.Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')))
    b'{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}'
    >>> bytes(claude_schema(msgspec.Raw(b'{"type":"integer","minimum":0}')))
    b'{"type":"integer","description":"{minimum: 0}"}'
    """
    schema = msgspec.json.decode(raw)
    is_taken = True
    for each in _schemas(schema):
        if "properties" in each and "additionalProperties" not in each:
            each["additionalProperties"] = is_taken = False
        if limits := [name for name in _LIMITS if name in each and not (name == "minItems" and each[name] in (0, 1))]:
            is_taken = False
            described = ", ".join(f"{name}: {msgspec.json.encode(each.pop(name)).decode()}" for name in limits)
            before = each.get("description")
            each["description"] = f"{before}\n\n{{{described}}}" if isinstance(before, str) else f"{{{described}}}"
    return raw if is_taken else msgspec.Raw(msgspec.json.encode(schema))


def is_strict(raw: msgspec.Raw) -> bool:
    """Return whether OpenAI accepts a schema as strict: no member is optional, and none is unnamed.

    Source: platform.openai.com guides/structured-outputs, as quoted by veryfront/veryfront-code#3918, read 2026-11-29.

    >>> is_strict(msgspec.Raw(b'{"type":"object","properties":{"a":{}},"additionalProperties":false}'))
    False
    """
    return all(map(_demands_all, _schemas(msgspec.json.decode(raw))))


def openai_tools(tools: Iterable[Tool | Native], left_out: LeftOut) -> Iterable[Tool | Native]:
    """Yield *tools* as OpenAI accepts them: their arguments as an object's members, and strict only if they can be.

    Those of Claude may be strict and have optional members.

    >>> loose = Tool(name="f", schema=msgspec.Raw(b'{"type":"object","properties":{"a":{}}}'), is_strict=True)
    >>> [tool.is_strict for tool in openai_tools([loose], LeftOut())]
    [False]
    """
    for tool in tools:
        if not isinstance(tool, Tool) or tool.schema is None:
            yield tool
            continue
        schema = as_object(tool.schema)
        can_be = not tool.is_strict or is_strict(schema)
        if not can_be:
            left_out.note("tools.strict")
        yield msgspec.structs.replace(tool, schema=schema, is_strict=tool.is_strict if can_be else False)


def _demands_all(schema: dict[str, Any]) -> bool:
    if schema.get("type") != "object" and "properties" not in schema:
        return True
    named, required = schema.get("properties", {}), schema.get("required", [])
    if schema.get("additionalProperties") is not False or not isinstance(named, dict) or not isinstance(required, list):
        return False
    return named.keys() <= {name for name in required if isinstance(name, str)}


def _schemas(schema: Any) -> Iterable[dict[str, Any]]:
    """Yield *schema* and all schemas inside it, however deep."""
    found = [schema]
    while found:
        each = found.pop()
        if not isinstance(each, dict):
            continue
        yield each
        for name, value in each.items():
            match value:
                case dict() if name in _BY_NAME:
                    found += value.values()
                case list() if name in _LISTS:
                    found += value
                case dict() if name in ("items", "additionalProperties"):
                    found.append(value)

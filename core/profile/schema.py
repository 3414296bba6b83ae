"""Makes the JSON Schema of a profile from its Structs, for completion and errors in editors."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from inspect import cleandoc
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from ..finder import FoundPlugin, find_plugin
from ..money import format_exact
from .presets import preset_names
from .structs import ChannelSection, Profile

ExactText = Annotated[str, Meta(pattern=r"^-?\d{1,30}(\.\d{1,30})?(/[1-9]\d{0,29})?$")]
"""The schema of an exact number in the file."""
_REFERENCE = "#/$defs/{name}"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]
Written = dict[type[msgspec.Struct], type[msgspec.Struct]]


def profile_schema(built_in: Sequence[str]) -> Schema:
    """Return the schema of a profile; the settings of the plugins in *built_in* go by their ``use``.

    Any other ``use`` is allowed with any settings: an installed plugin, or a file beside the profile.
    """
    found = [find_plugin(use, Path()) for use in built_in]
    types = [Profile, *(each.plugin_type.config_type for each in found)]
    written: Written = {}
    (profile, *settings), components = msgspec.json.schema_components(
        [_as_written(each, written) for each in types], ref_template=_REFERENCE
    )
    by_use = dict(zip(built_in, settings, strict=True))
    plugins = {use: _beside_use(use, by_use[use], components) for use in _uses(found, is_channel=False)}
    channels = {use: {"properties": {"settings": by_use[use]}} for use in _uses(found, is_channel=True)}
    components["Profile"]["properties"]["plugins"]["items"] = {"type": "object", "required": ["use"], **_cases(plugins)}
    section = components[ChannelSection.__name__]
    cases = _cases(channels)
    section["properties"]["use"] |= cases["properties"]["use"]
    section["properties"]["preset"]["anyOf"] = [{"enum": list(preset_names())}, {"type": "null"}]
    section["allOf"] = cases["allOf"]
    return {"$schema": _DRAFT, **profile, "title": "relay profile", "$defs": components}


def _uses(found: Sequence[FoundPlugin], *, is_channel: bool) -> list[str]:
    return [each.use for each in found if each.is_channel == is_channel]


def _as_written(kind: Any, written: Written) -> Any:
    """Return *kind* with text in place of exact numbers, which msgspec can't describe.

    *written* remembers the Structs made so far.
    """
    if kind is Fraction:
        return ExactText
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in written:
            written[kind] = _struct_as_written(kind, written)
        return written[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return Annotated[(_as_written(arguments[0], written), *arguments[1:])]
    if origin in (Union, UnionType):
        return reduce(or_, (_as_written(each, written) for each in arguments))
    if origin in (None, Literal):
        return kind
    return origin[tuple(_as_written(each, written) for each in arguments)]


def _struct_as_written(kind: type[msgspec.Struct], written: Written) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    for each in msgspec.structs.fields(kind):
        default = format_exact(each.default) if isinstance(each.default, Fraction) else each.default
        if each.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=each.default_factory)
        elif each.required:
            default = msgspec.field()
        fields.append((each.encode_name, _as_written(each.type, written), default))
    # Python 3.13 takes the indentation off by itself.
    documentation = {"__doc__": cleandoc(kind.__doc__ or "")}
    return msgspec.defstruct(
        kind.__name__, fields, namespace=documentation, module=kind.__module__, kw_only=True, forbid_unknown_fields=True
    )


def _beside_use(use: str, settings: Schema, components: Schema) -> Schema:
    """Return the schema of settings that stand in one mapping with ``use``."""
    name = settings["$ref"].rpartition("/")[2]
    struct = components[name]
    return {
        "title": use,
        "description": struct.get("description", ""),
        "type": "object",
        "properties": {"use": {"const": use}, **struct["properties"]},
        "required": ["use", *struct.get("required", [])],
        "additionalProperties": False,
    }


def _cases(by_use: Schema) -> Schema:
    """Return a schema that applies each of *by_use* where ``use`` names it."""
    return {
        "properties": {"use": {"anyOf": [{"enum": list(by_use)}, {"type": "string"}]}},
        "allOf": [
            {"if": {"properties": {"use": {"const": use}}, "required": ["use"]}, "then": schema}
            for use, schema in by_use.items()
        ],
    }

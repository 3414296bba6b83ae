"""The generated parts of profile.md: every field of a profile, and the settings of the built-in plugins."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import msgspec.inspect as types

from relay import format_exact
from relay.core.finder import FoundPlugin, built_in_ids, find_plugin
from relay.core.profile.presets import load_preset, preset_names
from relay.core.profile.structs import Profile

from .docstrings import first_sentence

ROOT = Path(__file__).parent.parent
HEADER = "| field | type | default | what it says |\n|---|---|---|---|"


class Field(msgspec.Struct, frozen=True):
    """One field of a Struct, ready to be printed; ``default`` is empty where the field is required."""

    name: str
    type: str
    default: str
    description: str


def sections() -> str:
    """Return one table per Struct of a profile, in the order in which a reader meets them."""
    return "\n\n".join(f"### {struct.__name__}\n\n{_table(struct)}" for struct in reachable(Profile))


def plugin_sections() -> str:
    """Return one section per built-in plugin: what it does, and its settings."""
    return "\n\n".join(_plugin_section(plugin) for plugin in plugins().values())


def preset_sections() -> str:
    """Return one section per preset: what it brings, and why each of it is so."""
    return "\n\n".join(map(_preset_section, preset_names()))


def _preset_section(name: str) -> str:
    preset = load_preset(name)
    brought = [f"`base_url: {preset.base_url}`"]
    if preset.dialects:
        brought.append(f"`dialects: {_yaml(preset.dialects)}`")
    brought += [f"`{setting}: {_yaml(value)}`" for setting, value in preset.settings.items()]
    brought += [f"`{model}` is sent as `{upstream}`" for model, upstream in preset.models.items()]
    facts = [f"| {_cell(fact.says)} | {_cell(fact.source)} | {fact.read} |" for fact in preset.facts]
    table = "\n".join(["| fact | source | read |", "|---|---|---|", *facts])
    return f"### {name}\n\n{preset.label.en}: {', '.join(brought)}.\n\n{table}"


def plugins() -> dict[str, FoundPlugin]:
    """Return the built-in plugins by id."""
    return {use: find_plugin(use, ROOT) for use in built_in_ids()}


def reachable(root: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return *root* and every Struct inside it, each once, in the order of their first mention."""
    found: list[type[msgspec.Struct]] = [root]
    for struct in found:
        for inner in _structs_in(types.type_info(struct)):
            if inner not in found:
                found.append(inner)
    return found


def fields(struct: type[msgspec.Struct]) -> list[Field]:
    """Return *struct*'s fields as the reference shows them."""
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return [
        Field(
            name=field.encode_name,
            type=_type_text(field.type),
            default=_default_text(field),
            description=_description(field.type),
        )
        for field in info.fields
    ]


def _plugin_section(plugin: FoundPlugin) -> str:
    """Return what a plugin does and its settings; its file says more, often with a worked example."""
    config_type = plugin.plugin_type.config_type
    file = "plugins/" + plugin.file.as_posix().rpartition("/plugins/")[2]
    parts = [f"### {plugin.use}", f"{first_sentence(plugin.plugin_type)} Source: [{file}](../{file})."]
    for struct in reachable(config_type):
        if struct is not config_type:
            parts.append(f"#### {struct.__name__}\n\n{first_sentence(struct)}")
        parts.append(_rows(struct) if fields(struct) else "No settings.")
    return "\n\n".join(parts)


def _table(struct: type[msgspec.Struct]) -> str:
    return f"{first_sentence(struct)}\n\n{_rows(struct)}"


def _rows(struct: type[msgspec.Struct]) -> str:
    rows = [
        f"| `{field.name}` | {field.type} | {field.default or 'required'} | {field.description} |"
        for field in fields(struct)
    ]
    return "\n".join([HEADER, *rows])


def _structs_in(info: types.Type) -> Iterator[type[msgspec.Struct]]:
    """Yield the Structs named by the fields of *info*, not those inside them."""
    pending = [field.type for field in info.fields] if isinstance(info, types.StructType) else [info]
    while pending:
        match pending.pop(0):
            case types.StructType(cls=cls):
                yield cls
            case types.Metadata(type=inner):
                pending.insert(0, inner)
            case types.UnionType(types=inner_types):
                pending[:0] = inner_types
            case types.VarTupleType(item_type=inner) | types.ListType(item_type=inner):
                pending.insert(0, inner)
            case types.DictType(value_type=inner):
                pending.insert(0, inner)
            case _:
                continue


def _description(info: types.Type) -> str:
    schema = info.extra_json_schema if isinstance(info, types.Metadata) else None
    return _cell(str((schema or {}).get("description", "")))


def _type_text(info: types.Type) -> str:
    """Return a type in the words of a YAML file's author, with its bounds."""
    match info:
        case types.Metadata(type=inner):
            return _type_text(inner)
        case types.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case types.UnionType(types=inner_types):
            return " or ".join(_type_text(each) for each in inner_types if not isinstance(each, types.NoneType))
        case types.VarTupleType(item_type=inner):
            return f"list of {_type_text(inner)}"
        case types.DictType(value_type=inner):
            return f"map of names to {_type_text(inner)}"
        case types.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case types.StrType(pattern=pattern):
            return f"text like `{pattern}`" if pattern else "text"
        case types.IntType() | types.FloatType():
            return _number_text(info)
        case types.CustomType(cls=cls) if cls is Fraction:
            return "exact number"
        case types.BoolType():
            return "true or false"
        case types.AnyType():
            return "anything"
        case _:
            raise TypeError(f"the reference has no words for {info}")


def _number_text(info: types.IntType | types.FloatType) -> str:
    bounds = {"above": info.gt, "from": info.ge, "below": info.lt, "up to": info.le}
    words = [f"{word} {bound:,}".replace(",", " ") for word, bound in bounds.items() if bound is not None]
    return " ".join(["whole number" if isinstance(info, types.IntType) else "number", *words])


def _default_text(field: types.Field) -> str:
    if field.required:
        return ""
    if field.default_factory is not msgspec.NODEFAULT:
        made = field.default_factory()
        return "its defaults" if isinstance(made, msgspec.Struct) else f"`{_yaml(made)}`"
    return "none" if field.default is None else f"`{_yaml(field.default)}`"


def _yaml(value: object) -> str:
    """Return *value* as a profile would write it, on one line."""
    if isinstance(value, Fraction):
        return f'"{format_exact(value)}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(_yaml(each) for each in value)}]"
    if isinstance(value, str) and value.strip():
        return value
    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""Turns places of a profile into typed values, and finds every problem on the way.

msgspec stops at the first error and has no positions, so this walks the annotations itself and
leaves to msgspec what a single value may be.
"""

import inspect
import re
from collections.abc import Mapping as Map
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeGuard, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from ..errors import is_plugin_failure
from ..money import format_exact, parse_exact
from .document import Mapping, Node, Scalar, Sequence
from .exact import decode_exact
from .place import Place, nearest

BROKEN: Final = object()
"""Stands for a value that could not be converted, and whose problems have been reported."""

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping",
}
_LETTERLESS = re.compile(r"[^A-Za-z]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ADVICE_FOR_A_LIST = {"text": "; put it in brackets, [...]", "a mapping": "; begin each entry with '- '"}
_EXACT_EXPECTED = 'expected an exact number as quoted text, such as "1.5" or "4/3"'


def convert(place: Place, kind: Any) -> Any:
    """Return the value at *place* as *kind*, or `BROKEN` after reporting every problem in it.

    *kind* is any annotation msgspec takes: Structs, containers, unions, `Annotated`.
    """
    plain, metas = _unwrap(kind)
    value = _convert(place, plain, kind)
    if value is not BROKEN:
        for meta in metas:
            _check_meta(place, value, meta)
    return value


def convert_struct(place: Place, kind: type[msgspec.Struct], *, beside: frozenset[str] = frozenset()) -> Any:
    """Return the mapping at *place* as the Struct *kind*, ignoring the names in *beside*."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if not isinstance(place.node, Mapping):
        needed = ", ".join(name for name, field in fields.items() if field.required)
        return _mismatch(place, f"a mapping with {needed}" if needed else "a mapping")
    _check_names(place)
    values: dict[str, Any] = {}
    unused = fields.keys() - place.names()
    for name, child in place.entries():
        field = fields.get(name.text)
        if field is not None:
            values[field.name] = convert(child, field.type)
        elif name.text not in beside and not name.trap:
            hint = nearest(name.text, unused)
            if "settings" in fields and not _only_guess(hint):  # other plugins have theirs beside `use`
                hint += "; the plugin's own settings belong under 'settings'"
            place.name_problem(name, f"unknown key '{name.text[:60]}'{hint}")
            report_traps(child)
    missing = [field.encode_name for field in fields.values() if field.required and field.name not in values]
    for absent in missing:
        place.problem(f"'{absent}' is missing")
    if missing or any(value is BROKEN for value in values.values()):
        return BROKEN
    try:
        return kind(**values)
    except (ValueError, TypeError) as exc:
        place.problem(str(exc))
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        # A plugin's own check of its settings; its file is what the operator has to look at.
        file = inspect.getfile(kind)
        place.problem(f"{kind.__name__} ({file}) can't check these settings: {type(exc).__name__}: {exc}")
    return BROKEN


def plain_value(node: Node) -> Any:
    """Return what *node* holds as plain Python values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain_value(item) for item in node.items]
    return {name.text: plain_value(value) for name, value in node.entries}


def report_traps(place: Place) -> None:
    """Report what is wrong whatever the type: ambiguous words, duplicate names."""
    if isinstance(place.node, Scalar):
        if place.node.trap and not place.report.has_problem_at(place.node.mark):
            place.problem(f"{place.node.text} {place.node.trap}")
    else:
        _check_names(place)
        for child in (*place.items(), *(value for _, value in place.entries())):
            report_traps(child)


def _unwrap(kind: Any) -> tuple[Any, list[Meta]]:
    if get_origin(kind) is Annotated:
        plain, *metas = get_args(kind)
        return plain, [meta for meta in metas if isinstance(meta, Meta)]
    return kind, []


def _convert(place: Place, plain: Any, kind: Any) -> Any:
    origin = get_origin(plain) or plain
    if plain is Any:
        report_traps(place)
        return plain_value(place.node)
    if plain is Fraction:
        return _exact(place)
    if origin in (Union, UnionType):
        return _union(place, plain)
    if origin is Literal:
        return _literal(place, get_args(plain))
    if _is_struct(plain):
        return convert_struct(place, plain)
    if origin is dict:
        return _dict(place, *(get_args(plain) or (str, Any)))
    if _is_list(plain):
        return _list(place, plain)
    return _leaf(place, kind)


def _exact(place: Place) -> Any:
    node = place.node
    if not isinstance(node, Scalar) or node.value is None:
        return _mismatch(place, "an exact number as quoted text")
    trap = f", which {node.trap.partition(';')[0]}" if node.trap else ""
    try:
        number = parse_exact(node.text)
    except ValueError:
        # Text without a letter can't be a secret, and shows which comma or quotes are wrong.
        found = _shown(node)
        if found == "text" and _LETTERLESS.fullmatch(node.text):
            found = f'"{node.text[:40]}"'
        place.problem(f"{_EXACT_EXPECTED}, found {found}{trap}")
        return BROKEN
    if node.is_quoted:
        return number
    advice = trap or f'; write "{format_exact(number)}"'
    place.problem(f"{_EXACT_EXPECTED}, found {node.text}{advice}")
    return BROKEN


def _union(place: Place, union: Any) -> Any:
    node = place.node
    options = [option for option in get_args(union) if option is not NoneType]
    if len(options) < len(get_args(union)) and isinstance(node, Scalar) and node.value is None:
        return None
    if len(options) > 1:
        options = [option for option in options if _fits(node, option)]
    if len(options) == 1:
        return convert(place, options[0])
    return _leaf(place, union)


def _fits(node: Node, kind: Any) -> bool:
    """Say whether *kind* is written as *node* is: as a mapping, a list or a single value."""
    plain, _ = _unwrap(kind)
    if isinstance(node, Mapping):
        return _is_struct(plain) or (get_origin(plain) or plain) is dict
    if isinstance(node, Sequence):
        return _is_list(plain)
    return not (_is_struct(plain) or _is_list(plain) or (get_origin(plain) or plain) is dict)


def _literal(place: Place, options: tuple[Any, ...]) -> Any:
    value = place.node.value if isinstance(place.node, Scalar) and not place.node.trap else None
    if value in options:
        return value
    trap = f"; {place.node.text} {place.node.trap}" if isinstance(place.node, Scalar) and place.node.trap else ""
    hint = trap or nearest(str(value), [str(option) for option in options])
    place.problem(f"expected one of {', '.join(map(str, options))}, found {_shown(place.node)}" + _only_guess(hint))
    return BROKEN


def _only_guess(hint: str) -> str:
    """Leave out the list of known names if the message contains it already."""
    return "" if hint.startswith("; expected one of") else hint


def _dict(place: Place, name_kind: Any, value_kind: Any) -> Any:
    if not isinstance(place.node, Mapping):
        return _mismatch(place, "a mapping")
    _check_names(place)
    values: dict[str, Any] = {}
    _, metas = _unwrap(name_kind)
    for name, child in place.entries():
        values[name.text] = convert(child, value_kind)
        for meta in metas:
            _check_meta(Place(name, child.path, place.report), name.text, meta)
    return BROKEN if any(value is BROKEN for value in values.values()) else values


def _list(place: Place, kind: Any) -> Any:
    if not isinstance(place.node, Sequence):
        return _mismatch(place, "a list", _ADVICE_FOR_A_LIST.get(_shown(place.node), ""))
    arguments = get_args(kind)
    values = [convert(item, arguments[0] if arguments else Any) for item in place.items()]
    return BROKEN if any(value is BROKEN for value in values) else (get_origin(kind) or kind)(values)


def _leaf(place: Place, kind: Any) -> Any:
    node = place.node
    if isinstance(node, Scalar) and node.trap:
        report_traps(place)
        return BROKEN
    try:
        return msgspec.convert(plain_value(node), kind, dec_hook=decode_exact)
    except msgspec.ValidationError as exc:
        expected, _, path = str(exc).partition(" - at `$")
        expected = re.sub(r"`([^`]+)`", _in_words, expected.split(", got ")[0])
        hint = _advice_for_a_value(node, expected)
        place.problem(f"{expected[:1].lower()}{expected[1:]}{path.rstrip('`')}, found {_shown(node)}{hint}")
        return BROKEN


def _advice_for_a_value(node: Node, expected: str) -> str:
    """Return what to do about *node* where quotes are missing or too many."""
    if (
        expected == "Expected text"
        and not isinstance(node, Sequence)
        and not (isinstance(node, Scalar) and node.is_quoted)
    ):
        return "; quote it"
    is_quoted_number = isinstance(node, Scalar) and node.is_quoted and _NUMBER.fullmatch(node.text)
    return "; leave out the quotes" if is_quoted_number and "number" in expected else ""


def _in_words(kinds: re.Match[str]) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds[1].split(" | "))


def _check_names(place: Place) -> None:
    """Report duplicate names, and names that some YAML parsers read differently."""
    if not isinstance(place.node, Mapping):
        return
    first = {name.text: name.mark.line for name, _ in place.entries()}
    for name in place.node.duplicates:
        place.name_problem(name, f"duplicate key, first on line {first[name.text]}")
    for name, _ in place.entries():
        if name.trap:
            place.name_problem(name, f"{name.text} {name.trap}")
        elif not isinstance(name.value, str):
            place.name_problem(name, f"expected text as a key, found {_shown(name)}; quote it")


def _check_meta(place: Place, value: Any, meta: Meta) -> None:
    """Report what msgspec would, for values built here; also a text that should name something in the profile."""
    if isinstance(value, (tuple, list, dict)) and meta.min_length is not None and len(value) < meta.min_length:
        place.problem(f"expected {meta.min_length} or more entries, found {len(value)}")
    extra: Map[str, Any] = meta.extra or {}
    if isinstance(value, Fraction) and "exact_min" in extra and value < extra["exact_min"]:
        place.problem(f'expected at least {extra["exact_min"]}, found "{format_exact(value)}"')
    known = place.report.names.get(extra.get("names", ""))
    if isinstance(value, str) and known is not None and value not in known:
        place.problem(f"unknown {extra['names'][:-1]} '{value[:60]}'{nearest(value, known)}")


def _mismatch(place: Place, expected: str, advice: str = "") -> Any:
    if place.report.has_problem_at(place.node.mark):
        return BROKEN  # the first report was more exact
    trap = f" {place.node.trap}" if isinstance(place.node, Scalar) and place.node.trap else ""
    place.problem(f"expected {expected}, found {_shown(place.node)}{trap or advice}")
    return BROKEN


def _shown(node: Node) -> str:
    """Return what to call *node* in a message; text stays out of it, for it may be a secret."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if node.trap or not isinstance(node.value, str):
        return node.text[:40]
    return "text"


def _is_struct(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_list(kind: Any) -> bool:
    """Say whether *kind* is a container of items of one kind."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is tuple:
        return not arguments or (len(arguments) == 2 and arguments[1] is Ellipsis)
    return origin in (list, set, frozenset)

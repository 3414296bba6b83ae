"""Names the members of a request that a decoder does not read, so that none is lost silently.

Empty values (null, an empty list, an empty object) are not named, nor are members of objects whose
type is not read at all: such an object stays whole, and is refused or named by its type.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from itertools import chain

import msgspec

from ..dialects.fields import Fields
from ..errors import BadRequestError


class Read(msgspec.Struct, frozen=True):
    """What is read of an object, or of each object in a list: some members whole, of others only certain members.

    ``types`` are the values of ``type`` for which this holds; None: all. No member is both
    ``whole`` and ``nested``.
    """

    whole: Set[str]
    nested: "Mapping[str, Read]" = {}
    types: Set[str] | None = None

    def __post_init__(self) -> None:
        assert self.whole.isdisjoint(self.nested), self.whole & self.nested.keys()


_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_read_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_type = msgspec.json.Decoder(str | None).decode
_NULL = msgspec.Raw(b"null")
_SAY_NOTHING = (b"null", b"[]", b"{}")
_OBJECT, _LIST = b"{["


def unread(fields: Fields, read: Read, spelled: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return the path of each member of *fields* that is not in *read*, once; *spelled* spells names as *read* does.

    Raises:
        BadRequestError: A field is nested too deep to be read.

    >>> unread({"a": msgspec.Raw(b'[{"b":1,"d":2},{"d":3,"e":null}]')}, Read(set(), {"a": Read({"b"})}))
    ('a.d',)
    """
    found: dict[str, None] = {}
    for name, value in fields.items():
        try:
            found.update(dict.fromkeys(_among({name: value}, read, "", spelled)))
        except RecursionError as exc:
            raise BadRequestError(param=name) from exc
    return tuple(found)


def _among(members: Fields, read: Read, path: str, spelled: Callable[[str], str]) -> Iterable[str]:
    for given_name in members:
        if given_name in read.whole:
            continue
        name, value = spelled(given_name), members[given_name]
        if (inner := read.nested.get(name)) is not None:
            place = f"{path}{name}."
            for held in _objects(value):
                # Most objects are read completely, so their type need not be checked.
                if not held.keys() <= inner.whole and _is_of(inner.types, held):
                    yield from _among(held, inner, place, spelled)
        elif name not in read.whole and memoryview(value) not in _SAY_NOTHING:
            yield path + name


def _objects(raw: msgspec.Raw) -> Iterable[Fields]:
    """Return the object *raw*, or the objects in a list; none if it can't be read, as no upstream accepts that."""
    first = memoryview(raw)[0]
    try:
        if first == _OBJECT:
            return (_read_members(raw),)
        if first == _LIST:
            return _read_objects(raw)
    except msgspec.ValidationError:  # not all of the list are objects
        return chain.from_iterable(map(_objects, _read_list(raw)))
    except ValueError:  # a name that is no text
        pass
    return ()


def _is_of(types: Set[str] | None, members: Fields) -> bool:
    """Say whether an object has one of *types*, or no type; a type that is no string is refused elsewhere."""
    if types is None:
        return True
    try:
        kind = _read_type(members.get("type", _NULL))
    except ValueError:
        return False
    return kind is None or kind in types

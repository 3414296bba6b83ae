"""Members of a request that a decoder reads nowhere: they are named, so that none is lost in silence.

What says nothing (null, an empty list, an empty object) is not named, nor what an object of another
type than those read holds: that stays whole, and is refused or named by its type.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from itertools import chain

import msgspec

from ..dialects.fields import Fields
from ..errors import BadRequestError


class Read(msgspec.Struct, frozen=True):
    """What is read of an object, and of each object of a list: some members as they stand, of others what they hold.

    ``types`` are those of the objects that are read so; None: all of them. No member is both
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
    """Return the place of each member of *fields* that is not *read*, once; *spelled* writes a name as *read* does.

    Raises:
        BadRequestError: A field is nested so deep that nobody can look into it.

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
                # Most are wholly read: then their type need not be.
                if not held.keys() <= inner.whole and _is_of(inner.types, held):
                    yield from _among(held, inner, place, spelled)
        elif name not in read.whole and memoryview(value) not in _SAY_NOTHING:
            yield path + name


def _objects(raw: msgspec.Raw) -> Iterable[Fields]:
    """Return the object that *raw* is, or those that a list holds; none of what can't be read, as nobody takes that."""
    first = memoryview(raw)[0]
    try:
        if first == _OBJECT:
            return (_read_members(raw),)
        if first == _LIST:
            return _read_objects(raw)
    except msgspec.ValidationError:  # a list of not only objects
        return chain.from_iterable(map(_objects, _read_list(raw)))
    except ValueError:  # a name that is no text
        pass
    return ()


def _is_of(types: Set[str] | None, members: Fields) -> bool:
    """Say whether an object is of one of *types*, or tells none; one that is no text is refused elsewhere."""
    if types is None:
        return True
    try:
        kind = _read_type(members.get("type", _NULL))
    except ValueError:
        return False
    return kind is None or kind in types

"""Members of a request that a decoder reads nowhere: they are named, so that none is lost in silence.

What says nothing (null, an empty list, an empty object) is not named, nor what an object of another
type than those read holds: that stays whole, and is refused or named by its type.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

import msgspec

from ..dialects.fields import Fields


class Read(msgspec.Struct, frozen=True):
    """What is read of an object, and of each object of a list: some members as they stand, of others what they hold.

    ``types`` are those of the objects that are read so; None: all of them.
    """

    whole: Collection[str]
    nested: "Mapping[str, Read]" = {}
    types: Collection[str] | None = None


_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_type = msgspec.json.Decoder(str | None).decode
_SAY_NOTHING = (b"null", b"[]", b"{}")


def unread(fields: Fields, known: Mapping[str, Read], spelled: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return the place of each member of *fields* that is not *known*, once; *spelled* writes a name as *known* does.

    >>> unread({"a": msgspec.Raw(b'[{"b":1,"d":2},{"d":3,"e":null}]')}, {"a": Read({"b"})})
    ('a.d',)
    """
    found = (place for name in known if name in fields for place in _within(fields[name], known[name], name, spelled))
    return tuple(dict.fromkeys(found))


def _within(raw: msgspec.Raw, read: Read, path: str, spelled: Callable[[str], str]) -> Iterable[str]:
    # A name or a type that is no text is refused where anybody reads it.
    with suppress(ValueError):
        match bytes(memoryview(raw)[:1]):
            case b"[":
                for each in _read_list(raw):
                    yield from _within(each, read, path, spelled)
            case b"{":
                members = _read_members(raw)
                kind = _read_type(members.get("type", b"null")) if read.types is not None else None
                if kind is None or read.types is None or kind in read.types:
                    yield from _among(members, read, path, spelled)


def _among(members: Fields, read: Read, path: str, spelled: Callable[[str], str]) -> Iterable[str]:
    for given_name, value in members.items():
        name = spelled(given_name)
        if name in read.nested:
            yield from _within(value, read.nested[name], f"{path}.{name}", spelled)
        elif name not in read.whole and memoryview(value) not in _SAY_NOTHING:
            yield f"{path}.{name}"

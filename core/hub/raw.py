"""Copies fields that are passed on unchanged, and refuses events that can't be read."""

from collections.abc import Collection
from typing import Any

import msgspec

from ..errors import UpstreamBrokenError
from .halves import has_halves


class _Kind(msgspec.Struct):
    type: str = ""


_KIND = msgspec.json.Decoder(_Kind)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def given(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return a copy of *raw*; None if the field was null, or absent, in which case `msgspec` leaves it empty.

    >>> given(msgspec.Raw()), given(msgspec.Raw(b"null"))
    (None, None)
    """
    value = bytes(raw)
    return msgspec.Raw(value) if value not in (b"", b"null") else None


def kept_object(document: msgspec.Raw) -> dict[str, Any]:
    """Return a part, tool or source of its own dialect, which was kept unchanged, to write it again."""
    kept: dict[str, Any] = msgspec.json.decode(document)
    return kept


def raw_arguments(written: str) -> msgspec.Raw:
    r"""Return the arguments of an earlier call as an object; its members are not decoded, as there may be millions.

    Anything else, such as a text that a limit cut, is put under ``input``.

    >>> [bytes(raw_arguments(written)) for written in ('{"a": 1.0}', "", "[1]", '{"a')]
    [b'{"a": 1.0}', b'{}', b'{"input":[1]}', b'{"input":"{\\"a"}']
    """
    try:
        arguments: msgspec.Raw | str = msgspec.json.decode(written or "{}", type=msgspec.Raw)
    except ValueError:
        arguments = written
    if isinstance(arguments, msgspec.Raw) and bytes(arguments).startswith(b"{"):
        return arguments
    return msgspec.Raw(msgspec.json.encode({"input": arguments}))


def refuse_unread(data: bytes, member: str, kinds: Collection[str] = ()) -> None:
    """Refuse an event that could not be decoded, if it has *member*: else a part of the answer would be lost silently.

    Args:
        data: The event's document.
        member: The member that events with a part of the answer have.
        kinds: Values of ``type`` that such events have; empty if the dialect has no types.

    Raises:
        UpstreamBrokenError: It is such an event, or it holds half a character.

    >>> refuse_unread(b"[DONE]", "choices")
    """
    try:
        members = _MEMBERS.decode(data)
        kind = _KIND.decode(data).type if kinds else ""
    except (ValueError, RecursionError) as exc:
        if has_halves(data):
            raise UpstreamBrokenError("an event with half a character") from exc
        return
    if given(members.get(member, msgspec.Raw())) is not None and (not kinds or kind in kinds):
        raise UpstreamBrokenError("an event of a form that can't be translated")

"""Reads typed fields of a request's top level; an error names the field."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import BadRequestError
from .bulk import check_bulk
from .spelling import check_spelling

MODEL_NAME_LENGTH_MAX = 256
TOKENS_MAX = 10_000_000
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_OPTIONAL_TEXT = msgspec.json.Decoder(str | None)
_WHOLE = msgspec.json.Decoder(int | None)
_SWITCH = msgspec.json.Decoder(bool | None)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)

Fields = Mapping[str, msgspec.Raw]


def read_object(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the members of the one JSON object that *body* is.

    If a key is repeated, the last counts; and because the body is encoded again from what is
    returned here, what is priced is what is sent.

    Raises:
        BadRequestError: Not UTF-8, not JSON, not an object, nested too deep, or too many values; or a known name in
            the wrong letter case.
    """
    check_bulk(body)
    try:
        if not body.isascii():
            body.decode()
        members = _OBJECT.decode(body)
    except (ValueError, RecursionError) as exc:  # UnicodeDecodeError and msgspec's errors are ValueErrors
        raise BadRequestError() from exc
    check_spelling(members)
    return members


def read_model(fields: Fields) -> str:
    """Return the name of the model that is asked for."""
    name: str = read_value(fields, "model", _TEXT)
    if not name or len(name) > MODEL_NAME_LENGTH_MAX or not name.isprintable():
        raise BadRequestError(param="model")
    return name


def read_int(fields: Fields, name: str, *, least: int = 1, most: int = TOKENS_MAX) -> int | None:
    """Return a whole number from *least* to *most*; None if absent or null.

    Raises:
        BadRequestError: It is anything else; names the field and what it may be.
    """
    value: int | None
    try:
        value = _WHOLE.decode(fields.get(name, b"null"))
    except (ValueError, RecursionError):
        value = least - 1
    if value is not None and not least <= value <= most:
        raise BadRequestError(param=name, least=str(least), most=str(most))
    return value


def read_bool(fields: Fields, name: str) -> bool:
    """Return a boolean; False if absent or null."""
    return bool(read_value(fields, name, _SWITCH))


def read_optional_text(fields: Fields, name: str) -> str | None:
    """Return a string; None if absent or null."""
    text: str | None = read_value(fields, name, _OPTIONAL_TEXT)
    return text


def read_form_value(fields: Fields, name: str) -> dict[str, msgspec.Raw]:
    """Return one field of a form as JSON: in a form numbers and booleans are text too."""
    text = (read_optional_text(fields, name) or "null").lower()
    is_plain = text in ("true", "false", "null") or (text.isascii() and text.isdigit())
    return {name: msgspec.Raw(text.encode() if is_plain else msgspec.json.encode(text))}


def read_nested(fields: Fields, name: str) -> dict[str, msgspec.Raw] | None:
    """Return the members of the object under *name*; None if absent or null."""
    members: dict[str, msgspec.Raw] | None = read_value(fields, name, _MEMBERS)
    check_spelling(members or ())
    return members


def is_given(fields: Fields, name: str, *nothing: bytes) -> bool:
    """Return whether a field says something: it is there, and neither null nor one of *nothing*."""
    return bytes(fields.get(name, b"null")) not in (b"null", *nothing)


def read_value(fields: Fields, name: str, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Return the field as *decoder* reads it; an absent one is read as ``null``.

    Raises:
        BadRequestError: It can't be read; names the field.
    """
    raw = fields.get(name)
    try:
        return decoder.decode(b"null" if raw is None else raw)
    except (ValueError, RecursionError) as exc:
        raise (missing_field(name) if raw is None else BadRequestError(param=name)) from exc


def missing_field(name: str) -> BadRequestError:
    """Return the refusal of a request that lacks the field *name*."""
    return BadRequestError(param=name, missing=name)

"""Structs as the ledger's JSON: fractions are exact text, so that a charge reads back unchanged."""

from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

StructT = TypeVar("StructT", bound=msgspec.Struct)


def _write(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"a ledger document can't hold {type(value).__name__}")


# msgspec hands over the type of the field and what stood in the JSON: the border where Any is allowed.
def _read(expected: type, value: Any) -> Fraction:
    if expected is Fraction and isinstance(value, str | int):
        return _fraction(value)
    raise TypeError(f"a ledger document can't hold {expected.__name__}")


@lru_cache(maxsize=1024)
def _fraction(value: str | int) -> Fraction:
    """Return an exact number; a shop's few prices and ratios stand in all of its charges."""
    return Fraction(value)


_encoder = msgspec.json.Encoder(enc_hook=_write)


def encode(document: object) -> str:
    """Return *document* as one line of JSON.

    >>> encode((Fraction(4, 3), None))
    '["4/3",null]'
    """
    return _encoder.encode(document).decode()


def decode(text: str | bytes, struct: type[StructT]) -> StructT:
    """Return the *struct* that `encode` wrote as *text*.

    Raises:
        msgspec.ValidationError: The text is something else.
    """
    return msgspec.json.decode(text, type=struct, dec_hook=_read)

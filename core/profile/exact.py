"""Decodes and encodes exact numbers for msgspec, which does not know them."""

from fractions import Fraction
from typing import Any

import msgspec

from ..money import format_exact, parse_exact


def decode_exact(kind: type, value: Any) -> Any:
    """Decode the one type msgspec leaves to us: an exact number, written as text.

    Raises:
        ValueError: Not such a text; msgspec adds where it stands.
        NotImplementedError: Another type that msgspec does not know.
    """
    if kind is not Fraction:
        raise NotImplementedError(f"a profile cannot hold a {kind}")
    if not isinstance(value, str):
        raise ValueError(f'expected an exact number as quoted text, such as "1.5", found {value!r}')
    return parse_exact(value)


def encode_exact(value: Any) -> str:
    """Encode an exact number as the text that `decode_exact` reads back."""
    if not isinstance(value, Fraction):
        raise NotImplementedError(f"a profile cannot hold a {type(value)}")
    return format_exact(value)


def to_json(value: Any) -> str:
    """Return *value* as JSON, with exact numbers as text and names in their order."""
    return msgspec.json.encode(value, enc_hook=encode_exact).decode()


def to_canonical_json(value: Any) -> str:
    """Return *value* as JSON that is identical for equal values, with sorted names."""
    return msgspec.json.encode(value, enc_hook=encode_exact, order="sorted").decode()

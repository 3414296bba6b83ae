"""Seals of other dialects on their way through a client.

A client sends back, byte for byte, what stands where its dialect keeps a seal: Anthropic's
``signature``, OpenAI's ``encrypted_content``. So a seal of another dialect travels there with its
origin written before it, and finds its way back. None is ever invented, and none of another
origin shown to an upstream (wire/DIALECTS.md 6).
"""

from typing import get_args

from ..exchange import Dialect
from .conversation import Seal

_MARK = "relay."
_DIALECTS = {str(dialect): dialect for dialect in get_args(Dialect)}


def write_seal(seal: Seal, dialect: Dialect) -> str:
    """Return what a client of *dialect* is given to keep *seal*.

    >>> write_seal(Seal("openai_responses", "gAAA", "rs_1"), "anthropic_messages")
    'relay.openai_responses.rs_1.gAAA'
    >>> write_seal(Seal("anthropic_messages", "EqQB"), "anthropic_messages")
    'EqQB'
    """
    return seal.value if seal.dialect == dialect else f"{_MARK}{seal.dialect}.{seal.id}.{seal.value}"


def read_seal(text: str, dialect: Dialect, item_id: str = "") -> Seal:
    """Return what a client of *dialect* has kept; the other way round of `write_seal`.

    >>> read_seal("relay.openai_responses.rs_1.gAAA", "anthropic_messages")
    Seal(dialect='openai_responses', value='gAAA', id='rs_1')
    """
    if text.startswith(_MARK):
        origin, _, rest = text.removeprefix(_MARK).partition(".")
        origin_id, separator, value = rest.partition(".")
        if separator and origin in _DIALECTS:
            return Seal(_DIALECTS[origin], value, origin_id)
    return Seal(dialect, text, item_id)

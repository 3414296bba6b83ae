"""Signatures of thinking, and other dialects' seals on their way through a client of Anthropic's.

Such a client sends back what stands in ``signature``, byte for byte. So a seal of another dialect
travels there with its origin written before it, and finds its way back; a signature of Claude's is
never invented, and one of another origin never shown to Claude (wire/DIALECTS.md 6).
"""

from typing import get_args

from ...exchange import Dialect
from ..conversation import Seal

_MARK = "relay."
_DIALECTS: frozenset[str] = frozenset(get_args(Dialect))


def write_signature(seal: Seal) -> str:
    """Return *seal* as a ``signature``.

    >>> write_signature(Seal("openai_responses", "gAAA", "rs_1"))
    'relay.openai_responses.rs_1.gAAA'
    """
    if seal.dialect == "anthropic_messages":
        return seal.value
    return f"{_MARK}{seal.dialect}.{seal.id}.{seal.value}"


def read_signature(signature: str) -> Seal:
    """Return what a ``signature`` seals; the other way round of `write_signature`.

    >>> read_signature("relay.openai_responses.rs_1.gAAA")
    Seal(dialect='openai_responses', value='gAAA', id='rs_1')
    """
    if signature.startswith(_MARK):
        dialect, _, rest = signature.removeprefix(_MARK).partition(".")
        item_id, separator, value = rest.partition(".")
        if separator and dialect in _DIALECTS:
            return Seal(dialect, value, item_id)  # type: ignore[arg-type] # checked to be one
    return Seal("anthropic_messages", signature)

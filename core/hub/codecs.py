"""The dialects that can be translated from and to."""

from collections.abc import Mapping

from ..exchange import Dialect
from .codec import Codec

CODECS: Mapping[Dialect, Codec] = {}
"""Every codec by its dialect."""

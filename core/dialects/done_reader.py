"""Reading along a stream whose last event has its usage: speech, transcripts, pictures."""

from abc import abstractmethod
from typing import Any

import msgspec

from ..exchange import Exchange
from ..sse import event_name_and_data
from .event_reader import EventReader
from .upstream_costs import event_without_costs


class EventFields(msgspec.Struct):
    """The fields of an event. They have no types, so that one of an unexpected type does not hide the others."""

    type: str = ""
    delta: Any = None
    text: Any = None
    usage: Any = None
    size: Any = None
    quality: Any = None
    error: Any = None


_read_fields = msgspec.json.Decoder(EventFields).decode


class DoneReader(EventReader):
    """Holds the event that ends the answer, and the ``[DONE]`` that some upstreams add, until the end."""

    __slots__ = ("_held",)

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, thinking_asked=False)
        self._held = b""

    @abstractmethod
    def _note(self, fields: EventFields, event: bytes) -> bool:
        """Read one event; say whether it is the last of the answer."""

    def _conclude(self) -> None:
        """End the answer if its last event has arrived."""
        if self._held and self.error is None and not self.is_ended:
            self._end_with(self._held)

    def _take(self, event: bytes) -> bool:
        name, data = event_name_and_data(event)
        if data.rstrip() == b"[DONE]":
            return self._end_with(self._held + event) if self._held else True
        if self._held or not data:
            return not self._held  # nothing that matters follows the last event
        try:
            fields = _read_fields(data)
        except (ValueError, RecursionError):
            return name != b"error" or self._fail(data)
        if fields.error is not None or fields.type == "error" or name == b"error":
            return self._fail(data)
        if self._note(fields, event):
            self._held = event_without_costs(event)
            return False
        return True

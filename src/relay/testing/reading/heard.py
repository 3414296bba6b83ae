"""What a customer heard, in one form for all dialects, and the framing that three of them share."""

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One server-sent event: its name, empty where it has none, and its data."""

    name: str
    data: str


class Heard:
    """An answer as its customer reads it.

    Attributes:
        calls: Names and arguments of the tool calls.
        stop: ``stop``, ``length``, ``tool_call`` or ``refusal``; None if no reason was given.
        input_tokens: All of the input, cached or not; None where no usage came.
        output_tokens: All of the output, thinking included.
        error_code: The machine-readable code of the error; None if no error came.
        is_ended: The dialect's end mark came, after everything else.
        is_broken: The connection broke before the end of the body.
        faults: How the answer deviates from the dialect, in words.
    """

    def __init__(self, *, status: int = 200, is_broken: bool = False) -> None:
        self.status = status
        self.text = ""
        self.thinking = ""
        self.refusal = ""
        self.calls: list[tuple[str, str]] = []
        self.stop: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.error_code: str | None = None
        self.is_ended = False
        self.is_broken = is_broken
        self.faults: list[str] = []

    def need(self, is_so: bool, where: str, expected: object, found: object) -> None:
        """Note a fault unless *is_so*."""
        if not is_so:
            self.faults.append(f"{where}: expected {expected}, found {str(found)[:200]}")

    def document(self, data: bytes | str, where: str) -> dict[str, Any] | None:
        """Return a JSON object; note a fault and return None where there is none."""
        try:
            document = msgspec.json.decode(data)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return document
        self.need(False, where, "a JSON object", data[:200])
        return None

    def text_in(self, fields: dict[str, Any], name: str, where: str) -> str:
        """Return a member that must be text."""
        value = fields.get(name)
        self.need(isinstance(value, str), f"{where}.{name}", "text", repr(value))
        return value if isinstance(value, str) else ""

    def count_in(self, fields: dict[str, Any], name: str, where: str) -> int:
        """Return a member that must be a whole number, not below 0; one left out is 0."""
        value = fields.get(name, 0)
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        self.need(is_count, f"{where}.{name}", "a count", repr(value))
        return value if is_count else 0

    def object_in(self, fields: dict[str, Any], name: str, where: str) -> dict[str, Any]:
        """Return a member that must be an object."""
        value = fields.get(name)
        self.need(isinstance(value, dict), f"{where}.{name}", "an object", repr(value))
        return value if isinstance(value, dict) else {}

    def objects_in(self, fields: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
        """Return a member that must be a list of objects."""
        value = fields.get(name)
        is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        self.need(is_list, f"{where}.{name}", "a list of objects", repr(value))
        return value if isinstance(value, list) and is_list else []

    def note_error(self, code: object, message: object, where: str) -> None:
        """Take an error, which must have a code and words."""
        self.need(isinstance(message, str) and bool(message), f"{where}.message", "words", repr(message))
        self.need(isinstance(code, str) and bool(code), f"{where}: its code", "a word", repr(code))
        self.error_code = str(code)

    def events(self, body: bytes) -> list[Event]:
        """Return the events of a stream; a break may cut the last one, nothing else may."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            self.need(self.is_broken, "the stream", "UTF-8", body[-50:])
            text = body.decode(errors="replace")
        *blocks, rest = text.replace("\r\n", "\n").split("\n\n")
        self.need(not rest or self.is_broken, "the stream", "a blank line after the last event", repr(rest))
        return [event for block in blocks if (event := self._event(block)) is not None]

    def _event(self, block: str) -> Event | None:
        name, data = "", []
        for line in block.strip("\n").split("\n"):
            field, _, value = line.partition(":")
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data.append(value.removeprefix(" "))
            else:
                self.need(field in ("", "id", "retry"), "a line of the stream", "event, data or a comment", line)
        return Event(name=name, data="\n".join(data)) if data else None

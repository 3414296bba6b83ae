"""Carries sealed thinking through a chat client: ``reasoning_details``, in OpenRouter's form.

OpenAI's chat has no field for a seal. OpenRouter's has one, and clients that know it send it back
unchanged: texts have a ``signature``, redacted thinking has ``data``. Relay does the same if
OpenRouter is the upstream, and keeps its seals with their format and id.

Source: w:openrouter/reasoning-stream; openrouter.ai reasoning tokens, read 2026-11-24.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ...exchange import Dialect
from ..conversation import Seal, Thinking
from ..seals import read_seal, write_seal

DIALECT: Dialect = "openai_chat"


class Detail(msgspec.Struct):
    """One thought, or a piece of one: pieces with the same index belong together."""

    type: str = ""
    index: int | None = None
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None
    id: str | None = None

    @property
    def seal(self) -> Seal | None:
        """Its seal, if it has one; an origin with dots is dropped, as a seal could not be read back with it."""
        sealed = self.data if self.type == "reasoning.encrypted" else self.signature
        if not sealed:
            return None
        origin = f"{self.format or ''}|{self.id or ''}"
        return read_seal(sealed, DIALECT, "" if origin == "|" or "." in origin else origin)


def read_details(details: Sequence[Detail]) -> Iterable[Thinking]:
    """Yield the thoughts in *details*; those of an unknown type are skipped."""
    thoughts: dict[int, Detail] = {}
    texts: defaultdict[int, list[str]] = defaultdict(list)
    for place, detail in enumerate(details):
        index = detail.index if detail.index is not None else -1 - place
        whole = thoughts.setdefault(index, Detail(type=detail.type))
        texts[index].append(detail.text or "")
        whole.signature = detail.signature or whole.signature
        whole.data = detail.data or whole.data
        whole.format = detail.format or whole.format
        whole.id = detail.id or whole.id
    for index, thought in thoughts.items():
        match thought:
            case Detail(type="reasoning.encrypted", data=str()):
                yield Thinking(text="", seal=thought.seal, is_redacted=True)
            case Detail(type="reasoning.text"):
                yield Thinking(text="".join(texts[index]), seal=thought.seal)


def write_detail(index: int, thought: Thinking) -> dict[str, Any]:
    """Return *thought* as the detail at *index*; clients join pieces with the same index."""
    if thought.is_redacted:
        data = write_seal(thought.seal, DIALECT) if thought.seal is not None else ""
        return {"index": index, "type": "reasoning.encrypted", "data": data, **_origin(thought.seal)}
    detail = {"index": index, "type": "reasoning.text", "text": thought.text, **_origin(thought.seal)}
    if thought.seal is not None:
        detail["signature"] = write_seal(thought.seal, DIALECT)
    return detail


def _origin(seal: Seal | None) -> dict[str, str]:
    """Return the format and the id with which *seal* came from OpenRouter."""
    if seal is None or seal.dialect != DIALECT:
        return {}
    form, _, detail_id = seal.id.partition("|")
    return {name: value for name, value in (("format", form), ("id", detail_id)) if value}

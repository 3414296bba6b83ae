"""Checks the turns of a conversation and its tools, as far as all vendors agree on their shape.

They are decoded in one step and dropped again: what a turn says is for its upstream. No shape is stricter than the
vendors' own. Sources, read 2026-11-30: openai-python 3.54.0 types/chat and types/responses, anthropic-sdk-python 2.12.0
types, google-genai 3.4 types.
"""

from typing import Any

import msgspec

from ..errors import BadRequestError
from .fields import Fields

READ_BYTES_MAX = 64 * 1024
"""Longer turns or tools are not checked: for a request of 200 KB that would cost more than all other reading of it."""


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | dict[str, msgspec.Raw] | None = None
    """OpenAI's assistants have annotated texts as objects."""


_Content = str | list[str | _Part] | dict[str, msgspec.Raw] | None


class _Turn(msgspec.Struct):
    """An item of Responses, which may be many things, with a role or without."""

    role: str | None = None
    type: str | None = None
    content: _Content = None


class _Message(msgspec.Struct):
    role: str
    content: _Content = None


class _Contents(msgspec.Struct):
    """A turn of Gemini, which accepts one part without brackets."""

    role: str | None = None
    parts: list[_Part] | _Part | None = None


class _Tool(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    function: dict[str, msgspec.Raw] | None = None


_TOOLS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[_Tool] | _Tool | None)
MESSAGES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[_Message])
ITEMS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | list[_Turn] | None)
CONTENTS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[_Contents] | _Contents)


def check_turns(fields: Fields, name: str, shape: msgspec.json.Decoder[Any]) -> None:
    """Refuse turns under *name* that don't have *shape*, and tools that don't have that of tools.

    Raises:
        BadRequestError: Names the member, such as ``messages[0].role``.
    """
    _check(fields, name, shape)
    _check(fields, "tools", _TOOLS)


def _check(fields: Fields, name: str, shape: msgspec.json.Decoder[Any]) -> None:
    if name not in fields or len(memoryview(fields[name])) > READ_BYTES_MAX:
        return
    try:
        shape.decode(fields[name])
    except msgspec.ValidationError as exc:
        raise BadRequestError(param=name + _place(str(exc))) from exc
    except (ValueError, RecursionError):
        return  # half a character, or nested very deep: not for this check to judge


def _place(problem: str) -> str:
    """Return the place in *problem*, a message of msgspec; empty for the whole value.

    >>> _place("Expected `str`, got `int` - at `$[0].role`"), _place("Expected `array`, got `int`")
    ('[0].role', '')
    """
    _, _, place = problem.partition(" - at `$")
    return place.rstrip("`")

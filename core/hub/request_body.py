"""What the encoders of requests share: writing members, and naming or refusing what a dialect can't express."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ..errors import NotCarriedError
from ..exchange import Dialect
from .conversation import Message, Native, Part, Text, Tool

_T = TypeVar("_T")


class LeftOut:
    """The names of what an encoder leaves out of a request, noted where it is left out.

    >>> left_out = LeftOut(["seed"])
    >>> left_out.unless(True, "temperature", 0.5), left_out.unless(False, "top_p", 0.9), left_out.unless(False, "n", None)
    (0.5, None, None)
    >>> left_out.names
    ['seed', 'top_p']
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)

    @property
    def names(self) -> Sequence[str]:
        """All names, each once."""
        return list(self._names)

    def note(self, name: str) -> None:
        """Note that what is called *name* is left out."""
        self._names[name] = None

    def unless(self, is_taken: bool, name: str, value: _T | None) -> _T | None:
        """Return *value* if it is taken; else None, and it is noted as left out."""
        if is_taken or value is None:
            return value
        self.note(name)
        return None


class EncodedRequest(msgspec.Struct, frozen=True):
    """The top level of a request's body, and the names of what was left out of it."""

    fields: dict[str, msgspec.Raw]
    dropped: Sequence[str]


def encode_members(body: Mapping[str, Any]) -> dict[str, msgspec.Raw]:
    """Return the top level of a request's body.

    >>> [bytes(raw) for raw in encode_members({"model": "m", "stream": True}).values()]
    [b'"m"', b'true']
    """
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *values* that are not None.

    >>> present({"seed": 0, "user": None})
    {'seed': 0}
    """
    return {name: value for name, value in values.items() if value is not None}


def kind_of(part: Part) -> str:
    """Return the name by which *part* is refused.

    >>> kind_of(Text(text="Hi"))
    'text'
    """
    return part.kind if isinstance(part, Native) else type(part).__name__.lower()


def not_carried(part: Part, dialect: Dialect) -> NotCarriedError:
    """Return the refusal of *part*, which a message of *dialect* can't express."""
    return NotCarriedError(param=f"messages.content.{kind_of(part)}", dialect=dialect)


def allowed_among(tools: Sequence[Tool | Native], names: Sequence[str]) -> Sequence[Tool | Native]:
    """Return those of *tools* that are named in *names*; all if there are none.

    For upstreams that have no field for a choice among several.

    >>> [tool.name for tool in allowed_among([Tool(name="f"), Tool(name="g")], ["g"])]
    ['g']
    """
    allowed = frozenset(names)
    return [tool for tool in tools if isinstance(tool, Tool) and tool.name in allowed] if allowed else tools


def native_tool(tool: Native, dialect: Dialect) -> Any:
    """Return a tool that only *dialect* knows, as it came.

    Raises:
        NotCarriedError: It is one of another dialect.
    """
    if tool.dialect != dialect:
        raise NotCarriedError(param=f"tools.{tool.kind}", dialect=dialect)
    return msgspec.json.decode(tool.document)


def system_texts(opening: Sequence[Message], dialect: Dialect) -> Iterable[Text]:
    """Yield the texts of the system messages at the beginning; blank ones, which Claude and Gemini refuse, are left out.

    Raises:
        NotCarriedError: One holds something else.
    """
    for part in (part for message in opening for part in message.parts):
        if not isinstance(part, Text):
            raise not_carried(part, dialect)
        if part.text.strip():
            yield part

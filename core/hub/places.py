"""Finds what a request says in places that not every dialect has."""

from collections.abc import Iterable, Sequence

import msgspec

from .conversation import File, Image, Inline, Message, Part, Request, Tool, ToolResult
from .media import is_text
from .strict_schemas import with_strict_tools


def answerable(messages: Sequence[Message]) -> Sequence[Message]:
    """Return *messages* with a turn to answer: system messages alone, which OpenAI answers, become the user's.

    >>> answerable([Message(role="system", parts=())])
    [Message(role='user', parts=(), name=None)]
    """
    if any(message.role in ("user", "assistant") for message in messages):
        return messages
    return [msgspec.structs.replace(message, role="user") for message in messages]


def split_opening(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return the system messages at the beginning, and the rest, which may hold later system messages.

    >>> opening, rest = split_opening([Message(role=role, parts=()) for role in ("developer", "user", "system")])
    >>> [message.role for message in opening], [message.role for message in rest]
    (['developer'], ['user', 'system'])
    """
    roles = [message.role in ("system", "developer") for message in messages]
    count = roles.index(False) if False in roles else len(roles)
    return messages[:count], messages[count:]


def has_cache_marks(request: Request) -> bool:
    """Return whether anything is marked to be cached, which only Messages has a place for."""
    return any(getattr(each, "cache", None) is not None for each in (*_parts(request), *request.tools))


def has_detail(request: Request, kinds: type[Image | File] | tuple[type[Image | File], ...]) -> bool:
    """Return whether a ``detail`` says how closely to look at media of *kinds*."""
    return any(isinstance(part, kinds) and part.detail not in (None, "auto") for part in _parts(request))


def has_file_names(request: Request, *sources: type) -> bool:
    """Return whether a document from one of *sources* has a name; from any source if none is given."""
    files = (part for part in _parts(request) if isinstance(part, File) and part.name is not None)
    return any(not sources or isinstance(file.source, sources) for file in files)


def has_named_texts(request: Request) -> bool:
    """Return whether a text document, which chat gets as plain text, has a name."""
    files = (part for part in _parts(request) if isinstance(part, File) and part.name is not None)
    return any(isinstance(file.source, Inline) and is_text(file.source) for file in files)


def has_strict_tools(request: Request) -> bool:
    """Return whether a tool is strict: its calls must follow its schema exactly."""
    return any(isinstance(tool, Tool) and tool.is_strict for tool in request.tools)


def has_loosened_tools(request: Request) -> bool:
    """Return whether OpenAI would refuse the schema of a strict tool, which then is sent as not strict."""
    return tuple(with_strict_tools(request.tools)) != request.tools


def is_answer_described(request: Request) -> bool:
    """Return whether the schema of the answer has a description beside it."""
    return request.output_format is not None and request.output_format.description is not None


def has_names(request: Request) -> bool:
    """Return whether a turn names its speaker, which only chat has a place for."""
    return any(message.name is not None for message in request.messages)


def _parts(request: Request) -> Iterable[Part]:
    """Yield every part of the conversation, and the parts of tool results."""
    for message in request.messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts

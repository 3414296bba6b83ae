"""What a request says in places that not every dialect has."""

from collections.abc import Sequence

import msgspec

from .conversation import Message, Request, Tool


def answerable(messages: Sequence[Message]) -> Sequence[Message]:
    """Return *messages* with a turn to answer: system texts alone, which OpenAI answers, become the user's.

    >>> answerable([Message(role="system", parts=())])
    [Message(role='user', parts=(), name=None)]
    """
    if any(message.role in ("user", "assistant") for message in messages):
        return messages
    return [msgspec.structs.replace(message, role="user") for message in messages]


def has_cache_marks(request: Request) -> bool:
    """Return whether anything is marked as worth caching, which Messages alone has a place for."""
    parts = (part for message in request.messages for part in message.parts)
    tools = (tool for tool in request.tools if isinstance(tool, Tool))
    return any(getattr(each, "cache", None) is not None for each in (*parts, *tools))


def has_names(request: Request) -> bool:
    """Return whether a turn names who speaks, which chat alone has a place for."""
    return any(message.name is not None for message in request.messages)

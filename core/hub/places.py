"""What a request says in places that not every dialect has."""

from .conversation import Request, Tool


def has_cache_marks(request: Request) -> bool:
    """Return whether anything is marked as worth caching, which Messages alone has a place for."""
    parts = (part for message in request.messages for part in message.parts)
    tools = (tool for tool in request.tools if isinstance(tool, Tool))
    return any(getattr(each, "cache", None) is not None for each in (*parts, *tools))


def has_names(request: Request) -> bool:
    """Return whether a turn names who speaks, which chat alone has a place for."""
    return any(message.name is not None for message in request.messages)

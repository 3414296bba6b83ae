"""Finds what a request says in places that not every dialect has."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from .conversation import File, Image, Message, Part, Request, Tool, ToolResult


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


def names_used(request: Request, names: Iterable[str]) -> Iterable[str]:
    """Return those of *names* that *request* makes use of.

    >>> list(names_used(Request(model="m", messages=(), user="u"), ("user", "verbosity")))
    ['user']
    """
    return (name for name in names if _IS_USED[name](request))


def is_close_look(detail: str | None) -> bool:
    """Return whether ``detail`` says how closely to look at media.

    >>> is_close_look("low"), is_close_look("auto")
    (True, False)
    """
    return detail not in (None, "auto")


def _has_cache_marks(request: Request) -> bool:
    return any(getattr(each, "cache", None) is not None for each in (*_parts(request), *request.tools))


def _has_details(request: Request) -> bool:
    return any(isinstance(part, Image | File) and is_close_look(part.detail) for part in _parts(request))


def _has_file_names(request: Request) -> bool:
    return any(isinstance(part, File) and part.name is not None for part in _parts(request))


def _is_answer_described(request: Request) -> bool:
    return request.output_format is not None and request.output_format.description is not None


def _parts(request: Request) -> Iterable[Part]:
    """Yield every part of the conversation, and the parts of tool results."""
    for message in request.messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


_IS_USED: Mapping[str, Callable[[Request], bool]] = {
    "user": lambda request: request.user is not None,
    "parallel_tool_calls": lambda request: request.is_parallel is False,
    "top_k": lambda request: request.sampling.top_k is not None,
    "stop": lambda request: bool(request.sampling.stop),
    "seed": lambda request: request.sampling.seed is not None,
    "presence_penalty": lambda request: request.sampling.presence_penalty is not None,
    "frequency_penalty": lambda request: request.sampling.frequency_penalty is not None,
    "verbosity": lambda request: request.verbosity is not None,
    "prompt_cache_key": lambda request: request.cache_key is not None,
    "thinking.display": lambda request: request.reasoning.is_shown is False and not request.reasoning.is_off,
    "cache_control": _has_cache_marks,
    "messages.name": lambda request: any(message.name is not None for message in request.messages),
    "messages.content.detail": _has_details,
    "messages.content.filename": _has_file_names,
    "tools.strict": lambda request: any(isinstance(tool, Tool) and tool.is_strict for tool in request.tools),
    "response_format.description": _is_answer_described,
}
"""Finds out whether a request uses something, by the name under which customers are told that it was left out."""

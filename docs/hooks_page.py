"""The generated parts of hooks.md: each hook with its signature and contract, and the words they use."""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any

import msgspec

import relay
from relay.core.hooks import RelayHooks

from .docstrings import first_sentence, to_markdown

TYPES = (
    relay.Exchange,
    relay.Principal,
    relay.Channel,
    relay.Candidate,
    relay.Attempt,
    relay.ChannelRequest,
    relay.UpstreamRequest,
    relay.UpstreamResponse,
    relay.BytesResponse,
    relay.Meter,
    relay.PriceFacts,
    relay.Usage,
    relay.TokenCounts,
    relay.Iteration,
    relay.Charge,
    relay.ChargeLine,
    relay.RequestRecord,
    relay.Evidence,
    relay.Claim,
    relay.Services,
    relay.ApiKeys,
    relay.ApiKeyRecord,
    relay.Clock,
    relay.Transport,
    relay.Deadlines,
    relay.UpstreamSocket,
)
"""The types that hooks and channels are given or answer with, in the order an exchange meets them; then the services."""

LINE_MAX = 100


def hooks() -> dict[str, Callable[..., Any]]:
    """Return the hook specifications by name, in the order in which an exchange meets them."""
    return {name: member for name, member in vars(RelayHooks).items() if isinstance(member, FunctionType)}


def arguments(hook: Callable[..., Any]) -> list[str]:
    """Return the names of a hook's arguments."""
    return [name for name in inspect.signature(hook).parameters if name != "self"]


def signature(function: Callable[..., Any]) -> str:
    """Return *function*'s signature as it is written, without ``self``; one argument a line if it is long."""
    found = inspect.signature(function)
    parts = [_parameter(one) for one in found.parameters.values() if one.name != "self"]
    named = [one.kind is inspect.Parameter.KEYWORD_ONLY for one in found.parameters.values() if one.name != "self"]
    if True in named:
        parts.insert(named.index(True), "*")
    prefix = "async def" if inspect.iscoroutinefunction(function) else "def"
    result = f" -> {type_name(found.return_annotation)}"
    line = f"{prefix} {function.__name__}({', '.join(parts)}){result}"
    if len(line) <= LINE_MAX:
        return line
    return "\n".join([f"{prefix} {function.__name__}(", *(f"    {part}," for part in parts), f"){result}"])


def type_name(annotation: object) -> str:
    """Return *annotation* as an author writes it, without the modules it comes from."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text).replace("Fraction", "Exact")
    return re.sub(r"Optional\[(.*)\]$", r"\1 | None", text)


def hook_sections() -> str:
    """Return one section per hook."""
    sections = [
        f"### {name}\n\n```text\n{signature(hook)}\n```\n\n{to_markdown(hook)}" for name, hook in hooks().items()
    ]
    return "\n\n".join(sections)


def type_sections() -> str:
    """Return one section per type that hooks are given or answer with."""
    return "\n\n".join(_type_section(each) for each in TYPES)


def _parameter(parameter: inspect.Parameter) -> str:
    text = f"{parameter.name}: {type_name(parameter.annotation)}"
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{text}"
    return text if parameter.default is inspect.Parameter.empty else f"{text} = {parameter.default!r}"


def _type_section(subject: type) -> str:
    parts = [f"### {subject.__name__}", to_markdown(subject)]
    fields = list(_struct_fields(subject) if issubclass(subject, msgspec.Struct) else _init_arguments(subject))
    if fields:
        parts.append("\n".join(["```text", *fields, "```"]))
    methods = list(_methods(subject))
    if methods:
        parts.append("\n".join(methods))
    return "\n\n".join(parts)


def _struct_fields(subject: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(subject):
        is_made = field.default_factory is not msgspec.NODEFAULT
        default = field.default_factory() if is_made else field.default
        yield f"{field.name}: {type_name(field.type)}{'' if field.required else f' = {default!r}'}"


def _init_arguments(subject: type) -> Iterator[str]:
    if "__init__" in vars(subject) and not getattr(subject, "_is_protocol", False):
        yield from map(_parameter, inspect.signature(subject).parameters.values())


def _methods(subject: type) -> Iterator[str]:
    for name, member in vars(subject).items():
        if name.startswith("_"):
            continue
        if isinstance(member, FunctionType):
            yield f"- `{signature(member)}`: {first_sentence(member)}"
            continue
        read = member.func if isinstance(member, cached_property) else getattr(member, "fget", None)
        if read is not None:
            annotation = type_name(inspect.signature(read).return_annotation)
            yield f"- `{name}: {annotation}`: {first_sentence(read)}"

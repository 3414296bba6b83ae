"""What requests and answers of chat have in common: tools, their calls and the choice of one."""

import msgspec

from ..conversation import Seal, ToolCall


class Google(msgspec.Struct):
    """Google's own fields of a tool call."""

    thought_signature: str | None = None


class Extra(msgspec.Struct):
    """What stands beside a tool call, by vendor."""

    google: Google | None = None


class Function(msgspec.Struct):
    """A function: its definition, its call, or its name alone."""

    name: str = ""
    arguments: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class Custom(msgspec.Struct):
    """A tool that takes free text: its definition or its call."""

    name: str = ""
    input: str = ""
    description: str | None = None
    format: msgspec.Raw = msgspec.Raw()


class Call(msgspec.Struct):
    """A tool call of an answer, or a tool of a request, or the choice of one: all look alike."""

    id: str = ""
    type: str = "function"
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Extra | None = None
    allowed_tools: "Allowed | None" = None


class Allowed(msgspec.Struct):
    """The tools that may be called of those named."""

    mode: str = "auto"
    tools: list[Call] = []


def read_call(call: Call) -> ToolCall:
    """Return a tool call as chat writes it."""
    if call.custom is not None:
        return ToolCall(id=call.id, name=call.custom.name, arguments=call.custom.input, kind="custom")
    function = call.function or Function()
    google = call.extra_content.google if call.extra_content is not None else None
    signature = google.thought_signature if google is not None else None
    seal = Seal("gemini_generate", signature) if signature is not None else None
    return ToolCall(id=call.id, name=function.name, arguments=function.arguments or "", seal=seal)

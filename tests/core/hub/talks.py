"""One talk in the hub's form, for every encoder: a vendor reads what is written of it, and no decoder of ours."""

import msgspec

from relay.core.hub.conversation import (
    File,
    Image,
    Inline,
    Link,
    Message,
    Part,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

PDF = Inline("application/pdf", "aGk=")
TOOLS = (
    Tool(name="f", description="d", schema=msgspec.Raw(b'{"type":"object","properties":{}}')),
    Tool(name="p", description="d", kind="custom"),
)


def talk(model: str, *, asked: tuple[Part, ...] = (), said: tuple[Part, ...] = ()) -> Request:
    """Return instructions, two questions and two answers, with what else is *asked* in the first and *said* to it."""
    pictures = Image(source=Inline("image/png", "aGk=")), Image(source=Link("https://a.example/b.png"))
    calls = (
        ToolCall(id="c1", name="f", arguments=""),
        ToolCall(id="c2", name="f", arguments='{"a":1}'),
        ToolCall(id="c+3", name="p", arguments="a+b", kind="custom"),
    )
    results = (
        ToolResult(call_id="c1", parts=(Text(text="1"), Text(text="2"))),
        ToolResult(call_id="c2", parts=(Text(text="3"),), is_error=True),
        ToolResult(call_id="c+3", parts=(Text(text="4"),), kind="custom"),
    )
    return Request(
        model=model,
        messages=(
            Message(role="system", parts=(Text(text="Be"), Text(text="kind"))),
            Message(role="user", parts=(Text(text="Look"), *pictures, File(source=PDF, name="a.pdf"), *asked)),
            Message(role="assistant", parts=(*said, Text(text="Hm"), Text(text="So"), *calls)),
            Message(role="user", parts=(*results, Text(text="Well"))),
            Message(role="assistant", parts=(Refusal(text="No"),)),
        ),
        stream=True,
        tools=TOOLS,
        user="u",
    )

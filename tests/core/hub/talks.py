"""One talk and one answer in the hub's form, for every encoder: a vendor reads what is written, and no decoder of ours."""

from typing import Any

import msgspec

from relay.core.hub.answer import (
    Answer,
    Begun,
    Choice,
    Cited,
    Delta,
    PartBegun,
    PartEnded,
    Sealed,
    Stopped,
    StreamEvent,
)
from relay.core.hub.conversation import (
    Citation,
    File,
    Image,
    Inline,
    Link,
    Message,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Request,
    Sampling,
    Seal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from relay.core.usage import Usage

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
        ToolResult(call_id="c+3", parts=(Text(text="4"),)),
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


SAMPLING = Sampling(
    output_tokens_max=9,
    temperature=0.5,
    top_p=0.9,
    top_k=5,
    stop=("a",),
    seed=1,
    presence_penalty=0.1,
    frequency_penalty=0.2,
)
"""Every setting of how tokens are sampled, but for the count of choices, which few dialects have."""


def wish(model: str, **members: Any) -> Request:
    """Return a question with every setting, those in *members* in another form."""
    asking = Request(
        model=model,
        messages=(Message(role="user", parts=(Text(text="Hi"),), name="bob"),),
        tools=TOOLS,
        tool_choice="required",
        is_parallel=False,
        output_format=OutputFormat(schema=msgspec.Raw(b'{"type":"object"}'), name="n", description="d", is_strict=True),
        reasoning=Reasoning(effort="low"),
        sampling=msgspec.structs.replace(SAMPLING, output_tokens_max=9999),
        verbosity="low",
        user="u",
        cache_key="k",
    )
    return msgspec.structs.replace(asking, **members)


SEAL, HIDDEN_SEAL, CALL_SEAL = (
    Seal("anthropic_messages", "EqQB"),
    Seal("anthropic_messages", "Eq.c"),
    Seal("gemini_generate", "c2ln"),
)
CITED = Citation(url="https://a.example", title="A", quote="b", start=0, end=2)
DRAWN = Image(source=Inline("image/png", "aGk="))
RUN = Native(dialect="gemini_generate", kind="executableCode", document=msgspec.Raw(b'{"executableCode":{"code":"1"}}'))
"""A part that Gemini alone has."""
USED = Usage(
    input_tokens=1,
    cache_read_tokens=2,
    cache_write_5m_tokens=3,
    cache_write_1h_tokens=4,
    output_tokens=9,
    reasoning_tokens=5,
    audio_input_tokens=1,
    audio_output_tokens=6,
    web_search_count=7,
)
ANSWER = Answer(
    model="m-2",
    created_at_s=1_700_000_001,
    choices=(
        Choice(
            parts=(
                Thinking(text="Hm", seal=SEAL),
                Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True),
                Text(text='é"', citations=(CITED,)),
                DRAWN,
                RUN,
                ToolCall(id="c1", name="f", arguments="{}"),
                ToolCall(id="c2", name="p", arguments='{"input":"ab"}'),
                ToolCall(id="c3", name="f", arguments="", seal=CALL_SEAL),
            ),
            stop="tool_use",
        ),
    ),
)
"""The customer has a tool ``p`` that takes free text, which the upstream knew as a function."""
ANSWERED: tuple[StreamEvent, ...] = (
    Begun(model="m-2"),
    PartBegun(index=0, part=Thinking(text="H")),
    Delta(index=0, text="m"),
    Sealed(index=0, seal=SEAL),
    PartEnded(index=0),
    PartBegun(index=1, part=Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True)),
    PartEnded(index=1),
    PartBegun(index=2, part=Text(text="é")),
    Delta(index=2, text='"'),
    Cited(index=2, citation=CITED),
    PartEnded(index=2),
    PartBegun(index=3, part=DRAWN),
    PartEnded(index=3),
    PartBegun(index=4, part=RUN),
    PartEnded(index=4),
    PartBegun(index=5, part=ToolCall(id="c1", name="f", arguments="{")),
    PartBegun(index=6, part=ToolCall(id="c2", name="p", arguments='{"input":')),
    Delta(index=6, text='"a'),
    Delta(index=5, text="}"),
    Delta(index=6, text='b"}'),
    PartEnded(index=5),
    PartEnded(index=6),
    PartBegun(index=7, part=ToolCall(id="c3", name="f", arguments="", seal=CALL_SEAL)),
    PartEnded(index=7),
    Stopped(stop="tool_use"),
)
"""The same as a stream, in which two calls interleave."""

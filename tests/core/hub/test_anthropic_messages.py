"""Messages in and out of the hub: what came in goes out, and nothing else.

*Equivalent* means, for a message: the same model, stop reason and stop sequence, and block by
block the same kind and the same text, thinking, signature, tool call (id, name, arguments as a
value) and sources whole; blocks that only this dialect has come back whole, in pieces too. The
id is ours; `usage`, containers and context management are compared or metered elsewhere. For a
stream the same holds of the message that its events add up to.

For a request: the same members, but for the spellings that `same` writes out.
"""

import json
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError, NotCarriedError
from relay.core.exchange import Dialect
from relay.core.hub.answer import (
    Answer,
    Begun,
    Choice,
    Cited,
    Delta,
    NativeDelta,
    PartBegun,
    PartEnded,
    Sealed,
    Stopped,
    StreamEvent,
)
from relay.core.hub.anthropic_messages.request_encoder import encode_request
from relay.core.hub.anthropic_messages.stream_encoder import MessagesStreamEncoder
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import (
    Audio,
    CacheMark,
    Effort,
    File,
    FileId,
    Inline,
    Link,
    Message,
    NamedTool,
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
from relay.core.hub.conversation import Image as Picture
from relay.core.usage import Usage
from tests.core.dialects.recordings import Expected
from tests.core.dialects.replay import answer_bytes, exchange

from .comparisons import CountedInt, CountedText
from .recorded import (
    INPUT_TOKENS,
    asked,
    bodies,
    events,
    opening,
    raw,
    read_each,
    recorded_request,
    streams,
    translated_body,
    translated_stream,
)
from .talks import ANSWER, ANSWERED, CITED, HIDDEN_SEAL, SEAL, USED, talk, wish

MESSAGES = CODECS["anthropic_messages"]
HI = Message(role="user", parts=(Text(text="Hi"),))


def told(block: dict[str, Any]) -> dict[str, Any]:
    """Return what a block tells, defaults filled in and what is not carried left out."""
    block = {name: value for name, value in block.items() if name not in ("caller", "citations") and value is not None}
    if block["type"] == "thinking":
        block.setdefault("signature", "")
    return block


def sources(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what sources a text names."""
    return block.get("citations") or []


def added_up(stream: bytes) -> dict[str, Any]:
    """Return the message that a stream's events add up to."""
    message: dict[str, Any] = {"content": []}
    for event in events(stream):
        match event["type"]:
            case "message_start":
                message["model"] = event["message"]["model"]
            case "content_block_start":
                assert event["index"] == len(message["content"]), "blocks come one after the other"
                message["content"].append({"json": "", **event["content_block"]})
            case "content_block_delta":
                _add(message["content"][event["index"]], event["delta"])
            case "message_delta":
                message |= {name: event["delta"].get(name) for name in ("stop_reason", "stop_sequence")}
    for block in message["content"]:
        written = block.pop("json")
        if block["type"] == "tool_use" and written:
            block["input"] = json.loads(written) if message.get("stop_reason") != "max_tokens" else written
    return message


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]
        case "compaction_delta":
            block["content"] = (block["content"] or "") + delta["content"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]


def assert_same_message(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Compare two messages as the module says."""
    assert [told(block) for block in after["content"]] == [told(block) for block in before["content"]]
    assert [sources(block) for block in after["content"]] == [sources(block) for block in before["content"]]
    assert (after.get("model"), after.get("stop_reason")) == (before.get("model"), before.get("stop_reason"))
    assert after.get("stop_sequence") == before.get("stop_sequence")


@pytest.mark.parametrize("expected", bodies("anthropic_messages"), ids=lambda each: each.name)
def test_a_message_comes_back_equivalent(expected: Expected) -> None:
    """Every recorded message."""
    assert_same_message(
        json.loads(answer_bytes(expected.name)), json.loads(translated_body(expected, "anthropic_messages"))
    )


@pytest.mark.parametrize("expected", streams("anthropic_messages"), ids=lambda each: each.name)
def test_a_stream_comes_back_equivalent_for_every_cut(expected: Expected) -> None:
    """Every recorded stream, read whole and byte by byte."""
    whole = translated_stream(expected, "anthropic_messages")
    if expected.outcome in ("complete", "empty", "refused"):
        assert_same_message(added_up(answer_bytes(expected.name)), added_up(whole))
        assert whole.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert translated_stream(expected, "anthropic_messages", 1) == whole


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body in the one spelling that the encoder writes, of several with one meaning."""
    left_out = ("context_management", "service_tier", "betas", "thread", "diagnostics")
    body = {name: value for name, value in body.items() if value is not None and name not in left_out}
    if body.get("stream") is False:
        del body["stream"]
    if isinstance(body.get("system"), list) and len(body["system"]) == 1 and "cache_control" not in body["system"][0]:
        body["system"] = body["system"][0]["text"]
    if "output_format" in body:
        body["output_config"] = {"format": body.pop("output_format")}
    for tool in body.get("tools", ()):
        tool["input_schema"].setdefault("properties", {})
    for turn in body["messages"]:
        if isinstance(turn["content"], str):
            turn["content"] = [{"type": "text", "text": turn["content"]}]
        turn["content"] = [_same_block(block) for block in turn["content"]]
    return body


def _same_block(block: dict[str, Any]) -> dict[str, Any]:
    block = {name: value for name, value in block.items() if value is not None and name != "caller"}
    content = block.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        block["content"] = content[0]["text"]
    if block.get("is_error") is False:
        del block["is_error"]
    return block


REQUESTS = [
    "anthropic/plain", "anthropic/tools", "anthropic/tools-parallel", "anthropic/tool-result", "anthropic/image",
    "anthropic/document-pdf", "anthropic/thinking", "anthropic/thinking-tools", "anthropic/cache-write-1h",
    "anthropic/output-format", "anthropic/stop-sequence-stream", "anthropic/redacted-thinking",
    "clients/anthropic-python-messages", "clients/anthropic-node-messages-stream",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_comes_back_equivalent(name: str) -> None:
    """Recorded requests with tools, results, pictures, documents, thinking, cache marks and schemas."""
    body = recorded_request(name)
    assert body is not None
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    written = json.loads(msgspec.json.encode(MESSAGES.encode_request(request).fields))
    assert same(written) == same(body)


def test_claude_codes_request_is_carried_whole_but_for_what_is_named() -> None:
    """Its system blocks but for the billing line, its system message within the talk, its tools."""
    body = recorded_request("clients/claude-code-messages-stream")
    assert body is not None
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    assert request.dropped == ("context_management", "system.billing_line")
    assert [part.text for part in request.messages[0].parts if isinstance(part, Text)] == [
        block["text"] for block in body["system"][1:]
    ]
    assert [message.role for message in request.messages] == ["system", *(each["role"] for each in body["messages"])]
    assert [tool.name for tool in request.tools if isinstance(tool, Tool)] == [tool["name"] for tool in body["tools"]]
    assert request.reasoning.is_adaptive
    assert json.loads(bytes(encode_request(request).fields["thinking"])) == body["thinking"]
    reasoning = (
        CODECS["openai_responses"].encode_request(msgspec.structs.replace(request, tools=())).fields["reasoning"]
    )
    assert json.loads(bytes(reasoning)) == {"effort": "high", "summary": "auto"}


@pytest.mark.parametrize(
    "thinking",
    [
        {"type": "adaptive"},
        {"type": "adaptive", "display": "summarized"},
        {"type": "adaptive", "display": "omitted"},
        {"type": "enabled", "budget_tokens": 1024},
    ],
)
def test_how_thinking_is_shown_comes_back_as_it_was(thinking: dict[str, Any]) -> None:
    """What was not said of it is not said for the customer."""
    model = "claude-opus-4-6" if thinking["type"] == "adaptive" else "claude-haiku-4-5"
    turns = [{"role": "user", "content": "Hi"}]
    body = {"model": model, "max_tokens": 9000, "messages": turns, "thinking": thinking}
    request = msgspec.structs.replace(MESSAGES.decode_request(asked("anthropic_messages", body)), model=model)
    assert json.loads(bytes(encode_request(request).fields["thinking"])) == thinking


def test_neighbours_are_joined_and_results_come_first() -> None:
    """Anthropic wants user and assistant in turn, and every result of a turn before its text."""
    request = Request(
        model="claude",
        messages=(
            HI,
            Message(
                role="assistant",
                parts=(
                    ToolCall(id="a b", name="f", arguments='{"x":1}'),
                    ToolCall(id="a.b", name="g", arguments="{}"),
                ),
            ),
            Message(role="user", parts=(Text(text="And?"),)),
            Message(role="user", parts=(ToolResult(call_id="a b", parts=(Text(text="ok"),)),)),
            Message(role="user", parts=(ToolResult(call_id="a.b", parts=(Text(text="no"),)),)),
            Message(role="system", parts=(Text(text="Be brief."),)),
        ),
    )
    assert json.loads(bytes(encode_request(request).fields["messages"])) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a_20_b", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "a_2e_b", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a_20_b", "content": "ok"},
                {"type": "tool_result", "tool_use_id": "a_2e_b", "content": "no"},
                {"type": "text", "text": "And?"},
                {"type": "text", "text": "Be brief."},
            ],
        },
    ]


def test_a_picture_in_a_tools_result_is_carried() -> None:
    """As a block of the result."""
    result = ToolResult(call_id="a", parts=(Picture(source=Inline("image/png", "aGk=")),))
    request = Request(model="claude", messages=(Message(role="user", parts=(result,)),))
    [turn] = json.loads(bytes(encode_request(request).fields["messages"]))
    assert turn["content"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    ]


def test_a_plain_text_is_a_document_or_a_text_elsewhere_and_comes_back_as_it_was() -> None:
    """Messages tells the text itself, and chat can but say it; others get its bytes in base64."""
    source = {"type": "text", "media_type": "text/plain", "data": "Grüße"}
    content = [{"type": "document", "source": source, "title": "a.txt"}]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    assert json.loads(bytes(MESSAGES.encode_request(request).fields["messages"])) == body["messages"]
    [told] = json.loads(bytes(CODECS["openai_chat"].encode_request(request).fields["messages"]))
    assert told["content"] == [{"type": "text", "text": "Grüße"}]
    assert CODECS["openai_chat"].encode_request(request).dropped == ["messages.content.filename"]
    [told] = json.loads(bytes(CODECS["openai_responses"].encode_request(request).fields["input"]))
    assert told["content"] == [
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,R3LDvMOfZQ=="}
    ]


@pytest.mark.parametrize("media_type", ["text/plain", "text/csv", "text/markdown"])
def test_a_text_file_reaches_claude_as_its_text(media_type: str) -> None:
    """Claude takes PDFs in base64, and any text as a plain one."""
    document = File(source=Inline(media_type, "R3LDvMOfZQ=="))
    request = Request(model="claude", messages=(Message(role="user", parts=(document,)),))
    [turn] = json.loads(bytes(encode_request(request).fields["messages"]))
    assert turn["content"] == [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}}
    ]


@pytest.mark.parametrize("to", ["anthropic_messages", "openai_chat"])
@pytest.mark.parametrize("data", ["/w==", "aG!k="])
def test_a_text_file_that_is_no_text_is_refused_by_name(to: Dialect, data: str) -> None:
    """Bytes that are no UTF-8, and what is no base64."""
    document = File(source=Inline("text/plain", data))
    with pytest.raises(BadRequestError) as refused:
        CODECS[to].encode_request(Request(model="claude", messages=(Message(role="user", parts=(document,)),)))
    assert refused.value.param == "messages.content.file"


@pytest.mark.parametrize("source", [Inline("image/png", "aGk="), Link("https://a.example/b.png")])
def test_a_picture_that_a_model_drew_is_refused_by_name(source: Inline | Link) -> None:
    """Claude takes none in its own turns, and in the user's it would be the user's."""
    drawn = Message(role="assistant", parts=(Text(text="Here"), Picture(source=source)))
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="claude", messages=(HI, drawn, HI)))
    assert refused.value.param == "messages.content.image"


@pytest.mark.parametrize("to", ["anthropic_messages", "gemini_generate", "openai_chat"])
def test_a_picture_among_the_instructions_is_refused_by_name(to: Dialect) -> None:
    """They are text there; Responses takes it."""
    told = Message(role="developer", parts=(Text(text="So:"), Picture(source=Inline("image/png", "aGk="))))
    request = Request(model="m", messages=(told, HI))
    with pytest.raises(NotCarriedError) as refused:
        CODECS[to].encode_request(request)
    assert refused.value.param == "messages.content.image"
    assert json.loads(bytes(CODECS["openai_responses"].encode_request(request).fields["input"]))[0]["content"] == [
        {"type": "input_text", "text": "So:"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
    ]


@pytest.mark.parametrize(
    ("to", "names"),
    [
        ("openai_chat", ["messages.content.detail"]),
        ("openai_responses", []),
        ("anthropic_messages", ["messages.content.detail", "response_format.description"]),
        (
            "gemini_generate",
            [
                "messages.content.detail",
                "messages.content.filename",
                "tools.strict",
                "response_format.description",
            ],
        ),
    ],
)
def test_what_is_said_of_a_file_a_tool_or_an_answer_is_named_where_it_is_left_out(
    to: Dialect, names: list[str]
) -> None:
    """How closely to look at it, what it is called, whether to keep to its schema, what it is for."""
    file = File(source=Inline("application/pdf", "aGk="), name="a.pdf", detail="high")
    strict = Tool(
        name="f", schema=raw({"type": "object", "properties": {}, "additionalProperties": False}), is_strict=True
    )
    asking = OutputFormat(schema=raw({"type": "object"}), name="n", description="of the weather")
    request = Request(model="m", messages=(Message(role="user", parts=(file,)),), tools=(strict,), output_format=asking)
    assert CODECS[to].encode_request(request).dropped == names


@pytest.mark.parametrize(("detail", "names"), [("low", ["messages.content.detail"]), ("auto", []), (None, [])])
@pytest.mark.parametrize("to", ["anthropic_messages", "gemini_generate"])
def test_how_closely_to_look_at_a_picture_is_named(to: Dialect, detail: str | None, names: list[str]) -> None:
    """In what a tool gave back, too; what is the model's own choice anyhow is not."""
    picture = Picture(source=Inline("image/png", "aGk="), detail=detail)
    result = ToolResult(call_id="a", parts=(picture,))
    for part in (picture, result):
        request = Request(model="m", messages=(Message(role="user", parts=(part,)),))
        assert CODECS[to].encode_request(request).dropped == names


@pytest.mark.parametrize(("detail", "names"), [("low", ["messages.content.detail"]), ("auto", []), (None, [])])
def test_how_closely_to_look_at_a_file_is_named_in_chat(detail: str | None, names: list[str]) -> None:
    """Of a picture it is told."""
    file = File(source=Inline("application/pdf", "JVBERi0="), detail=detail)
    picture = Picture(source=Inline("image/png", "aGk="), detail=detail)
    request = Request(model="m", messages=(Message(role="user", parts=(file, picture)),))
    assert CODECS["openai_chat"].encode_request(request).dropped == names


def test_foreign_thinking_is_never_shown_to_claude() -> None:
    """Only what Claude signed goes back; nothing is signed in its name."""
    thoughts = (Thinking(text="Hm"), Thinking(text="Hm", seal=Seal("openai_responses", "gA")))
    said = Message(role="assistant", parts=(*thoughts, Text(text="Yes")))
    [_, turn] = json.loads(bytes(encode_request(Request(model="claude", messages=(HI, said))).fields["messages"]))
    assert turn["content"] == [{"type": "text", "text": "Yes"}]


@pytest.mark.parametrize(
    ("model", "reasoning", "limit", "fields"),
    [
        ("claude-haiku-4-5", Reasoning(effort="low"), 9000, {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 9000}),
        ("claude-haiku-4-5", Reasoning(effort="high"), 9000, {"thinking": {"type": "enabled", "budget_tokens": 4500}, "max_tokens": 9000}),
        ("claude-haiku-4-5", Reasoning(effort="medium"), 8192, {"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 8192}),
        ("claude-haiku-4-5", Reasoning(effort="high"), 1025, {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1025}),
        ("claude-haiku-4-5", Reasoning(effort="high"), 1024, {"max_tokens": 1024}),
        ("claude-haiku-4-5", Reasoning(is_adaptive=True), None, {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 32000}),
        ("claude-sonnet-4-6", Reasoning(is_adaptive=True), None, {"thinking": {"type": "adaptive"}, "max_tokens": 32000}),
        ("claude-haiku-4-5", Reasoning(budget_tokens=100), None, {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 32000}),
        ("claude-opus-4-7", Reasoning(effort="minimal"), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}, "max_tokens": 9}),
        ("global.anthropic.claude-opus-4-7-v1:0", Reasoning(effort="low"), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}, "max_tokens": 9}),
        ("claude-opus-4-7", Reasoning(effort="low", is_shown=False), 9, {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}, "max_tokens": 9}),
        ("claude-haiku-4-5", Reasoning(effort="low", is_shown=False), None, {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, "max_tokens": 32000}),
        ("claude-opus-4-7", Reasoning(effort="xhigh"), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}, "max_tokens": 9}),
        ("claude-opus-4-6", Reasoning(effort="xhigh"), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}, "max_tokens": 9}),
        ("claude-mythos-preview", Reasoning(budget_tokens=2000), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}, "max_tokens": 9}),
        ("claude-haiku-5-5", Reasoning(budget_tokens=10000), 9, {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "medium"}, "max_tokens": 9}),
        ("claude-haiku-5-5", Reasoning(is_off=True), 9, {"thinking": {"type": "disabled"}, "max_tokens": 9}),
        ("claude-sonnet-5-5", Reasoning(is_off=True), 9, {"thinking": {"type": "between_tools"}, "max_tokens": 9}),
        ("claude-opus-5-5", Reasoning(is_off=True), 9, {"output_config": {"effort": "low"}, "max_tokens": 9}),
        ("claude-mythos-preview", Reasoning(is_off=True), 9, {"output_config": {"effort": "low"}, "max_tokens": 9}),
        ("claude-haiku-4-5", Reasoning(is_off=True), None, {"thinking": {"type": "disabled"}, "max_tokens": 32000}),
        ("claude-haiku-4-5", Reasoning(), None, {"max_tokens": 32000}),
        ("claude-sonnet-4-5", Reasoning(effort="high"), None, {"thinking": {"type": "enabled", "budget_tokens": 24576}, "max_tokens": 32000}),
        ("claude-opus-4-1", Reasoning(effort="max"), None, {"thinking": {"type": "enabled", "budget_tokens": 27904}, "max_tokens": 32000}),
        ("claude-opus-4-1", Reasoning(budget_tokens=60_000), None, {"thinking": {"type": "enabled", "budget_tokens": 27904}, "max_tokens": 32000}),
        ("claude-3-7-sonnet-20250219", Reasoning(effort="xhigh"), None, {"thinking": {"type": "enabled", "budget_tokens": 27904}, "max_tokens": 32000}),
        ("claude-3-7-sonnet-20250219", Reasoning(effort="medium"), None, {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 12288}),
        ("claude-3-5-haiku-20241022", Reasoning(), None, {"max_tokens": 8192}),
    ],
)  # fmt: skip
def test_effort_becomes_a_budget_below_the_limit(
    model: str, reasoning: Reasoning, limit: int | None, fields: dict[str, Any]
) -> None:
    """Or stays an effort where the model measures so, whatever AWS calls it; the limit is the customer's, and stays."""
    request = Request(model=model, messages=(HI,), reasoning=reasoning, sampling=Sampling(output_tokens_max=limit))
    body = json.loads(msgspec.json.encode(encode_request(request).fields))
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == fields


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"sampling": Sampling(choice_count=2)}, "n"),
        ({"sampling": Sampling(temperature=1.5)}, "temperature"),
    ],
)
def test_what_anthropic_cannot_do_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    """Several choices, and a temperature beyond its scale."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="claude", messages=(HI,), **fields))
    assert (refused.value.param, refused.value.params) == (param, {"dialect": "anthropic_messages"})


SEARCH_RESULT = {
    "type": "search_result",
    "source": "https://a.example",
    "title": "A",
    "content": [{"type": "text", "text": "q"}],
}


def test_a_search_result_comes_back_as_it_stood_and_is_refused_by_name_elsewhere() -> None:
    """In the talk, and in what a tool gave back; its source is a text, as no other block's is."""
    result = {"type": "tool_result", "tool_use_id": "a", "content": [SEARCH_RESULT]}
    for content in ([SEARCH_RESULT], [result]):
        body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
        request = MESSAGES.decode_request(asked("anthropic_messages", body))
        assert json.loads(bytes(MESSAGES.encode_request(request).fields["messages"])) == body["messages"]
        with pytest.raises(NotCarriedError) as refused:
            CODECS["openai_chat"].encode_request(request)
        assert refused.value.param == "messages.content.search_result"


def test_a_schema_is_closed_for_claude_and_open_members_are_no_strict_schema_of_openai() -> None:
    """Claude refuses an open object, OpenAI an optional member: each gets what it takes."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asking = Request(model="claude", messages=(HI,), output_format=OutputFormat(schema=raw(schema)))
    written = json.loads(bytes(encode_request(asking).fields["output_config"]))
    assert written["format"]["schema"] == {**schema, "additionalProperties": False}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "output_config": written}
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    told = json.loads(bytes(CODECS["openai_chat"].encode_request(request).fields["response_format"]))
    assert told["json_schema"]["strict"] is False


@pytest.mark.parametrize(("is_strict", "is_told_in_words"), [(True, True), (False, False), (None, False)])
def test_limits_in_a_tools_schema_are_told_in_words_where_it_is_strict(
    is_strict: bool | None, is_told_in_words: bool
) -> None:
    """Elsewhere Claude takes any."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    }
    tool = Tool(name="f", schema=raw(schema), is_strict=is_strict)
    [written] = json.loads(
        bytes(encode_request(Request(model="claude", messages=(HI,), tools=(tool,))).fields["tools"])
    )
    told = {"type": "integer", "description": "{minimum: 1}"} if is_told_in_words else schema["properties"]["a"]
    assert written["input_schema"]["properties"] == {"a": told}


def test_what_a_model_cannot_be_told_is_named() -> None:
    """Thinking without room for it, a draw that thinking forbids, and names of who speaks."""
    named = Message(role="user", parts=(Text(text="Hi"),), name="bob")
    few = Sampling(output_tokens_max=1000, top_k=5)
    request = Request(model="claude-haiku-4-5", messages=(named,), reasoning=Reasoning(effort="low"), sampling=few)
    assert MESSAGES.encode_request(request).dropped == ["messages.name", "thinking"]
    thinking = Request(
        model="claude-haiku-4-5", messages=(HI,), reasoning=Reasoning(effort="low"), sampling=Sampling(top_k=5)
    )
    assert MESSAGES.encode_request(thinking).dropped == ["top_k"]


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("claude-haiku-4-5", []),
        ("claude-opus-4-6", []),
        ("claude-opus-4.7", ["temperature"]),
        ("claude-opus-5", ["temperature"]),
        ("claude-sonnet-5", ["temperature"]),
        ("claude-sonnet-5-5", ["temperature"]),
        ("us.anthropic.claude-haiku-5-5", ["temperature"]),
        ("claude-opus-5-5", ["thinking", "temperature"]),
        ("claude-fable-5-1", ["thinking", "temperature"]),
        ("claude-mythos-preview", ["thinking", "temperature"]),
    ],
)
def test_what_newer_models_refuse_is_left_out_and_named(model: str, names: list[str]) -> None:
    """A temperature, and to be told not to think; none of it is sent."""
    asking = Request(model=model, messages=(HI,), reasoning=Reasoning(is_off=True), sampling=Sampling(temperature=0.5))
    assert MESSAGES.encode_request(asking).dropped == names
    assert ("temperature" in encode_request(asking).fields) is ("temperature" not in names)
    assert ("thinking" in encode_request(asking).fields) is ("thinking" not in names)


@pytest.mark.parametrize(
    ("model", "effort", "drawn", "sent", "names"),
    [
        ("claude-haiku-4-5", None, {"top_p": 0.9, "top_k": 5}, {"top_p": 0.9, "top_k": 5}, []),
        ("claude-haiku-4-5", None, {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, ["top_p"]),
        ("claude-haiku-4-5", "low", {"temperature": 0.5, "top_k": 5}, {}, ["temperature", "top_k"]),
        ("claude-haiku-4-5", None, {"temperature": 1.0}, {"temperature": 1.0}, []),
        ("claude-haiku-4-5", "low", {"temperature": 1.5}, {}, ["temperature"]),
        ("claude-haiku-4-5", "low", {"top_p": 0.9}, {}, ["top_p"]),
        ("claude-opus-4-6", "low", {"top_p": 0.9}, {}, ["top_p"]),
        ("claude-opus-5", None, {"top_p": 0.9, "top_k": 5}, {}, ["top_p", "top_k"]),
    ],
)
def test_of_a_draw_claude_is_told_what_it_takes(
    model: str, effort: Effort | None, drawn: dict[str, Any], sent: dict[str, Any], names: list[str]
) -> None:
    """One of temperature and top_p, none beside thinking, and none at all by the newest models."""
    request = Request(model=model, messages=(HI,), reasoning=Reasoning(effort=effort), sampling=Sampling(**drawn))
    body = json.loads(msgspec.json.encode(encode_request(request).fields))
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert MESSAGES.encode_request(request).dropped == names


@pytest.mark.parametrize("kind", ["disabled", "between_tools"])
def test_what_asks_for_the_least_thinking_turns_it_off_elsewhere(kind: str) -> None:
    """Sonnet 5.5 has a word of its own for it."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": kind}}
    asking = msgspec.structs.replace(MESSAGES.decode_request(asked("anthropic_messages", body)), model="gpt-5.1")
    assert json.loads(bytes(CODECS["openai_responses"].encode_request(asking).fields["reasoning"])) == {
        "effort": "none"
    }


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-7"])
@pytest.mark.parametrize(
    ("choice", "thinks"), [("required", False), (NamedTool("f"), False), ("auto", True), ("none", True)]
)
def test_a_call_that_is_demanded_leaves_thinking_out(model: str, choice: Any, thinks: bool) -> None:
    """Claude refuses both at once; the call is what the customer's program waits for."""
    request = Request(
        model=model, messages=(HI,), tools=(Tool(name="f"),), tool_choice=choice, reasoning=Reasoning(effort="low")
    )
    assert ("thinking" in encode_request(request).fields) is thinks
    assert MESSAGES.encode_request(request).dropped == ([] if thinks else ["thinking"])
    assert "thinking" in encode_request(msgspec.structs.replace(request, tools=())).fields


@pytest.mark.parametrize(
    ("model", "choice", "left_out"),
    [
        ("claude-opus-4-5", "required", ["tool_choice"]),
        ("claude-opus-5-5", "required", ["tool_choice"]),
        ("claude-opus-4-5", "auto", []),
    ],
)
def test_a_demand_for_a_call_of_no_tool_at_all_is_named_as_left_out(
    model: str, choice: Any, left_out: list[str]
) -> None:
    """Only tools may be called that are not there."""
    tools = (Tool(name="f"),)
    request = Request(model=model, messages=(HI,), tools=tools, tool_choice=choice, allowed_tools=("unknown",))
    encoded = encode_request(request)
    assert encoded.fields.keys() & {"tools", "tool_choice"} == set()
    assert encoded.dropped == left_out


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("required", ["f", "g"]),
        (NamedTool("g"), ["g"]),
        (NamedTool("unknown"), ["f", "g"]),
        ("auto", ["f", "g"]),
        (None, ["f", "g"]),
    ],
)
def test_a_call_that_cannot_be_demanded_is_left_to_the_model(choice: Any, names: list[str]) -> None:
    """Opus 5.5 refuses demands; of one tool it may still be asked alone, and it thinks beside it as ever."""
    request = Request(
        model="claude-opus-5-5",
        messages=(HI,),
        tools=(Tool(name="f"), Tool(name="g")),
        tool_choice=choice,
        is_parallel=False,
        reasoning=Reasoning(effort="low"),
    )
    body = encode_request(request).fields
    assert json.loads(bytes(body["tool_choice"])) == {"type": "auto", "disable_parallel_tool_use": True}
    unsaid = encode_request(msgspec.structs.replace(request, is_parallel=None)).fields.get("tool_choice", b"null")
    assert json.loads(bytes(unsaid)) == ({"type": "auto"} if choice is not None else None)
    assert [tool["name"] for tool in json.loads(bytes(body["tools"]))] == names
    assert "thinking" in body
    assert MESSAGES.encode_request(request).dropped == ([] if choice in ("auto", None) else ["tool_choice"])


@pytest.mark.parametrize("to", ["openai_chat", "openai_responses", "gemini_generate"])
def test_prompt_cache_marks_are_named_where_they_are_left_out(to: Dialect) -> None:
    """Only Claude is told what to cache."""
    cached = Text(text="Hi", cache=CacheMark())
    for part in (cached, ToolResult(call_id="a", parts=(cached,))):
        request = Request(model="m", messages=(Message(role="user", parts=(part,)),))
        assert CODECS[to].encode_request(request).dropped == ["cache_control"]
    shell = Native(dialect=to, kind="x", document=raw({}))
    assert CODECS[to].encode_request(Request(model="m", messages=(), tools=(shell, Tool(name="f")))).dropped == []
    marked = Request(model="m", messages=(), tools=(shell, Tool(name="f", cache=CacheMark())))
    assert CODECS[to].encode_request(marked).dropped == ["cache_control"]


def test_of_many_tools_those_that_may_be_called_are_told() -> None:
    """None is looked for among all names."""

    class Name(CountedText):
        pass

    names = [f"f{index}" for index in range(300)]
    tools, allowed = tuple(Tool(name=name) for name in ("f", *names)), tuple(map(Name, names))
    body = encode_request(Request(model="claude-opus-4-5", messages=(HI,), tools=tools, allowed_tools=allowed)).fields
    assert [tool["name"] for tool in json.loads(bytes(body["tools"]))] == names
    assert Name.comparison_count < 3000


def test_what_is_left_out_is_named() -> None:
    """The operator can read what a request lost."""
    request = Request(
        model="claude-haiku-4-5",
        messages=(HI,),
        sampling=Sampling(seed=1, presence_penalty=0.5, frequency_penalty=0.5, temperature=1.0, top_p=0.5),
        output_format=OutputFormat(),
        cache_key="k",
    )
    assert MESSAGES.encode_request(request).dropped == [
        "seed", "presence_penalty", "frequency_penalty", "prompt_cache_key", "response_format", "top_p",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content", [[{"type": "image", "source": {"type": "moon"}}], [3], [{"type": "text", "text": 3}]]
)
def test_a_block_that_cannot_be_is_refused_by_name(content: list[Any]) -> None:
    """An unknown source, a number for a block, a number for a text."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    with pytest.raises(BadRequestError) as refused:
        MESSAGES.decode_request(asked("anthropic_messages", body))
    assert (refused.value.param or "").startswith("messages")


def test_calls_that_interleave_become_blocks_one_after_the_other() -> None:
    """The second waits with what has come of it; the first is never held."""
    encoder = MessagesStreamEncoder(opening())
    fed = [
        encoder.feed(event)
        for event in (
            Begun(model="m"),
            PartBegun(index=0, part=ToolCall(id="a", name="f", arguments="")),
            PartBegun(index=1, part=ToolCall(id="b", name="g", arguments="")),
            Delta(index=1, text="{}"),
            Delta(index=0, text='{"x":1}'),
            PartEnded(index=0),
            PartEnded(index=1),
            Stopped(stop="tool_use"),
        )
    ]

    def event(name: str, rest: str) -> str:
        return f'event: {name}\ndata: {{"type":"{name}",{rest}}}\n\n'

    def begun(index: int, call_id: str, tool: str) -> str:
        block = f'{{"type":"tool_use","id":"{call_id}","name":"{tool}","input":{{}}}}'
        return event("content_block_start", f'"index":{index},"content_block":{block}')

    def piece(index: int, text: str) -> str:
        delta = f'{{"type":"input_json_delta","partial_json":{json.dumps(text)}}}'
        return event("content_block_delta", f'"index":{index},"delta":{delta}')

    assert [data.decode() for data in fed[1:]] == [
        begun(0, "a", "f"),
        "",
        "",
        piece(0, '{"x":1}'),
        event("content_block_stop", '"index":0') + begun(1, "b", "g") + piece(1, "{}"),
        event("content_block_stop", '"index":1'),
        "",
    ]
    assert fed[0].startswith(b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",')
    assert json.loads(fed[0].split(b"data: ")[1])["message"]["usage"]["input_tokens"] == INPUT_TOKENS


FIGURES = {
    "input_tokens": 1,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 2,
    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
    "output_tokens": 9,
    "output_tokens_details": {"thinking_tokens": 5},
    "server_tool_use": {"web_search_requests": 7},
}
CITATION = {
    "type": "web_search_result_location",
    "url": "https://a.example",
    "title": "A",
    "cited_text": "b",
    "encrypted_index": "",
}
CALL_SIGNATURE = "relay.gemini_generate.c3.c2ln"
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def test_an_answer_is_written_as_anthropic_documents_messages() -> None:
    """Thoughts with their seals, a source, a picture, calls, every figure; what no message has is left out."""
    assert MESSAGES.encode_answer(ANSWER, USED, opening()) == msgspec.json.encode(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m-2",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": "Eq.c"},
                {"type": "text", "text": 'é"', "citations": [CITATION]},
                PICTURE,
                {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "c2", "name": "p", "input": {"input": "ab"}},
                {"type": "thinking", "thinking": "", "signature": CALL_SIGNATURE},
                {"type": "tool_use", "id": "c3", "name": "f", "input": {}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": FIGURES,
        }
    )


def test_a_stream_is_written_as_anthropic_documents_messages() -> None:
    """The same in events, block after block."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "H"},
                {"type": "thinking_delta", "thinking": "m"},
                {"type": "signature_delta", "signature": "EqQB"},
            ],
        ),
        ({"type": "redacted_thinking", "data": "Eq.c"}, []),
        (
            {"type": "text", "text": ""},
            [
                {"type": "text_delta", "text": "é"},
                {"type": "text_delta", "text": '"'},
                {"type": "citations_delta", "citation": CITATION},
            ],
        ),
        (PICTURE, []),
        (
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            [{"type": "input_json_delta", "partial_json": piece} for piece in ("{", "}")],
        ),
        (
            {"type": "tool_use", "id": "c2", "name": "p", "input": {}},
            [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"input":', '"a', 'b"}')],
        ),
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "signature_delta", "signature": CALL_SIGNATURE}],
        ),
        ({"type": "tool_use", "id": "c3", "name": "f", "input": {}}, []),
    ]
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-2", "content": []}
    no_writes = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    estimated = {"input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    message |= {"stop_reason": None, "stop_sequence": None}
    message |= {"usage": {**estimated, "cache_creation": no_writes, "output_tokens": 0}}
    said: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (block, deltas) in enumerate(blocks):
        said.append({"type": "content_block_start", "index": index, "content_block": block})
        said += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        said.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    said += {"type": "message_delta", "delta": end, "usage": FIGURES}, {"type": "message_stop"}
    encoder = MessagesStreamEncoder(opening())
    assert b"".join(map(encoder.feed, ANSWERED)) + encoder.finish(USED) == b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), msgspec.json.encode(each)) for each in said
    )


def block(index: int, told: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": told}


def piece(index: int, kind: str, **told: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **told}}


def ended(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def native(kind: str, told: dict[str, Any]) -> Native:
    return Native(dialect="anthropic_messages", kind=kind, document=msgspec.Raw(json.dumps(told).encode()))


def test_a_message_is_read_as_anthropic_documents_it() -> None:
    """Block by block; what only Messages has is kept as it came."""
    source = msgspec.structs.replace(CITED, start=None, end=None, native=native("web_search_result_location", CITATION))
    search: dict[str, Any] = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "Eq.c"},
        {"type": "text", "text": "é", "citations": [CITATION]},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        search,
    ]
    answer = {"id": "m", "model": "m-2", "content": content, "stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert MESSAGES.decode_answer(json.dumps(answer).encode()) == Answer(
        model="m-2",
        choices=(
            Choice(
                parts=(
                    Thinking(text="Hm", seal=SEAL),
                    Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True),
                    Text(text="é", citations=(source,)),
                    ToolCall(id="c1", name="f", arguments='{"a": 1}'),
                    native("server_tool_use", search),
                ),
                stop="stop_sequence",
                stop_sequence="END",
            ),
        ),
    )


def test_a_stream_is_read_as_anthropic_documents_it() -> None:
    """Block after block; what only Messages has is kept as it came, and what belongs to no block is passed over."""
    source = msgspec.structs.replace(CITED, start=None, end=None, native=native("web_search_result_location", CITATION))
    compaction = {"type": "compaction", "content": None}
    summary = msgspec.Raw(json.dumps({"type": "compaction_delta", "content": "x"}).encode())
    empty: dict[str, Any] = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    talk: list[tuple[dict[str, Any], list[StreamEvent]]] = [
        ({"type": "ping"}, []),
        ({"type": "message_start", "message": {"id": "m", "model": "m-2"}}, [Begun(model="m-2")]),
        (block(0, {"type": "thinking", "thinking": ""}), [PartBegun(index=0, part=Thinking(text=""))]),
        (piece(0, "thinking_delta", thinking="Hm"), [Delta(index=0, text="Hm")]),
        (piece(0, "thinking_delta", thinking=""), []),
        (piece(0, "signature_delta", signature="EqQB"), [Sealed(index=0, seal=SEAL)]),
        (piece(0, "signature_delta", signature=""), []),
        (ended(0), [PartEnded(index=0)]),
        (
            block(1, {"type": "redacted_thinking", "data": "Eq.c"}),
            [PartBegun(index=1, part=Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True))],
        ),
        (ended(1), [PartEnded(index=1)]),
        (block(2, {"type": "text", "text": ""}), [PartBegun(index=2, part=Text(text=""))]),
        (piece(2, "text_delta", text="é"), [Delta(index=2, text="é")]),
        (piece(2, "citations_delta", citation=CITATION), [Cited(index=2, citation=source)]),
        (ended(2), [PartEnded(index=2)]),
        (block(3, empty), [PartBegun(index=3, part=ToolCall(id="c1", name="f", arguments=""))]),
        (piece(3, "input_json_delta", partial_json=""), []),
        (piece(3, "input_json_delta", partial_json='{"a":1}'), [Delta(index=3, text='{"a":1}')]),
        (ended(3), [PartEnded(index=3)]),
        (
            block(4, {**empty, "input": {"a": 1}}),
            [PartBegun(index=4, part=ToolCall(id="c1", name="f", arguments='{"a": 1}'))],
        ),
        (ended(4), [PartEnded(index=4)]),
        (block(5, compaction), [PartBegun(index=5, part=native("compaction", compaction))]),
        (
            piece(5, "compaction_delta", content="x"),
            [NativeDelta(index=5, dialect="anthropic_messages", document=summary)],
        ),
        ({"type": "content_block_delta", "index": 5}, []),
        (ended(5), [PartEnded(index=5)]),
        ({"type": "content_block_start", "index": 6}, []),
        (piece(6, "text_delta", text="of no block"), []),
        (ended(6), []),
        ({"type": "message_delta"}, []),
        ({"type": "message_delta", "delta": {"stop_reason": None}}, []),
        (
            {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"}},
            [Stopped(stop="stop_sequence", stop_sequence="END")],
        ),
        ({"type": "message_stop"}, []),
    ]
    assert read_each("anthropic_messages", *(said for said, _ in talk)) == [*(read for _, read in talk), []]


@pytest.mark.parametrize("reason", ["end_turn", None])
def test_a_call_is_why_a_message_ended_where_the_host_says_otherwise(reason: str | None) -> None:
    """Whole and as a stream."""
    call: dict[str, Any] = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    [whole] = MESSAGES.decode_answer(json.dumps({"content": [call], "stop_reason": reason}).encode()).choices
    assert whole.stop == "tool_use"
    end = {"type": "message_delta", "delta": {"stop_reason": reason}}
    [*_, told, finished] = read_each("anthropic_messages", block(0, call), ended(0), end)
    assert [*told, *finished] == [Stopped(stop="tool_use")]


def test_many_calls_wait_for_their_turn() -> None:
    """None is looked for among all that wait."""

    class Index(CountedInt):
        pass

    encoder = MessagesStreamEncoder(opening())
    indexes = [Index(index) for index in range(300)]
    said: list[StreamEvent] = [
        *(PartBegun(index=index, part=ToolCall(id="a", name="f", arguments="")) for index in indexes),
        *(Delta(index=index, text=f"{index}") for index in indexes),
        *(PartEnded(index=index) for index in indexes[::-1]),
    ]
    pieces = [block["delta"]["partial_json"] for block in events(b"".join(map(encoder.feed, said))) if "delta" in block]
    assert pieces == [f"{index}" for index in indexes]
    assert 0 < Index.comparison_count < 3000


def test_the_end_tells_why_and_the_true_usage() -> None:
    """Cached and written tokens stand beside the input here."""
    encoder = MessagesStreamEncoder(opening())
    encoder.feed(Begun(model="m"))
    encoder.feed(Stopped(stop="stop_sequence", stop_sequence="END"))
    end = encoder.finish(Usage(input_tokens=1, cache_read_tokens=2, cache_write_1h_tokens=3, output_tokens=4))
    assert list(events(end)) == [
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
            "usage": {
                "input_tokens": 1,
                "cache_creation_input_tokens": 3,
                "cache_read_input_tokens": 2,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 3},
                "output_tokens": 4,
            },
        },
        {"type": "message_stop"},
    ]


def test_a_foreign_seal_travels_in_the_signature_and_finds_its_way_back() -> None:
    """A client of Anthropic's hands it back byte for byte; no other dialect's seal is taken for Claude's."""
    encoder = MessagesStreamEncoder(opening())
    pieces: list[StreamEvent] = [Begun(model="m"), PartBegun(index=0, part=Thinking(text=""))]
    stream = b"".join(map(encoder.feed, pieces)) + encoder.feed(
        Sealed(index=0, seal=Seal("openai_responses", "gA.b", "rs_1"))
    )
    signature = [event["delta"]["signature"] for event in events(stream) if event["type"] == "content_block_delta"]
    block = {"type": "thinking", "thinking": "", "signature": signature[0]}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [block]}]}
    [message] = MESSAGES.decode_request(asked("anthropic_messages", body)).messages
    assert message.parts == (Thinking(text="", seal=Seal("openai_responses", "gA.b", "rs_1")),)


def test_every_recorded_stream_reads_natively_after_its_round_trip() -> None:
    """What the encoder writes is a sound stream to the native reader: its end mark is seen."""
    for expected in streams("anthropic_messages"):
        reader = RULES["anthropic_messages"].stream_reader(exchange("anthropic_messages"))
        reader.feed(translated_stream(expected, "anthropic_messages"))
        assert reader.is_ended is (expected.outcome not in ("truncated", "upstream_error")), expected.name


def test_the_seal_of_a_call_travels_before_it_and_finds_its_way_back() -> None:
    """Gemini seals calls, for which Messages has no place: a thought without words carries it."""
    encoder = MESSAGES.stream_encoder(opening())
    call = ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini_generate", "c2ln"))
    fed: list[StreamEvent] = [Begun(model="m"), PartBegun(index=0, part=call), PartEnded(index=0)]
    said = list(events(b"".join([encoder.feed(event) for event in fed])))
    assert [event.get("content_block") or event.get("delta") for event in said[1:]] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "signature_delta", "signature": "relay.gemini_generate.c1.c2ln"},
        None,
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        {"type": "input_json_delta", "partial_json": "{}"},
        None,
    ]
    answer = Answer(model="m", choices=(Choice(parts=(call,), stop="tool_use"),))
    content = json.loads(MESSAGES.encode_answer(answer, Usage(), opening()))["content"]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": content}]}
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    assert request.messages == (Message(role="assistant", parts=(call,)),)


def test_a_seal_that_comes_after_its_call_has_begun_is_not_written_into_it() -> None:
    """A block of a call has no place for it."""
    encoder = MESSAGES.stream_encoder(opening())
    encoder.feed(PartBegun(index=0, part=ToolCall(id="c1", name="f", arguments="")))
    assert encoder.feed(Sealed(index=0, seal=Seal("gemini_generate", "c2ln"))) == b""


def test_a_prompt_that_is_only_to_be_cached_is_anthropics_alone() -> None:
    """No other API takes a request for an answer of no tokens."""
    body = {"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "Hi"}]}
    assert MESSAGES.decode_request(asked("anthropic_messages", body)).unanswerable == ("max_tokens",)


WRITTEN = {
    "model": "claude-haiku-4-5",
    "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind"}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                    "title": "a.pdf",
                },
                {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "x"},
                {"type": "redacted_thinking", "data": "y"},
                {"type": "text", "text": "Hm"},
                {"type": "text", "text": "So"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "c2", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c_2b_3", "name": "p", "input": {"input": "a+b"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
                },
                {"type": "tool_result", "tool_use_id": "c2", "content": "3", "is_error": True},
                {"type": "tool_result", "tool_use_id": "c_2b_3", "content": "4"},
                {"type": "text", "text": "Well"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "No"}]},
    ],
    "stream": True,
    "tools": [
        {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "p",
            "description": "d",
            "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
        },
    ],
    "max_tokens": 32000,
    "metadata": {"user_id": "u"},
}


def test_a_talk_is_written_as_anthropic_documents_messages() -> None:
    """Ids of calls have letters, digits, hyphens and underscores alone; thoughts that it signed go back to it, no others."""
    written = MESSAGES.encode_request(
        talk(
            "claude-haiku-4-5",
            asked=(File(source=FileId("anthropic_messages", "file_1")), File(source=Link("https://a.example/b.pdf"))),
            said=(
                Thinking(text="t", seal=Seal("anthropic_messages", "x")),
                Thinking(text="", is_redacted=True, seal=Seal("anthropic_messages", "y")),
                Thinking(text="z"),
            ),
        )
    ).fields
    assert json.loads(msgspec.json.encode(written)) == WRITTEN


CACHED, CACHED_1H = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
SHELL = {"type": "bash_20250124", "name": "bash"}
PARTS_OF_A_DOCUMENT = {"type": "document", "source": {"type": "content", "content": "x"}}
ASKED = {
    "model": "m",
    "max_tokens": 9000,
    "stream": True,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "stop_sequences": ["a"],
    "metadata": {"user_id": "u"},
    "system": [{"type": "text", "text": "Be", "cache_control": CACHED_1H}],
    "tools": [
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True, "cache_control": CACHED},
        {"type": "custom", "name": "g", "input_schema": None, "cache_control": CACHED_1H},
        SHELL,
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "string"}}},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look", "cache_control": CACHED},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                    "cache_control": CACHED,
                },
                {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
                {
                    "type": "document",
                    "source": {"type": "file", "file_id": "file_1"},
                    "title": "a.pdf",
                    "cache_control": CACHED,
                },
                PARTS_OF_A_DOCUMENT,
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
                {"type": "thinking", "thinking": "Um"},
                {"type": "redacted_thinking", "data": "Eq.c"},
                {"type": "text", "text": "So"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1.0}, "cache_control": CACHED},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "1"}],
                    "cache_control": CACHED,
                },
                {"type": "tool_result", "tool_use_id": "c2", "content": "2"},
                {"type": "tool_result", "tool_use_id": "c3"},
            ],
        },
        {"role": "system", "content": "Go on"},
    ],
}


def test_a_request_is_read_as_anthropic_documents_messages() -> None:
    """With every field of it."""
    mark = CacheMark()
    assert MESSAGES.decode_request(asked("anthropic_messages", ASKED)) == Request(
        model="m",
        messages=(
            Message(role="system", parts=(Text(text="Be", cache=CacheMark("1h")),)),
            Message(
                role="user",
                parts=(
                    Text(text="Look", cache=mark),
                    Picture(source=Inline("image/png", "aGk="), cache=mark),
                    Picture(source=Link("https://a.example/b.png")),
                    File(source=FileId("anthropic_messages", "file_1"), name="a.pdf", cache=mark),
                    Native(dialect="anthropic_messages", kind="document", document=raw(PARTS_OF_A_DOCUMENT)),
                ),
            ),
            Message(
                role="assistant",
                parts=(
                    Thinking(text="Hm", seal=SEAL),
                    Thinking(text="Um"),
                    Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True),
                    Text(text="So"),
                    ToolCall(id="c1", name="f", arguments='{"a": 1.0}', cache=mark),
                ),
            ),
            Message(
                role="user",
                parts=(
                    ToolResult(call_id="c1", parts=(Text(text="1"),), is_error=True, cache=mark),
                    ToolResult(call_id="c2", parts=(Text(text="2"),)),
                    ToolResult(call_id="c3", parts=()),
                ),
            ),
            Message(role="system", parts=(Text(text="Go on"),)),
        ),
        stream=True,
        tools=(
            Tool(name="f", description="d", schema=raw({"type": "object"}), is_strict=True, cache=mark),
            Tool(name="g", cache=CacheMark("1h")),
            Native(dialect="anthropic_messages", kind="bash_20250124", document=raw(SHELL)),
        ),
        tool_choice=NamedTool("f"),
        is_parallel=False,
        output_format=OutputFormat(schema=raw({"type": "string"}), is_strict=True),
        reasoning=Reasoning(effort="low", budget_tokens=2000, is_shown=False),
        sampling=Sampling(output_tokens_max=9000, temperature=0.5, top_p=0.9, top_k=5, stop=("a",)),
        user="u",
        dropped=("messages.content.source.content",),
    )


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}}, {"tool_choice": "auto", "is_parallel": True}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {}}, {"tool_choice": "auto"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"reasoning": Reasoning(budget_tokens=2000, is_shown=True)}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning": Reasoning(is_adaptive=True)}),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, {"reasoning": Reasoning(is_adaptive=True, is_shown=True)}),
        ({"thinking": {"type": "disabled"}}, {"reasoning": Reasoning(is_off=True)}),
        ({"output_config": {"effort": "max"}}, {"reasoning": Reasoning(effort="max")}),
        ({"output_format": {"type": "json_schema", "schema": {"type": "object"}}}, {"output_format": OutputFormat(schema=raw({"type": "object"}), is_strict=False)}),
        ({"output_config": {"format": {"type": "json_schema"}}}, {"output_format": OutputFormat(is_strict=False)}),
        ({"mcp_servers": [{"type": "url"}], "container": "c", "thread": {}}, {"unanswerable": ("mcp_servers", "container", "thread")}),
        ({"mcp_servers": [], "container": None}, {}),
        ({"system": "Be"}, {"messages": (Message(role="system", parts=(Text(text="Be"),)), HI)}),
        ({"system": None, "metadata": None, "tools": None, "stop_sequences": None, "thinking": None, "output_config": None}, {}),
    ],
)  # fmt: skip
def test_what_a_member_of_messages_says_is_read(members: dict[str, Any], read: dict[str, Any]) -> None:
    """In each of its forms; null says nothing, and no more does a list of no servers, which some clients always send."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **members}
    plain = Request(model="m", messages=(HI,), sampling=Sampling(output_tokens_max=9))
    assert MESSAGES.decode_request(asked("anthropic_messages", body)) == msgspec.structs.replace(plain, **read)


def within(depth: int) -> dict[str, Any]:
    """Return a result of a result, and so on."""
    block: dict[str, Any] = {"type": "text", "text": "Hi"}
    for _ in range(depth):
        block = {"type": "tool_result", "tool_use_id": "a", "content": [block]}
    return block


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"messages": [{"role": "critic", "content": "Hi"}]}, "messages"),
        ({"system": [3]}, "system"),
        ({"messages": [{"role": "user", "content": [within(400)]}]}, "messages"),
    ],
)
def test_a_member_of_messages_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """An unknown choice, an unknown role, a number for a block, results within results."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **members}
    with pytest.raises(BadRequestError) as refused:
        MESSAGES.decode_request(asked("anthropic_messages", body))
    assert refused.value.param == param


def test_a_wish_is_written_as_anthropic_documents_messages() -> None:
    """Every setting of it."""
    asking = wish("claude-opus-4-1")
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    assert [tool["name"] for tool in body.pop("tools")] == ["f", "p"]
    assert body == {
        "model": "claude-opus-4-1",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "max_tokens": 9999,
        "temperature": 0.5,
        "top_k": 5,
        "stop_sequences": ["a"],
        "metadata": {"user_id": "u"},
    }
    assert MESSAGES.encode_request(asking).dropped == [
        "seed", "presence_penalty", "frequency_penalty", "verbosity", "prompt_cache_key", "messages.name",
        "response_format.description", "thinking", "top_p",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "is_parallel", "written"),
    [
        (None, None, None),
        (None, True, {"type": "auto", "disable_parallel_tool_use": False}),
        ("auto", None, {"type": "auto"}),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("none", None, {"type": "none"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        (NamedTool("f"), None, {"type": "tool", "name": "f"}),
        (NamedTool("f"), True, {"type": "tool", "name": "f", "disable_parallel_tool_use": False}),
    ],
)
def test_which_tool_is_to_be_called_is_said_as_anthropic_documents_it(
    choice: Any, is_parallel: bool | None, written: dict[str, Any] | None
) -> None:
    """All tools are told; where there are none, nothing is said of them."""
    asking = Request(
        model="claude-opus-4-1",
        messages=(HI,),
        tools=(Tool(name="f"), Tool(name="g")),
        tool_choice=choice,
        is_parallel=is_parallel,
    )
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    assert (body.get("tool_choice"), [tool["name"] for tool in body["tools"]]) == (written, ["f", "g"])
    bare = encode_request(msgspec.structs.replace(asking, tools=()))
    assert bare.fields.keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("tool", "written"),
    [
        (Tool(name="f"), {"input_schema": {"type": "object", "properties": {}}}),
        (
            Tool(name="f", description="d", schema=raw({"type": "object", "properties": {"a": {}}}), is_strict=True, cache=CacheMark("1h")),
            {
                "description": "d",
                "input_schema": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
                "strict": True,
                "cache_control": CACHED_1H,
            },
        ),
        (Tool(name="f", is_strict=False, cache=CacheMark()), {"input_schema": {"type": "object", "properties": {}}, "cache_control": CACHED}),
        (
            Tool(name="f", kind="custom", grammar=raw("x"), cache=CacheMark()),
            {
                "description": '\n\nThe input follows this grammar:\n"x"',
                "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
                "cache_control": CACHED,
            },
        ),
        (
            Tool(name="f", kind="custom", description="d", grammar=raw({"type": "text"})),
            {
                "description": "d",
                "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
            },
        ),
    ],
)  # fmt: skip
def test_a_tool_is_written_as_anthropic_documents_it(tool: Tool, written: dict[str, Any]) -> None:
    """Those of Claude alone as they came."""
    shell = Native(dialect="anthropic_messages", kind="bash_20250124", document=raw(SHELL))
    body = encode_request(Request(model="claude", messages=(HI,), tools=(tool, shell))).fields
    assert json.loads(bytes(body["tools"])) == [{"name": "f", **written}, SHELL]


def test_what_a_talk_holds_is_written_block_by_block() -> None:
    """With its cache marks; what is empty or blank is left out, as Claude refuses it."""
    mark = CacheMark()
    talk = (
        Message(role="system", parts=(Text(text=""), Text(text=" \n"), Text(text="Be", cache=mark))),
        Message(role="developer", parts=(Text(text="kind"),)),
        Message(
            role="user",
            parts=(
                Text(text=""),
                Picture(source=Link("https://a.example/b.png"), cache=mark),
                File(source=FileId("anthropic_messages", "file_1"), name="a.pdf", cache=CacheMark("1h")),
                File(source=Inline("application/pdf", "aGk=")),
            ),
        ),
        Message(role="assistant", parts=(Text(text="\n\n"), Thinking(text="Hm"))),
        Message(role="user", parts=(Text(text="Go on"),)),
        Message(
            role="assistant",
            parts=(
                Thinking(text="Hm", seal=SEAL),
                Thinking(text="", seal=HIDDEN_SEAL, is_redacted=True),
                Refusal(text=""),
                Refusal(text="No"),
                ToolCall(id="c.1", name="f", arguments="", cache=mark),
                ToolCall(id="", name="p", arguments="a", kind="custom"),
            ),
        ),
        Message(
            role="user",
            parts=(
                Text(text="So"),
                ToolResult(call_id="c.1", parts=(), is_error=True, cache=mark),
                ToolResult(call_id="", parts=(Text(text="1", cache=mark),)),
                ToolResult(call_id="c3", parts=(Text(text="1"), Text(text="2"))),
            ),
        ),
    )
    body = json.loads(msgspec.json.encode(encode_request(Request(model="claude", messages=talk)).fields))
    assert body["system"] == [{"type": "text", "text": "Be", "cache_control": CACHED}, {"type": "text", "text": "kind"}]
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "url", "url": "https://a.example/b.png"},
                    "cache_control": CACHED,
                },
                {
                    "type": "document",
                    "source": {"type": "file", "file_id": "file_1"},
                    "title": "a.pdf",
                    "cache_control": CACHED_1H,
                },
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
                {"type": "text", "text": "Go on"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": "Eq.c"},
                {"type": "text", "text": "No"},
                {"type": "tool_use", "id": "c_2e_1", "name": "f", "input": {}, "cache_control": CACHED},
                {"type": "tool_use", "id": "call", "name": "p", "input": {"input": "a"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c_2e_1", "is_error": True, "cache_control": CACHED},
                {
                    "type": "tool_result",
                    "tool_use_id": "call",
                    "content": [{"type": "text", "text": "1", "cache_control": CACHED}],
                },
                {
                    "type": "tool_result",
                    "tool_use_id": "c3",
                    "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
                },
                {"type": "text", "text": "So"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Picture(source=FileId("openai_responses", "f")), "messages.content.file_id"),
        (File(source=FileId("gemini_generate", "f")), "messages.content.file_id"),
        (Audio(source=Inline("audio/wav", "aGk=")), "messages.content.audio"),
        (Native(dialect="openai_chat", kind="x", document=raw({})), "messages.content.x"),
    ],
)
def test_a_part_that_messages_have_no_form_for_is_refused_by_name(part: Part, param: str) -> None:
    """What is kept elsewhere, sound, and what only another dialect has."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="claude", messages=(Message(role="user", parts=(part,)),)))
    assert (refused.value.param, refused.value.params) == (param, {"dialect": "anthropic_messages"})


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("claude-opus-4-6", ["low", "medium", "high", "high", "max"]),
        ("claude-sonnet-4-7", ["low", "medium", "high", "high", "max"]),
        ("claude-opus-4-7", ["low", "medium", "high", "xhigh", "max"]),
        ("anthropic/claude-opus-4.7", ["low", "medium", "high", "xhigh", "max"]),
        ("claude-sonnet-5", ["low", "medium", "high", "xhigh", "max"]),
        ("claude-haiku-5-5", ["low", "medium", "high", "xhigh", "max"]),
        ("claude-mythos-preview", ["low", "medium", "high", "high", "max"]),
        ("claude-3-opus", [None, None, None, None, None]),
    ],
)
def test_an_effort_is_the_nearest_that_the_model_takes(model: str, taken: list[Effort | None]) -> None:
    """Each generation has more words for it; older ones have budgets."""
    asked_for: list[Effort] = ["low", "medium", "high", "xhigh", "max"]
    bodies = [
        encode_request(Request(model=model, messages=(HI,), reasoning=Reasoning(effort=effort))).fields
        for effort in asked_for
    ]
    assert [json.loads(bytes(body.get("output_config", b"{}"))).get("effort") for body in bodies] == taken


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("claude-3-opus", "disabled"),
        ("claude-sonnet-5", "disabled"),
        ("claude-sonnet-5-5", "between_tools"),
        ("claude-opus-5", "disabled"),
        ("claude-opus-5-5", None),
    ],
)
def test_thinking_is_turned_off_by_the_models_own_word(model: str, kind: str | None) -> None:
    """Or not at all."""
    body = encode_request(Request(model=model, messages=(HI,), reasoning=Reasoning(is_off=True))).fields
    assert json.loads(bytes(body.get("thinking", b"{}"))).get("type") == kind


@pytest.mark.parametrize(("to", "model"), [("anthropic_messages", "claude-opus-4-1"), ("openai_chat", "qwen3-max")])
def test_of_tools_that_may_not_be_called_none_is_told(to: Dialect, model: str) -> None:
    """Those that the vendor has itself among them."""
    own = Native(dialect=to, kind="x", document=raw({"type": "x"}))
    asking = Request(model=model, messages=(HI,), tools=(own, Tool(name="f"), Tool(name="g")), allowed_tools=("g",))
    [told] = json.loads(bytes(CODECS[to].encode_request(asking).fields["tools"]))
    assert told.get("name", told.get("function", {}).get("name")) == "g"


def test_one_plain_instruction_is_a_text_and_a_talk_that_the_assistant_begins_keeps_it() -> None:
    """Only instructions alone are the user's."""
    talk = (Message(role="system", parts=(Text(text="Be"),)), Message(role="assistant", parts=(Text(text="Hi"),)))
    body = json.loads(msgspec.json.encode(encode_request(Request(model="claude", messages=talk)).fields))
    assert (body["system"], [turn["role"] for turn in body["messages"]]) == ("Be", ["assistant"])


@pytest.mark.parametrize("source", [Inline("text/plain", "aGk="), FileId("openai_responses", "file-1")])
@pytest.mark.parametrize(("name", "names"), [("a.txt", ["messages.content.filename"]), (None, [])])
def test_the_name_of_a_file_is_named_where_chat_has_no_place_for_it(
    source: Inline | FileId, name: str | None, names: list[str]
) -> None:
    """Of a text, which it is told as, and of what OpenAI keeps; one without a name has none to lose."""
    file = File(source=source, name=name)
    request = Request(model="m", messages=(Message(role="user", parts=(Text(text="Hi"), file)),))
    assert CODECS["openai_chat"].encode_request(request).dropped == names


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        (
            (Text(text=" Hm\n"), Text(text=" So \n")),
            [{"type": "text", "text": " Hm\n"}, {"type": "text", "text": " So"}],
        ),
        ((Text(text="So"), Text(text="\n")), [{"type": "text", "text": "So"}]),
        (
            (Text(text="So "), ToolCall(id="a", name="f", arguments="{}")),
            [{"type": "text", "text": "So "}, {"type": "tool_use", "id": "a", "name": "f", "input": {}}],
        ),
    ],
)
def test_what_claude_is_to_go_on_from_does_not_end_in_blanks(parts: tuple[Part, ...], written: list[Any]) -> None:
    """It refuses them; those of earlier answers stay."""
    said = Message(role="assistant", parts=(Text(text="Hi \n"),))
    talk = (HI, said, HI, Message(role="assistant", parts=parts))
    turns = json.loads(bytes(encode_request(Request(model="claude", messages=talk)).fields["messages"]))
    assert turns[1]["content"] == [{"type": "text", "text": "Hi \n"}]
    assert turns[3]["content"] == written


def test_a_question_may_end_in_blanks() -> None:
    """Claude refuses them only at the end of what it is to go on from."""
    talk = (Message(role="user", parts=(Text(text="Hi \n"),)),)
    encoded = encode_request(Request(model="claude", messages=talk))
    assert json.loads(bytes(encoded.fields["messages"])) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi \n"}]}
    ]


@pytest.mark.parametrize(
    ("stop", "sent", "left_out"),
    [(("\n", "END"), b'["END"]', ["stop"]), ((" ",), None, ["stop"]), (("END",), b'["END"]', [])],
)
def test_blank_stop_sequences_are_left_out(stop: tuple[str, ...], sent: bytes | None, left_out: list[str]) -> None:
    """Claude refuses them."""
    request = Request(model="claude", messages=(HI,), sampling=Sampling(stop=stop))
    encoded = encode_request(request)
    written = encoded.fields.get("stop_sequences")
    assert (bytes(written) if written is not None else None, encoded.dropped) == (sent, left_out)


def test_claude_codes_own_line_for_anthropic_is_left_out() -> None:
    """It differs in each request, and caches of other vendors go by how a prompt begins; it is named."""
    line = "x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=36ee5;"
    kept = (f"Be kind.\n{line}", f"{line}\nBe kind.", f"Never say {line}")
    system = [{"type": "text", "text": text} for text in (line, *kept)]
    body = {"model": "m", "max_tokens": 9, "system": system, "messages": [{"role": "user", "content": line}]}
    request = MESSAGES.decode_request(asked("anthropic_messages", body))
    assert request.messages == (
        Message(role="system", parts=tuple(Text(text=text) for text in kept)),
        Message(role="user", parts=(Text(text=line),)),
    )
    assert request.dropped == ("system.billing_line",)

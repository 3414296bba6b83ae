"""Chat in and out of the hub: what came in goes out, and nothing else.

*Equivalent* means, for a completion: the same model and time, and for each choice the same text,
refusal, thinking, tool calls (ids, names, arguments byte for byte), named sources (those that a
search found where the message names none), and finish reason. Ids of answers are ours; fingerprints, tiers, log probabilities, filter results and what
vendors add of their own (`cost`, `provider`, `x_groq` ...) are not carried. Usage is compared
where it is read. For a stream the same holds of the message that its chunks add up to.

For a request: the same members, but for the spellings that `same` writes out.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from openai.lib.streaming._deltas import accumulate_delta

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError, NotCarriedError
from relay.core.exchange import Dialect
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
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import (
    Audio,
    CacheMark,
    Citation,
    Effort,
    File,
    FileId,
    Image,
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
    ToolChoice,
    ToolResult,
)
from relay.core.hub.openai_chat.request_encoder import encode_request
from relay.core.hub.openai_chat.stream_decoder import HELD_BYTES_MAX, ChatStreamDecoder
from relay.core.hub.openai_chat.stream_encoder import ChatStreamEncoder
from relay.core.hub.openai_chat.thoughts import Detail, read_details
from relay.core.hub.seals import SKIPPED_SIGNATURE
from relay.core.usage import Usage
from tests.core.dialects.recordings import Expected
from tests.core.dialects.replay import answer_bytes, exchange

from .comparisons import CountedText
from .recorded import (
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
from .talks import ANSWER, ANSWERED, CITED, PDF, SAMPLING, USED, talk, wish

CHAT = CODECS["openai_chat"]
OURS = re.compile(r"call_relay([0-9a-f]{16}|made)")
"""An id that relay made, for a call that came without one."""


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """Return the text of a content, one string or Mistral's list."""
    return content if isinstance(content, str) else "".join(piece.get("text", "") for piece in content or ())


def told(message: dict[str, Any]) -> dict[str, Any]:
    """Return what a whole message tells."""
    calls = message.get("tool_calls") or []
    if called := message.get("function_call"):
        calls = [{"id": called["name"], "function": called}]
    return {
        "text": text_of(message.get("content")),
        "refusal": message.get("refusal") or "",
        "thinking": message.get("reasoning_content") or message.get("reasoning") or "",
        "calls": [
            [OURS.sub("", call["id"]), call["function"]["name"], call["function"]["arguments"] or "{}"]
            for call in calls
        ],
        "sources": [each["url_citation"]["url"] for each in message.get("annotations") or () if "url_citation" in each],
    }


def told_by_chunks(stream: bytes) -> dict[int, dict[str, Any]]:
    """Return what the choices of a stream tell, added up from their chunks."""
    choices: dict[int, dict[str, Any]] = {}
    for choice in (choice for chunk in events(stream) for choice in chunk.get("choices") or ()):
        empty: dict[str, Any] = {"text": "", "refusal": "", "thinking": "", "calls": {}, "finish_reason": None}
        said, delta = choices.setdefault(choice["index"], empty), choice.get("delta") or {}
        said["text"] += text_of(delta.get("content"))
        said["refusal"] += delta.get("refusal") or ""
        said["thinking"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
        said["finish_reason"] = said["finish_reason"] or choice.get("finish_reason")
        for call in delta.get("tool_calls") or ():
            piece = said["calls"].setdefault(call.get("index", 0), ["", "", ""])
            piece[0] += (call.get("id") or "") if not piece[0] else ""
            piece[1] += call["function"].get("name") or ""
            piece[2] += call["function"].get("arguments") or ""
    for said in choices.values():
        for call in said["calls"].values():
            call[2] = call[2] or "{}"
        if said["finish_reason"] == "stop" and said["calls"]:
            said["finish_reason"] = "tool_calls"  # some hosts say "stop" beside calls
    return choices


@pytest.mark.parametrize("expected", bodies("openai_chat"), ids=lambda each: each.name)
def test_a_completion_comes_back_equivalent(expected: Expected) -> None:
    """Every recorded completion."""
    before, after = (
        json.loads(body) for body in (answer_bytes(expected.name), translated_body(expected, "openai_chat"))
    )
    reasons = {"function_call": "tool_calls", None: "stop"}
    assert after["model"] == before.get("model", "m")
    assert len(after["choices"]) == len(before["choices"])
    for then, now in zip(before["choices"], after["choices"], strict=True):
        was = told(then.get("message") or {})
        was["sources"] = was["sources"] or [found["url"] for found in before.get("search_results", ())]
        assert told(now["message"]) == was
        reason = reasons.get(then.get("finish_reason"), then.get("finish_reason"))
        assert now["finish_reason"] == ("tool_calls" if was["calls"] and reason == "stop" else reason)


@pytest.mark.parametrize("expected", streams("openai_chat"), ids=lambda each: each.name)
def test_a_stream_comes_back_equivalent_for_every_cut(expected: Expected) -> None:
    """Every recorded stream, read whole and byte by byte."""
    whole = translated_stream(expected, "openai_chat")
    before, after = told_by_chunks(answer_bytes(expected.name)), told_by_chunks(whole)
    for said in before.values():
        said["finish_reason"] = said["finish_reason"] or "stop"  # as of a completion
    if expected.outcome in ("complete", "empty", "refused"):
        assert after == before
        assert whole.endswith(b"data: [DONE]\n\n")
    assert translated_stream(expected, "openai_chat", 1) == whole


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body in the one spelling that the encoder writes, of several with one meaning."""
    body = {
        name: value for name, value in body.items() if value is not None and name not in ("stream_options", "store")
    }
    if "max_completion_tokens" in body and not body["model"].startswith(("o", "gpt-5")):
        body["max_tokens"] = body.pop("max_completion_tokens")
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    if body.get("stream") is False:
        del body["stream"]
    for tool in body.get("tools", ()):
        tool["function"] = {name: value for name, value in tool["function"].items() if value is not None}
    body["messages"] = [_same_message(message) for message in body["messages"]]
    return body


def _same_message(message: dict[str, Any]) -> dict[str, Any]:
    message = {name: value for name, value in message.items() if value is not None and name != "annotations"}
    content = message.get("content")
    if message["role"] in ("system", "developer"):
        message["role"] = "system"
    if isinstance(content, list) and (len(content) == 1 or message["role"] != "user") and "text" in content[0]:
        message["content"] = "\n\n".join(part["text"] for part in content)
    if message["role"] == "assistant":
        message.setdefault("content", None)
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": call["function"]}
            for call in message.get("tool_calls", ())
        ]
        if not message["tool_calls"]:
            del message["tool_calls"]
    return message


REQUESTS = [
    "openai-chat/plain", "openai-chat/tools", "openai-chat/tool-result", "openai-chat/tools-parallel-stream",
    "openai-chat/vision-url", "openai-chat/vision-base64", "openai-chat/json-schema", "openai-chat/audio-input",
    "openai-chat/n2", "openai-chat/reasoning", "openai-chat/stream-usage",
    "clients/openai-python-chat", "clients/openai-python-chat-stream-tools", "clients/openai-node-chat-stream",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_comes_back_equivalent(name: str) -> None:
    """Recorded requests with tools, their results, pictures, sound, schemas and several choices."""
    body = recorded_request(name)
    assert body is not None
    request = CHAT.decode_request(asked("openai_chat", body))
    written = json.loads(msgspec.json.encode(CHAT.encode_request(request).fields))
    assert same(written) == same(body)


def test_tool_results_are_the_users_and_follow_their_calls() -> None:
    """A turn with two calls, and the two messages that answer them."""
    calls = [{"id": f"c{i}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in (1, 2)]
    messages = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
    ]
    request = CHAT.decode_request(asked("openai_chat", {"model": "m", "messages": messages}))
    assert [part for message in request.messages for part in message.parts] == [
        ToolCall(id="c1", name="f", arguments="{}"),
        ToolCall(id="c2", name="f", arguments="{}"),
        ToolResult(call_id="c1", parts=(Text(text="one"),)),
        ToolResult(call_id="c2", parts=(Text(text="two"),)),
    ]


def test_pictures_of_tools_follow_the_results_of_all_calls() -> None:
    """OpenAI refuses a turn that stands between calls and their results; Responses tells each result apart."""
    picture = Image(source=Inline("image/png", "aGk="))
    results = (
        Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="one"), picture)),)),
        Message(role="user", parts=(ToolResult(call_id="c2", parts=(Text(text="two"),)),)),
        Message(role="user", parts=(Text(text="And?"),)),
    )
    assert json.loads(bytes(encode_request(Request(model="gpt-4o", messages=results)).fields["messages"])) == [
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
        {"role": "user", "content": "And?"},
    ]


@pytest.mark.parametrize(
    ("model", "value", "is_told"),
    [
        ("gpt-5.5", "c2ln", False),
        ("gemini-3-pro", "c2ln", True),
        ("an-alias-of-it", "c2ln", True),
        ("google/Gemini-3-pro", SKIPPED_SIGNATURE, True),
        ("an-alias-of-it", SKIPPED_SIGNATURE, False),
    ],
)
def test_openais_own_models_are_shown_no_signature_of_gemini(model: str, value: str, is_told: bool) -> None:
    """Google's form of chat takes its own, by whatever name; what stands in for one goes to Gemini alone."""
    call = ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini_generate", value))
    talk = (Message(role="assistant", parts=(call,)),)
    [said] = json.loads(bytes(encode_request(Request(model=model, messages=talk)).fields["messages"]))
    told = {"google": {"thought_signature": value}} if is_told else None
    assert said["tool_calls"][0].get("extra_content") == told
    foreign = Message(role="assistant", parts=(msgspec.structs.replace(call, seal=Seal("anthropic_messages", value)),))
    [said] = json.loads(bytes(encode_request(Request(model=model, messages=(foreign,))).fields["messages"]))
    assert "extra_content" not in said["tool_calls"][0]


def test_the_old_form_of_functions_is_read() -> None:
    """`functions`, `function_call` and the role `function` of the first release with tools."""
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
            {"role": "function", "name": "f", "content": "done"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }
    request = CHAT.decode_request(asked("openai_chat", body))
    assert request.tool_choice == NamedTool("f")
    assert request.messages[1].parts == (ToolCall(id="f", name="f", arguments='{"a":1}'),)
    assert request.messages[2].parts == (ToolResult(call_id="f", parts=(Text(text="done"),), name="f"),)


@pytest.mark.parametrize(
    ("members", "reasoning"),
    [
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        ({"reasoning_effort": "none"}, Reasoning(effort="none", is_off=True)),
        ({"thinking": {"type": "enabled"}}, Reasoning(is_adaptive=True)),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, Reasoning(budget_tokens=4000)),
        ({"thinking": {"type": "disabled"}}, Reasoning(is_off=True)),
        ({}, Reasoning()),
    ],
)
def test_how_much_to_think_is_read(members: dict[str, Any], reasoning: Reasoning) -> None:
    """OpenAI's effort, and the switch of DeepSeek and Zhipu."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    assert CHAT.decode_request(asked("openai_chat", body)).reasoning == reasoning


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "critic", "content": "Hi"}, "messages"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages"),
        ({"role": "user", "content": [{}]}, "messages"),
        ({"role": "user", "content": 3}, "messages[0].content"),
    ],
)
def test_a_message_that_cannot_be_is_refused_by_name(message: dict[str, Any], param: str) -> None:
    """An unknown role, a part without what it should hold or what it is, a number for a text."""
    with pytest.raises(BadRequestError) as refused:
        CHAT.decode_request(asked("openai_chat", {"model": "m", "messages": [message]}))
    assert refused.value.param == param


@pytest.mark.parametrize("tool", [{}, {"type": None}, {"type": "function"}, {"type": "custom"}], ids=repr)
def test_a_tool_that_is_not_described_is_refused(tool: dict[str, Any]) -> None:
    """It is a function, whether or not it says so, and no vendor's own."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    with pytest.raises(BadRequestError) as refused:
        CHAT.decode_request(asked("openai_chat", body))
    assert refused.value.param == "tools"


DRAWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def test_a_picture_that_a_model_drew_is_told_again() -> None:
    """In OpenRouter's form, as relay tells it: Gemini goes on from it."""
    said = {"role": "assistant", "content": "Here", "images": [DRAWN]}
    body = {"model": "m", "messages": [{"role": "user", "content": "Draw"}, said, {"role": "user", "content": "Bluer"}]}
    request = CHAT.decode_request(asked("openai_chat", body))
    assert json.loads(bytes(CODECS["gemini_generate"].encode_request(request).fields["contents"])) == [
        {"role": "user", "parts": [{"text": "Draw"}]},
        {"role": "model", "parts": [{"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
        {"role": "user", "parts": [{"text": "Bluer"}]},
    ]


def test_a_picture_by_the_wrong_name_of_jpeg_reaches_those_who_know_the_right_one_alone() -> None:
    """Some clients say it; Claude and Gemini refuse it."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,aGk="}}
    body = {"model": "m", "messages": [{"role": "user", "content": [picture]}]}
    request = CHAT.decode_request(asked("openai_chat", body))
    claude = json.loads(bytes(CODECS["anthropic_messages"].encode_request(request).fields["messages"]))
    gemini = json.loads(bytes(CODECS["gemini_generate"].encode_request(request).fields["contents"]))
    assert claude[0]["content"][0]["source"] == {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}
    assert gemini[0]["parts"] == [{"inlineData": {"mimeType": "image/jpeg", "data": "aGk="}}]


def test_cache_marks_in_openrouters_form_reach_claude() -> None:
    """On any part, with the time that it says."""
    marked = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    content = [marked, {**DRAWN, "cache_control": {"type": "ephemeral"}}]
    body = {"model": "m", "messages": [{"role": "system", "content": [marked]}, {"role": "user", "content": content}]}
    request = CHAT.decode_request(asked("openai_chat", body))
    written = CODECS["anthropic_messages"].encode_request(request).fields
    assert json.loads(bytes(written["system"])) == [marked]
    assert json.loads(bytes(written["messages"]))[0]["content"] == [
        marked,
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
            "cache_control": {"type": "ephemeral"},
        },
    ]


def test_an_answer_by_a_grammar_is_refused_by_name() -> None:
    """JSON of any form is another answer."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "response_format": {"type": "grammar", "grammar": "x"},
    }
    assert CHAT.decode_request(asked("openai_chat", body)).unanswerable == ("response_format",)


def test_what_a_chat_channel_is_not_told_is_named() -> None:
    """That thoughts shall not be shown, and a strict schema that OpenAI would refuse as such."""
    loose = Tool(name="f", schema=msgspec.Raw(b'{"type":"object","properties":{"a":{}}}'), is_strict=True)
    request = Request(model="m", messages=(), tools=(loose,), reasoning=Reasoning(effort="low", is_shown=False))
    assert CHAT.encode_request(request).dropped == ["thinking.display", "tools.strict"]
    assert CODECS["openai_responses"].encode_request(request).dropped == ["tools.strict"]


VIDEO = {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}}
OWN_TOOL = {"type": "builtin_function", "function": None, "name": "$web_search"}


def test_what_only_some_of_those_know_who_copy_chat_comes_back_as_it_stood() -> None:
    """Parts and tools of kinds that OpenAI has not; Qwen's, Zhipu's and Moonshot's, by their documentation."""
    body = {"model": "m", "messages": [{"role": "user", "content": [VIDEO]}], "tools": [OWN_TOOL]}
    written = CHAT.encode_request(CHAT.decode_request(asked("openai_chat", body))).fields
    assert json.loads(bytes(written["messages"])) == body["messages"]
    assert json.loads(bytes(written["tools"])) == body["tools"]


@pytest.mark.parametrize("to", ["openai_responses", "anthropic_messages", "gemini_generate"])
@pytest.mark.parametrize(
    ("members", "param"), [({}, "content.video_url"), ({"tools": [OWN_TOOL]}, "tools.builtin_function")]
)
def test_what_only_some_of_those_know_who_copy_chat_is_refused_by_name(
    to: Dialect, members: dict[str, Any], param: str
) -> None:
    """By the other dialects."""
    content = "Hi" if members else [VIDEO]
    body = {"model": "m", "messages": [{"role": "user", "content": content}], **members}
    with pytest.raises(NotCarriedError) as refused:
        CODECS[to].encode_request(CHAT.decode_request(asked("openai_chat", body)))
    assert (refused.value.param or "").endswith(param.removeprefix("content."))
    assert refused.value.params == {"dialect": to}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (Native(dialect="anthropic_messages", kind="server_tool_use", document=msgspec.Raw(b"{}")), "server_tool_use"),
        (Image(source=Inline("image/png", "aGk=")), "image"),
    ],
)
def test_what_a_model_said_and_chat_has_no_form_for_is_refused_by_name(part: Part, kind: str) -> None:
    """Left out, the talk would be another."""
    talk = (Message(role="user", parts=(Text(text="Hi"),)), Message(role="assistant", parts=(Text(text="Yes"), part)))
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="m", messages=talk))
    assert refused.value.param == f"messages.content.{kind}"


def test_thinking_goes_back_to_those_who_want_it_and_not_to_openai() -> None:
    """DeepSeek needs it on turns with tools; OpenAI's own models refuse the field."""
    said = {"role": "assistant", "content": "Yes", "reasoning_content": "Hm"}
    request = CHAT.decode_request(asked("openai_chat", {"model": "m", "messages": [said]}))
    assert b'"reasoning_content":"Hm"' in bytes(
        encode_request(msgspec.structs.replace(request, model="deepseek-chat")).fields["messages"]
    )
    assert b"reasoning_content" not in bytes(
        encode_request(msgspec.structs.replace(request, model="gpt-5")).fields["messages"]
    )


def test_pieces_of_calls_that_interleave_are_told_apart_by_index() -> None:
    """Later pieces have no id, or an empty one (Qwen)."""
    decoder = ChatStreamDecoder()

    def chunk(*calls: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"tool_calls": list(calls)}, "finish_reason": finish}
        return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"

    stream = [
        chunk({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}),
        chunk({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}),
        chunk({"index": 0, "id": "", "function": {"arguments": "1"}}),
        chunk({"index": 1, "function": {"arguments": "}"}}, finish="tool_calls"),
    ]
    assert [event for data in stream for event in decoder.feed(data)] == [
        Begun(model="m"),
        PartBegun(index=0, part=ToolCall(id="a", name="f", arguments="")),
        PartBegun(index=1, part=ToolCall(id="b", name="g", arguments="")),
        Delta(index=1, text="{"),
        Delta(index=0, text="1"),
        Delta(index=1, text="}"),
        PartEnded(index=0),
        PartEnded(index=1),
        Stopped(stop="tool_use"),
    ]


def test_the_name_of_a_call_may_come_after_its_first_piece() -> None:
    """What came before waits for it; a call that is never named is told without one."""
    calls: list[dict[str, Any]] = [
        {"index": 0, "id": "a", "function": {"arguments": "{"}},
        {"index": 1, "id": "b", "function": {"arguments": "{}"}},
        {"index": 0, "function": {"name": "f", "arguments": "}"}},
    ]
    told = pieces(*({"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls))
    ended = pieces(
        *({"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls),
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
    )
    assert told[1:] == [
        PartBegun(index=0, part=ToolCall(id="a", name="f", arguments="")),
        Delta(index=0, text="{"),
        Delta(index=0, text="}"),
    ]
    assert ended[4:] == [
        PartBegun(index=1, part=ToolCall(id="b", name="", arguments="")),
        Delta(index=1, text="{}"),
        PartEnded(index=0),
        PartEnded(index=1),
        Stopped(stop="tool_use"),
    ]


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_a_call_that_is_never_named_ends_where_another_id_comes(index: dict[str, int]) -> None:
    """Google's OpenAI form tells each call whole, under no index or always the same."""
    calls: list[dict[str, Any]] = [
        {**index, "id": "a", "function": {"arguments": '{"q":1}'}},
        {**index, "id": "b", "function": {"name": "g", "arguments": '{"r":2}'}},
    ]
    assert pieces(*({"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls))[1:] == [
        PartBegun(index=0, part=ToolCall(id="a", name="", arguments="")),
        Delta(index=0, text='{"q":1}'),
        PartBegun(index=1, part=ToolCall(id="b", name="g", arguments="")),
        Delta(index=1, text='{"r":2}'),
    ]


def test_no_more_than_a_mebibyte_waits_for_a_name() -> None:
    """What waited is told then, and all that comes after it at once; a name in time sets none back."""

    def told(*calls: dict[str, Any]) -> list[StreamEvent]:
        return pieces(*({"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls))[1:]

    half = "x" * (HELD_BYTES_MAX // 2)
    held = {"index": 0, "id": "a", "function": {"arguments": half}}
    more = {"index": 0, "function": {"arguments": half}}
    begun = PartBegun(index=0, part=ToolCall(id="a", name="", arguments=""))
    halves = [Delta(index=0, text=half)] * 2
    assert told(held) == []
    assert told(held, more) == [begun, *halves]
    assert told(held, more, {"index": 0, "function": {"arguments": "y"}}) == [begun, *halves, Delta(index=0, text="y")]
    named = {"index": 1, "id": "b", "function": {"name": "f", "arguments": half}}
    assert [event for event in told(named, held) if isinstance(event, PartBegun)] == [
        PartBegun(index=0, part=ToolCall(id="b", name="f", arguments=""))
    ]


def test_what_an_upstream_leaves_open_ends_with_its_stream() -> None:
    """Spark never says why it stopped."""
    decoder = ChatStreamDecoder()
    [*_, told] = decoder.feed(b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
    assert told == Delta(index=0, text="Hi")
    assert decoder.finish() == [PartEnded(index=0)]
    decoder.feed(
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f"}}]}}]}\n\n'
    )
    assert decoder.finish() == [PartEnded(index=1), Stopped(stop="tool_use")]


def test_an_encoder_writes_what_openai_would() -> None:
    """A role, thinking, a call without arguments, the reason, usage because it was asked for, the end mark."""
    encoder = ChatStreamEncoder(opening())
    written = b"".join(
        encoder.feed(event)
        for event in (
            Begun(model=None),
            PartBegun(index=0, part=Thinking(text="")),
            Delta(index=0, text="Hm"),
            PartEnded(index=0),
            PartBegun(index=1, part=ToolCall(id="t1", name="f", arguments="")),
            Sealed(index=1, seal=Seal("anthropic_messages", "s")),
            PartEnded(index=1),
            Stopped(stop="tool_use"),
        )
    ) + encoder.finish(Usage(input_tokens=1, cache_read_tokens=2, output_tokens=3, reasoning_tokens=1))
    head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m",'

    def chunk(delta: str, reason: str = "null") -> str:
        return f'data: {head}"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}]}}\n\n'

    usage = (
        '{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":2,'
        '"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":1,"audio_tokens":0}}'
    )
    assert written.decode() == (
        chunk('{"role":"assistant","content":""}')
        + chunk('{"reasoning_content":"Hm","reasoning_details":[{"index":0,"type":"reasoning.text","text":"Hm"}]}')
        + chunk('{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}')
        + chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}')
        + chunk("{}", '"tool_calls"')
        + f'data: {head}"choices":[],"usage":{usage}}}\n\ndata: [DONE]\n\n'
    )


FREE_TOOLS = (Tool(name="p", kind="custom"),)
FREE_CALL = (
    PartBegun(index=8, part=ToolCall(id="c4", name="p", arguments="a", kind="custom")),
    Delta(index=8, text="b"),
    PartEnded(index=8),
)
CITATION = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2, "content": "b"}
SIGNED = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
THOUGHTS = [
    {"index": 0, "type": "reasoning.text", "text": "Hm", "signature": "relay.anthropic_messages..EqQB"},
    {"index": 1, "type": "reasoning.encrypted", "data": "relay.anthropic_messages..Eq.c"},
]
FIGURES = {
    "prompt_tokens": 10,
    "completion_tokens": 9,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 1, "cache_write_tokens": 7},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 6},
}


def calls(index: int, **call: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **call}]}


def test_an_answer_is_written_as_chat_clients_know_it() -> None:
    """Thoughts with their seals, a source, a picture, calls, every figure; what no chat has is left out."""
    assert CHAT.encode_answer(ANSWER, USED, opening(tools=FREE_TOOLS)) == msgspec.json.encode(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_001,
            "model": "m-2",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": 'é"',
                        "refusal": None,
                        "reasoning_content": "Hm",
                        "reasoning_details": THOUGHTS,
                        "annotations": [{"type": "url_citation", "url_citation": CITATION}],
                        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
                        "tool_calls": [
                            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                            {"id": "c2", "type": "custom", "custom": {"name": "p", "input": "ab"}},
                            {"id": "c3", "type": "function", "function": {"name": "f", "arguments": "{}"}, **SIGNED},
                        ],
                    },
                    "logprobs": None,
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": FIGURES,
        }
    )


def test_a_stream_is_written_as_chat_clients_know_it() -> None:
    """The same in chunks: calls that interleave are told apart by index, free text comes once it is whole."""
    deltas = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "H", "reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "H"}]},
        {"reasoning_content": "m", "reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "m"}]},
        {"reasoning_details": [{**THOUGHTS[0], "text": ""}]},
        {"reasoning_details": [THOUGHTS[1]]},
        {"content": "é"},
        {"content": '"'},
        {"annotations": [{"index": 0, "type": "url_citation", "url_citation": CITATION}]},
        {"images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
        calls(0, id="c1", type="function", function={"name": "f", "arguments": ""}),
        calls(0, function={"arguments": "{"}),
        calls(1, id="c2", type="custom", custom={"name": "p", "input": ""}),
        calls(0, function={"arguments": "}"}),
        calls(1, custom={"input": "ab"}),
        calls(2, id="c3", type="function", function={"name": "f", "arguments": ""}, **SIGNED),
        calls(2, function={"arguments": "{}"}),
        calls(3, id="c4", type="custom", custom={"name": "p", "input": ""}),
        calls(3, custom={"input": "a"}),
        calls(3, custom={"input": "b"}),
    ]
    known = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m-2"}
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"})
    chunks = [*({**known, "choices": [choice]} for choice in choices), {**known, "choices": [], "usage": FIGURES}]
    encoder = ChatStreamEncoder(opening(tools=FREE_TOOLS))
    *told, stopped = ANSWERED
    stream = b"".join(map(encoder.feed, [*told, *FREE_CALL, stopped])) + encoder.finish(USED)
    assert stream == b"".join(b"data: %b\n\n" % msgspec.json.encode(each) for each in chunks) + b"data: [DONE]\n\n"


THOUGHT = Thinking(text="Hm, 嗯", seal=Seal("anthropic_messages", "EqQB=="))
HIDDEN = Thinking(text="", seal=Seal("anthropic_messages", "Eq.c"), is_redacted=True)


def written_stream(*events: StreamEvent, **fields: Any) -> bytes:
    """Return a stream that begins and says *events*; *fields* belong to the customer's request."""
    encoder = ChatStreamEncoder(opening(**fields))
    return b"".join([*map(encoder.feed, (Begun(model=None), *events)), encoder.finish(Usage(output_tokens=1))])


def added_up(stream: bytes) -> dict[str, Any]:
    """Return the message that OpenAI's own SDK makes of a stream."""
    message: dict[object, object] = {}
    for chunk in events(stream):
        for choice in chunk["choices"]:
            accumulate_delta(message, choice["delta"])
    added: dict[str, Any] = json.loads(json.dumps(message))
    return added


def said_again(message: dict[str, Any]) -> tuple[Part, ...]:
    """Return what the hub reads of a message that a client sends back."""
    body = {"model": "m", "messages": [message, {"role": "user", "content": "Go on"}]}
    return CHAT.decode_request(asked("openai_chat", body)).messages[0].parts


def test_sealed_thinking_finds_its_way_back_through_a_client_of_a_whole_answer() -> None:
    """In the form that OpenRouter's clients keep; whose it is stands before each seal."""
    answer = Answer(model="m", choices=(Choice(parts=(THOUGHT, HIDDEN, Text(text="Yes")), stop="end"),))
    message = json.loads(CHAT.encode_answer(answer, Usage(), opening()))["choices"][0]["message"]
    assert message["reasoning_details"] == [
        {"index": 0, "type": "reasoning.text", "text": "Hm, 嗯", "signature": "relay.anthropic_messages..EqQB=="},
        {"index": 1, "type": "reasoning.encrypted", "data": "relay.anthropic_messages..Eq.c"},
    ]
    assert message["reasoning_content"] == "Hm, 嗯"
    assert said_again(message) == (THOUGHT, HIDDEN, Text(text="Yes"))


def test_sealed_thinking_finds_its_way_back_through_a_client_of_a_stream() -> None:
    """Added up by OpenAI's SDK, or kept piece by piece."""
    stream = written_stream(
        PartBegun(index=0, part=Thinking(text="")),
        Delta(index=0, text="Hm, "),
        Delta(index=0, text="嗯"),
        Sealed(index=0, seal=Seal("anthropic_messages", "EqQB==")),
        PartEnded(index=0),
        PartBegun(index=1, part=HIDDEN),
        PartEnded(index=1),
        Stopped(stop="end"),
    )
    assert said_again(added_up(stream)) == (THOUGHT, HIDDEN)
    deltas = [choice["delta"] for chunk in events(stream) for choice in chunk["choices"]]
    pieces = [detail for delta in deltas for detail in delta.get("reasoning_details", ())]
    assert said_again({"role": "assistant", "content": "", "reasoning_details": pieces}) == (THOUGHT, HIDDEN)


def test_a_thought_in_very_many_pieces_is_put_together_once() -> None:
    """Not anew with each of them: that would take minutes here."""
    piece = Detail(type="reasoning.text", index=0, text="Hm, " * 50)
    last = Detail(type="reasoning.text", index=0, signature="SIG")
    [thought] = read_details([*[piece] * 100_000, last])
    assert thought == Thinking(text="Hm, " * 5_000_000, seal=Seal("openai_chat", "SIG"))


def test_openrouters_seals_go_back_to_it_through_a_client_of_messages() -> None:
    """With their format and id, as they came; OpenAI's own models never get one."""
    details = [
        {"index": 0, "type": "reasoning.text", "text": "Hm", "format": "anthropic-claude-v1", "signature": "SIG"},
        {"index": 1, "type": "reasoning.encrypted", "data": "ENC", "format": "openai-responses-v1", "id": "rs_1"},
    ]
    said = {"role": "assistant", "content": "Yes", "reasoning": "Hm", "reasoning_details": details}
    body = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    told = CODECS["anthropic_messages"].encode_answer(CHAT.decode_answer(json.dumps(body).encode()), Usage(), opening())
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": json.loads(told)["content"]}]
    asked_on = asked("anthropic_messages", {"model": "m", "max_tokens": 9, "messages": talk})
    request = CODECS["anthropic_messages"].decode_request(asked_on)
    [_, back] = json.loads(bytes(encode_request(request).fields["messages"]))
    assert (back["reasoning_details"], back["reasoning_content"]) == (details, "Hm")
    assert b"SIG" not in bytes(encode_request(msgspec.structs.replace(request, model="gpt-5")).fields["messages"])


def test_the_signature_of_a_gemini_call_that_comes_late_stands_beside_it() -> None:
    """In Google's own field, which is read back."""
    stream = written_stream(
        PartBegun(index=0, part=ToolCall(id="c", name="f", arguments="{}")),
        Sealed(index=0, seal=Seal("gemini_generate", "AVSo")),
        PartEnded(index=0),
        Stopped(stop="tool_use"),
    )
    sealed = ToolCall(id="c", name="f", arguments="{}", seal=Seal("gemini_generate", "AVSo"))
    assert said_again(added_up(stream)) == (sealed,)


def test_what_stands_in_lists_of_a_stream_is_told_apart_by_its_index() -> None:
    """OpenAI's SDK breaks on a second entry without one."""
    url = "https://a.example/"
    stream = written_stream(
        PartBegun(index=0, part=Text(text="Yes")),
        Cited(index=0, citation=Citation(url=url + "1", title="One")),
        Cited(index=0, citation=Citation(url=url + "2", title="Two")),
        PartEnded(index=0),
        PartBegun(index=1, part=Image(source=Inline("image/png", "aGk="))),
        PartBegun(index=2, part=Image(source=Inline("image/png", "aG8="))),
        Stopped(stop="end"),
    )
    message = added_up(stream)
    assert [each["url_citation"]["url"] for each in message["annotations"]] == [url + "1", url + "2"]
    images = ["data:image/png;base64,aGk=", "data:image/png;base64,aG8="]
    assert [each["image_url"]["url"] for each in message["images"]] == images


CITED_PAGE = {"url": "https://a.example", "title": "A", "content": "of A", "start_index": 0, "end_index": 2}
FOUND = {"search_results": [{"url": "https://a.example", "title": "A", "snippet": "of A", "date": "2026-06-08"}]}
TOLD_TO: list[tuple[Dialect, str, Any]] = [
    (
        "openai_responses",
        "output",
        [
            {
                "id": "msg_1_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Hi [1]",
                        "annotations": [
                            {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 0}
                        ],
                        "logprobs": [],
                    }
                ],
            }
        ],
    ),
    (
        "anthropic_messages",
        "content",
        [
            {
                "type": "text",
                "text": "Hi [1]",
                "citations": [
                    {
                        "type": "web_search_result_location",
                        "url": "https://a.example",
                        "title": "A",
                        "cited_text": "of A",
                        "encrypted_index": "",
                    }
                ],
            }
        ],
    ),
    (
        "gemini_generate",
        "candidates",
        [
            {
                "content": {"parts": [{"text": "Hi [1]"}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
                "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]},
            }
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("to", "member", "told"), TOLD_TO)
@pytest.mark.parametrize(
    "found",
    [
        {**FOUND, "citations": ["https://a.example"]},
        {
            "search_results": [],
            "web_search": [
                {"link": "https://a.example", "title": "A", "content": "of A", "refer": "ref_1", "media": "x"}
            ],
        },
    ],
    ids=["perplexity", "zhipu"],
)
def test_what_a_vendors_search_found_is_told_as_sources(
    to: Dialect, member: str, told: Any, found: dict[str, Any]
) -> None:
    """Perplexity's and GLM's, which stand beside the choices."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi [1]"}, "finish_reason": "stop"}
    answer = CHAT.decode_answer(json.dumps({"choices": [choice], **found}).encode())
    assert json.loads(CODECS[to].encode_answer(answer, Usage(), opening()))[member] == told


PERPLEXITYS = Citation(url="https://a.example", title="A", quote="of A")


def pieces(*chunks: dict[str, Any]) -> list[StreamEvent]:
    """Return what a stream of *chunks* says."""
    decoder = ChatStreamDecoder()
    return [event for each in chunks for event in decoder.feed(b"data: " + json.dumps(each).encode() + b"\n\n")]


def chunk(index: int, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {"id": "c", "model": "m-2", "choices": [choice]}


def test_a_completion_is_read_as_those_who_copy_chat_say_it() -> None:
    """Three choices: all that a message may hold, sealed thoughts, and what a filter left."""
    signed = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    message = {
        "content": [{"type": "thinking", "thinking": "um"}, {"type": "text", "text": "é"}],
        "refusal": "No",
        "annotations": [{"type": "url_citation", "url_citation": CITATION}],
        "images": [DRAWN],
        "tool_calls": [
            {"id": "c1", "function": {"name": "f", "arguments": "{}"}, **signed},
            {"id": "c2", "type": "custom", "custom": {"name": "p", "input": "ab"}},
        ],
        "function_call": {"name": "g"},
    }
    details = [
        {"type": "reasoning.text", "text": "Hm", "signature": "E"},
        {"type": "reasoning.encrypted", "data": "Eq"},
    ]
    choices = [
        {"message": message, "finish_reason": "length"},
        {"message": {"reasoning_content": "Hm", "reasoning_details": details}, "finish_reason": "stop"},
        {"finish_reason": "content_filter"},
        {"message": {"content": None, "function_call": {"name": None}}},
    ]
    answer = {"id": "c", "model": "m-2", "created": 1_700_000_001, "choices": choices}
    sealed = Thinking(text="Hm", seal=Seal("openai_chat", "E"))
    assert CHAT.decode_answer(json.dumps(answer).encode()) == Answer(
        model="m-2",
        created_at_s=1_700_000_001,
        choices=(
            Choice(
                parts=(
                    Thinking(text="um"),
                    Text(text="é", citations=(CITED,)),
                    Refusal(text="No"),
                    Image(source=Inline("image/png", "aGk=")),
                    ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini_generate", "c2ln")),
                    ToolCall(id="c2", name="p", arguments="ab", kind="custom"),
                    ToolCall(id="g", name="g", arguments=""),
                ),
                stop="limit",
            ),
            Choice(parts=(sealed, Thinking(text="", seal=Seal("openai_chat", "Eq"), is_redacted=True)), stop="end"),
            Choice(parts=(), stop="filtered"),
            Choice(parts=(ToolCall(id="", name="", arguments=""),), stop="tool_use"),
        ),
    )


def test_each_choice_that_its_upstream_leaves_open_ends_with_its_stream() -> None:
    """The second called a tool."""
    call = {"id": "a", "index": 0, "function": {"name": "f"}}
    said = (chunk(0, {"content": "Hi"}), chunk(1, {"tool_calls": [call]}))
    assert read_each("openai_chat", *said)[-1] == [
        PartEnded(index=0),
        PartEnded(index=1),
        Stopped(stop="tool_use", choice_index=1),
    ]


def test_a_stream_is_read_as_those_who_copy_chat_say_it() -> None:
    """Two choices, whose parts are counted together; calls stay open until their choice ends."""
    signed = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    thought = {"type": "reasoning.text", "index": 0}
    hidden = {"type": "reasoning.encrypted", "index": 1, "data": "Eq", "format": "x-v1", "id": "r1"}
    mistrals = [{"type": "thinking", "thinking": [{"type": "text", "text": "um"}]}, {"type": "text", "text": "é"}]
    drawn = Image(source=Inline("image/png", "aGk="))
    talk: list[tuple[dict[str, Any], list[StreamEvent]]] = [
        ({"id": "", "choices": []}, []),
        (chunk(0, {"role": "assistant", "content": ""}), [Begun(model="m-2")]),
        (
            chunk(0, {"reasoning_content": "H", "reasoning_details": [{**thought, "text": "H"}]}),
            [PartBegun(index=0, part=Thinking(text="")), Delta(index=0, text="H")],
        ),
        (
            chunk(0, {"reasoning": "m", "reasoning_details": [{**thought, "signature": "E"}]}),
            [Delta(index=0, text="m"), Sealed(index=0, seal=Seal("openai_chat", "E"))],
        ),
        (
            chunk(0, {"reasoning_details": [hidden]}),
            [
                PartEnded(index=0),
                PartBegun(index=1, part=Thinking(text="", seal=Seal("openai_chat", "Eq", "x-v1|r1"), is_redacted=True)),
                PartEnded(index=1),
            ],
        ),
        (
            chunk(1, {"content": "zwei"}),
            [PartBegun(index=2, part=Text(text=""), choice_index=1), Delta(index=2, text="zwei")],
        ),
        (
            chunk(0, {"content": mistrals}),
            [
                PartBegun(index=3, part=Thinking(text="")),
                Delta(index=3, text="um"),
                PartEnded(index=3),
                PartBegun(index=4, part=Text(text="")),
                Delta(index=4, text="é"),
            ],
        ),
        (
            chunk(0, {"content": "!", "annotations": [{"type": "url_citation", "url_citation": CITATION}]}),
            [Delta(index=4, text="!"), Cited(index=4, citation=CITED)],
        ),
        (
            chunk(0, {"refusal": "No"}),
            [PartEnded(index=4), PartBegun(index=5, part=Refusal(text="")), Delta(index=5, text="No")],
        ),
        (
            chunk(0, {"images": [DRAWN]}),
            [PartEnded(index=5), PartBegun(index=6, part=drawn), PartEnded(index=6)],
        ),
        (
            chunk(
                0,
                {
                    "tool_calls": [
                        {"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}, **signed},
                        {"index": 1, "id": "c2", "type": "custom", "custom": {"name": "p", "input": "a"}},
                    ]
                },
            ),
            [
                PartBegun(index=7, part=ToolCall(id="c1", name="f", arguments="")),
                Sealed(index=7, seal=Seal("gemini_generate", "c2ln")),
                PartBegun(index=8, part=ToolCall(id="c2", name="p", arguments="", kind="custom")),
                Delta(index=8, text="a"),
            ],
        ),
        (
            chunk(
                0,
                {
                    "tool_calls": [
                        {"index": 1, "custom": {"input": "b"}},
                        {"index": 0, "id": "c1", "function": {"arguments": "{}"}},
                    ]
                },
            ),
            [Delta(index=8, text="b"), Delta(index=7, text="{}")],
        ),
        (chunk(0, {"content": "so"}), [PartBegun(index=9, part=Text(text="")), Delta(index=9, text="so")]),
        (chunk(1, {}, "length"), [PartEnded(index=2), Stopped(stop="limit", choice_index=1)]),
        (
            chunk(0, {}, "stop"),
            [PartEnded(index=9), PartEnded(index=7), PartEnded(index=8), Stopped(stop="tool_use")],
        ),
        (chunk(0, {"content": "late"}, "stop"), []),
    ]
    assert read_each("openai_chat", *(said for said, _ in talk)) == [*(read for _, read in talk), []]


def test_a_text_ends_where_a_call_begins_and_a_seal_without_a_thought_begins_one() -> None:
    """In the order in which they come."""
    call = {"index": 0, "id": "a", "function": {"name": "f"}}
    said = ({"reasoning_details": [{"type": "reasoning.text", "signature": "E"}]}, {"content": "Hi"})
    assert pieces(*(chunk(0, delta) for delta in (*said, {"tool_calls": [call]})))[1:] == [
        PartBegun(index=0, part=Thinking(text="")),
        Sealed(index=0, seal=Seal("openai_chat", "E")),
        PartEnded(index=0),
        PartBegun(index=1, part=Text(text="")),
        Delta(index=1, text="Hi"),
        PartEnded(index=1),
        PartBegun(index=2, part=ToolCall(id="a", name="f", arguments="")),
    ]


def test_a_call_of_the_old_form_is_read_in_a_stream() -> None:
    """It has no id, so its name is one."""
    calls = ({"name": "f", "arguments": ""}, {"arguments": "{}"})
    assert pieces(*(chunk(0, {"function_call": call}) for call in calls), chunk(0, {}, "function_call"))[1:] == [
        PartBegun(index=0, part=ToolCall(id="f", name="f", arguments="")),
        Delta(index=0, text="{}"),
        PartEnded(index=0),
        Stopped(stop="tool_use"),
    ]


@pytest.mark.parametrize("indexes", [({"index": 0}, {"index": 1}), ({}, {})])
def test_calls_without_ids_get_ids_of_ours(indexes: Sequence[dict[str, int]]) -> None:
    """Each another, in a stream as in a whole answer (Google's OpenAI form)."""
    calls = [{**index, "function": {"name": "f", "arguments": "{}"}} for index in indexes]
    [whole] = CHAT.decode_answer(json.dumps({"choices": [{"message": {"tool_calls": calls}}]}).encode()).choices
    begun = [event.part for event in pieces(chunk(0, {"tool_calls": calls})) if isinstance(event, PartBegun)]
    ids = [part.id for part in (*whole.parts, *begun) if isinstance(part, ToolCall)]
    assert len(set(ids)) == 4
    assert all(re.fullmatch("call_relay[0-9a-f]{16}", call_id) for call_id in ids)


@pytest.mark.parametrize(
    ("first", "second", "last"),
    [
        ({"id": "a"}, {"id": "a"}, {"id": "a", "name": "f"}),
        ({"id": "a", "name": "f"}, {"name": "f"}, {"id": ""}),
        ({"id": "a", "name": "f"}, {"id": "", "name": "f"}, {"id": "a", "name": "f"}),
    ],
)
def test_an_id_or_name_that_pieces_repeat_is_that_of_one_call(
    first: dict[str, str], second: dict[str, str], last: dict[str, str]
) -> None:
    """Also while they wait for its name."""
    calls = [
        {"index": 0, "id": told.get("id"), "function": {"name": told.get("name"), "arguments": arguments}}
        for told, arguments in ((first, "{"), (second, "}"), (last, ""))
    ]
    assert pieces(*(chunk(0, {"tool_calls": [call]}) for call in calls))[1:] == [
        PartBegun(index=0, part=ToolCall(id="a", name="f", arguments="")),
        Delta(index=0, text="{"),
        Delta(index=0, text="}"),
    ]


@pytest.mark.parametrize("finish_reason", ["stop", "", None])
def test_a_call_is_why_an_answer_ended_where_the_host_says_otherwise(finish_reason: str | None) -> None:
    """In a whole answer as in a stream; Spark never says why."""
    call = {"id": "a", "index": 0, "function": {"name": "f", "arguments": "{}"}}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": finish_reason}
    [whole] = CHAT.decode_answer(json.dumps({"choices": [choice]}).encode()).choices
    stream = read_each("openai_chat", chunk(0, {"tool_calls": [call]}), chunk(0, {}, finish_reason))
    assert whole == Choice(parts=(ToolCall(id="a", name="f", arguments="{}"),), stop="tool_use")
    assert [event for read in stream for event in read][-1] == Stopped(stop="tool_use")


def test_what_a_search_found_is_told_once_in_a_stream() -> None:
    """Where its text ends, though every chunk tells it; behind an answer without words in an empty one."""
    deltas = [({"content": "H"}, None), ({"content": "i"}, None), ({}, "stop")]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": why}], **FOUND} for delta, why in deltas]
    ending = [Cited(index=0, citation=PERPLEXITYS), PartEnded(index=0), Stopped(stop="end")]
    begun = [Begun(), PartBegun(index=0, part=Text(text=""))]
    assert pieces(*chunks) == [*begun, Delta(index=0, text="H"), Delta(index=0, text="i"), *ending]
    assert pieces(chunks[-1]) == [*begun, *ending]


def test_what_a_search_found_is_told_though_it_comes_behind_the_end() -> None:
    """In an empty text: the one before has ended, and so have all calls."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    said = chunk(0, {"content": "Hi", "tool_calls": [call]}, "tool_calls")
    assert read_each("openai_chat", said, {"choices": [], **FOUND})[-1] == [
        PartBegun(index=2, part=Text(text="")),
        Cited(index=2, citation=PERPLEXITYS),
        PartEnded(index=2),
    ]


@pytest.mark.parametrize("found", [{"citations": None}, {"citations": [{"x": 1}]}, {"search_results": "x"}, FOUND])
def test_sources_that_a_message_names_itself_count_alone(found: dict[str, Any]) -> None:
    """With their place in the text and their words, whole and in a stream, and before any text."""
    named = [{"type": "url_citation", "url_citation": CITED_PAGE}, {"type": "file", "file": {"hash": "x"}}]
    citation = Citation(url="https://a.example", title="A", quote="of A", start=0, end=2)
    choice = {"message": {"content": "Hi", "annotations": named}, "finish_reason": "stop"}
    [whole] = CHAT.decode_answer(json.dumps({"choices": [choice], **found}).encode()).choices
    assert whole.parts == (Text(text="Hi", citations=(citation,)),)
    answer = Answer(model="m", choices=(whole,))
    written = json.loads(CHAT.encode_answer(answer, Usage(), opening()))["choices"][0]["message"]
    assert written["annotations"] == [{"type": "url_citation", "url_citation": CITED_PAGE}]
    deltas = [({"annotations": named}, None), ({"content": "Hi"}, None), ({}, "stop")]
    assert pieces(
        *({"choices": [{"index": 0, "delta": delta, "finish_reason": why}], **found} for delta, why in deltas)
    ) == [
        Begun(),
        PartBegun(index=0, part=Text(text="")),
        Cited(index=0, citation=citation),
        Delta(index=0, text="Hi"),
        PartEnded(index=0),
        Stopped(stop="end"),
    ]


CUSTOM = Tool(name="patch", kind="custom")
CALLED = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "a\n+b"}}


def test_the_call_of_a_custom_tool_is_one_though_the_upstream_knew_a_function() -> None:
    """Whole, and in a stream once its text is whole."""
    call = ToolCall(id="c", name="patch", arguments='{"input":"a\\n+b"}')
    answer = Answer(model="m", choices=(Choice(parts=(call,), stop="tool_use"),))
    whole = json.loads(CHAT.encode_answer(answer, Usage(), opening(tools=(CUSTOM,))))
    assert whole["choices"][0]["message"]["tool_calls"] == [CALLED]
    stream = written_stream(
        PartBegun(index=0, part=ToolCall(id="c", name="patch", arguments="")),
        Delta(index=0, text='{"input":"a\\'),
        Delta(index=0, text='n+b"}'),
        PartEnded(index=0),
        Stopped(stop="tool_use"),
        tools=(CUSTOM,),
    )
    assert added_up(stream)["tool_calls"] == [{"index": 0, **CALLED}]


def test_words_in_which_the_model_declined_end_in_a_plain_stop() -> None:
    """As OpenAI's own; a refusal without words was filtered."""
    declined = written_stream(
        PartBegun(index=0, part=Refusal(text="No")), PartEnded(index=0), Stopped(stop="refusal"), is_usage_asked=False
    )
    assert [*events(declined)][-1]["choices"][0]["finish_reason"] == "stop"
    silent = written_stream(Stopped(stop="refusal"), is_usage_asked=False)
    assert [*events(silent)][-1]["choices"][0]["finish_reason"] == "content_filter"


def test_a_stream_of_nothing_is_a_stream() -> None:
    """An upstream that only ended, and said nothing before."""
    encoder = ChatStreamEncoder(opening())
    told = list(events(encoder.feed(Begun()) + encoder.finish(Usage(input_tokens=1))))
    assert [chunk["choices"][:1] and chunk["choices"][0]["delta"] for chunk in told] == [
        {"role": "assistant", "content": ""},
        {},
        [],
    ]


def test_an_empty_refusal_is_none() -> None:
    """Some hosts always send the field."""
    body = b'{"choices":[{"message":{"content":"Hi","refusal":""},"finish_reason":"stop"}]}'
    assert CHAT.decode_answer(body).choices == (Choice(parts=(Text(text="Hi"),), stop="end"),)


def sent(model: str, **members: Any) -> dict[str, Any]:
    """Return what a chat channel is sent for *members*, and by its own name for *model*."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    request = msgspec.structs.replace(CHAT.decode_request(asked("openai_chat", body)), model=model)
    return {name: json.loads(bytes(raw)) for name, raw in CHAT.encode_request(request).fields.items()}


SAMPLED = {"temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.2}


@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [("gpt-4o", None, SAMPLED), ("gpt-5", None, {}), ("gpt-5.1", "none", SAMPLED), ("gpt-6-astra", "none", {})],
)
def test_a_model_that_reasons_is_not_told_how_to_draw(model: str, effort: str | None, taken: dict[str, float]) -> None:
    """It would refuse the request; without reasoning it takes them again."""
    body = sent(model, **SAMPLED, reasoning_effort=effort)
    assert {name: body[name] for name in SAMPLED if name in body} == taken


WISHES = Request(
    model="m",
    messages=(),
    sampling=Sampling(
        temperature=0.5, top_p=0.9, presence_penalty=0.1, frequency_penalty=0.2, top_k=5, stop=("a",), seed=1
    ),
    verbosity="low",
    cache_key="k",
)
WISHED = (*SAMPLED, "top_k", "stop", "verbosity", "prompt_cache_key")


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("deepseek-chat", ["verbosity", "prompt_cache_key"]),
        ("gpt-4o", ["top_k"]),
        ("gpt-5", [*SAMPLED, "top_k", "stop"]),
        ("grok-4.6", ["stop", "verbosity", "prompt_cache_key"]),
        ("grok-4.20-0309-non-reasoning", ["verbosity", "prompt_cache_key"]),
    ],
)
def test_what_a_model_is_not_told_is_named_and_all_else_is_sent(model: str, names: list[str]) -> None:
    """OpenAI's own, those that reason among them, and others take what the others don't."""
    asking = msgspec.structs.replace(WISHES, model=model)
    assert CHAT.encode_request(asking).dropped == names
    assert [name for name in WISHED if name not in encode_request(asking).fields] == names


@pytest.mark.parametrize(
    ("model", "reasoning", "names"),
    [
        ("gpt-4o", Reasoning(effort="high"), ["thinking"]),
        ("gpt-4o", Reasoning(effort="none"), []),
        ("gpt-5", Reasoning(effort="high"), []),
        ("gpt-5", Reasoning(is_adaptive=True), ["thinking"]),
        ("gpt-5", Reasoning(effort="high", is_shown=False), ["thinking.display"]),
        ("gpt-5.1", Reasoning(is_off=True, is_shown=False), []),
        ("grok-4-1-fast-reasoning", Reasoning(effort="none"), ["thinking"]),
        ("grok-4-1-fast-non-reasoning", Reasoning(effort="none"), []),
        ("mistral-large-2512", Reasoning(effort="none"), []),
    ],
)
def test_thinking_that_can_not_be_asked_for_is_named(model: str, reasoning: Reasoning, names: list[str]) -> None:
    """Of a model that has none, by the model's own measure, or unseen; to be spared it needs nothing."""
    assert CHAT.encode_request(Request(model=model, messages=(), reasoning=reasoning)).dropped == names


@pytest.mark.parametrize(
    ("model", "asked_for", "taken"),
    [
        ("gpt-5", "none", "minimal"),
        ("o3", "none", "low"),
        ("gpt-5.1", "minimal", "none"),
        ("gpt-5.1", "xhigh", "high"),
        ("gpt-5.5", "max", "xhigh"),
        ("gpt-5.6-sol", "max", "max"),
        ("gpt-6-sol", "none", "none"),
        ("gpt-6.1-terra", "none", "none"),
        ("gpt-6-astra", "none", "low"),
        ("gpt-6.1-sol", "minimal", "low"),
        ("gpt-6.2-sol", "max", "max"),
        ("gpt-5.1-codex", "none", "low"),
        ("gpt-5.3-codex", "max", "xhigh"),
        ("gpt-5-pro", "low", "high"),
        ("gpt-5.2-chat-latest", "high", "medium"),
        ("gpt-5.1-chat-latest", "none", "medium"),
        ("openai/gpt-5-mini", "xhigh", "high"),
        ("gpt-4o", "high", None),
        ("deepseek-chat", "max", "max"),
        ("grok-4.3", "none", "none"),
        ("grok-4.3", "xhigh", "high"),
        ("grok-4.5", "none", "low"),
        ("grok-4.5-fast", "max", "high"),
        ("grok-4.6", "none", "low"),
        ("grok-4.6", "minimal", "low"),
        ("x-ai/grok-4.6", "max", "xhigh"),
        ("grok-4.10", "max", "max"),
        ("kimi-k3.1-pro", "none", "low"),
        ("kimi-k3", "xhigh", "high"),
        ("kimi-k2.6", "none", "none"),
        ("glm-5.3-flash", "medium", "low"),
        ("zai-glm-5-3", "none", "low"),
        ("glm-5.2", "medium", "medium"),
        ("openai/gpt-oss-120b", "none", "low"),
        ("gpt-oss:20b", "max", "high"),
        ("mistral-medium-3-5", "none", "none"),
        ("mistral-medium-latest", "low", "high"),
        ("mistral-small-2603", "xhigh", "high"),
        ("magistral-small-latest", "minimal", "high"),
        ("magistral-medium-latest", "high", None),
        ("mistral-large-2512", "low", None),
        ("devstral-medium-latest", "max", None),
        ("grok-3", "high", None),
        ("grok-3-mini", "high", "high"),
        ("grok-4", "low", None),
        ("grok-4-0709", "high", None),
        ("grok-4-1-fast-reasoning", "max", None),
        ("grok-4.20-0309-reasoning", "low", None),
        ("grok-4.20-multi-agent-0309", "xhigh", "xhigh"),
        ("grok-code-fast-1", "medium", None),
    ],
)
def test_an_effort_is_the_nearest_that_the_model_takes(model: str, asked_for: Effort, taken: Effort | None) -> None:
    """Each of OpenAI's models refuses the words of others, as do xAI's; Claude Code turns thinking off, and says `max`.

    Where thinking can't be turned off, that is named, and the least is asked for. Some take no effort at all.
    """
    request = Request(model=model, messages=(), reasoning=Reasoning(effort=asked_for))
    chat = CHAT.encode_request(request).fields.get("reasoning_effort", b"null")
    responses = CODECS["openai_responses"].encode_request(request).fields.get("reasoning", b'{"effort":null}')
    assert (json.loads(bytes(chat)), json.loads(bytes(responses))["effort"]) == (taken, taken)
    for dialect in ("openai_chat", "openai_responses"):
        is_named = taken is None or (asked_for == "none" and taken != "none")
        assert CODECS[dialect].encode_request(request).dropped == (["thinking"] if is_named else [])


@pytest.mark.parametrize(
    ("model", "asked_for", "members"),
    [
        ("deepseek-v4-pro", "none", {"thinking": {"type": "disabled"}}),
        ("deepseek-v4-pro", "medium", {"reasoning_effort": "low"}),
        ("deepseek/deepseek-v4-pro", "none", {"reasoning_effort": "none"}),
        ("qwen3-max", "none", {"reasoning_effort": "none"}),
    ],
)
def test_deepseek_is_asked_in_its_own_words(model: str, asked_for: Effort, members: dict[str, Any]) -> None:
    """A switch turns thinking off; `medium` would be `high` there."""
    body = sent(model, reasoning_effort=asked_for)
    assert {name: body[name] for name in ("reasoning_effort", "thinking") if name in body} == members


F = {"type": "function", "function": {"name": "f"}}
P = {"type": "custom", "custom": {"name": "p"}}


@pytest.mark.parametrize(
    ("model", "choice", "allowed", "sent"),
    [
        ("gpt-5", None, (), None),
        ("gpt-5", "auto", (), "auto"),
        ("gpt-5", NamedTool("f"), (), F),
        ("gpt-5", NamedTool("p", "custom"), (), P),
        ("qwen3-max", NamedTool("p", "custom"), (), {"type": "function", "function": {"name": "p"}}),
        ("gpt-5", "auto", ("f",), {"mode": "auto", "tools": [F]}),
        ("gpt-5", "required", ("p", "f"), {"mode": "required", "tools": [P, F]}),
        ("qwen3-max", "required", ("p", "f"), "required"),
    ],
)
def test_which_tool_is_to_be_called_is_said_by_its_kind(
    model: str, choice: ToolChoice | None, allowed: tuple[str, ...], sent: Any
) -> None:
    """Of one, of several, or of any; whoever knows functions alone is told of one."""
    tools = (Tool(name="f"), Tool(name="p", kind="custom"))
    asking = Request(
        model=model, messages=(), tools=tools, tool_choice=choice, allowed_tools=allowed, is_parallel=False
    )
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    told = {"type": "allowed_tools", "allowed_tools": sent} if "mode" in (sent or ()) else sent
    assert (body.get("tool_choice"), body["parallel_tool_calls"]) == (told, False)


LARK = {"syntax": "lark", "definition": "start: /a+/"}


@pytest.mark.parametrize(
    ("in_chat", "in_responses"),
    [
        ({"type": "grammar", "grammar": LARK}, {"type": "grammar", **LARK}),
        ({"type": "text"}, {"type": "text"}),
        (3, 3),
        ({"type": 3, "grammar": None}, {"type": 3, "grammar": None}),
    ],
)
def test_a_tools_grammar_is_told_in_the_form_of_each(in_chat: Any, in_responses: Any) -> None:
    """Codex has one; chat has it in an object of its own. What is none is the upstream's to refuse."""
    custom = {"name": "p", "description": "d", "format": in_chat}
    tool = {"type": "custom", "name": "p", "description": "d", "format": in_responses}
    hi = {"role": "user", "content": "Hi"}
    body = {"model": "m", "messages": [hi], "tools": [{"type": "custom", "custom": custom}]}
    request = msgspec.structs.replace(CHAT.decode_request(asked("openai_chat", body)), model="gpt-5")
    assert json.loads(bytes(CODECS["openai_responses"].encode_request(request).fields["tools"])) == [tool]
    assert json.loads(bytes(encode_request(request).fields["tools"])) == body["tools"]


def test_without_tools_nothing_is_said_of_calls() -> None:
    """OpenAI refuses a choice among none."""
    asking = Request(model="gpt-5", messages=(), tool_choice="auto", is_parallel=True)
    assert encode_request(asking).fields.keys() == {"model", "messages"}


def test_of_tools_that_may_not_be_called_others_than_openai_are_not_told() -> None:
    """The choice among allowed tools is OpenAI's own."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    own, other = (sent(model, tools=tools, tool_choice=choice) for model in ("gpt-5", "qwen3-max"))
    assert (own["tools"], own["tool_choice"]) == (tools, choice)
    assert (other["tools"], other["tool_choice"]) == (tools[1:], "required")


@pytest.mark.parametrize(("choice", "left_out"), [("required", ["tool_choice"]), ("auto", [])])
def test_a_demand_for_a_call_of_no_tool_at_all_is_named_as_left_out(choice: ToolChoice, left_out: list[str]) -> None:
    """Only tools may be called that are not there."""
    tools = (Tool(name="f"),)
    encoded = encode_request(
        Request(model="qwen3-max", messages=(), tools=tools, tool_choice=choice, allowed_tools=("unknown",))
    )
    assert encoded.fields.keys() & {"tools", "tool_choice"} == set()
    assert encoded.dropped == left_out


def test_of_many_tools_those_that_may_be_called_are_told() -> None:
    """None is looked for among all names."""

    class Name(CountedText):
        pass

    names = [f"f{index}" for index in range(300)]
    tools, allowed = tuple(Tool(name=name) for name in ("f", *names)), tuple(map(Name, names))
    body = encode_request(Request(model="qwen3-max", messages=(), tools=tools, allowed_tools=allowed)).fields
    assert [tool["function"]["name"] for tool in json.loads(bytes(body["tools"]))] == names
    assert Name.comparison_count < 3000


def test_deepseek_gets_thinking_back_with_every_call_of_a_tool() -> None:
    """Were it empty: without, it refuses the turn. A turn of words needs none."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "assistant", "content": "Hi"}]
    called, spoken = sent("deepseek-chat", messages=said)["messages"]
    assert called["reasoning_content"] == ""
    assert "reasoning_content" not in spoken
    assert "reasoning_content" not in sent("qwen3-max", messages=said)["messages"][0]


def test_usage_that_was_not_asked_for_is_not_written() -> None:
    """As OpenAI's own stream without `include_usage`."""
    encoder = ChatStreamEncoder(opening(is_usage_asked=False))
    encoder.feed(Begun(model="m"))
    end = encoder.finish(Usage(output_tokens=1))
    assert [(each["choices"][0]["finish_reason"], "usage" in each) for each in events(end)] == [("stop", False)]
    assert end.endswith(b"data: [DONE]\n\n")


def test_every_recorded_stream_reads_natively_after_its_round_trip() -> None:
    """What the encoder writes is a sound stream to the native reader: its end mark is seen."""
    for expected in streams("openai_chat"):
        reader = RULES["openai_chat"].stream_reader(exchange("openai_chat"))
        reader.feed(translated_stream(expected, "openai_chat"))
        assert reader.is_ended is (expected.outcome not in ("truncated", "upstream_error")), expected.name


WRITTEN_FOR_GPT = {
    "model": "gpt-5",
    "messages": [
        {"role": "system", "content": "Be\n\nkind"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
                {"type": "file", "file": {"filename": "document", "file_data": "data:application/pdf;base64,aGk="}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "image_url", "image_url": {"url": "https://a.example/c.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Hm\n\nSo",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c+3", "type": "custom", "custom": {"name": "p", "input": "a+b"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1\n\n2"},
        {"role": "tool", "tool_call_id": "c2", "content": "3"},
        {"role": "tool", "tool_call_id": "c+3", "content": "4"},
        {"role": "user", "content": "Well"},
        {"role": "assistant", "content": None, "refusal": "No"},
    ],
    "stream": True,
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}},
        },
        {"type": "custom", "custom": {"name": "p", "description": "d"}},
    ],
    "user": "u",
}


def test_a_talk_is_written_as_openai_documents_chat() -> None:
    """Its own models know custom tools, are told no thoughts, and need a name for every file."""
    written = CHAT.encode_request(
        talk(
            "gpt-5",
            asked=(
                File(source=PDF),
                File(source=FileId("openai_chat", "file-1")),
                Image(source=Link("https://a.example/c.png"), detail="low"),
                Audio(source=Inline("audio/wav", "aGk=")),
            ),
            said=(Thinking(text="t"),),
        )
    ).fields
    assert json.loads(msgspec.json.encode(written)) == WRITTEN_FOR_GPT


WRITTEN_FOR_OTHERS = {
    "model": "qwen3-max",
    "messages": [
        {"role": "system", "content": "Be\n\nkind"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            ],
        },
        {
            "role": "assistant",
            "content": "Hm\n\nSo",
            "reasoning_content": "t\n\nu",
            "reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "t", "signature": "x"}],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c+3", "type": "function", "function": {"name": "p", "arguments": '{"input":"a+b"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1\n\n2"},
        {"role": "tool", "tool_call_id": "c2", "content": "3"},
        {"role": "tool", "tool_call_id": "c+3", "content": "4"},
        {"role": "user", "content": "Well"},
        {"role": "assistant", "content": None, "refusal": "No"},
    ],
    "stream": True,
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}},
        },
        {
            "type": "function",
            "function": {
                "name": "p",
                "description": "d",
                "parameters": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
            },
        },
    ],
    "user": "u",
}


def test_a_talk_is_written_for_those_who_copy_chat() -> None:
    """They know functions alone, and get their thoughts back, and their own seals."""
    written = CHAT.encode_request(
        talk(
            "qwen3-max",
            said=(
                Thinking(text="t", seal=Seal("openai_chat", "x")),
                Thinking(text="u", seal=Seal("gemini_generate", "y")),
            ),
        )
    ).fields
    assert json.loads(msgspec.json.encode(written)) == WRITTEN_FOR_OTHERS


GRAMMAR, VENDORS = {"type": "text"}, {"type": "builtin_function", "name": "x"}
OF_ANOTHER_KIND: list[dict[str, Any]] = [
    {"type": "x", "image_url": {"url": "https://a.example"}},
    {"type": "x", "image_url": "https://a.example"},
    {"type": "x", "input_audio": {"data": "aGk="}},
    {"type": "x", "file": {"file_id": "f"}},
    {"type": "x", "file": {"file_data": "aGk="}},
]
ASKED = {
    "model": "m",
    "stream": True,
    "stream_options": {"include_usage": True},
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "max_tokens": 8,
    "max_completion_tokens": 9,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "stop": ["a", "b"],
    "seed": 1,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "n": 2,
    "verbosity": "low",
    "user": "u",
    "prompt_cache_key": "k",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True},
    },
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        },
        {"type": "custom", "custom": {"name": "p", "description": "d", "format": GRAMMAR}},
        VENDORS,
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [
                {"type": "function", "function": {"name": "f"}},
                {"type": "custom", "custom": {"name": "p"}},
                {"type": "function", "function": {}},
                VENDORS,
            ],
        },
    },
    "messages": [
        {"role": "developer", "content": "Be"},
        {
            "role": "user",
            "name": "bob",
            "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {
                    "type": "image_url",
                    "image_url": "https://a.example/b.png",
                    "cache_control": {"type": "ephemeral", "ttl": None},
                },
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "aac"}},
                {"type": "file", "file": {"file_id": "file-1"}, "cache_control": {"type": "ephemeral"}},
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
                    "cache_control": {"type": "ephemeral"},
                },
            ],
        },
        {
            "role": "assistant",
            "name": "al",
            "reasoning": "Hm",
            "content": [
                {"type": "text", "text": ""},
                {"type": "text", "text": "So"},
                {"type": "refusal", "refusal": "N"},
            ],
            "refusal": "No",
            "images": [DRAWN],
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {"id": "c2", "type": "custom", "custom": {"name": "p", "input": "a"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "name": "p", "content": None},
        {"role": "tool", "content": []},
        {"role": "user", "content": OF_ANOTHER_KIND, "images": []},
    ],
}


def test_a_request_is_read_as_openai_documents_chat() -> None:
    """With every field of it, and what others add: ``top_k``, cache marks, thoughts, pictures, and sounds by any name."""
    mark = CacheMark()
    assert CHAT.decode_request(asked("openai_chat", ASKED)) == Request(
        model="m",
        messages=(
            Message(role="developer", parts=(Text(text="Be"),)),
            Message(
                role="user",
                name="bob",
                parts=(
                    Text(text="Look", cache=CacheMark("1h")),
                    Image(source=Link("https://a.example/b.png"), cache=mark),
                    Image(source=Inline("image/png", "aGk="), detail="low"),
                    Audio(source=Inline("audio/mpeg", "aGk=")),
                    Audio(source=Inline("audio/aac", "aGk=")),
                    File(source=FileId("openai_chat", "file-1"), cache=mark),
                    File(source=Inline("application/pdf", "aGk="), name="a.pdf", cache=mark),
                ),
            ),
            Message(
                role="assistant",
                name="al",
                parts=(
                    Thinking(text="Hm"),
                    Text(text="So"),
                    Refusal(text="N"),
                    Refusal(text="No"),
                    Image(source=Inline("image/png", "aGk=")),
                    ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini_generate", "c2ln")),
                    ToolCall(id="c2", name="p", arguments="a", kind="custom"),
                ),
            ),
            Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="1"),)),)),
            Message(role="user", parts=(ToolResult(call_id="c2", parts=(), name="p"),)),
            Message(role="user", parts=(ToolResult(call_id="", parts=()),)),
            Message(
                role="user",
                parts=tuple(Native(dialect="openai_chat", kind="x", document=raw(part)) for part in OF_ANOTHER_KIND),
            ),
        ),
        stream=True,
        tools=(
            Tool(name="f", description="d", schema=raw({"type": "object"}), is_strict=True),
            Tool(name="p", description="d", kind="custom", grammar=raw(GRAMMAR)),
            Native(dialect="openai_chat", kind="builtin_function", document=raw(VENDORS)),
        ),
        tool_choice="required",
        allowed_tools=("f", "p"),
        is_parallel=False,
        output_format=OutputFormat(schema=raw({"type": "object"}), name="n", description="d", is_strict=True),
        reasoning=Reasoning(effort="low"),
        sampling=msgspec.structs.replace(SAMPLING, stop=("a", "b"), choice_count=2),
        verbosity="low",
        user="u",
        cache_key="k",
    )


NAMED_F = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"max_tokens": 8, "max_completion_tokens": None}, {"sampling": Sampling(output_tokens_max=8)}),
        ({"stop": "END"}, {"sampling": Sampling(stop=("END",))}),
        ({"tool_choice": "auto"}, {"tool_choice": "auto"}),
        ({"tool_choice": "none"}, {"tool_choice": "none"}),
        ({"tool_choice": "required", "function_call": "none"}, {"tool_choice": "required"}),
        ({"tool_choice": NAMED_F}, {"tool_choice": NamedTool("f")}),
        ({"tool_choice": {"type": "function", "function": {"name": None}}}, {"tool_choice": NamedTool("")}),
        ({"tool_choice": {"type": "custom", "custom": {"name": "p"}}}, {"tool_choice": NamedTool("p", "custom")}),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED_F]}}},
            {"tool_choice": "auto", "allowed_tools": ("f",)},
        ),
        ({"function_call": "none"}, {"tool_choice": "none"}),
        ({"tools": [NAMED_F], "functions": [{"name": "g"}]}, {"tools": (Tool(name="f"), Tool(name="g"))}),
        ({"tools": [{"type": "function", "function": {"name": None}}]}, {"tools": (Tool(name=""),)}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"output_format": OutputFormat()}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"output_format": OutputFormat()}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}, {"output_format": OutputFormat(name="n")}),
        ({"thinking": True}, {"reasoning": Reasoning(is_adaptive=True)}),
        ({"thinking": False}, {"reasoning": Reasoning(is_off=True)}),
        ({"thinking": {"type": "disabled", "budget_tokens": 9}}, {"reasoning": Reasoning(is_off=True)}),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, {"reasoning": Reasoning(effort="low")}),
        ({"stream_options": {"include_usage": True}}, {"is_usage_asked": True}),
        ({"stream_options": {"include_usage": False}}, {}),
        ({"audio": {"voice": "x"}, "modalities": ["text", "audio"]}, {"unanswerable": ("audio", "modalities")}),
        ({"web_search_options": {"search_context_size": "low"}, "modalities": ["text"]}, {"unanswerable": ("web_search_options",)}),
        ({"tools": None, "functions": None, "stop": None, "response_format": None, "stream_options": None}, {}),
    ],
)  # fmt: skip
def test_what_a_member_of_chat_says_is_read(members: dict[str, Any], read: dict[str, Any]) -> None:
    """In each of its forms, those of the first release too; null says nothing."""
    hi = Message(role="user", parts=(Text(text="Hi"),))
    plain = Request(model="m", messages=(hi,), is_usage_asked=False)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    assert CHAT.decode_request(asked("openai_chat", body)) == msgspec.structs.replace(plain, **read)


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"reasoning_content": "Hm", "reasoning": "Um", "content": None}, (Thinking(text="Hm"),)),
        ({"reasoning_content": "", "content": ""}, (Thinking(text=""),)),
        ({"content": "", "refusal": "", "images": [], "tool_calls": None}, ()),
        (
            {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": "S"}]},
            (Thinking(text="Hm", seal=Seal("openai_chat", "S")),),
        ),
        ({"reasoning": "Hm", "reasoning_details": [{"type": "x"}]}, (Thinking(text="Hm"),)),
        ({"function_call": {"name": None, "arguments": None}}, (ToolCall(id="", name="", arguments=""),)),
        ({"images": ["aGk="]}, (Native(dialect="openai_chat", kind="images", document=raw(["aGk="])),)),
    ],
)
def test_what_an_assistant_said_in_chat_is_read(message: dict[str, Any], parts: tuple[Part, ...]) -> None:
    """A thought under one of its names, or with its seals; what is empty says nothing."""
    body = {"model": "m", "messages": [{"role": "assistant", **message}]}
    [said] = CHAT.decode_request(asked("openai_chat", body)).messages
    assert said == Message(role="assistant", parts=parts)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tool_choice": "x"}, "tool_choice"),
        ({"tool_choice": {"type": "x"}}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [{"type": "custom"}]}, "tools"),
        ({"tools": [{"type": None}]}, "tools"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": "a"}}]}]}, "messages"),
    ],
)
def test_a_member_of_chat_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """An unknown choice, and a tool, a sound and a file that hold none."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    with pytest.raises(BadRequestError) as refused:
        CHAT.decode_request(asked("openai_chat", body))
    assert refused.value.param == param


JSON_ASKED = {
    "type": "json_schema",
    "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True},
}


@pytest.mark.parametrize(
    ("model", "members", "names"),
    [
        (
            "gpt-4o",
            {**SAMPLED, "max_tokens": 9999, "stop": ["a"], "verbosity": "low", "prompt_cache_key": "k"},
            ["top_k", "thinking"],
        ),
        (
            "gpt-5",
            {"max_completion_tokens": 9999, "reasoning_effort": "low", "verbosity": "low", "prompt_cache_key": "k"},
            [*SAMPLED, "top_k", "stop"],
        ),
        (
            "qwen3-max",
            {**SAMPLED, "max_tokens": 9999, "stop": ["a"], "top_k": 5, "reasoning_effort": "low"},
            ["verbosity", "prompt_cache_key"],
        ),
    ],
)
def test_a_wish_is_written_as_each_model_takes_it(model: str, members: dict[str, Any], names: list[str]) -> None:
    """Every setting of it."""
    asking = wish(model)
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    del body["tools"]
    assert body == {
        "model": model,
        "messages": [{"role": "user", "content": "Hi", "name": "bob"}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "seed": 1,
        "response_format": JSON_ASKED,
        "user": "u",
        **members,
    }
    assert CHAT.encode_request(asking).dropped == names


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"output_format": OutputFormat()}, {"response_format": {"type": "json_object"}}),
        (
            {"output_format": OutputFormat(schema=raw({"type": "object"}))},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}},
        ),
        ({"sampling": Sampling(choice_count=2)}, {"n": 2}),
        ({"sampling": Sampling(seed=0, temperature=0.0, stop=())}, {"seed": 0, "temperature": 0.0}),
        ({"tools": (Tool(name="f", is_strict=False),)}, {"tools": [{"type": "function", "function": {"name": "f", "strict": False}}]}),
        ({"is_parallel": True, "tools": (Tool(name="f"),)}, {"tools": [F], "parallel_tool_calls": True}),
    ],
)  # fmt: skip
def test_a_setting_is_written_as_openai_documents_chat(members: dict[str, Any], written: dict[str, Any]) -> None:
    """Zero and false are said; what was not asked for is not."""
    body = json.loads(msgspec.json.encode(encode_request(Request(model="gpt-4o", messages=(), **members)).fields))
    assert body == {"model": "gpt-4o", "messages": [], **written}


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Image(source=FileId("openai_responses", "f")), "messages.content.file_id"),
        (File(source=FileId("anthropic_messages", "f")), "messages.content.file_id"),
        (File(source=FileId("gemini_generate", "f")), "messages.content.file_id"),
        (File(source=Link("https://a.example/b.pdf")), "messages.content.file"),
        (Audio(source=Inline("audio/aac", "aGk=")), "messages.content.audio"),
        (Native(dialect="gemini_generate", kind="x", document=raw({})), "messages.content.x"),
    ],
)
def test_what_a_user_shows_and_chat_has_no_form_for_is_refused_by_name(part: Part, param: str) -> None:
    """What is kept elsewhere, a file by its address, a sound that OpenAI has no name for."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="gpt-4o", messages=(Message(role="user", parts=(part,)),)))
    assert (refused.value.param, refused.value.params) == (param, {"dialect": "openai_chat"})


def test_a_turn_without_words_is_written_as_chat_takes_it() -> None:
    """Its content is null beside calls and refusals, and else empty; who speaks is named."""
    call = ToolCall(id="c", name="f", arguments="")
    turns = ((Text(text="Hi"),), (), (Thinking(text="Hm"),), (call,), (Refusal(text="No"), Refusal(text="pe")))
    said = tuple(Message(role="assistant", parts=parts, name="al") for parts in turns)
    nothing: dict[str, Any] = {"role": "assistant", "content": ""}
    function = {"name": "f", "arguments": "{}"}
    assert json.loads(bytes(encode_request(Request(model="gpt-4o", messages=said)).fields["messages"])) == [
        {**nothing, "content": "Hi", "name": "al"},
        {**nothing, "name": "al"},
        {**nothing, "name": "al"},
        {
            **nothing,
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": function}],
            "name": "al",
        },
        {**nothing, "content": None, "refusal": "Nope", "name": "al"},
    ]


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning(budget_tokens=0), "none"),
        (Reasoning(budget_tokens=1), "minimal"),
        (Reasoning(budget_tokens=1023), "minimal"),
        (Reasoning(budget_tokens=1024), "low"),
        (Reasoning(budget_tokens=8191), "low"),
        (Reasoning(budget_tokens=8192), "medium"),
        (Reasoning(budget_tokens=24576), "high"),
        (Reasoning(budget_tokens=99_999), "xhigh"),
        (Reasoning(budget_tokens=9000, effort="low"), "low"),
        (Reasoning(budget_tokens=9000, is_off=True), "none"),
    ],
)
def test_a_budget_is_told_as_the_effort_below_it(reasoning: Reasoning, effort: Effort) -> None:
    """Nothing is asked to think more than was paid for; what the customer says in words counts first."""
    body = encode_request(Request(model="qwen3-max", messages=(), reasoning=reasoning)).fields
    assert json.loads(bytes(body["reasoning_effort"])) == effort


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("data:text/plain;charset=utf-8;base64,aGk=", Inline("text/plain", "aGk=")),
        ("data:text/plain,hi", Link("data:text/plain,hi")),
        ("https://a.example/b;base64,aGk=", Link("https://a.example/b;base64,aGk=")),
    ],
)
def test_media_are_read_from_an_address_in_base64_alone(url: str, source: Inline | Link) -> None:
    """Any other is a link, whatever stands in it."""
    content = [{"type": "image_url", "image_url": {"url": url}}]
    request = CHAT.decode_request(
        asked("openai_chat", {"model": "m", "messages": [{"role": "user", "content": content}]})
    )
    assert request.messages[0].parts == (Image(source=source),)

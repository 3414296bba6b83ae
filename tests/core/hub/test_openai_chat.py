"""Chat in and out of the hub: what came in goes out, and nothing else.

*Equivalent* means, for a completion: the same model and time, and for each choice the same text,
refusal, thinking, tool calls (ids, names, arguments byte for byte), named sources, and finish
reason. Ids of answers are ours; fingerprints, tiers, log probabilities, filter results and what
vendors add of their own (`cost`, `provider`, `x_groq` ...) are not carried. Usage is compared
where it is read. For a stream the same holds of the message that its chunks add up to.

For a request: the same members, but for the spellings that `same` writes out.
"""

import json
import re
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError
from relay.core.hub.answer import Begun, Delta, PartBegun, PartEnded, Sealed, Stopped
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import NamedTool, Reasoning, Seal, Text, Thinking, ToolCall, ToolResult
from relay.core.hub.openai_chat.request_encoder import encode_request
from relay.core.hub.openai_chat.stream_decoder import ChatStreamDecoder
from relay.core.hub.openai_chat.stream_encoder import ChatStreamEncoder
from relay.core.usage import Usage
from tests.core.dialects.recordings import Expected
from tests.core.dialects.replay import answer_bytes, exchange

from .recorded import (
    asked,
    bodies,
    events,
    opening,
    recorded_request,
    streams,
    translated_body,
    translated_stream,
)

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
        assert told(now["message"]) == was
        reason = reasons.get(then.get("finish_reason"), then.get("finish_reason"))
        assert now["finish_reason"] == ("tool_calls" if was["calls"] and reason == "stop" else reason)


@pytest.mark.parametrize("expected", streams("openai_chat"), ids=lambda each: each.name)
def test_a_stream_comes_back_equivalent_for_every_cut(expected: Expected) -> None:
    """Every recorded stream, read whole and byte by byte."""
    whole = translated_stream(expected, "openai_chat")
    before, after = told_by_chunks(answer_bytes(expected.name)), told_by_chunks(whole)
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
    written = json.loads(msgspec.json.encode(CHAT.encode_request(request)))
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
        ({"thinking": {"type": "disabled"}}, Reasoning(is_off=True)),
        ({}, Reasoning()),
    ],
)
def test_how_much_to_think_is_read(members: dict[str, Any], reasoning: Reasoning) -> None:
    """OpenAI's effort, and the switch of DeepSeek and Zhipu."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    assert CHAT.decode_request(asked("openai_chat", body)).reasoning == reasoning


@pytest.mark.parametrize(
    "message",
    [
        {"role": "critic", "content": "Hi"},
        {"role": "user", "content": [{"type": "hologram"}]},
        {"role": "user", "content": 3},
    ],
)
def test_a_message_that_cannot_be_is_refused_by_name(message: dict[str, Any]) -> None:
    """An unknown role, an unknown part, a number for a text."""
    with pytest.raises(BadRequestError) as refused:
        CHAT.decode_request(asked("openai_chat", {"model": "m", "messages": [message]}))
    assert refused.value.param == "messages"


def test_thinking_goes_back_to_those_who_want_it_and_not_to_openai() -> None:
    """DeepSeek needs it on turns with tools; OpenAI's own models refuse the field."""
    said = {"role": "assistant", "content": "Yes", "reasoning_content": "Hm"}
    request = CHAT.decode_request(asked("openai_chat", {"model": "m", "messages": [said]}))
    assert b'"reasoning_content":"Hm"' in bytes(
        encode_request(msgspec.structs.replace(request, model="deepseek-chat"))["messages"]
    )
    assert b"reasoning_content" not in bytes(
        encode_request(msgspec.structs.replace(request, model="gpt-5"))["messages"]
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
        Begun(id="c", model="m"),
        PartBegun(index=0, part=ToolCall(id="a", name="f", arguments="")),
        PartBegun(index=1, part=ToolCall(id="b", name="g", arguments="")),
        Delta(index=1, text="{"),
        Delta(index=0, text="1"),
        Delta(index=1, text="}"),
        PartEnded(index=0),
        PartEnded(index=1),
        Stopped(stop="tool_use"),
    ]


def test_what_an_upstream_leaves_open_ends_with_its_stream() -> None:
    """Spark never says why it stopped."""
    decoder = ChatStreamDecoder()
    [*_, told] = decoder.feed(b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
    assert told == Delta(index=0, text="Hi")
    assert decoder.finish() == [PartEnded(index=0)]
    decoder.feed(b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{}}]}}]}\n\n')
    assert decoder.finish() == [PartEnded(index=1), Stopped(stop="tool_use")]


def test_an_encoder_writes_what_openai_would() -> None:
    """A role, thinking, a call without arguments, the reason, usage because it was asked for, the end mark."""
    encoder = ChatStreamEncoder(opening())
    written = b"".join(
        encoder.feed(event)
        for event in (
            Begun(id="x", model=None),
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
        + chunk('{"reasoning_content":"Hm"}')
        + chunk('{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}')
        + chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}')
        + chunk("{}", '"tool_calls"')
        + f'data: {head}"choices":[],"usage":{usage}}}\n\ndata: [DONE]\n\n'
    )


def test_usage_that_was_not_asked_for_is_not_written() -> None:
    """As OpenAI's own stream without `include_usage`."""
    encoder = ChatStreamEncoder(opening(is_usage_asked=False))
    encoder.feed(Begun(model="m"))
    assert encoder.finish(Usage(output_tokens=1)) == b"data: [DONE]\n\n"


def test_every_recorded_stream_reads_natively_after_its_round_trip() -> None:
    """What the encoder writes is a sound stream to the native reader: its end mark is seen."""
    for expected in streams("openai_chat"):
        reader = RULES["openai_chat"].stream_reader(exchange("openai_chat"))
        reader.feed(translated_stream(expected, "openai_chat"))
        assert reader.is_ended is (expected.outcome not in ("truncated", "upstream_error")), expected.name

"""Responses in and out of the hub: what came in goes out, and nothing else.

*Equivalent* means, for a response: the same model, status and reason of being incomplete, and
item by item the same kind and the same text, refusal, sources whole, summary or reasoning text,
encrypted content, call (id, name, arguments or input byte for byte); items that only this dialect
has come back whole. Where a message held several texts each becomes a message. Ids of answers and
items are ours; settings that a response repeats are those of the request, and `usage` is compared
where it is read. For a stream the same holds of the items that `output_item.done` tells, and the
last response holds the same items.

For a request: the same members, but for the spellings that `same` writes out.
"""

import json
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError, NotCarriedError
from relay.core.hub.answer import (
    Answer,
    Begun,
    Choice,
    Cited,
    Delta,
    PartBegun,
    PartEnded,
    Sealed,
    Stop,
    Stopped,
    StreamEvent,
)
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import (
    Audio,
    Citation,
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
    Role,
    Sampling,
    Seal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from relay.core.hub.openai_responses import stream_decoder
from relay.core.hub.openai_responses.request_encoder import encode_request
from relay.core.hub.openai_responses.stream_encoder import ResponsesStreamEncoder
from relay.core.usage import Usage
from tests.core.dialects.recordings import Expected
from tests.core.dialects.replay import answer_bytes, exchange

from .comparisons import CountedInt
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
from .talks import ANSWER, ANSWERED, PDF, USED, talk, wish

RESPONSES = CODECS["openai_responses"]
HI = Message(role="user", parts=(Text(text="Hi"),))


def told(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what items tell, a message's pieces each on its own."""
    found: list[dict[str, Any]] = []
    for item in items:
        match item["type"]:
            case "message":
                found += [_told_piece(piece) for piece in item["content"]]
            case "reasoning":
                shown = item.get("summary") or item.get("content") or []
                thought = "\n\n".join(piece["text"] for piece in shown)
                found.append({"thought": thought, "seal": item.get("encrypted_content") or ""})
            case "function_call" | "custom_tool_call":
                found.append({name: item[name] for name in ("call_id", "name", "arguments", "input") if name in item})
            case "image_generation_call":
                found.append({"picture": item["result"]})
            case _:
                found.append(item)
    return found


def _told_piece(piece: dict[str, Any]) -> dict[str, Any]:
    told = {"text": piece.get("text", ""), "refusal": piece.get("refusal", "")}
    return {**told, "sources": piece.get("annotations") or []}


def assert_same_response(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Compare two responses as the module says."""
    assert told(after["output"]) == told(before["output"])
    assert (after["status"], after["incomplete_details"]) == (before["status"], before["incomplete_details"])
    assert after["model"] == before["model"]


def last_response(stream: bytes) -> dict[str, Any]:
    """Return the last response of a stream with its items as they were done: OpenAI seals them anew each time it tells them."""
    *_, last = events(stream)
    response: dict[str, Any] = last["response"]
    items = [event["item"] for event in events(stream) if event["type"] == "response.output_item.done"]
    return {**response, "output": items or response["output"]}


@pytest.mark.parametrize("expected", bodies("openai_responses"), ids=lambda each: each.name)
def test_a_response_comes_back_equivalent(expected: Expected) -> None:
    """Every recorded response."""
    body = translated_body(expected, "openai_responses")
    assert_same_response(json.loads(answer_bytes(expected.name)), json.loads(body))


WHOLE = [each for each in streams("openai_responses") if each.outcome != "truncated"]
CUT = [each for each in streams("openai_responses") if each.outcome == "truncated"]


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
def test_a_stream_comes_back_equivalent_for_every_cut(expected: Expected) -> None:
    """Every recorded stream, read whole and byte by byte."""
    whole = translated_stream(expected, "openai_responses")
    after = last_response(whole)
    assert_same_response(last_response(answer_bytes(expected.name)), after)
    done = [event["item"] for event in events(whole) if event["type"] == "response.output_item.done"]
    assert done == after["output"]
    assert [event["sequence_number"] for event in events(whole)] == list(range(len(list(events(whole)))))
    assert translated_stream(expected, "openai_responses", 1) == whole


@pytest.mark.parametrize("expected", CUT, ids=lambda each: each.name)
def test_a_stream_that_was_cut_comes_back_as_far_as_it_came(expected: Expected) -> None:
    """The same pieces of text, and no last response."""
    translated = translated_stream(expected, "openai_responses")
    before, after = list(events(answer_bytes(expected.name))), list(events(translated))
    assert [event["delta"] for event in after if "delta" in event] == [
        event["delta"] for event in before if "delta" in event
    ]
    assert not any(event["type"] in ("response.completed", "response.incomplete") for event in after)
    assert translated_stream(expected, "openai_responses", 1) == translated


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body in the one spelling that the encoder writes, of several with one meaning."""
    body = {name: value for name, value in body.items() if value is not None and name not in ("store", "include")}
    asked_for = body["input"]
    body["input"] = [{"role": "user", "content": asked_for}] if isinstance(asked_for, str) else asked_for
    if instructions := body.pop("instructions", None):
        body["input"] = [{"role": "system", "content": instructions}, *body["input"]]
    body["input"] = [_same_item(item) for item in body["input"]]
    for tool in body.get("tools", ()):
        if tool["type"] == "function":
            tool["strict"] = bool(tool.get("strict"))
    for name in ("stream", "tools"):
        if not body.get(name):
            body.pop(name, None)
    if asked_format := body.get("text", {}).get("format"):
        asked_format["strict"] = bool(asked_format.get("strict"))
    return body


def _same_item(item: dict[str, Any]) -> dict[str, Any]:
    item = {name: value for name, value in item.items() if name not in ("id", "status") and value is not None}
    if item.get("type") == "message":
        del item["type"]
    if isinstance(item.get("content"), str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [{"type": kind, "text": item["content"]}]
    for piece in item.get("content") or ():
        piece.pop("annotations", None)
        piece.pop("logprobs", None)
        if piece["type"] == "input_image":
            piece.setdefault("detail", "auto")
    return item


REQUESTS = [
    "openai-responses/plain", "openai-responses/tools", "openai-responses/tool-result", "openai-responses/custom-tool",
    "openai-responses/image-input", "openai-responses/file-input", "openai-responses/json-schema",
    "openai-responses/tools-stream", "openai-responses/reasoning-encrypted-tools", "openai-responses/cached",
    "clients/openai-python-responses-stream", "clients/openai-node-responses-stream",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_comes_back_equivalent(name: str) -> None:
    """Recorded requests with tools, their results, pictures, files, schemas and reasoning."""
    body = recorded_request(name)
    assert body is not None
    request = RESPONSES.decode_request(asked("openai_responses", body))
    written = json.loads(msgspec.json.encode(RESPONSES.encode_request(request).fields))
    assert same(written) == same(body)


def test_codex_is_carried_whole_but_for_what_is_named() -> None:
    """It always offers tools that nobody else has: for it they are dropped, not refused."""
    body = recorded_request("clients/codex-responses-stream")
    assert body is not None
    made = exchange("openai_responses", {}, originator="codex_exec")
    RULES["openai_responses"].read_request(made, json.dumps(body).encode())
    request = RESPONSES.decode_request(made)
    assert request.dropped == ("client_metadata", "tools.tool_search", "tools.web_search")
    assert [(tool.name, tool.kind) for tool in request.tools if isinstance(tool, Tool)] == [
        ("exec_command", "function"),
        ("write_stdin", "function"),
        ("request_user_input", "function"),
        ("apply_patch", "custom"),
    ]
    chat = json.loads(msgspec.json.encode(CODECS["openai_chat"].encode_request(request).fields))
    claude = json.loads(msgspec.json.encode(CODECS["anthropic_messages"].encode_request(request).fields))
    assert [tool["function"]["name"] for tool in chat["tools"][:3]] == [tool["name"] for tool in claude["tools"][:3]]
    assert claude["tools"][3]["input_schema"]["required"] == ["input"]


def test_another_client_s_built_in_tool_is_refused_by_name() -> None:
    """A search that was asked for and never made would be a silent loss."""
    body = {"model": "m", "input": "Hi", "tools": [{"type": "web_search"}]}
    request = RESPONSES.decode_request(asked("openai_responses", body))
    [tool] = request.tools
    assert isinstance(tool, Native)
    with pytest.raises(NotCarriedError) as refused:
        CODECS["anthropic_messages"].encode_request(request)
    assert refused.value.param == "tools.web_search"


def test_what_an_assistant_thought_said_and_called_is_one_message() -> None:
    """Its items stand side by side; results are the user's."""
    items = [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "gA",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "ok"},
    ]
    request = RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": items}))
    assert request.messages == (
        Message(
            role="assistant",
            parts=(
                Thinking(text="Hm", seal=Seal("openai_responses", "gA", "rs_1")),
                Text(text="Let me see"),
                ToolCall(id="c1", name="f", arguments="{}"),
            ),
        ),
        Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="ok"),)),)),
    )
    assert json.loads(bytes(encode_request(request).fields["input"]))[0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": "gA",
        "id": "rs_1",
    }


def test_a_foreign_seal_travels_in_the_encrypted_content_and_finds_its_way_back() -> None:
    """Codex sends reasoning items back as they came; to OpenAI a foreign one is never shown."""
    encoder = ResponsesStreamEncoder(opening())
    fed: list[StreamEvent] = [
        Begun(model="m"),
        PartBegun(index=0, part=Thinking(text="")),
        Delta(index=0, text="Hm"),
        Sealed(index=0, seal=Seal("anthropic_messages", "EqQB")),
        PartEnded(index=0),
    ]
    stream = b"".join([encoder.feed(event) for event in fed])
    [item] = [event["item"] for event in events(stream) if event["type"] == "response.output_item.done"]
    assert item["encrypted_content"] == "relay.anthropic_messages..EqQB"
    request = RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": [item]}))
    assert request.messages[0].parts == (Thinking(text="Hm", seal=Seal("anthropic_messages", "EqQB")),)
    assert bytes(encode_request(request).fields["input"]) == b"[]"


def test_the_seal_of_a_call_travels_beside_it_and_finds_its_way_back() -> None:
    """Gemini seals calls, for which Responses has no place: a reasoning item without words carries it."""
    encoder = ResponsesStreamEncoder(opening())
    call = ToolCall(id="c1", name="f", arguments="{}", seal=Seal("gemini_generate", "c2ln"))
    fed: list[StreamEvent] = [Begun(model="m"), PartBegun(index=0, part=call), PartEnded(index=0)]
    stream = b"".join([encoder.feed(event) for event in fed])
    items = [event["item"] for event in events(stream) if event["type"] == "response.output_item.done"]
    answer = Answer(model="m", choices=(Choice(parts=(call,), stop="tool_use"),))
    assert json.loads(RESPONSES.encode_answer(answer, Usage(), opening()))["output"] == items
    assert [(item["type"], item.get("encrypted_content")) for item in items] == [
        ("function_call", None),
        ("reasoning", "relay.gemini_generate.c1.c2ln"),
    ]
    request = RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": items}))
    assert request.messages == (Message(role="assistant", parts=(call,)),)


def test_a_custom_tool_that_was_told_as_a_function_is_turned_back() -> None:
    """Codex patches files by free text; Claude called a function with one text."""
    encoder = ResponsesStreamEncoder(opening(tools=(Tool(name="apply_patch", kind="custom"),)))
    fed: list[StreamEvent] = [
        Begun(model="m"),
        PartBegun(index=0, part=ToolCall(id="t1", name="apply_patch", arguments="")),
        Delta(index=0, text='{"input":"*** Begin'),
        Delta(index=0, text=' Patch\\n"}'),
        PartEnded(index=0),
        Stopped(stop="tool_use"),
    ]
    stream = b"".join([encoder.feed(event) for event in fed]) + encoder.finish(Usage(output_tokens=1))
    said = list(events(stream))
    assert [event["type"].removeprefix("response.") for event in said] == [
        "created", "in_progress", "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done",
        "output_item.done", "completed",
    ]  # fmt: skip
    assert said[-1]["response"]["output"] == [
        {
            "id": "ctc_1_0",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "t1",
            "name": "apply_patch",
            "input": "*** Begin Patch\n",
        }
    ]


def test_a_call_that_the_limit_cut_is_incomplete() -> None:
    """A client must not run what its last item asks for; the items before it are whole."""
    calls = [ToolCall(id=name, name="f", arguments=arguments) for name, arguments in (("a", "{}"), ("b", '{"x":'))]
    answer = Answer(model="m", choices=(Choice(parts=tuple(calls), stop="limit"),))
    output = json.loads(RESPONSES.encode_answer(answer, Usage(), opening()))["output"]
    assert [(item["arguments"], item["status"]) for item in output] == [("{}", "completed"), ('{"x":', "incomplete")]


def test_an_answer_cut_by_its_limit_is_incomplete() -> None:
    """With the reason; usage counts what was cached inside the input."""
    encoder = ResponsesStreamEncoder(opening())
    encoder.feed(Begun(model="m"))
    encoder.feed(Stopped(stop="limit"))
    [last] = events(encoder.finish(Usage(input_tokens=1, cache_read_tokens=2, output_tokens=3, reasoning_tokens=1)))
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 6,
    }


def test_a_model_that_reasons_is_not_told_how_to_draw() -> None:
    """It would refuse the request; what was left out is named."""
    sampling = Sampling(temperature=0.5, top_p=0.9)
    for model, taken in (("gpt-4.1", {"temperature": b"0.5", "top_p": b"0.9"}), ("gpt-5", {})):
        request = Request(model=model, messages=(), sampling=sampling)
        body = RESPONSES.encode_request(request).fields
        assert {name: bytes(body[name]) for name in ("temperature", "top_p") if name in body} == taken
        assert RESPONSES.encode_request(request).dropped == [
            name for name in ("temperature", "top_p") if name not in taken
        ]


@pytest.mark.parametrize(
    ("model", "limit", "sent", "names"),
    [
        ("gpt-4o", 1, 16, ["max_tokens"]),
        ("gpt-4o", 16, 16, []),
        ("gpt-4o", None, None, []),
        ("deepseek-chat", 1, 1, []),
    ],
)
def test_a_limit_below_openais_least_is_that_least_and_named(
    model: str, limit: int | None, sent: int | None, names: list[str]
) -> None:
    """Probes ask for one token of an answer; OpenAI refuses to be asked for less than 16."""
    request = Request(model=model, messages=(), sampling=Sampling(output_tokens_max=limit))
    assert json.loads(bytes(RESPONSES.encode_request(request).fields.get("max_output_tokens", b"null"))) == sent
    assert RESPONSES.encode_request(request).dropped == names


F = {"type": "function", "name": "f"}
P = {"type": "custom", "name": "p"}


@pytest.mark.parametrize(
    ("choice", "allowed", "sent"),
    [
        (None, (), None),
        ("auto", (), "auto"),
        ("required", (), "required"),
        (NamedTool("f"), (), F),
        (NamedTool("p", "custom"), (), P),
        ("auto", ("f",), {"type": "allowed_tools", "mode": "auto", "tools": [F]}),
        ("required", ("p", "f"), {"type": "allowed_tools", "mode": "required", "tools": [P, F]}),
    ],
)
def test_which_tool_is_to_be_called_is_said_by_its_kind(
    choice: ToolChoice | None, allowed: tuple[str, ...], sent: Any
) -> None:
    """Of one, of several, or of any."""
    tools = (Tool(name="f"), Tool(name="p", kind="custom"))
    body = encode_request(
        Request(model="m", messages=(), tools=tools, tool_choice=choice, allowed_tools=allowed)
    ).fields
    assert (json.loads(bytes(body["tool_choice"])) if "tool_choice" in body else None) == sent


def test_a_result_of_chat_is_of_the_kind_of_its_call() -> None:
    """Chat has one form for all; Responses looks for a call of the same kind."""
    calls = [
        {"id": "c1", "type": "custom", "custom": {"name": "p", "input": "a"}},
        {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    body = {"model": "m", "messages": [{"role": "assistant", "tool_calls": calls}, *results]}
    request = CODECS["openai_chat"].decode_request(asked("openai_chat", body))
    assert json.loads(bytes(encode_request(request).fields["input"])) == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": "a"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
        {"type": "function_call_output", "call_id": "c2", "output": "ok"},
    ]


def test_an_id_that_comes_again_is_that_of_the_last_call_before_the_result() -> None:
    """Some number their calls anew in every turn."""
    custom = ToolCall(id="c1", name="p", arguments="a", kind="custom")
    function = ToolCall(id="c1", name="f", arguments="{}")
    result = Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="ok"),)),))
    said = [Message(role="assistant", parts=(call,)) for call in (custom, function, custom)]
    request = Request(model="m", messages=tuple(turn for each in said for turn in (each, result)))
    assert [item["type"] for item in json.loads(bytes(encode_request(request).fields["input"]))] == [
        "custom_tool_call",
        "custom_tool_call_output",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    ]


def test_what_responses_have_no_form_for_is_named_and_all_else_is_sent() -> None:
    """Stop sequences, a seed, penalties, ``top_k`` and names of who speaks."""
    request = Request(
        model="gpt-4.1",
        messages=(msgspec.structs.replace(HI, name="bob"),),
        sampling=Sampling(top_k=5, stop=("a",), seed=1, presence_penalty=0.1, frequency_penalty=0.2),
        reasoning=Reasoning(effort="low"),
        verbosity="low",
        cache_key="k",
        user="u",
    )
    assert RESPONSES.encode_request(request).dropped == [
        "top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "messages.name", "thinking",
    ]  # fmt: skip
    assert encode_request(request).fields.keys() == {"model", "input", "store", "text", "user", "prompt_cache_key"}


def test_several_choices_are_refused_by_name() -> None:
    """Responses has one answer."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="gpt-5", messages=(HI,), sampling=Sampling(choice_count=2)))
    assert (refused.value.param, refused.value.params) == ("n", {"dialect": "openai_responses"})


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "critic", "content": "Hi"}, "input"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input"),
        ({"role": "user", "content": 3}, "input[0].content"),
        (3, "input"),
    ],
)
def test_an_item_that_cannot_be_is_refused_by_name(item: Any, param: str) -> None:
    """An unknown role, a picture that is none, a number for a text or an item."""
    with pytest.raises(BadRequestError) as refused:
        RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": [item]}))
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "user", "content": [{"type": "hologram"}]}, "messages.content.hologram"),
        (
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "x"}},
            "messages.content.computer_call_output",
        ),
        ({"type": "item_reference", "id": "rs_1"}, "messages.content.item_reference"),
    ],
)
def test_what_only_responses_has_is_refused_by_its_kind(item: dict[str, Any], param: str) -> None:
    """Whatever its members are; a Responses channel gets it as it came."""
    request = RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": [item]}))
    with pytest.raises(NotCarriedError) as refused:
        CODECS["anthropic_messages"].encode_request(request)
    assert refused.value.param == param


@pytest.mark.parametrize("headers", [{"originator": "Codex Desktop"}, {"user_agent": "codex_cli_rs/0.1"}])
def test_what_codex_tools_left_in_its_talk_is_dropped_for_it(headers: dict[str, str]) -> None:
    """A search that OpenAI's own model made, before the talk went to another's."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    said_hm, other = {"role": "assistant", "content": "Hm"}, {"type": "mcp_call", "id": "m1"}
    items = [{"role": "user", "content": "Hi"}, search, {"role": "user", "content": "Hi"}, search, said_hm, other]
    made = exchange("openai_responses", {}, **headers)
    RULES["openai_responses"].read_request(made, json.dumps({"model": "m", "input": items}).encode())
    request = RESPONSES.decode_request(made)
    kept = Native(dialect="openai_responses", kind="mcp_call", document=raw(other))
    talk = (HI, HI, Message(role="assistant", parts=(Text(text="Hm"), kept)))
    assert (request.messages, request.dropped) == (talk, ("input.web_search_call", "input.web_search_call"))


@pytest.mark.parametrize(
    ("name", "data", "source"),
    [
        ("a.pdf", "data:text/plain;base64,aGk=", Inline("text/plain", "aGk=")),
        ("a.csv", "aGk=", Inline("text/csv", "aGk=")),
        (None, "aGk=", Inline("application/pdf", "aGk=")),
    ],
)
def test_a_file_may_come_without_its_kind(name: str | None, data: str, source: Inline) -> None:
    """Then its name says what it is."""
    piece = {"type": "input_file", "file_data": data, "filename": name}
    body = {"model": "m", "input": [{"role": "user", "content": [piece]}]}
    request = RESPONSES.decode_request(asked("openai_responses", body))
    assert request.messages[0].parts == (File(source=source, name=name),)


@pytest.mark.parametrize(
    ("file", "piece", "names"),
    [
        ({"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk=", "detail": "low"}, {}, []),
        ({"file_url": "https://a.example/b.pdf", "detail": "high"}, {}, []),
        ({"file_id": "file_1", "filename": "a.pdf"}, {"file_id": "file_1"}, ["messages.content.filename"]),
    ],
)
def test_what_is_said_of_a_file_comes_back_but_for_the_name_of_one_that_is_elsewhere(
    file: dict[str, Any], piece: dict[str, Any], names: list[str]
) -> None:
    """The name of what is fetched is its own."""
    body = {"model": "m", "input": [{"role": "user", "content": [{"type": "input_file", **file}]}]}
    request = RESPONSES.decode_request(asked("openai_responses", body))
    [turn] = json.loads(bytes(encode_request(request).fields["input"]))
    assert turn["content"] == [{"type": "input_file", **(piece or file)}]
    assert RESPONSES.encode_request(request).dropped == names


def test_a_picture_that_a_model_drew_is_refused_by_name() -> None:
    """As by the other dialects but Gemini: left out, the talk would be another."""
    drawn = Message(role="assistant", parts=(Image(source=Inline("image/png", "aGk=")),))
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="gpt-5", messages=(HI, drawn, HI)))
    assert refused.value.param == "input.image"


def test_a_response_repeats_the_wishes_it_answers() -> None:
    """As OpenAI's does."""
    body = {
        "model": "m",
        "input": "Hi",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    }
    request = RESPONSES.decode_request(asked("openai_responses", body))
    told_opening = msgspec.structs.replace(opening(), request=request)
    answer = Answer(model="m", choices=(Choice(parts=(Text(text="{}"),), stop="end"),))
    response = json.loads(RESPONSES.encode_answer(answer, Usage(), told_opening))
    names = ("tools", "tool_choice", "parallel_tool_calls", "text")
    assert {name: response[name] for name in names} == {name: body[name] for name in names}


def test_a_piece_that_only_this_dialect_has_comes_back_within_its_message() -> None:
    """Of the user, and of the assistant."""
    piece = {"type": "future_piece", "x": 1}
    items = [{"role": role, "content": [piece]} for role in ("user", "assistant")]
    request = RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": items}))
    assert json.loads(bytes(encode_request(request).fields["input"])) == items


@pytest.mark.parametrize(
    ("members", "unanswerable"),
    [
        ({"background": False, "previous_response_id": None}, ()),
        ({"background": True, "stream": True}, ("background",)),
        ({"previous_response_id": "resp_1"}, ("previous_response_id",)),
    ],
)
def test_only_responses_answers_in_the_background_or_continues_an_answer(
    members: dict[str, Any], unanswerable: tuple[str, ...]
) -> None:
    """Saying that neither is wanted asks for nothing."""
    body = {"model": "m", "input": "Hi", **members}
    assert RESPONSES.decode_request(asked("openai_responses", body)).unanswerable == unanswerable


SETTINGS: dict[str, Any] = {
    "tools": (Tool(name="p", kind="custom"),),
    "reasoning": Reasoning(effort="low", summary="auto"),
    "sampling": Sampling(output_tokens_max=7, temperature=0.5, top_p=0.25),
    "user": "u",
}
FREE_CALL = (
    PartBegun(index=8, part=ToolCall(id="c4", name="p", arguments="a", kind="custom")),
    Delta(index=8, text="b"),
    PartEnded(index=8),
)
ANNOTATION = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
SAID_TEXT = {"type": "output_text", "text": 'é"', "annotations": [ANNOTATION], "logprobs": []}
SUMMARY = {"type": "summary_text", "text": "Hm"}
FIGURES = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 7},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 19,
}


def response(status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
    """Return the response to a request with `SETTINGS`."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": 7,
        "metadata": {},
        "model": "m-2",
        "output": output,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "temperature": 0.5,
        "top_p": 0.25,
        "truncation": "disabled",
        "usage": usage,
        "user": "u",
        "tools": [{"type": "custom", "name": "p"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "text": {"format": {"type": "text"}},
    }


def message(item_id: str, status: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def called(item_id: str, status: str, call_id: str, **said: str) -> dict[str, Any]:
    kind = "function_call" if "arguments" in said else "custom_tool_call"
    return {"id": item_id, "type": kind, "status": status, "call_id": call_id, **said}


def sealed(item_id: str, value: str, *summary: dict[str, Any]) -> dict[str, Any]:
    return {"id": item_id, "type": "reasoning", "summary": list(summary), "encrypted_content": value}


SEALS = ("relay.anthropic_messages..EqQB", "relay.anthropic_messages.redacted.Eq.c", "relay.gemini_generate.c3.c2ln")
PICTURE = {"type": "image_generation_call", "status": "completed", "result": "aGk=", "output_format": "png"}


def test_an_answer_is_written_as_openai_documents_responses() -> None:
    """Thoughts with their seals, a source, a picture, calls, every figure; what other dialects have is left out."""
    items = [
        sealed("rs_1_0", SEALS[0], SUMMARY),
        sealed("rs_1_1", SEALS[1]),
        message("msg_1_2", "completed", SAID_TEXT),
        {"id": "ig_1_3", **PICTURE},
        called("fc_1_5", "completed", "c1", name="f", arguments="{}"),
        called("ctc_1_6", "completed", "c2", name="p", input="ab"),
        called("fc_1_7", "completed", "c3", name="f", arguments="{}"),
        sealed("rs_1_8", SEALS[2]),
    ]
    written = RESPONSES.encode_answer(ANSWER, USED, opening(**SETTINGS))
    assert written == msgspec.json.encode(response("completed", items, FIGURES))


def test_a_stream_is_written_as_openai_documents_responses() -> None:
    """The same in events: what comes in deltas is not in the item as it begins, as clients add them up."""
    said: list[tuple[str, dict[str, Any]]] = []

    def within(item_id: str, output_index: int, kind: str, **members: Any) -> None:
        said.append((kind, {"item_id": item_id, "output_index": output_index, **members}))

    def item(kind: str, output_index: int, told: dict[str, Any]) -> None:
        said.append((f"output_item.{kind}", {"output_index": output_index, "item": told}))

    said.append(("created", {"response": response("in_progress", [], None)}))
    said.append(("in_progress", {"response": response("in_progress", [], None)}))
    item("added", 0, {"id": "rs_1_0", "type": "reasoning", "summary": []})
    thought = {"item_id": "rs_1_0", "output_index": 0, "summary_index": 0}
    said.append(("reasoning_summary_part.added", {**thought, "part": {"type": "summary_text", "text": ""}}))
    said.append(("reasoning_summary_text.delta", {**thought, "delta": "H"}))
    said.append(("reasoning_summary_text.delta", {**thought, "delta": "m"}))
    said.append(("reasoning_summary_text.done", {**thought, "text": "Hm"}))
    said.append(("reasoning_summary_part.done", {**thought, "part": SUMMARY}))
    item("done", 0, sealed("rs_1_0", SEALS[0], SUMMARY))
    item("added", 1, {"id": "rs_1_1", "type": "reasoning", "summary": []})
    item("done", 1, sealed("rs_1_1", SEALS[1]))
    item("added", 2, message("msg_1_2", "in_progress"))
    text = {"item_id": "msg_1_2", "output_index": 2, "content_index": 0}
    said.append(("content_part.added", {**text, "part": {**SAID_TEXT, "text": "", "annotations": []}}))
    said.append(("output_text.delta", {**text, "delta": "é", "logprobs": []}))
    said.append(("output_text.delta", {**text, "delta": '"', "logprobs": []}))
    said.append(("output_text.annotation.added", {**text, "annotation_index": 0, "annotation": ANNOTATION}))
    said.append(("output_text.done", {**text, "text": 'é"', "logprobs": []}))
    said.append(("content_part.done", {**text, "part": SAID_TEXT}))
    item("done", 2, message("msg_1_2", "completed", SAID_TEXT))
    item("added", 3, {"id": "ig_1_3", **PICTURE})
    item("done", 3, {"id": "ig_1_3", **PICTURE})
    item("added", 4, called("fc_1_4", "in_progress", "c1", name="f", arguments=""))
    within("fc_1_4", 4, "function_call_arguments.delta", delta="{")
    item("added", 5, called("ctc_1_5", "in_progress", "c2", name="p", input=""))
    within("fc_1_4", 4, "function_call_arguments.delta", delta="}")
    within("fc_1_4", 4, "function_call_arguments.done", arguments="{}")
    item("done", 4, called("fc_1_4", "completed", "c1", name="f", arguments="{}"))
    within("ctc_1_5", 5, "custom_tool_call_input.delta", delta="ab")
    within("ctc_1_5", 5, "custom_tool_call_input.done", input="ab")
    item("done", 5, called("ctc_1_5", "completed", "c2", name="p", input="ab"))
    item("added", 6, called("fc_1_6", "in_progress", "c3", name="f", arguments=""))
    within("fc_1_6", 6, "function_call_arguments.done", arguments="{}")
    item("done", 6, called("fc_1_6", "completed", "c3", name="f", arguments="{}"))
    item("added", 7, sealed("rs_1_7", SEALS[2]))
    item("done", 7, sealed("rs_1_7", SEALS[2]))
    item("added", 8, called("ctc_1_8", "in_progress", "c4", name="p", input=""))
    within("ctc_1_8", 8, "custom_tool_call_input.delta", delta="a")
    within("ctc_1_8", 8, "custom_tool_call_input.delta", delta="b")
    within("ctc_1_8", 8, "custom_tool_call_input.done", input="ab")
    item("done", 8, called("ctc_1_8", "completed", "c4", name="p", input="ab"))
    output = [members["item"] for kind, members in said if kind == "output_item.done"]
    said.append(("completed", {"response": response("completed", output, FIGURES)}))
    encoder = ResponsesStreamEncoder(opening(**SETTINGS))
    *told, stopped = ANSWERED
    assert b"".join(map(encoder.feed, [*told, *FREE_CALL, stopped])) + encoder.finish(USED) == b"".join(
        b"event: response.%b\ndata: %b\n\n"
        % (kind.encode(), msgspec.json.encode({"type": f"response.{kind}", "sequence_number": number, **members}))
        for number, (kind, members) in enumerate(said)
    )


def decoded(*events_of_it: dict[str, Any]) -> list[StreamEvent]:
    """Return what a decoder makes of a stream of events that has begun."""
    decoder = RESPONSES.stream_decoder()
    assert decoder.feed(b'data: {"type":"response.created","response":{}}\n\n') == [Begun()]
    raw = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events_of_it]
    return [told for event in raw for told in decoder.feed(event)]


CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
PAGE = {"type": "url_citation", "url": "https://a.example", "title": "A"}
CITED = Citation(
    url="https://a.example",
    title="A",
    native=Native(dialect="openai_responses", kind="url_citation", document=msgspec.Raw(json.dumps(PAGE).encode())),
)
SAID: dict[str, Any] = {"type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": [PAGE]}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Hm"}], "encrypted_content": "gA"}


def of_item(index: int, kind: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "output_index": index, "item": item}


def ended_by(response: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.{response['status']}", "response": response}


def of_piece(index: int, kind: str, content_index: int = 0, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, "content_index": content_index, **members}


def test_a_response_is_read_as_openai_documents_it() -> None:
    """Item by item; words that decline make it a refusal."""
    search = {"type": "web_search_call", "id": "ws_1"}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Hm"}, {"text": "So"}], "encrypted_content": "gA"},
        {"type": "message", "content": [*SAID["content"], {"type": "refusal", "refusal": "No"}]},
        CALL,
        {"type": "custom_tool_call", "call_id": "c2", "name": "p", "input": "ab"},
        {"type": "image_generation_call", "result": "aGk=", "output_format": "webp"},
        search,
    ]
    answer = {"id": "r", "model": "m-2", "created_at": 1_700_000_001.0, "status": "completed", "output": output}
    document = msgspec.Raw(json.dumps(search).encode())
    assert RESPONSES.decode_answer(json.dumps(answer).encode()) == Answer(
        model="m-2",
        created_at_s=1_700_000_001,
        choices=(
            Choice(
                parts=(
                    Thinking(text="Hm\n\nSo", seal=Seal("openai_responses", "gA", "rs_1")),
                    Text(text="Hi", citations=(CITED,)),
                    Refusal(text="No"),
                    ToolCall(id="c1", name="f", arguments='{"a":1}'),
                    ToolCall(id="c2", name="p", arguments="ab", kind="custom"),
                    Image(source=Inline("image/webp", "aGk=")),
                    Native(dialect="openai_responses", kind="web_search_call", document=document),
                ),
                stop="refusal",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("status", "reason", "output", "stop"),
    [
        ("completed", None, [SAID], "end"),
        ("completed", None, [CALL, SAID], "tool_use"),
        ("completed", None, [CALL, {"type": "message", "content": [{"type": "refusal", "refusal": "No"}]}], "refusal"),
        ("incomplete", "max_output_tokens", [CALL], "limit"),
        ("incomplete", "content_filter", [SAID], "filtered"),
        ("incomplete", None, [], "limit"),
    ],
)
def test_why_a_response_ended_is_read_from_its_status_and_items(
    status: str, reason: str | None, output: list[dict[str, Any]], stop: Stop
) -> None:
    """Whole and as a stream."""
    told = {"status": status, "incomplete_details": {"reason": reason} if reason else None}
    [whole] = RESPONSES.decode_answer(json.dumps({**told, "output": output}).encode()).choices
    done = [of_item(index, "done", item) for index, item in enumerate(output)]
    stream = [event for read in read_each("openai_responses", *done, ended_by(told)) for event in read]
    assert (whole.stop, stream[-1]) == (stop, Stopped(stop=stop))


def test_a_stream_is_read_as_openai_documents_it() -> None:
    """Each event says at once what it brings, and nothing comes twice, though items come whole at their end."""
    named = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Hm"}, {"text": "So"}], "encrypted_content": "gA"}
    words = {"type": "output_text", "text": "é", "annotations": [PAGE]}
    declined = {"type": "refusal", "refusal": "No"}
    free = {"type": "custom_tool_call", "call_id": "c2", "name": "p"}
    drawn = {"type": "image_generation_call", "result": "aGk=", "output_format": "webp"}
    search = {"type": "web_search_call", "id": "ws_1"}
    filtered = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    searched = Native(
        dialect="openai_responses", kind="web_search_call", document=msgspec.Raw(json.dumps(search).encode())
    )
    talk: list[tuple[dict[str, Any], list[StreamEvent]]] = [
        ({"type": "response.created", "response": {"id": "r", "model": "m-2"}}, [Begun(model="m-2")]),
        (of_item(0, "added", {"type": "reasoning", "summary": []}), [PartBegun(index=0, part=Thinking(text=""))]),
        (of_piece(0, "reasoning_summary_part.added", part={"type": "summary_text", "text": ""}), []),
        (of_piece(0, "reasoning_summary_text.delta", delta="Hm"), [Delta(index=0, text="Hm")]),
        (of_piece(0, "reasoning_summary_part.added", part={"type": "summary_text"}), [Delta(index=0, text="\n\n")]),
        (of_piece(0, "reasoning_summary_text.delta", delta="So"), [Delta(index=0, text="So")]),
        (
            of_item(0, "done", named),
            [Sealed(index=0, seal=Seal("openai_responses", "gA", "rs_1")), PartEnded(index=0)],
        ),
        (
            of_piece(1, "reasoning_text.delta", delta="Um"),
            [PartBegun(index=1, part=Thinking(text="")), Delta(index=1, text="Um")],
        ),
        (
            of_item(1, "done", {"type": "reasoning", "summary": [{"text": "In short"}], "content": [{"text": "Um"}]}),
            [PartEnded(index=1)],
        ),
        (of_item(2, "added", {"type": "message", "content": []}), []),
        (of_piece(2, "content_part.added", part={"type": "output_text"}), [PartBegun(index=2, part=Text(text=""))]),
        (of_piece(2, "output_text.delta", delta="é"), [Delta(index=2, text="é")]),
        (of_piece(2, "output_text.delta", delta=""), []),
        (of_piece(2, "output_text.annotation.added", annotation=PAGE), [Cited(index=2, citation=CITED)]),
        (of_piece(2, "output_text.annotation.added", 1, annotation=PAGE), []),
        (of_piece(2, "content_part.done", part=words), [PartEnded(index=2)]),
        (of_piece(2, "content_part.added", 1, part={"type": "refusal"}), [PartBegun(index=3, part=Refusal(text=""))]),
        (of_piece(2, "refusal.delta", 1, delta="No"), [Delta(index=3, text="No")]),
        (of_piece(2, "content_part.done", 1, part=declined), [PartEnded(index=3)]),
        (of_item(2, "done", {"type": "message", "content": [words, declined]}), []),
        (
            of_item(3, "added", {**CALL, "arguments": ""}),
            [PartBegun(index=4, part=ToolCall(id="c1", name="f", arguments=""))],
        ),
        (
            of_item(4, "added", {**free, "input": ""}),
            [PartBegun(index=5, part=ToolCall(id="c2", name="p", arguments="", kind="custom"))],
        ),
        (of_piece(3, "function_call_arguments.delta", delta='{"a"'), [Delta(index=4, text='{"a"')]),
        (of_piece(4, "custom_tool_call_input.delta", delta="a"), [Delta(index=5, text="a")]),
        (of_piece(3, "function_call_arguments.delta", delta=":1}"), [Delta(index=4, text=":1}")]),
        (of_item(3, "done", CALL), [PartEnded(index=4)]),
        (of_item(4, "done", {**free, "input": "ab"}), [Delta(index=5, text="b"), PartEnded(index=5)]),
        (of_piece(5, "function_call_arguments.delta", delta="of no call"), []),
        (of_item(6, "added", {"type": "image_generation_call"}), []),
        (
            of_item(6, "done", drawn),
            [PartBegun(index=6, part=Image(source=Inline("image/webp", "aGk="))), PartEnded(index=6)],
        ),
        (of_item(7, "done", search), [PartBegun(index=7, part=searched), PartEnded(index=7)]),
        (
            of_piece(8, "output_text.delta", delta="late"),
            [PartBegun(index=8, part=Text(text="")), Delta(index=8, text="late")],
        ),
        ({"type": "keepalive"}, []),
        ({"type": "response.completed"}, []),
        ({"type": "response.incomplete", "response": filtered}, [PartEnded(index=8), Stopped(stop="filtered")]),
    ]
    assert read_each("openai_responses", *(said for said, _ in talk)) == [*(read for _, read in talk), []]


@pytest.mark.parametrize(
    ("item", "told_events"),
    [
        (CALL, [PartBegun(index=0, part=ToolCall(id="c1", name="f", arguments="")), Delta(index=0, text='{"a":1}')]),
        (
            SAID,
            [
                PartBegun(index=0, part=Text(text="")),
                Delta(index=0, text="Hi"),
                Cited(index=0, citation=CITED),
            ],
        ),
        (
            THOUGHT,
            [
                PartBegun(index=0, part=Thinking(text="")),
                Delta(index=0, text="Hm"),
                Sealed(index=0, seal=Seal("openai_responses", "gA", "rs_1")),
            ],
        ),
        (
            {"type": "message", "content": [{"type": "refusal", "refusal": "No"}]},
            [PartBegun(index=0, part=Refusal(text="")), Delta(index=0, text="No")],
        ),
    ],
    ids=["call", "message", "reasoning", "refusal"],
)
@pytest.mark.parametrize("is_announced", [True, False])
def test_an_item_told_only_whole_is_not_lost(
    item: dict[str, Any], told_events: list[StreamEvent], is_announced: bool
) -> None:
    """Some upstreams send no pieces; some do not even announce the item."""
    begun = {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    assert decoded(*([begun] if is_announced else []), done) == [*told_events, PartEnded(index=0)]


def test_the_rest_of_a_call_that_came_in_part_is_told_at_its_end() -> None:
    """And nothing twice."""
    begun = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
    piece = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a"'}
    done = {"type": "response.output_item.done", "output_index": 0, "item": CALL}
    assert decoded(begun, piece, done)[1:] == [
        Delta(index=0, text='{"a"'),
        Delta(index=0, text=":1}"),
        PartEnded(index=0),
    ]


def test_the_end_of_an_item_ends_its_own_pieces_alone() -> None:
    """In the order in which they began, also those that were not told as done."""
    begun = {"type": "response.content_part.added", "part": {"type": "output_text"}}
    added = [
        {**begun, "output_index": item_index, "content_index": content_index}
        for item_index, content_index in ((0, 1), (1, 0), (0, 0))
    ]
    done = {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": []}}
    ended = decoded(*added, done, {"type": "response.completed", "response": {"status": "completed"}})[3:]
    assert ended == [PartEnded(index=0), PartEnded(index=2), PartEnded(index=1), Stopped(stop="end")]


def test_many_items_are_open_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the end of one ends is not looked for among all."""

    class OutputIndex(CountedInt):
        pass

    read = stream_decoder._read

    def read_counted(data: bytes) -> stream_decoder._Event:
        event = read(data)
        event.output_index = OutputIndex(event.output_index)
        return event

    monkeypatch.setattr(stream_decoder, "_read", read_counted)
    said = decoded(
        *(
            {"type": f"response.output_item.{kind}", "output_index": index, "item": {**CALL, "arguments": ""}}
            for kind in ("added", "done")
            for index in range(300)
        )
    )
    assert [event.index for event in said if isinstance(event, PartEnded)] == list(range(300))
    assert 0 < OutputIndex.comparison_count < 9000


@pytest.mark.parametrize(
    "item",
    [
        3,
        {"type": "message", "content": 3},
        {"type": "message", "content": [{}]},
        {"type": "reasoning", "summary": [4]},
        None,
    ],
)
def test_an_item_that_is_none_says_nothing(item: Any) -> None:
    """Whatever an upstream sends, the stream goes on."""
    for kind in ("added", "done"):
        assert decoded({"type": f"response.output_item.{kind}", "output_index": 0, "item": item}) == []


WRITTEN = {
    "model": "gpt-5",
    "input": [
        {"role": "system", "content": [{"type": "input_text", "text": "Be"}, {"type": "input_text", "text": "kind"}]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
                {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
                {"type": "input_image", "file_id": "file-2", "detail": "low"},
                {"type": "input_file", "filename": "document", "file_data": "data:application/pdf;base64,aGk="},
                {"type": "input_file", "file_id": "file-1"},
                {"type": "input_file", "file_url": "https://a.example/b.pdf"},
            ],
        },
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "t"}],
            "encrypted_content": "x",
            "id": "rs_1",
        },
        {"type": "reasoning", "summary": [], "encrypted_content": "y"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hm"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "So"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "call_id": "c+3", "name": "p", "input": "a+b"},
        {"type": "function_call_output", "call_id": "c1", "output": "1\n\n2"},
        {"type": "function_call_output", "call_id": "c2", "output": "3"},
        {"type": "custom_tool_call_output", "call_id": "c+3", "output": "4"},
        {"role": "user", "content": [{"type": "input_text", "text": "Well"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
    ],
    "store": False,
    "stream": True,
    "tools": [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "custom", "name": "p", "description": "d"},
    ],
    "include": ["reasoning.encrypted_content"],
    "user": "u",
}


def test_a_talk_is_written_as_openai_documents_responses() -> None:
    """Thoughts that it sealed itself go back to it, no others."""
    written = RESPONSES.encode_request(
        talk(
            "gpt-5",
            asked=(
                Image(source=FileId("openai_responses", "file-2"), detail="low"),
                File(source=PDF),
                File(source=FileId("openai_responses", "file-1")),
                File(source=Link("https://a.example/b.pdf")),
            ),
            said=(
                Thinking(text="t", seal=Seal("openai_responses", "x", id="rs_1")),
                Thinking(text="", seal=Seal("openai_responses", "y")),
                Thinking(text="u"),
                Thinking(text="v", seal=Seal("gemini_generate", "z")),
            ),
        )
    ).fields
    assert json.loads(msgspec.json.encode(written)) == WRITTEN


GRAMMAR, SEARCH, CALL_OF_ITS_OWN = {"type": "text"}, {"type": "web_search"}, {"type": "mcp_call", "id": "m1"}
ASKED = {
    "model": "m",
    "instructions": "Be",
    "stream": True,
    "parallel_tool_calls": False,
    "max_output_tokens": 9,
    "temperature": 0.5,
    "top_p": 0.9,
    "user": "u",
    "prompt_cache_key": "k",
    "reasoning": {"effort": "low", "summary": "concise"},
    "text": {
        "verbosity": "low",
        "format": {
            "type": "json_schema",
            "name": "n",
            "description": "d",
            "schema": {"type": "object"},
            "strict": True,
        },
    },
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        {"type": "custom", "name": "p", "description": "d", "format": GRAMMAR},
        SEARCH,
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}],
    },
    "input": [
        {"role": "developer", "content": "Kind"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "low"},
                {"type": "input_image", "file_id": "file-2", "detail": "high"},
                {"type": "input_file", "file_id": "file-1", "filename": "a.pdf", "detail": "low"},
                {"type": "input_file", "file_url": "https://a.example/b.pdf", "filename": "b.pdf", "detail": "high"},
            ],
        },
        {"role": "user", "content": "And"},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "H"}, {"type": "summary_text", "text": "m"}],
            "encrypted_content": "gA",
        },
        {"type": "reasoning", "id": "rs_2", "content": [{"type": "reasoning_text", "text": "Um"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "So"}, {"type": "refusal", "refusal": "No"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "p", "input": "a"},
        {"type": "image_generation_call", "result": "aGk="},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "1"}]},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
        CALL_OF_ITS_OWN,
    ],
}


def test_a_request_is_read_as_openai_documents_responses() -> None:
    """With every field of it; the items of a turn of the assistant are one message."""
    assert RESPONSES.decode_request(asked("openai_responses", ASKED)) == Request(
        model="m",
        messages=(
            Message(role="system", parts=(Text(text="Be"),)),
            Message(role="developer", parts=(Text(text="Kind"),)),
            Message(
                role="user",
                parts=(
                    Text(text="Look"),
                    Image(source=Link("https://a.example/b.png"), detail="low"),
                    Image(source=FileId("openai_responses", "file-2"), detail="high"),
                    File(source=FileId("openai_responses", "file-1"), name="a.pdf", detail="low"),
                    File(source=Link("https://a.example/b.pdf"), name="b.pdf", detail="high"),
                ),
            ),
            Message(role="user", parts=(Text(text="And"),)),
            Message(
                role="assistant",
                parts=(
                    Thinking(text="H\n\nm", seal=Seal("openai_responses", "gA", "rs_1")),
                    Thinking(text="Um"),
                    Text(text="So"),
                    Refusal(text="No"),
                    ToolCall(id="c1", name="f", arguments="{}"),
                    ToolCall(id="c2", name="p", arguments="a", kind="custom"),
                    Image(source=Inline("image/png", "aGk=")),
                ),
            ),
            Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="1"),)),)),
            Message(role="user", parts=(ToolResult(call_id="c2", parts=(Text(text="2"),)),)),
            Message(
                role="assistant",
                parts=(Native(dialect="openai_responses", kind="mcp_call", document=raw(CALL_OF_ITS_OWN)),),
            ),
        ),
        stream=True,
        tools=(
            Tool(name="f", description="d", schema=raw({"type": "object"}), is_strict=True),
            Tool(name="p", description="d", kind="custom", grammar=raw(GRAMMAR)),
            Native(dialect="openai_responses", kind="web_search", document=raw(SEARCH)),
        ),
        tool_choice="required",
        allowed_tools=("f", "p"),
        is_parallel=False,
        output_format=OutputFormat(schema=raw({"type": "object"}), name="n", description="d", is_strict=True),
        reasoning=Reasoning(effort="low", summary="concise", is_shown=True),
        sampling=Sampling(output_tokens_max=9, temperature=0.5, top_p=0.9),
        verbosity="low",
        user="u",
        cache_key="k",
    )


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"tool_choice": "auto"}, {"tool_choice": "auto"}),
        ({"tool_choice": "none"}, {"tool_choice": "none"}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"tool_choice": F}, {"tool_choice": NamedTool("f")}),
        ({"tool_choice": P}, {"tool_choice": NamedTool("p", "custom")}),
        ({"tool_choice": {"type": "allowed_tools", "tools": [P]}}, {"tool_choice": "auto", "allowed_tools": ("p",)}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"output_format": OutputFormat()}),
        ({"reasoning": {"effort": "none"}}, {"reasoning": Reasoning(effort="none", is_off=True)}),
        ({"reasoning": {"summary": None}}, {}),
        ({"include": ["x", "reasoning.encrypted_content"], "store": True}, {"dropped": ("store", "include.x")}),
        ({"text": None, "tools": None, "tool_choice": None, "reasoning": None, "include": None, "instructions": None}, {}),
    ],
)  # fmt: skip
def test_what_a_member_of_responses_says_is_read(members: dict[str, Any], read: dict[str, Any]) -> None:
    """In each of its forms; null says nothing."""
    plain = Request(model="m", messages=(HI,))
    body = {"model": "m", "input": "Hi", **members}
    assert RESPONSES.decode_request(asked("openai_responses", body)) == msgspec.structs.replace(plain, **read)


@pytest.mark.parametrize("choice", ["x", {"type": "web_search"}])
def test_a_choice_that_cannot_be_is_refused_by_name(choice: Any) -> None:
    """An unknown word, and a tool that only OpenAI has."""
    with pytest.raises(BadRequestError) as refused:
        RESPONSES.decode_request(asked("openai_responses", {"model": "m", "input": "Hi", "tool_choice": choice}))
    assert refused.value.param == "tool_choice"


SAMPLED = {"temperature": 0.5, "top_p": 0.9}
NAMED = ["top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "messages.name"]


@pytest.mark.parametrize(
    ("model", "members", "names"),
    [
        ("gpt-4.1", SAMPLED, [*NAMED, "thinking"]),
        ("gpt-5", {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}, [*NAMED, *SAMPLED]),
        ("qwen3-max", {**SAMPLED, "reasoning": {"effort": "low"}}, NAMED),
    ],
)  # fmt: skip
def test_a_wish_is_written_as_each_model_takes_it(model: str, members: dict[str, Any], names: list[str]) -> None:
    """Every setting of it."""
    asking = wish(model)
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    del body["tools"]
    assert body == {
        "model": model,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "store": False,
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_output_tokens": 9999,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "description": "d",
                "schema": {"type": "object"},
                "strict": True,
            },
            "verbosity": "low",
        },
        "user": "u",
        "prompt_cache_key": "k",
        **members,
    }
    assert RESPONSES.encode_request(asking).dropped == names


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"output_format": OutputFormat()}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"output_format": OutputFormat(schema=raw({"type": "object"}))},
            {"text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": False}}},
        ),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"tools": (Tool(name="f"),)}, {"tools": [{**F, "parameters": None, "strict": False}]}),
        (
            {"tools": (Tool(name="p", kind="custom", grammar=raw(GRAMMAR)),), "is_parallel": True},
            {"tools": [{**P, "format": GRAMMAR}], "parallel_tool_calls": True},
        ),
        ({"tool_choice": "auto", "is_parallel": True}, {}),
        ({"reasoning": Reasoning(is_adaptive=True)}, {"reasoning": {"summary": "auto"}}),
        ({"reasoning": Reasoning(is_adaptive=True, is_shown=False)}, {}),
        ({"reasoning": Reasoning(is_shown=True)}, {"reasoning": {"summary": "auto"}}),
        ({"reasoning": Reasoning(effort="low", summary="concise")}, {"reasoning": {"effort": "low", "summary": "concise"}}),
    ],
)  # fmt: skip
def test_a_setting_is_written_as_openai_documents_responses(members: dict[str, Any], written: dict[str, Any]) -> None:
    """What was not asked for is not said, but for tools: by default they are strict."""
    body = json.loads(msgspec.json.encode(encode_request(Request(model="qwen3-max", messages=(HI,), **members)).fields))
    plain = {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    assert body == {"model": "qwen3-max", "input": [plain], "store": False, **written}


@pytest.mark.parametrize(
    ("role", "part", "param"),
    [
        ("user", Image(source=FileId("anthropic_messages", "f")), "input.image"),
        ("user", File(source=FileId("anthropic_messages", "f")), "input.file"),
        ("user", Audio(source=Inline("audio/wav", "aGk=")), "input.audio"),
        ("user", Native(dialect="openai_responses", kind="x", document=raw({})), "input.x"),
        ("user", Native(dialect="openai_chat", kind="x", document=raw({}), is_piece=True), "input.x"),
        ("assistant", Native(dialect="openai_chat", kind="x", document=raw({})), "input.x"),
    ],
)
def test_a_part_that_responses_have_no_form_for_is_refused_by_name(role: Role, part: Part, param: str) -> None:
    """What is kept elsewhere, sound, an item within a message, and what only another dialect has."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="gpt-5", messages=(Message(role=role, parts=(part,)),)))
    assert (refused.value.param, refused.value.params) == (param, {"dialect": "openai_responses"})


def test_files_of_chat_are_those_of_responses_and_results_may_be_of_parts() -> None:
    """OpenAI keeps the files of both; an item of its own stands beside messages, a piece within."""
    item, piece = {"type": "mcp_call", "id": "m1"}, {"type": "future", "x": 1}
    picture = Image(source=Inline("image/png", "aGk="), detail="low")
    talk = (
        Message(role="user", parts=(File(source=FileId("openai_chat", "file-1"), detail="low"),)),
        Message(
            role="assistant",
            parts=(
                Native(dialect="openai_responses", kind="mcp_call", document=raw(item)),
                Native(dialect="openai_responses", kind="future", document=raw(piece), is_piece=True),
            ),
        ),
        Message(role="user", parts=(ToolResult(call_id="c", parts=(Text(text="1"), picture)),)),
    )
    assert json.loads(bytes(encode_request(Request(model="gpt-5", messages=talk)).fields["input"])) == [
        {"role": "user", "content": [{"type": "input_file", "file_id": "file-1", "detail": "low"}]},
        item,
        {"role": "assistant", "content": [piece]},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [
                {"type": "input_text", "text": "1"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
            ],
        },
    ]

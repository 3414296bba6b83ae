"""Gemini in and out of the hub: what came in goes out, and nothing else.

*Equivalent* means, for an answer: the same model and, candidate by candidate, the same text,
thoughts and their signatures, function calls (name, arguments as a value, signature), media and
sources it rests on, and the same meaning of the finish reason; calls without ids get one. Ratings,
log probabilities, rendered search pages and token details are not carried; usage is compared
where it is read. For a stream the same holds of what its events add up to.

For a request: the same members, but for the spellings that `same` writes out.
"""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest

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
    CacheMark,
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
    Sampling,
    Seal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from relay.core.hub.gemini_generate import request_decoder, stream_decoder
from relay.core.hub.gemini_generate.request_encoder import encode_request
from relay.core.hub.gemini_generate.stops import STOPS
from relay.core.hub.gemini_generate.stream_encoder import GeminiStreamEncoder
from relay.core.hub.gemini_generate.wire import PartDocument, read_part, read_signature, write_signature
from relay.core.usage import Usage
from tests.core.dialects.recordings import Expected
from tests.core.dialects.replay import answer_bytes

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
from .talks import ANSWER, ANSWERED, CALL_SEAL, DRAWN, SAMPLING, USED, talk, wish

GEMINI = CODECS["gemini_generate"]
HI = Message(role="user", parts=(Text(text="Hi"),))


def told(documents: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return what answers tell, by candidate, pieces of one kind of text joined."""
    found: dict[int, dict[str, Any]] = {}
    for candidate in (each for document in documents for each in document.get("candidates") or ()):
        said = found.setdefault(candidate.get("index", 0), {"parts": [], "stop": None, "pages": []})
        for part in candidate.get("content", {}).get("parts") or ():
            _add(said["parts"], part)
        said["stop"] = (
            STOPS.get(str(candidate.get("finishReason")), "end") if "finishReason" in candidate else said["stop"]
        )
        chunks = candidate.get("groundingMetadata", {}).get("groundingChunks") or ()
        said["pages"] += chunks
    for said in found.values():
        said["stop"] = "end" if said["stop"] == "bad_tool_call" else said["stop"]
    return found


def _add(parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    seal = part.get("thoughtSignature", "")
    if "functionCall" in part:
        parts.append({"call": part["functionCall"]["name"], "args": part["functionCall"].get("args", {}), "seal": seal})
    elif "text" in part:
        kind = "thought" if part.get("thought") else "text"
        if not parts or kind not in parts[-1]:
            if not part["text"] and not seal:
                return
            parts.append({kind: "", "seal": ""})
        parts[-1][kind] += part["text"]
        parts[-1]["seal"] += seal
    else:
        parts.append(part)


@pytest.mark.parametrize("expected", bodies("gemini_generate"), ids=lambda each: each.name)
def test_an_answer_comes_back_equivalent(expected: Expected) -> None:
    """Every recorded answer."""
    before, after = json.loads(answer_bytes(expected.name)), json.loads(translated_body(expected, "gemini_generate"))
    assert after["modelVersion"] == before.get("modelVersion", "m")
    if before.get("candidates"):
        assert told([after]) == told([before])
    else:
        assert after["candidates"][0]["finishReason"] == "SAFETY"


@pytest.mark.parametrize("expected", streams("gemini_generate"), ids=lambda each: each.name)
def test_a_stream_comes_back_equivalent_for_every_cut(expected: Expected) -> None:
    """Every recorded stream, read whole and byte by byte."""
    whole = translated_stream(expected, "gemini_generate")
    assert told(list(events(whole))) == told(list(events(answer_bytes(expected.name))))
    assert translated_stream(expected, "gemini_generate", 1) == whole


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body in the one spelling that the encoder writes, of several with one meaning."""
    body = {name: value for name, value in body.items() if value and name not in ("safetySettings", "labels")}
    for content in body["contents"]:
        content.setdefault("role", "user")
        for part in content["parts"]:
            part.get("functionCall", {}).pop("id", None)
            part.get("functionResponse", {}).pop("id", None)
    if "systemInstruction" in body:
        body["systemInstruction"].pop("role", None)
    for tool in body.get("tools", ()):
        for declared in tool.get("functionDeclarations", ()):
            if "parameters" in declared:
                declared["parametersJsonSchema"] = lowered(declared.pop("parameters"))
    config = body.get("generationConfig", {})
    if "responseSchema" in config:
        config["responseJsonSchema"] = lowered(config.pop("responseSchema"))
    return body


def lowered(schema: Any) -> Any:
    """Return a schema with its types in small letters."""
    if isinstance(schema, dict):
        return {name: lowered(value.lower() if name == "type" else value) for name, value in schema.items()}
    return schema


REQUESTS = [
    "gemini/plain", "gemini/tools", "gemini/tool-result", "gemini/tools-parallel", "gemini/image-input",
    "gemini/response-schema", "gemini/thought-parts", "gemini/grounding", "gemini/tools-signature-stream",
    "clients/google-genai-python-generate", "clients/gemini-cli-tool-result-stream",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_comes_back_equivalent(name: str) -> None:
    """Recorded requests with tools, their results, signatures, pictures, schemas and thinking."""
    body = recorded_request(name)
    assert body is not None
    made = asked("gemini_generate", body)
    made.model = "gemini-2.5-flash"
    thinking = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    if "thinkingLevel" in thinking:
        made.model = "gemini-3-flash"
    written = json.loads(msgspec.json.encode(GEMINI.encode_request(GEMINI.decode_request(made)).fields))
    assert same(written) == same(body)


def test_results_without_ids_find_their_calls_by_name_and_order() -> None:
    """Gemini seldom gives ids; the other dialects need them."""
    body = {
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}, {"function_call": {"name": "f"}}]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "f", "response": {"output": "one"}}},
                    {"functionResponse": {"name": "f", "response": {"error": "two"}}},
                ],
            },
        ]
    }  # fmt: skip
    request = GEMINI.decode_request(asked("gemini_generate", body))
    assert request.messages[0].parts == (
        ToolCall(id="call_0", name="f", arguments='{"a": 1}'),
        ToolCall(id="call_1", name="f", arguments="{}"),
    )
    assert request.messages[1].parts == (
        ToolResult(call_id="call_0", parts=(Text(text="one"),), name="f"),
        ToolResult(call_id="call_1", parts=(Text(text="two"),), name="f", is_error=True),
    )


def results_of(call_ids: list[str | None], result_ids: list[str | None]) -> list[str]:
    """Return which calls results of one function are told to answer, calls and results with these ids."""
    calls = [{"functionCall": {"name": "f", "id": call_id}} for call_id in call_ids]
    results = [{"functionResponse": {"name": "f", "id": result_id}} for result_id in result_ids]
    body = {"contents": [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]}
    [_, turn] = GEMINI.decode_request(asked("gemini_generate", body)).messages
    return [part.call_id for part in turn.parts if isinstance(part, ToolResult)]


def test_a_result_without_an_id_answers_the_first_call_that_none_has_answered_by_its_id() -> None:
    """Also where calls share an id: the first of them is answered first."""
    results = results_of(["a", "b", "a", None], ["c", "a", None, None, None, None])
    assert results == ["c", "a", "b", "a", "call_3", "f"]
    assert results_of(["a", "a", None], ["a", "a", None]) == ["a", "a", "call_2"]


def test_a_result_that_is_told_twice_answers_no_later_call_of_its_id() -> None:
    """Some number their calls anew in every turn."""
    call, result, nameless = (
        {"functionCall": {"name": "f", "id": "a"}},
        {"functionResponse": {"name": "f", "id": "a"}},
        {"functionResponse": {"name": "f"}},
    )
    turns = [("model", [call]), ("user", [result, result]), ("model", [call]), ("user", [nameless])]
    body = {"contents": [{"role": role, "parts": parts} for role, parts in turns]}
    *_, last = GEMINI.decode_request(asked("gemini_generate", body)).messages
    assert last.parts == (ToolResult(call_id="a", name="f", parts=(Text(text=""),)),)


def test_no_call_is_looked_for_among_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of many calls of one function may come in any order."""

    class CallId(CountedText):
        pass

    def read_counted(raw: msgspec.Raw) -> tuple[PartDocument, Part | None]:
        document, part = read_part(raw)
        if document.function_response is not None:
            document.function_response.id = CallId(document.function_response.id)
        return document, part

    monkeypatch.setattr(request_decoder, "read_part", read_counted)
    ids = [f"call-{index}" for index in range(300)]
    assert results_of([*ids], [*ids[::-1]]) == ids[::-1]
    assert 0 < CallId.comparison_count < 3000


def test_one_of_a_repeated_field_needs_no_brackets() -> None:
    """Google's own examples write turns, parts and tools so."""
    hi, tool = {"text": "Hi"}, {"name": "f"}
    asked_for: list[dict[str, Any]] = [
        {
            "contents": {"role": "user", "parts": hi},
            "systemInstruction": {"parts": hi},
            "tools": {"functionDeclarations": tool},
        },
        {
            "contents": [{"role": "user", "parts": [hi]}],
            "systemInstruction": {"parts": [hi]},
            "tools": [{"functionDeclarations": [tool]}],
        },
    ]
    bare, listed = (GEMINI.decode_request(asked("gemini_generate", body)) for body in asked_for)
    assert bare == listed
    assert [message.role for message in bare.messages] == ["system", "user"]


def test_pictures_in_a_functions_result_are_carried() -> None:
    """Gemini 3 takes them in the response itself; they are the result's, as a text is."""
    response = {"name": "f", "response": {"output": "of f"}, "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}  # fmt: skip
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]
    [_, turn] = GEMINI.decode_request(asked("gemini_generate", {"contents": contents})).messages
    [result] = turn.parts
    assert isinstance(result, ToolResult)
    assert result.parts == (Text(text="of f"), Image(source=Inline("image/png", "aGk=")))


@pytest.mark.parametrize(
    "data", ["d2h5Pz53aGF0Pz8-Cg==", "d2h5Pz53aGF0Pz8-Cg", "d2h5Pz53aGF0Pz8-Cg=", "d2h5Pz53aGF0Pz8+Cg=="]
)
def test_media_of_googles_own_sdk_are_told_to_others_in_standard_base64(data: str) -> None:
    """It writes bytes in the alphabet of addresses; a text reaches chat as the text it is."""
    kinds = ("text/csv", "image/png")
    parts = [{"inlineData": {"mimeType": kind, "data": data}} for kind in kinds]
    request = GEMINI.decode_request(asked("gemini_generate", {"contents": [{"role": "user", "parts": parts}]}))
    file, picture = (Inline(kind, "d2h5Pz53aGF0Pz8+Cg==") for kind in kinds)
    assert request.messages[0].parts == (File(source=file), Image(source=picture))
    [told] = json.loads(bytes(CODECS["openai_chat"].encode_request(request).fields["messages"]))
    assert told["content"] == [
        {"type": "text", "text": "why?>what??>\n"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,d2h5Pz53aGF0Pz8+Cg=="}},
    ]


@pytest.mark.parametrize("data", ["aGk=\naGk0\n", "a"])
def test_what_is_no_base64_of_one_piece_stays_as_it_is(data: str) -> None:
    """Its upstream judges it."""
    contents = [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}]
    request = GEMINI.decode_request(asked("gemini_generate", {"contents": contents}))
    assert request.messages[0].parts == (Image(source=Inline("image/png", data)),)


def test_a_signed_picture_of_the_talk_comes_back_signed() -> None:
    """Gemini's image models check it when they go on from it."""
    part = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "U0lH"}
    contents = [{"role": "model", "parts": [part]}, {"role": "user", "parts": [{"text": "Hi"}]}]
    request = GEMINI.decode_request(asked("gemini_generate", {"contents": contents}))
    assert json.loads(bytes(GEMINI.encode_request(request).fields["contents"])) == contents


def test_members_of_the_configuration_that_are_read_nowhere_are_named() -> None:
    """In either spelling; those that are read are not."""
    config = {"maxOutputTokens": 9, "candidateCount": 1, "responseLogprobs": True, "media_resolution": "LOW"}
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config}
    request = GEMINI.decode_request(asked("gemini_generate", body))
    assert request.dropped == ("generationConfig.responseLogprobs", "generationConfig.mediaResolution")


def test_thinking_of_the_talk_is_not_told_again() -> None:
    """What seals it stands on other parts."""
    said = Message(
        role="assistant", parts=(Thinking(text="Hm", seal=Seal("gemini_generate", "U0lH")), Text(text="Yes"))
    )
    contents = json.loads(
        bytes(encode_request(Request(model="gemini-2.5-pro", messages=(HI, said))).fields["contents"])
    )
    assert contents[1] == {"role": "model", "parts": [{"text": "Yes"}]}


def test_results_that_come_in_another_order_are_told_in_that_of_their_calls() -> None:
    """Without ids, two results of one function would be taken for each other's."""
    calls = (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments="{}"))
    results = [ToolResult(call_id=call_id, parts=(Text(text=f"of {call_id}"),)) for call_id in ("b", "a")]
    told = [Message(role="user", parts=(result,)) for result in results]
    turns = (HI, Message(role="assistant", parts=calls), *told)
    contents = json.loads(bytes(encode_request(Request(model="gemini-2.5-pro", messages=turns)).fields["contents"]))
    assert [part["functionResponse"]["response"] for part in contents[2]["parts"]] == [
        {"output": "of a"},
        {"output": "of b"},
    ]


def test_an_id_that_comes_again_is_that_of_the_last_call_before_the_result() -> None:
    """Some number their calls anew in every turn, or not at all; a result without words of its own names its function."""

    def called(*names: str) -> Message:
        calls = (ToolCall(id=f"c{index}", name=name, arguments="{}") for index, name in enumerate(names))
        return Message(role="assistant", parts=tuple(calls))

    def answered(*call_ids: str) -> Message:
        results = (ToolResult(call_id=call_id, parts=(Text(text=call_id),)) for call_id in call_ids)
        return Message(role="user", parts=tuple(results))

    talk = (
        called("f", "g"),
        answered("c1", "c0"),
        called("h"),
        answered("c0"),
        called("i", "j"),
        HI,
        answered("c1", "c0"),
    )
    contents = json.loads(bytes(encode_request(Request(model="gemini-2.5-pro", messages=talk)).fields["contents"]))
    told = [part["functionResponse"] for turn in contents for part in turn["parts"] if "functionResponse" in part]
    assert [(each["name"], each["response"]["output"]) for each in told] == [
        ("f", "c0"),
        ("g", "c1"),
        ("h", "c0"),
        ("i", "c0"),
        ("j", "c1"),
    ]


def test_a_result_whose_call_is_not_there_is_told_behind_those_of_the_last_calls() -> None:
    """They are matched by their order; its own name is all that it has."""
    calls = Message(role="assistant", parts=(ToolCall(id="c0", name="f", arguments="{}"),))
    results = tuple(ToolResult(call_id=call_id, parts=(Text(text="ok"),)) for call_id in ("lost", "c0"))
    talk = (calls, Message(role="user", parts=results))
    contents = json.loads(bytes(encode_request(Request(model="gemini-2.5-pro", messages=talk)).fields["contents"]))
    assert [part["functionResponse"]["name"] for part in contents[1]["parts"]] == ["f", "lost"]


def test_of_what_may_be_called_gemini_is_told_by_its_name_or_by_its_absence() -> None:
    """A list of names goes with the demand of a call alone."""
    tools, allowed = (Tool(name="f"), Tool(name="g")), ("g",)
    demanded, left = (
        encode_request(
            Request(model="gemini-2.5-pro", messages=(HI,), tools=tools, tool_choice=choice, allowed_tools=allowed)
        ).fields
        for choice in ("required", "auto")
    )
    assert json.loads(bytes(demanded["tools"])) == [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    calling = {"mode": "ANY", "allowedFunctionNames": ["g"]}
    assert json.loads(bytes(demanded["toolConfig"])) == {"functionCallingConfig": calling}
    assert json.loads(bytes(left["tools"])) == [{"functionDeclarations": [{"name": "g"}]}]
    assert json.loads(bytes(left["toolConfig"])) == {"functionCallingConfig": {"mode": "AUTO"}}


def test_a_schema_of_geminis_is_read_into_json_schema() -> None:
    """Types in capitals, null by a word of its own, counts as text, an order nobody else knows; values are no schemas."""
    schema = {
        "type": "OBJECT",
        **dict.fromkeys(("minProperties", "maxItems", "minItems", "maxLength"), "1"),
        "minLength": "9" * 18,
        "maxProperties": "9" * 5000,
        "properties": {"type": {"type": "STRING", "nullable": True}, "list": {"type": "ARRAY", "items": {"type": "INTEGER"}}},
        "propertyOrdering": [["list"], "type"],
        "additionalProperties": {"type": "NUMBER"},
        **{name: [True, {"type": "BOOLEAN"}] for name in ("anyOf", "oneOf", "allOf")},
        "enum": [{"type": "STRING"}],
        "default": {"type": "STRING"},
    }  # fmt: skip
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}  # fmt: skip
    [tool] = GEMINI.decode_request(asked("gemini_generate", body)).tools
    assert isinstance(tool, Tool)
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema)) == {
        "type": "object",
        **dict.fromkeys(("minProperties", "maxItems", "minItems", "maxLength"), 1),
        "minLength": 10**18 - 1,
        "maxProperties": "9" * 5000,
        "properties": {"type": {"type": ["string", "null"]}, "list": {"type": "array", "items": {"type": "integer"}}},
        "additionalProperties": {"type": "number"},
        **{name: [True, {"type": "boolean"}] for name in ("anyOf", "oneOf", "allOf")},
        "enum": [{"type": "STRING"}],
        "default": {"type": "STRING"},
    }


def test_the_order_of_a_schemas_members_is_that_of_the_schema_elsewhere() -> None:
    """Gemini names it beside them; OpenAI writes them in the order in which they stand."""
    schema = {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}, "c": {"type": "STRING"}},
        "propertyOrdering": ["c", "b", 3, "x"],
    }
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config}
    request = GEMINI.decode_request(asked("gemini_generate", body))
    assert bytes(CODECS["openai_chat"].encode_request(request).fields["response_format"]) == (
        b'{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object","properties":'
        b'{"c":{"type":"string"},"b":{"type":"string"},"a":{"type":"string"}}}}}'
    )


SAID = "Größe: 3. Größe: 4."
CHUNKS = [{"web": {"uri": f"https://{name}.example", "title": name}} for name in ("a", "b")]
SUPPORTS: list[Any] = [
    {"segment": {"endIndex": 11, "text": "Größe: 3."}, "groundingChunkIndices": [0, 1]},
    {"segment": {"startIndex": 12, "endIndex": 23, "text": "Größe: 4."}, "groundingChunkIndices": [0]},
    {"segment": {"startIndex": 1, "endIndex": 9, "text": "elsewhere"}, "groundingChunkIndices": [1]},
    {"segment": 3},
]
RECITED = {"citationSources": [{"startIndex": 0, "endIndex": 5, "uri": "https://c.example"}, {"license": "MIT"}]}
GROUNDED = {
    "groundingMetadata": {"groundingChunks": CHUNKS, "groundingSupports": SUPPORTS},
    "citationMetadata": RECITED,
}
PLACED = [("https://a.example", 0, 9), ("https://a.example", 10, 19), ("https://b.example", 0, 9)]
UNPLACED = [("https://c.example", None, None)]


def test_each_source_is_told_at_each_place_that_rests_on_it() -> None:
    """In characters, where Gemini counts bytes; what is repeated of a page names it too, once."""
    candidate = {"content": {"role": "model", "parts": [{"text": SAID}]}, "finishReason": "STOP", **GROUNDED}
    answer = GEMINI.decode_answer(json.dumps({"candidates": [candidate]}).encode())
    message = json.loads(CODECS["openai_chat"].encode_answer(answer, Usage(), opening()))["choices"][0]["message"]
    assert message["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": url, "title": url[8] if start is not None else "", "start_index": start, "end_index": end}}
        for url, start, end in [*PLACED, *UNPLACED]
    ]  # fmt: skip
    [again] = json.loads(GEMINI.encode_answer(answer, Usage(), opening()))["candidates"]
    assert again["groundingMetadata"] == {
        "groundingChunks": [*CHUNKS, {"web": {"uri": "https://c.example", "title": ""}}]
    }


@pytest.mark.parametrize(
    ("start_byte", "words", "start"),
    [(0, "é", 0), (1, "é", 0), (2, "中", 1), (4, "中", 1), (5, "b", 2), (6, "b", None), (99, "b", None)],
)
def test_a_place_within_a_character_is_that_before_it(start_byte: int, words: str, start: int | None) -> None:
    """A place behind the text is none; other places, told before or after, change nothing."""
    supports = [
        {"segment": {"startIndex": place, "text": text}, "groundingChunkIndices": [index]}
        for index, place, text in ((1, 5, "b"), (0, start_byte, words), (1, 2, "中"))
    ]
    grounding = {"groundingChunks": CHUNKS, "groundingSupports": supports}
    candidate = {"content": {"parts": [{"text": "é中b"}]}, "groundingMetadata": grounding}
    [choice] = GEMINI.decode_answer(json.dumps({"candidates": [candidate]}).encode()).choices
    [text] = choice.parts
    assert isinstance(text, Text)
    assert [(each.url[8], each.start) for each in text.citations] == [("a", start), ("b", 2), ("b", 1)]


def test_very_many_places_are_told_in_a_long_text() -> None:
    """The text before them is not read anew for each: that would take minutes here."""
    sentence = "中é" * 50
    supports = [
        {"segment": {"startIndex": 250 * index, "text": "中é"}, "groundingChunkIndices": [0]} for index in range(40_000)
    ]
    grounding = {"groundingChunks": CHUNKS[:1], "groundingSupports": supports[::-1]}
    candidate = {"content": {"parts": [{"text": sentence * 40_000}]}, "groundingMetadata": grounding}
    [choice] = GEMINI.decode_answer(msgspec.json.encode({"candidates": [candidate]})).choices
    [text] = choice.parts
    assert isinstance(text, Text)
    assert [each.start for each in text.citations] == [100 * index for index in range(40_000)][::-1]


def test_places_are_told_in_a_stream_too() -> None:
    """Behind the text that they are places of."""
    decoder = GEMINI.stream_decoder()
    halves = ({"content": {"parts": [{"text": SAID[:4]}]}}, {"content": {"parts": [{"text": SAID[4:]}]}, **GROUNDED})
    events_of_it = [
        event
        for half in (*halves, {"citationMetadata": {"citations": RECITED["citationSources"]}, "finishReason": "STOP"})
        for event in decoder.feed(b"data: " + json.dumps({"candidates": [half]}).encode() + b"\n\n")
    ]
    cited = [event.citation for event in events_of_it if isinstance(event, Cited)]
    assert [(each.url, each.start, each.end) for each in cited] == [*PLACED, *UNPLACED]


def grounded_twice() -> list[tuple[str, int | None]]:
    """Return the sources of a stream whose last two events tell the same ones, with where they belong."""
    decoder = GEMINI.stream_decoder()
    pieces: list[dict[str, Any]] = [{"content": {"parts": [{"text": each}]}} for each in (SAID[:9], SAID[9:])]
    said = [
        event
        for piece in (*pieces, GROUNDED, {**GROUNDED, "finishReason": "STOP"})
        for event in decoder.feed(b"data: " + json.dumps({"candidates": [piece]}).encode() + b"\n\n")
    ]
    return [(event.citation.url, event.citation.start) for event in said if isinstance(event, Cited)]


def test_sources_that_events_repeat_are_told_once() -> None:
    """Each at each of its places."""
    assert grounded_twice() == [(url, start) for url, start, _ in (*PLACED, *UNPLACED)]


def test_no_more_of_a_stream_is_kept_than_places_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said behind that has sources too, but at no place; of their number the first are remembered."""
    monkeypatch.setattr(stream_decoder, "PLACED_BYTES_MAX", 9)
    monkeypatch.setattr(stream_decoder, "SOURCES_MAX", 2)
    first = [("https://a.example", 0), ("https://b.example", 0), ("https://c.example", None)]
    assert grounded_twice() == [*first, first[2]]


@pytest.mark.parametrize("piece", ["ab ", "é中 "])
def test_a_long_stream_of_small_pieces_leaves_no_more_behind_than_its_text(
    monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    """A byte for each of its bytes, as far as sources may have their places in it."""
    monkeypatch.setattr(stream_decoder, "PLACED_BYTES_MAX", 2**13)
    decoder = GEMINI.stream_decoder()
    event = {"candidates": [{"content": {"parts": [{"text": piece}]}}]}
    frame = b"data: " + json.dumps(event).encode() + b"\n\n"
    decoder.feed(frame)
    tracemalloc.start()
    for _ in range(5_000):
        decoder.feed(frame)
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes < 12_500


def test_sources_that_are_told_behind_another_part_have_no_place() -> None:
    """The text that they are places of has ended."""
    call = {"functionCall": {"id": "a", "name": "f", "args": {}}}
    halves = ({"content": {"parts": [{"text": SAID}, call]}}, GROUNDED)
    decoder = GEMINI.stream_decoder()
    said = [
        each
        for half in halves
        for each in decoder.feed(b"data: " + json.dumps({"candidates": [half]}).encode() + b"\n\n")
    ]
    cited = [(event.index, event.citation.start) for event in said if isinstance(event, Cited)]
    assert cited == [(2, None), (2, None), (2, None)]


def test_sources_of_an_answer_without_words_are_told_all_the_same() -> None:
    """As in a stream, in an empty text."""
    candidate = {"content": {"parts": [{"functionCall": {"id": "a", "name": "f"}}]}, **GROUNDED}
    [choice] = GEMINI.decode_answer(json.dumps({"candidates": [candidate]}).encode()).choices
    call, text = choice.parts
    assert call == ToolCall(id="a", name="f", arguments="{}")
    assert isinstance(text, Text)
    assert text.text == ""
    assert [each.url for each in text.citations] == ["https://a.example", "https://b.example", "https://c.example"]


def test_another_models_call_is_sent_with_the_signature_that_skips_the_check() -> None:
    """Gemini 3 wants one on the first call of a turn, and ids of all and of their results; 2.5 wants none."""
    calls = (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="{}"))
    result = ToolResult(call_id="b", parts=(Text(text="ok"),))
    turns = (HI, Message(role="assistant", parts=calls), Message(role="user", parts=(result,)))
    three = json.loads(bytes(encode_request(Request(model="gemini-3-pro", messages=turns)).fields["contents"]))
    two = json.loads(bytes(encode_request(Request(model="gemini-2.5-pro", messages=turns)).fields["contents"]))
    assert three[1]["parts"] == [
        {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"},
        {"functionCall": {"id": "b", "name": "g", "args": {}}},
    ]
    assert three[2]["parts"] == [{"functionResponse": {"id": "b", "name": "g", "response": {"output": "ok"}}}]
    assert two[1]["parts"][0] == {"functionCall": {"name": "f", "args": {}}}
    assert two[2]["parts"] == [{"functionResponse": {"name": "g", "response": {"output": "ok"}}}]


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking"),
    [
        ("gemini-2.5-flash", Reasoning(effort="low"), {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-flash", Reasoning(is_off=True), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", Reasoning(is_off=True), {"thinkingBudget": 128}),
        ("gemini-2.5-flash", Reasoning(effort="xhigh"), {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash-lite", Reasoning(budget_tokens=9), {"includeThoughts": True, "thinkingBudget": 512}),
        ("gemini-2.5-flash-lite", Reasoning(is_off=True), {"thinkingBudget": 0}),
        ("gemini-2.5-pro", Reasoning(budget_tokens=60000), {"includeThoughts": True, "thinkingBudget": 32768}),
        (
            "gemini-2.5-pro",
            Reasoning(is_adaptive=True, effort="low"),
            {"includeThoughts": True, "thinkingBudget": 1024},
        ),
        ("gemini-2.5-pro", Reasoning(is_adaptive=True), {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-3-pro", Reasoning(is_adaptive=True), {"includeThoughts": True}),
        ("gemini-3-pro", Reasoning(effort="xhigh"), {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-3-pro", Reasoning(budget_tokens=600), {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3-pro", Reasoning(effort="medium"), {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", Reasoning(effort="medium"), {"includeThoughts": True, "thinkingLevel": "medium"}),
        ("gemini-3.1-pro-preview", Reasoning(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3-flash-preview", Reasoning(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "minimal"}),
        ("gemini-3.5-flash-lite", Reasoning(is_off=True), {"thinkingLevel": "minimal"}),
        ("gemini-3.8-flash", Reasoning(is_off=True), {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", Reasoning(budget_tokens=10000), {"includeThoughts": True, "thinkingLevel": "medium"}),
        ("gemini-2.0-flash", Reasoning(effort="high"), None),
        ("gemini-2.5-flash", Reasoning(), None),
    ],
)
def test_effort_becomes_the_models_own_measure(
    model: str, reasoning: Reasoning, thinking: dict[str, Any] | None
) -> None:
    """A budget for 2.5, a level for 3, nothing for a model that can't be told."""
    body = encode_request(Request(model=model, messages=(HI,), reasoning=reasoning)).fields
    config = json.loads(bytes(body.get("generationConfig", b"{}")))
    assert config.get("thinkingConfig") == thinking


@pytest.mark.parametrize(
    ("model", "names"),
    [("gemini-3-flash-preview", ["thinking"]), ("gemini-2.5-pro", ["thinking"]), ("gemini-2.5-flash", []), ("gemini-2.0-flash", [])],
)  # fmt: skip
def test_a_model_that_always_thinks_is_named_where_it_shall_not(model: str, names: list[str]) -> None:
    """It is asked for the least; one that can't think, or can be told not to, does as it is told."""
    request = Request(model=model, messages=(HI,), reasoning=Reasoning(is_off=True))
    assert CODECS["gemini_generate"].encode_request(request).dropped == names


@pytest.mark.parametrize(
    ("part", "media_type"),
    [
        (Image(source=Link("https://a.example/b.png"), cache=CacheMark()), "image/png"),
        (Image(source=Link("https://a.example/c.d/e.JPG?size=2#x")), "image/jpeg"),
        (File(source=Link("https://a.example/f.pdf")), "application/pdf"),
        (File(source=Link("gs://a-bucket/f", media_type="audio/wav")), "audio/wav"),
    ],
)
def test_what_stands_at_a_public_address_is_told_by_it(part: Image | File, media_type: str) -> None:
    """Gemini fetches it, and must be told of what kind it is: the end of the address says so."""
    body = encode_request(Request(model="gemini-3-pro", messages=(Message(role="user", parts=(part,)),))).fields
    assert isinstance(part.source, Link)
    told = {"fileData": {"mimeType": media_type, "fileUri": part.source.url}}
    assert json.loads(bytes(body["contents"])) == [{"role": "user", "parts": [told]}]


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("gemini-3-pro", "http://a.example/b.png"),
        ("gemini-3-pro", "https://a.example/b"),
        ("gemini-3-pro", "https://a.example/png"),
        ("gemini-3-pro", "https://a.example/b.gif"),
        ("gemini-3-pro", "https://a.example/x.png/"),
        ("gemini-3-pro", "https://[b.png"),
        ("gemini-2.0-flash", "https://a.example/b.png"),
        ("gemini-1.5-pro", "https://a.example/b.png"),
    ],
)
def test_an_address_that_gemini_would_not_fetch_is_refused_by_name(model: str, url: str) -> None:
    """Neither does relay; a kind is never guessed."""
    picture = Image(source=Link(url), cache=CacheMark())
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model=model, messages=(Message(role="user", parts=(picture,)),)))
    assert refused.value.param == "messages.content.image_url"


@pytest.mark.parametrize(
    ("reason", "finish_reason"),
    [
        ("NO_IMAGE", "stop"),
        ("MISSING_THOUGHT_SIGNATURE", "stop"),
        ("CONTINUATION", "length"),
        ("MALFORMED_RESPONSE", "length"),
        ("IMAGE_OTHER", "content_filter"),
        ("ESCALATION", "content_filter"),
        ("PUP_LIMITED_DISABLED", "content_filter"),
    ],
)
def test_geminis_newer_reasons_are_told_by_their_meaning(reason: str, finish_reason: str) -> None:
    """An answer that was cut or filtered is no whole one elsewhere."""
    body = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": reason}]}
    answer = CODECS["gemini_generate"].decode_answer(json.dumps(body).encode())
    written = json.loads(CODECS["openai_chat"].encode_answer(answer, Usage(), opening()))
    assert written["choices"][0]["finish_reason"] == finish_reason


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "tool_use"),
        ("UNEXPECTED_TOOL_CALL", "tool_use"),
        ("MAX_TOKENS", "limit"),
        ("SAFETY", "filtered"),
        (None, "tool_use"),
    ],
)
def test_a_call_is_why_an_answer_ended_unless_it_was_cut(reason: str | None, stop: Stop | None) -> None:
    """Whole and as a stream."""
    answer = said_by(0, {"functionCall": {"id": "c1", "name": "f"}}, finishReason=reason)
    [whole] = GEMINI.decode_answer(json.dumps(answer).encode()).choices
    assert whole.stop == stop
    assert read_each("gemini_generate", answer)[-1] == [Stopped(stop=stop)]


def test_structured_output_is_told_as_json_schema() -> None:
    """Which Gemini takes beside its own form."""
    asked_for = OutputFormat(schema=msgspec.Raw(b'{"type":"object","additionalProperties":false}'))
    body = encode_request(Request(model="gemini-x", messages=(HI,), output_format=asked_for)).fields
    assert bytes(body["generationConfig"]) == (
        b'{"responseMimeType":"application/json","responseJsonSchema":{"type":"object","additionalProperties":false}}'
    )


def test_a_foreign_seal_travels_as_base64_and_finds_its_way_back() -> None:
    """Google's clients take a signature for bytes."""
    seal = Seal("anthropic_messages", "EqQB")
    assert write_signature(seal) == "cmVsYXkuYW50aHJvcGljX21lc3NhZ2VzLi5FcVFC"
    assert read_signature(write_signature(seal)) == seal
    assert read_signature("c2ln") == Seal("gemini_generate", "c2ln")
    assert read_signature("no base64") == Seal("gemini_generate", "no base64")


REDACTED = {"type": "redacted_thinking", "data": "Eq.c"}


def returned_to_claude(shown: dict[str, Any]) -> list[Any]:
    """Return what Claude gets of its own turn when a client of Gemini's sends it back as it was *shown*."""
    turns = [shown["candidates"][0]["content"], {"role": "user", "parts": [{"text": "Hi"}]}]
    request = GEMINI.decode_request(asked("gemini_generate", {"contents": turns}))
    sent = (
        CODECS["anthropic_messages"].encode_request(msgspec.structs.replace(request, model="claude-sonnet-4-5")).fields
    )
    content: list[Any] = json.loads(bytes(sent["messages"]))[0]["content"]
    return content


def test_claudes_redacted_thinking_returns_to_it_as_it_came() -> None:
    """Claude takes its data for no thinking's signature."""
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [REDACTED]}
    answer = CODECS["anthropic_messages"].decode_answer(json.dumps(whole).encode())
    assert returned_to_claude(json.loads(GEMINI.encode_answer(answer, USED, opening()))) == [REDACTED]


def test_claudes_redacted_thinking_in_a_stream_returns_to_it_as_it_came() -> None:
    """It comes whole with the beginning of its block."""
    decoder, encoder = CODECS["anthropic_messages"].stream_decoder(), GeminiStreamEncoder(opening())
    begun = {"type": "content_block_start", "index": 0, "content_block": REDACTED}
    said = decoder.feed(b"data: " + json.dumps(begun).encode() + b"\n\n")
    [shown] = events(b"".join(map(encoder.feed, (Begun(model="m"), *said))))
    assert returned_to_claude(shown) == [REDACTED]


FIGURES = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 4,
    "totalTokenCount": 19,
    "cachedContentTokenCount": 2,
    "thoughtsTokenCount": 5,
}
HIDDEN: dict[str, Any] = {
    "text": "",
    "thought": True,
    "thoughtSignature": "cmVsYXkuYW50aHJvcGljX21lc3NhZ2VzLnJlZGFjdGVkLkVxLmM=",
}
SIGNATURE = "cmVsYXkuYW50aHJvcGljX21lc3NhZ2VzLi5FcVFC"
WHOLE_PARTS: list[dict[str, Any]] = [
    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
    {"executableCode": {"code": "1"}},
    {"functionCall": {"id": "c1", "name": "f", "args": {}}},
    {"functionCall": {"id": "c2", "name": "p", "args": {"input": "ab"}}},
    {"functionCall": {"id": "c3", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
]
GROUNDING = {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]}
KNOWN = {"modelVersion": "m-2", "responseId": "1"}


def test_an_answer_is_written_as_google_documents_it() -> None:
    """Thoughts with their seals, a source, a picture, a part of Gemini's alone, calls, every figure."""
    thought = {"text": "Hm", "thought": True, "thoughtSignature": SIGNATURE}
    parts = [thought, HIDDEN, {"text": 'é"'}, *WHOLE_PARTS]
    content = {"parts": parts, "role": "model"}
    candidate = {"content": content, "finishReason": "STOP", "index": 0, "groundingMetadata": GROUNDING}
    assert GEMINI.encode_answer(ANSWER, USED, opening()) == msgspec.json.encode(
        {"candidates": [candidate], "usageMetadata": FIGURES, **KNOWN}
    )


def test_a_stream_is_written_as_google_documents_it() -> None:
    """The same in answers of one part each: calls once they are whole, sources and reason in the last."""
    parts = [
        {"text": "H", "thought": True},
        {"text": "m", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": SIGNATURE},
        HIDDEN,
        {"text": "é"},
        {"text": '"'},
        *WHOLE_PARTS,
    ]
    said: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], **KNOWN} for part in parts
    ]
    content = {"parts": [{"text": ""}], "role": "model"}
    last = {"content": content, "finishReason": "STOP", "index": 0, "groundingMetadata": GROUNDING}
    said.append({"candidates": [last], "usageMetadata": FIGURES, **KNOWN})
    encoder = GeminiStreamEncoder(opening())
    assert b"".join(map(encoder.feed, ANSWERED)) + encoder.finish(USED) == b"".join(
        b"data: %b\r\n\r\n" % msgspec.json.encode(each) for each in said
    )


def said_by(index: int, *parts: dict[str, Any], **members: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": index, **members}
    return {"candidates": [candidate], **KNOWN}


def test_an_answer_is_read_as_google_documents_it() -> None:
    """Two candidates: all that one may hold, its sources in its first text; and one that a limit cut."""
    pages = [{"web": {"uri": "https://a.example", "title": "A"}}, {"maps": {"uri": "https://b.example"}}]
    support = {"segment": {"startIndex": 0, "text": "Hi"}, "groundingChunkIndices": [0]}
    call = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}
    parts = [
        {"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}, {"text": "Hi"}, {"text": "So"}, WHOLE_PARTS[0], call
    ]  # fmt: skip
    candidates = [
        {
            "content": {"parts": parts},
            "finishReason": "STOP",
            "groundingMetadata": {"groundingChunks": pages, "groundingSupports": [support]},
            "citationMetadata": {"citationSources": [{"uri": "https://c.example"}, {"uri": ""}]},
        },
        {"index": 1, "finishReason": "MAX_TOKENS"},
    ]
    chunks = [
        Native(dialect="gemini_generate", kind="groundingChunks", document=msgspec.Raw(json.dumps(page).encode()))
        for page in pages
    ]
    cited = (
        Citation(url="https://a.example", title="A", start=0, end=2, native=chunks[0]),
        Citation(url="https://b.example", native=chunks[1]),
        Citation(url="https://c.example"),
    )
    assert GEMINI.decode_answer(json.dumps({"candidates": candidates, **KNOWN}).encode()) == Answer(
        model="m-2",
        choices=(
            Choice(
                parts=(
                    Thinking(text="Hm", seal=CALL_SEAL),
                    Text(text="Hi", citations=cited),
                    Text(text="So"),
                    DRAWN,
                    ToolCall(id="c1", name="f", arguments='{"a": 1}'),
                ),
                stop="tool_use",
            ),
            Choice(parts=(), stop="limit"),
        ),
    )


def test_a_stream_is_read_as_google_documents_it() -> None:
    """Two candidates, whose parts are counted together; why they ended is told last, as it may come twice."""
    signed = {"thoughtSignature": "c2ln"}
    call = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, **signed}
    ran = {"executableCode": {"code": "1"}}
    cited = {"citationMetadata": {"citationSources": [{"uri": "https://a.example", "title": "A"}]}}
    talk: list[tuple[dict[str, Any], list[StreamEvent]]] = [
        (
            said_by(0, {"text": "Hm", "thought": True}),
            [Begun(model="m-2"), PartBegun(index=0, part=Thinking(text="")), Delta(index=0, text="Hm")],
        ),
        (said_by(0, {"text": "", "thought": True, **signed}), [Sealed(index=0, seal=CALL_SEAL)]),
        (
            said_by(1, {"text": "zwei"}),
            [PartBegun(index=1, part=Text(text=""), choice_index=1), Delta(index=1, text="zwei")],
        ),
        (
            said_by(0, {"text": "Hi"}, {"text": " é"}),
            [
                PartEnded(index=0),
                PartBegun(index=2, part=Text(text="")),
                Delta(index=2, text="Hi"),
                Delta(index=2, text=" é"),
            ],
        ),
        (said_by(0, WHOLE_PARTS[0]), [PartEnded(index=2), PartBegun(index=3, part=DRAWN), PartEnded(index=3)]),
        (
            said_by(0, {"text": "So"}, finishReason="STOP"),
            [PartBegun(index=4, part=Text(text="")), Delta(index=4, text="So")],
        ),
        (
            said_by(0, call),
            [
                PartEnded(index=4),
                PartBegun(index=5, part=ToolCall(id="c1", name="f", arguments='{"a": 1}', seal=CALL_SEAL)),
                PartEnded(index=5),
            ],
        ),
        (
            said_by(0, ran),
            [
                PartBegun(
                    index=6,
                    part=Native(
                        dialect="gemini_generate",
                        kind="executableCode",
                        document=msgspec.Raw(json.dumps(ran).encode()),
                    ),
                ),
                PartEnded(index=6),
            ],
        ),
        (
            said_by(0, **cited),
            [
                PartBegun(index=7, part=Text(text="")),
                Cited(index=7, citation=Citation(url="https://a.example", title="A")),
            ],
        ),
        (said_by(0, **cited, finishReason="STOP"), []),
        (
            said_by(0, citationMetadata={"citations": [{"uri": "https://a.example", "title": "B"}]}),
            [Cited(index=7, citation=Citation(url="https://a.example", title="B"))],
        ),
        (said_by(1, finishReason="MAX_TOKENS"), []),
    ]
    assert read_each("gemini_generate", *(said for said, _ in talk)) == [
        *(read for _, read in talk),
        [
            PartEnded(index=7),
            Stopped(stop="tool_use"),
            PartEnded(index=1),
            Stopped(stop="limit", choice_index=1),
        ],
    ]


@pytest.mark.parametrize(("feedback", "stop"), [({"blockReason": "SAFETY"}, "filtered"), ({"safetyRatings": []}, None)])
def test_an_answer_without_candidates_is_filtered_where_gemini_says_so(
    feedback: dict[str, Any], stop: Stop | None
) -> None:
    """Whole and as a stream; ratings alone are no reason."""
    answer = {"promptFeedback": feedback, **KNOWN}
    assert GEMINI.decode_answer(json.dumps(answer).encode()).choices == (Choice(parts=(), stop=stop),)
    assert read_each("gemini_generate", answer)[-1] == [Stopped(stop=stop)]


def fed(query: str) -> bytes:
    """Return a small stream in the framing that *query* asks for."""
    encoder = GeminiStreamEncoder(msgspec.structs.replace(opening(), query=query))
    said: list[StreamEvent] = [
        Begun(model=None),
        PartBegun(index=0, part=Thinking(text="")),
        Delta(index=0, text="Hm"),
        PartEnded(index=0),
        PartBegun(index=1, part=ToolCall(id="t1", name="f", arguments="")),
        Delta(index=1, text='{"a":'),
        Delta(index=1, text="1}"),
        PartEnded(index=1),
        Stopped(stop="tool_use"),
    ]
    return b"".join(map(encoder.feed, said)) + encoder.finish(
        Usage(input_tokens=1, output_tokens=3, reasoning_tokens=2)
    )


def test_a_stream_is_written_as_events_or_as_one_array() -> None:
    """The same answers in both; calls whole, the reason and the usage in the last."""
    answers: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}], "role": "model"}, "index": 0}]},
        {
            "candidates": [
                {
                    "content": {
                        "parts": [{"functionCall": {"id": "t1", "name": "f", "args": {"a": 1}}}],
                        "role": "model",
                    },
                    "index": 0,
                }
            ]
        },
        {
            "candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 1,
                "candidatesTokenCount": 1,
                "totalTokenCount": 4,
                "thoughtsTokenCount": 2,
            },
        },
    ]
    answers = [{**answer, "modelVersion": "m", "responseId": "1"} for answer in answers]
    assert json.loads(fed("")) == answers
    assert list(events(fed("alt=sse"))) == answers
    assert fed("alt=sse").count(b"\r\n\r\n") == 3


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (3, "contents[0].parts[0]"),
        ({"text": 3}, "contents[0].parts[0].text"),
        ({"functionCall": {"name": 3}}, "contents.parts"),
    ],
)
def test_a_part_that_cannot_be_is_refused_by_name(part: Any, param: str) -> None:
    """A number for a part, for a text, for a name."""
    with pytest.raises(BadRequestError) as refused:
        GEMINI.decode_request(asked("gemini_generate", {"contents": [{"parts": [part]}]}))
    assert refused.value.param == param


def test_a_request_is_read_in_either_spelling() -> None:
    """Limits and schemas too; names that the customer chose are left alone."""
    arguments, schema = {"file_data": 1}, {"type": "object", "properties": {"inline_data": {"type": "string"}}}
    camel = {
        "contents": [
            {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": arguments}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 9, "topP": 0.5, "thinkingConfig": {"thinkingBudget": 5}},
    }
    snake = {
        "contents": [
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [{"function_call": {"name": "f", "args": arguments}}]},
        ],
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": schema}]}],
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "generation_config": {"max_output_tokens": 9, "top_p": 0.5, "thinking_config": {"thinking_budget": 5}},
    }
    request = GEMINI.decode_request(asked("gemini_generate", snake))
    assert request == GEMINI.decode_request(asked("gemini_generate", camel))
    assert (request.sampling.output_tokens_max, request.sampling.top_p, request.reasoning.budget_tokens) == (9, 0.5, 5)
    assert request.messages[1].parts == (ToolCall(id="call_0", name="f", arguments='{"file_data": 1}'),)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generation_config", {"stop_sequences": [3]}),
        ("toolConfig", {"function_calling_config": []}),
        ("tools", [{"function_declarations": [3]}]),
    ],
)
def test_a_field_that_cannot_be_is_refused_in_camel_case(field: str, value: Any) -> None:
    """As Google's documentation names it."""
    with pytest.raises(BadRequestError) as refused:
        GEMINI.decode_request(asked("gemini_generate", {"contents": [{"parts": [{"text": "Hi"}]}], field: value}))
    assert refused.value.param in ("generationConfig", "toolConfig", "tools")


WRITTEN = {
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "Look"},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.png"}},
                {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "Hm"},
                {"text": "So"},
                {"functionCall": {"name": "f", "args": {}}},
                {"functionCall": {"name": "f", "args": {"a": 1}}},
                {"functionCall": {"name": "p", "args": {"input": "a+b"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "1\n\n2"}}},
                {"functionResponse": {"name": "f", "response": {"error": "3"}}},
                {"functionResponse": {"name": "p", "response": {"output": "4"}}},
                {"text": "Well"},
            ],
        },
        {"role": "model", "parts": [{"text": "No"}]},
    ],
    "systemInstruction": {"parts": [{"text": "Be"}, {"text": "kind"}]},
    "tools": [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object", "properties": {}}},
                {
                    "name": "p",
                    "description": "d",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"input": {"type": "string"}},
                        "required": ["input"],
                    },
                },
            ]
        }
    ],
}


def test_a_talk_is_written_as_google_documents_it() -> None:
    """Results name the function that they are of, and a failed one is an error."""
    written = GEMINI.encode_request(talk("gemini-2.5-pro", said=(Thinking(text="t"),))).fields
    assert json.loads(msgspec.json.encode(written)) == WRITTEN


@pytest.mark.parametrize(
    ("model", "reasoning", "names"),
    [
        ("gemini-2.0-flash", Reasoning(effort="low"), ["thinking"]),
        ("gemini-2.0-flash", Reasoning(), []),
        ("gemini-2.5-flash", Reasoning(effort="low"), []),
        ("gemini-2.5-flash", Reasoning(effort="none"), []),
        ("gemini-2.5-pro", Reasoning(effort="none"), ["thinking"]),
        ("gemini-3-pro-preview", Reasoning(effort="none"), ["thinking"]),
    ],
)
def test_what_gemini_is_not_told_is_named(model: str, reasoning: Reasoning, names: list[str]) -> None:
    """Who asks, calls one by one, how long to answer, what to cache, and thinking where it can't be told."""
    request = Request(
        model=model, messages=(), user="u", is_parallel=False, verbosity="low", cache_key="k", reasoning=reasoning
    )
    left_out = GEMINI.encode_request(request).dropped
    assert left_out == ["user", "parallel_tool_calls", "verbosity", "prompt_cache_key", *names]


def test_a_draw_is_written_as_google_documents_it() -> None:
    """Every number of it, and the schema of the answer."""
    sampling = msgspec.structs.replace(SAMPLING, choice_count=2)
    format = OutputFormat(schema=msgspec.Raw(b'{"type":"object"}'))
    body = GEMINI.encode_request(
        Request(model="gemini-2.0", messages=(), sampling=sampling, output_format=format)
    ).fields
    assert json.loads(bytes(body["generationConfig"])) == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5,
        "stopSequences": ["a"],
        "seed": 1,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "candidateCount": 2,
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
    }


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NamedTool("f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_which_tool_is_to_be_called_is_said_by_a_mode(choice: ToolChoice, calling: dict[str, Any]) -> None:
    """Without tools nothing is said of it."""
    request = Request(model="gemini-2.5-pro", messages=(), tools=(Tool(name="f"),), tool_choice=choice)
    assert json.loads(bytes(GEMINI.encode_request(request).fields["toolConfig"])) == {"functionCallingConfig": calling}
    assert "toolConfig" not in GEMINI.encode_request(msgspec.structs.replace(request, tools=())).fields


def test_a_picture_that_a_tool_gave_back_stands_beside_its_result() -> None:
    """The result itself is an object of text."""
    picture = Image(source=Inline("image/png", "aGk="))
    result = ToolResult(call_id="c", name="f", parts=(Text(text="a"), picture, Text(text="b")))
    request = Request(model="gemini-2.5-pro", messages=(Message(role="user", parts=(result,)),))
    [turn] = json.loads(bytes(GEMINI.encode_request(request).fields["contents"]))
    assert turn["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "a\n\nb"}}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
    ]


SEARCH: dict[str, Any] = {"googleSearch": {}}
RAN = {"executableCode": {"code": "1"}}
HALF = {"functionCall": {"name": "f", "willContinue": True}}
ASKED = {
    "systemInstruction": {"parts": [{"text": "Be"}]},
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "Look"},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.example/b.pdf"}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "Hm", "thought": True},
                {"text": "So", "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1.0}}, "thoughtSignature": "c2ln"},
                RAN,
                HALF,
            ],
        },
        {
            "parts": [
                {"functionResponse": {"id": "c1", "name": "f", "response": {"error": "1"}}},
                {"functionResponse": {"name": "g", "response": {"result": 5}}},
                {"functionResponse": {"name": "g", "response": {"output": "2", "x": 1}}},
                {"functionResponse": {"name": "g", "response": {"result": "3"}}},
                {"functionResponse": {"name": "g", "response": {"status": "ok"}}},
                {"functionResponse": {"name": "g", "response": ["4"]}},
                {"functionResponse": {"name": "g", "parts": [{"text": ""}]}},
            ]
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}, "parameters": {}},
                {"name": "g", "parameters": {"type": "OBJECT"}},
            ]
        },
        SEARCH,
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5.0,
        "stopSequences": ["a"],
        "seed": 1,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "candidateCount": 2,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT"},
        "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": False},
    },
}


def test_a_request_is_read_as_google_documents_it() -> None:
    """With every field of it; a result that is one text under one of the API's own names is that text."""
    seal, schema = Seal("gemini_generate", "c2ln"), msgspec.Raw(b'{"type":"object"}')
    texts = ('{"result": 5}', '{"output": "2", "x": 1}', "3", '{"status": "ok"}', '["4"]', "")
    others = [ToolResult(call_id="g", name="g", parts=(Text(text=text),)) for text in texts]
    made = asked("gemini_generate", ASKED)
    made.model, made.stream = "m", True
    assert GEMINI.decode_request(made) == Request(
        model="m",
        stream=True,
        messages=(
            Message(role="system", parts=(Text(text="Be"),)),
            Message(
                role="user",
                parts=(
                    Text(text="Look"),
                    Image(source=Inline("image/png", "aGk=")),
                    Audio(source=Inline("audio/wav", "aGk=")),
                    File(source=Link("https://a.example/b.pdf", "application/pdf")),
                ),
            ),
            Message(
                role="assistant",
                parts=(
                    Thinking(text="Hm"),
                    Text(text="So", seal=seal),
                    ToolCall(id="c1", name="f", arguments='{"a": 1.0}', seal=seal),
                    Native(dialect="gemini_generate", kind="executableCode", document=raw(RAN)),
                    Native(dialect="gemini_generate", kind="functionCall", document=raw(HALF)),
                ),
            ),
            Message(
                role="user",
                parts=(ToolResult(call_id="c1", name="f", parts=(Text(text="1"),), is_error=True), *others),
            ),
        ),
        tools=(
            Tool(name="f", description="d", schema=raw({"type": "object"})),
            Tool(name="g", schema=schema),
            Native(dialect="gemini_generate", kind="googleSearch", document=msgspec.Raw(b'{"googleSearch":{}}')),
        ),
        tool_choice="required",
        allowed_tools=("f",),
        output_format=OutputFormat(schema=schema),
        reasoning=Reasoning(effort="low", is_shown=False),
        sampling=msgspec.structs.replace(SAMPLING, choice_count=2),
        dropped=("contents.parts.executableCode", "contents.parts.functionCall.willContinue"),
    )


BE_AND_HI = (Message(role="system", parts=(Text(text="Be"),)), HI)


def configured(**members: Any) -> dict[str, Any]:
    """Return the member in which Gemini's clients set how to answer."""
    return {"generationConfig": members}


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"toolConfig": {"functionCallingConfig": {}}}, {"tool_choice": "auto"}),
        ({"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}, {"tool_choice": "none"}),
        ({"system_instruction": "Be"}, {"messages": BE_AND_HI}),
        (configured(responseMimeType="application/json"), {"output_format": OutputFormat()}),
        (configured(responseMimeType="text/plain"), {}),
        ({"systemInstruction": "Be", "system_instruction": "x"}, {"messages": BE_AND_HI}),
        ({"system_instruction": "x", "systemInstruction": "Be"}, {"messages": BE_AND_HI}),
        (configured(responseJsonSchema={"type": "string"}), {"output_format": OutputFormat(schema=raw({"type": "string"}))}),
        (configured(responseJsonSchema={"type": "string"}, responseSchema={"type": "OBJECT"}), {"output_format": OutputFormat(schema=raw({"type": "string"}))}),
        (configured(thinkingConfig={"thinkingBudget": -1}), {"reasoning": Reasoning(is_adaptive=True)}),
        (configured(thinkingConfig={"thinkingBudget": 0}), {"reasoning": Reasoning(is_off=True)}),
        (configured(thinkingConfig={"thinkingBudget": 1, "includeThoughts": True}), {"reasoning": Reasoning(budget_tokens=1, is_shown=True)}),
        (configured(thinkingConfig={"thinkingLevel": "MINIMAL"}), {"reasoning": Reasoning(effort="minimal")}),
        (configured(thinkingConfig={"thinkingLevel": "medium"}), {"reasoning": Reasoning(effort="medium")}),
        (configured(thinkingConfig={"thinkingLevel": "HIGH"}), {"reasoning": Reasoning(effort="high")}),
        (configured(responseModalities=["Text"]), {}),
        (configured(responseModalities=["TEXT", "IMAGE"]), {"unanswerable": ("generationConfig.responseModalities",)}),
        (configured(speechConfig={"voice": "x"}), {"unanswerable": ("generationConfig.speechConfig",)}),
        ({"cachedContent": "cachedContents/1"}, {"unanswerable": ("cachedContent",)}),
        ({"cachedContent": None, "systemInstruction": None, "tools": None, "toolConfig": None, "generationConfig": None}, {}),
    ],
)  # fmt: skip
def test_what_a_member_of_gemini_says_is_read(members: dict[str, Any], read: dict[str, Any]) -> None:
    """In each of its forms; null says nothing, and of two spellings Google's own counts."""
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}, {"text": ""}]}], **members}
    plain = Request(model="", messages=(HI,))
    assert GEMINI.decode_request(asked("gemini_generate", body)) == msgspec.structs.replace(plain, **read)


def test_a_wish_is_written_as_google_documents_it() -> None:
    """Every setting of it."""
    asking = wish("gemini-2.5-pro")
    body = json.loads(msgspec.json.encode(encode_request(asking).fields))
    del body["tools"]
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "maxOutputTokens": 9999,
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 5,
            "stopSequences": ["a"],
            "seed": 1,
            "presencePenalty": 0.1,
            "frequencyPenalty": 0.2,
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        },
    }
    assert GEMINI.encode_request(asking).dropped == [
        "user", "parallel_tool_calls", "verbosity", "prompt_cache_key", "messages.name", "response_format.description",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"output_format": OutputFormat()}, {"generationConfig": {"responseMimeType": "application/json"}}),
        ({"sampling": Sampling(choice_count=1, stop=())}, {}),
        ({"tool_choice": "required", "allowed_tools": ("f",), "tools": (Tool(name="f"), Tool(name="g"))}, {
            "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        }),
        ({"tool_choice": "auto", "allowed_tools": ("g",), "tools": (Tool(name="f"), Tool(name="g"))}, {
            "tools": [{"functionDeclarations": [{"name": "g"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        }),
        ({"tools": (Tool(name="f"), Native(dialect="gemini_generate", kind="googleSearch", document=raw(SEARCH)))}, {
            "tools": [{"functionDeclarations": [{"name": "f"}]}, SEARCH],
        }),
        ({"tool_choice": "none", "tools": (Native(dialect="gemini_generate", kind="googleSearch", document=raw(SEARCH)),)}, {"tools": [SEARCH]}),
        ({"reasoning": Reasoning(is_shown=False)}, {}),
        ({"reasoning": Reasoning(is_shown=True)}, {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}),
    ],
)  # fmt: skip
def test_a_setting_is_written_as_google_documents_it(members: dict[str, Any], written: dict[str, Any]) -> None:
    """What was not asked for is not said."""
    body = json.loads(
        msgspec.json.encode(encode_request(Request(model="gemini-2.5-pro", messages=(HI,), **members)).fields)
    )
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **written}


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Image(source=FileId("openai_responses", "f")), "messages.content.image"),
        (File(source=FileId("openai_chat", "f")), "messages.content.file"),
        (Image(source=Link("ftp://a.example/b.png")), "messages.content.image_url"),
        (File(source=Link("ftp://a.example/b.pdf")), "messages.content.file_url"),
        (Native(dialect="openai_chat", kind="x", document=raw({})), "messages.content.x"),
    ],
)
def test_a_part_that_gemini_has_no_form_for_is_refused_by_name(part: Part, param: str) -> None:
    """What is kept elsewhere, by an address that it can't fetch, or of another dialect alone."""
    with pytest.raises(NotCarriedError) as refused:
        encode_request(Request(model="gemini-2.5-pro", messages=(Message(role="user", parts=(part,)),)))
    assert (refused.value.param, refused.value.params) == (param, {"dialect": "gemini_generate"})


def test_neighbours_are_joined_and_what_is_empty_is_left_out() -> None:
    """A turn of nothing but thoughts, an empty text that is not signed, and signatures of others."""
    seal = Seal("gemini_generate", "c2ln")
    talk = (
        Message(role="system", parts=(Text(text=""),)),
        Message(role="developer", parts=(Text(text="Be"),)),
        HI,
        Message(role="assistant", parts=(Thinking(text="Hm", seal=seal), Text(text=""))),
        HI,
        Message(role="assistant", parts=(Text(text="", seal=seal), Text(text="a", seal=Seal("openai_chat", "x")))),
        Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments="{}", seal=Seal("openai_chat", "x")),)),
        Message(role="assistant", parts=(Refusal(text="No"), Native(dialect="gemini_generate", kind="x", document=raw(RAN)))),
        Message(role="user", parts=(ToolResult(call_id="c", parts=(Text(text="1"),)), Audio(source=Inline("audio/wav", "aGk=")))),
        Message(role="system", parts=(Text(text="So"),)),
    )  # fmt: skip
    body = json.loads(msgspec.json.encode(encode_request(Request(model="gemini-2.5-pro", messages=talk)).fields))
    assert body["systemInstruction"] == {"parts": [{"text": "Be"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}, {"text": "Hi"}]},
        {
            "role": "model",
            "parts": [
                {"text": "", "thoughtSignature": "c2ln"},
                {"text": "a"},
                {"functionCall": {"name": "f", "args": {}}},
                {"text": "No"},
                RAN,
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "1"}}},
                {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
                {"text": "So"},
            ],
        },
    ]


def test_empty_system_text_is_no_instruction() -> None:
    """Gemini refuses an empty one."""
    body = encode_request(
        Request(model="gemini-2.5-pro", messages=(Message(role="system", parts=(Text(text=""),)), HI))
    ).fields
    assert body.keys() == {"contents"}

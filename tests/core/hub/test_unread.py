"""What a customer's dialect alone has is named where it is left out, by its place."""

from typing import Any

import msgspec
import pytest

from relay.core.errors import BadRequestError, NotCarriedError
from relay.core.exchange import Dialect
from relay.core.hub.codecs import CODECS
from relay.core.hub.translation import Translation
from relay.core.hub.unread import Read, unread

from .recorded import asked

C, R, M, G = CODECS
Body = dict[str, Any]
HI = {"type": "text", "text": "Hi"}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}}
PAGE = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
PLACE = {"type": "char_location", "cited_text": "q", "document_index": 0, "start_char_index": 0, "end_char_index": 1}


def chat(*turns: Body, **members: Any) -> Body:
    """Return a request of chat."""
    return {"model": "m", "messages": [{"role": "user", "content": "Hi"}, *turns], **members}


def responses(*items: Body, **members: Any) -> Body:
    """Return a request of Responses."""
    return {"model": "m", "input": [{"role": "user", "content": "Hi"}, *items], **members}


def messages(*blocks: Body, **members: Any) -> Body:
    """Return a request of Messages."""
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [HI, *blocks]}], **members}


def said(*blocks: Body) -> Body:
    """Return a request of Messages with a turn of the assistant."""
    return {**messages(), "messages": [{"role": "assistant", "content": [*blocks]}, {"role": "user", "content": "Hi"}]}


def gemini(*parts: Body, **members: Any) -> Body:
    """Return a request of Gemini's."""
    return {"contents": [{"role": "user", "parts": [{"text": "Hi"}, *parts]}], **members}


def tool(**members: Any) -> Body:
    """Return a tool of Messages."""
    return {"name": "f", "input_schema": {"type": "object"}, **members}


CASES: list[tuple[Dialect, Dialect, Body, list[str]]] = [
    (M, C, messages({**PDF, "context": "of 2026"}), ["messages.content.context"]),
    (M, G, messages({**PDF, "citations": {"enabled": True}}), ["messages.content.citations"]),
    (M, C, messages({"type": "tool_result", "tool_use_id": "a", "content": [{**HI, "citations": [PLACE]}]}), ["messages.content.content.citations"]),
    (M, R, said({**HI, "citations": [PLACE]}), ["messages.content.citations"]),
    (M, C, messages(tools=[tool(input_examples=[{"a": 1}], defer_loading=True)]), ["tools.input_examples", "tools.defer_loading"]),
    (M, G, messages(output_config={"task_budget": {"type": "tokens", "total": 9}}), ["output_config.task_budget"]),
    (M, C, messages(system=[{**HI, "citations": [PLACE]}]), ["system.citations"]),
    (M, G, messages(system=[{"type": "text", "text": "x-anthropic-billing-header: a"}]), ["system.billing_line"]),
    (C, M, chat({"role": "assistant", "content": "Hi", "annotations": [PAGE]}), ["messages.annotations"]),
    (C, G, chat({"role": "assistant", "content": "Hi", "prefix": True}), ["messages.prefix"]),
    (C, M, chat(stream_options={"include_usage": True, "include_obfuscation": False}), ["stream_options.include_obfuscation"]),
    (C, G, chat(store=True), ["store"]),
    (C, R, chat(thinking={"type": "enabled", "clear_thinking": False}), ["thinking.clear_thinking", "thinking"]),
    (R, C, responses({"role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "Hi", "annotations": [PAGE]}]}), ["input.phase", "input.content.annotations"]),
    (R, M, responses(tools=[{"type": "function", "name": "f", "parameters": {}, "defer_loading": True}]), ["tools.defer_loading"]),
    (R, G, responses(store=True, include=["message.output_text.logprobs", "reasoning.encrypted_content"]), ["store", "include.message.output_text.logprobs"]),
    (R, C, responses(reasoning={"generate_summary": "auto"}), ["reasoning.generate_summary"]),
    (G, C, gemini({"text": "See", "videoMetadata": {"fps": 1}, "media_resolution": {"level": "LOW"}}), ["contents.parts.videoMetadata", "contents.parts.mediaResolution"]),
    (G, M, gemini({"inlineData": {"mimeType": "image/png", "data": "aGk=", "displayName": "a"}}), ["contents.parts.inlineData.displayName"]),
    (G, R, gemini(tools=[{"function_declarations": [{"name": "f", "behavior": "BLOCKING", "response_json_schema": {"type": "object"}}]}]), ["tools.functionDeclarations.behavior", "tools.functionDeclarations.responseJsonSchema"]),
    (G, C, gemini(toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "en"}}), ["toolConfig.retrievalConfig", "toolConfig.functionCallingConfig.mode"]),
    (G, C, gemini(generationConfig={"media_resolution": "LOW", "thinkingConfig": {"mode": "x"}}), ["generationConfig.mediaResolution", "generationConfig.thinkingConfig.mode"]),
]  # fmt: skip


@pytest.mark.parametrize(("customer", "channel", "body", "names"), CASES)
def test_a_member_that_is_read_nowhere_is_named(
    customer: Dialect, channel: Dialect, body: Body, names: list[str]
) -> None:
    """Wherever it stands, in the words of the dialect that has it."""
    assert Translation(asked(customer, body), channel, "m").dropped == tuple(names)


@pytest.mark.parametrize(
    ("customer", "body"),
    [
        (M, messages({**PDF, "context": None}, metadata={}, tools=[tool(input_examples=[])])),
        (C, chat({"role": "assistant", "content": "Hi", "annotations": [], "audio": None})),
        (R, responses({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": "Hi"})),
        (G, gemini(toolConfig={}, safetySettings=[], labels={})),
        (C, chat(logprobs=None, logit_bias={}, metadata=None, store=False)),
        (R, responses(metadata={}, service_tier=None, prompt=None)),
    ],
)
def test_a_member_that_says_nothing_is_not_named(customer: Dialect, body: Body) -> None:
    """Absent, null and empty are one; and so is what merely tells which item this was."""
    [channel] = [each for each in (C, M) if each != customer][:1]
    assert Translation(asked(customer, body), channel, "m").dropped == ()


def test_what_stays_whole_by_its_type_is_not_looked_into() -> None:
    """It is refused, or named by its type."""
    fields = {
        "a": msgspec.Raw(b'[{"type":"x","b":1},{"type":5,"c":1},{"type":null,"b":1},"c",{"type":"y","d":{"e":1}}]')
    }
    assert unread(fields, Read(set(), {"a": Read({"type"}, {"d": Read(set())}, {"y"})})) == ("a.b", "a.d.e")


def test_what_is_nested_too_deep_to_look_into_is_refused_by_name() -> None:
    """The door reads a few levels more: nobody has called so many functions there."""
    deep = msgspec.Raw(b'{"b":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    with pytest.raises(BadRequestError) as refused:
        unread({"a": deep}, Read(set(), {"a": Read(set())}))
    assert refused.value.param == "a"


@pytest.mark.parametrize(
    ("role", "pictures"),
    [("user", ["aGk="]), ("user", [{"image_url": {"url": "https://a.example/a.png"}}]), ("assistant", ["aGk="])],
)
def test_pictures_where_nobody_documents_them_are_refused_by_name(role: str, pictures: list[Any]) -> None:
    """An answer without a look at them would be another."""
    with pytest.raises(NotCarriedError) as refused:
        Translation(asked(C, chat({"role": role, "content": "See", "images": pictures})), M, "m")
    assert refused.value.param == "messages.content.images"


def test_a_cache_mark_without_a_time_is_one() -> None:
    """As clients write it that tell every member."""
    marked = {**HI, "cache_control": {"type": "ephemeral", "ttl": None}}
    translation = Translation(asked(C, chat({"role": "user", "content": [marked]})), G, "m")
    assert translation.dropped == ("cache_control",)


def test_a_cache_mark_on_sound_is_named() -> None:
    """Nobody who takes sound takes it."""
    sound = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
    marked = {**sound, "cache_control": {"type": "ephemeral"}}
    translation = Translation(asked(C, chat({"role": "user", "content": [marked]})), G, "m")
    assert translation.dropped == ("cache_control",)

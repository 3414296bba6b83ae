"""What a request says, and what it refers to."""

import json
from typing import Any

import msgspec
import pytest

from relay import ChannelRequest
from relay.core.failures.sent_request import SentRequest
from relay.core.form import Form


def request(fields: dict[str, Any]) -> ChannelRequest:
    known = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return ChannelRequest(
        dialect="openai_chat", operation="chat", model="m", fields=known, headers={"x": "Head"}, stream=False
    )


def content(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": [{"parts": [{"fileData": {"fileUri": "https://x/files/nope"}}]}]},
        {"contents": [{"parts": [{"file_data": {"file_uri": "gs://nope/x"}}]}]},
        {"cachedContent": "cachedContents/nope"},
        {"tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/nope"]}}]},
        {"input": [{"type": "item_reference", "id": "nope"}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "nope"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://nope"}]}]},
        {"previous_response_id": "nope"},
        {"conversation": "nope"},
        {"conversation": {"id": "nope"}},
        {"prompt": {"id": "nope", "variables": {}}},
        {"tools": [{"type": "file_search", "vector_store_ids": ["nope"]}]},
        {"tools": [{"type": "code_interpreter", "container": "nope"}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["nope"]}}]},
        {"container": {"id": "nope", "skills": []}},
        {"container": {"skills": [{"type": "custom", "skill_id": "nope"}]}},
        {"mcp_servers": [{"type": "url", "url": "https://nope"}]},
        content({"type": "document", "source": {"type": "file", "file_id": "nope"}}),
        content({"type": "image", "source": {"type": "url", "url": "https://nope"}}),
        content({"type": "image_url", "image_url": {"url": "https://nope"}}),
        content({"type": "file", "file": {"file_id": "nope"}}),
        content({"type": "video", "video": ["https://nope"]}),
        content({"x" * 65: {"url": "https://nope"}}),
        {"messages": [{"role": "assistant", "audio": {"id": "nope"}}]},
    ],
)
def test_what_lies_outside_is_referred_to(fields: dict[str, Any]) -> None:
    """By the fields in which the dialects name files, caches, earlier answers and addresses."""
    sent = SentRequest(request(fields))
    assert sent.has_references
    assert sent.words_in_references({"nope", "else"}) == {"nope"}


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": "file_id https://x"}], "user": "nope"},
        {"metadata": {"user_id": "nope"}},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "nope", "function": {"arguments": "{}"}}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "nope", "content": "x"}]},
        content({"type": "tool_use", "id": "nope", "name": "f", "input": {"url": "https://nope"}}),
        content({"type": "tool_result", "tool_use_id": "nope"}),
        {"contents": [{"parts": [{"functionCall": {"id": "1", "args": {"url": "nope"}}}]}]},
        {"input": [{"type": "function_call", "id": "fc_1", "call_id": "nope", "arguments": "{}"}]},
        {"tools": [{"input_schema": {"type": "object", "properties": {"url": {"type": "string"}, "file_id": "nope"}}}]},
        content({"type": "image_url", "image_url": {"url": "data:image/png;base64,nope"}}),
        content({"x" * 61 + "_url": "nope"}),
    ],
)
def test_what_lies_inside_is_no_reference(fields: dict[str, Any]) -> None:
    """Texts, calls of tools and their results, pictures that came along."""
    sent = SentRequest(request(fields))
    assert not sent.has_references
    assert sent.words_in_references({"nope"}) == set()


def test_a_reference_is_compared_without_underscores() -> None:
    """As a refusal's own names are."""
    assert SentRequest(request({"file_id": "My_API_key"})).words_in_references({"api key"}) == {"api key"}


@pytest.mark.parametrize("words", [{"head"}, {"user"}, {"content"}, {"m"}])
def test_names_texts_and_headers_are_what_it_says(words: set[str]) -> None:
    """All that may be repeated."""
    assert (
        SentRequest(request({"messages": [{"role": "User", "content": "x"}]})).words_in_text(words | {"else"}) == words
    )


def test_what_cannot_be_looked_through_may_say_anything() -> None:
    """No request, a file's name, a depth without end."""
    form = request({})
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"'
    form.form = Form(head + b"\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b")
    deep = request({})
    deep.fields = {"x": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)}
    unknown = [SentRequest(None), SentRequest(form), SentRequest(deep)]
    assert [(each.words_in_text({"a"}), each.words_in_references({"a"}), each.has_references) for each in unknown] == [
        ({"a"}, {"a"}, True)
    ] * 3

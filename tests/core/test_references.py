"""What a request names outside itself; whatever else it looks like brings all that it has read."""

import json
from typing import Any

import msgspec
import pytest

from relay.core.references import believed_bound, media_bound, reads_beyond, references
from tests.core.dialects.replay import exchange

WORD = {"name": "look_up", "parameters": {"type": "object"}}


def asked(**members: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(member).encode()) for name, member in members.items()}


def chat(*parts: Any) -> dict[str, msgspec.Raw]:
    return asked(messages=[{"role": "user", "content": list(parts)}])


def claude(kind: str, **source: str) -> dict[str, msgspec.Raw]:
    return chat({"type": "document", "source": {"type": kind, **source}})


@pytest.mark.parametrize(
    "request_fields",
    [
        asked(contents=[{"parts": [{"fileData": {"fileUri": "https://youtube.example/watch"}}]}]),
        asked(contents=[{"parts": [{"file_data": {"file_uri": "https://youtube.example/watch"}}]}]),
        asked(contents=[], cachedContent="cachedContents/1"),
        asked(contents=[], tools=[{"urlContext": {}}]),
        asked(contents=[], tools={"urlContext": {}}),
        asked(contents=[], tools={"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/1"]}}),
        chat({"type": "document_url", "document_url": "https://x.example/a.pdf"}),
        chat({"type": "video", "video": ["https://x.example/1.png"]}),
        asked(messages=[], enable_search=True),
        asked(contents=[], tools=[{"functionDeclarations": [WORD], "googleSearch": {}}]),
        asked(input=[{"type": "item_reference", "id": "msg_1"}]),
        asked(input=[{"role": "user", "content": [{"type": "input_file", "file_url": "https://x.example/a.pdf"}]}]),
        asked(input=[{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]),
        asked(input="hi", tools=[{"type": "web_search"}]),
        asked(input="hi", tools=[{"type": "function", **WORD}, {"type": "mcp", "server_url": "https://x.example"}]),
        claude("url", url="https://x.example/a.pdf"),
        claude("file", file_id="file_1"),
        asked(messages=[], tools=[{"type": "web_fetch_20260209", "name": "web_fetch"}]),
        asked(messages=[], container="container_1"),
        asked(messages=[], mcp_servers=[{"type": "url", "url": "https://x.example"}]),
        asked(messages=[], web_search_options={}),
        asked(messages=[], plugins=[{"id": "web"}]),
        asked(messages=[{"role": "assistant", "audio": {"id": "audio_1"}}]),
        {"messages": msgspec.Raw(b'[{"content":[{"type":"file","file":{"\\u0066ile_id":"file-1"}}]}]')},
        {"messages": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)},
    ],
)
def test_what_stands_elsewhere_is_seen(request_fields: dict[str, msgspec.Raw]) -> None:
    """By its name, its type, or the tool that fetches it, spelled however JSON allows, at any depth."""
    assert reads_beyond(request_fields)


@pytest.mark.parametrize(
    "request_fields",
    [
        chat({"type": "text", "text": 'look at "file_id": "file-1", {"type": "url"}'}),
        chat({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
        claude("base64", data="AAAA", media_type="application/pdf"),
        asked(messages=[], tools=[{"type": "function", "function": WORD}], file_id=None),
        asked(messages=[], tools=[WORD, {"type": "custom", "name": "shell"}]),
        asked(messages=[], modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}),
        asked(contents=[{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]),
        asked(contents=[], tools=[{"functionDeclarations": [WORD]}]),
        asked(messages=[], tools=[{"type": "text_editor_20250728", "name": "edit"}, {"type": None, "name": "f"}]),
        asked(messages=[], tools=[{"name": "f", "input_schema": {"properties": {"file_id": {}, "plugins": {}}}}]),
        chat({"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "file-1", "type": "url"}}),
        asked(input=[{"type": "function_call", "arguments": {"container": "c"}}]),
        asked(contents=[{"parts": [{"functionCall": {"name": "f", "args": {"fileUri": "u"}}}]}]),
        asked(contents=[{"parts": [{"functionResponse": {"name": "f", "response": {"file_id": "file-1"}}}]}]),
        asked(contents=[], tools={"functionDeclarations": [WORD]}),
        asked(response_format={"json_schema": {"schema": {"properties": {"file_id": {}, "video": {}}}}}),
        chat({"type": "image_url", "image_url": {"url": "https://x.example/1.png"}}),
        asked(input=[{"content": [{"annotations": [{"type": "url_citation", "url": "https://x.example"}]}]}]),
    ],
)
def test_what_a_request_brings_itself_is_no_reference(request_fields: dict[str, msgspec.Raw]) -> None:
    """Words about references, media in their own bytes, and tools that the customer runs."""
    assert not reads_beyond(request_fields)


INLINE = {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}
SCREENSHOT = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}


@pytest.mark.parametrize(
    ("request_fields", "bound"),
    [
        (chat(*[{"type": "image_url", "image_url": {"url": "https://x.example/1.png"}}] * 2), 25_000),
        (chat({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}), 250_000),
        (claude("base64", data="AAAA", media_type="application/pdf"), 250_000),
        (chat({"type": "tool_result", "content": [{"type": "image", "source": {"type": "base64"}}]}), 12_500),
        (asked(contents=[{"parts": [INLINE]}]), 250_000),
        (asked(contents={"parts": INLINE}), 250_000),
        (asked(contents=[{"parts": {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}}]), 12_500),
        (asked(contents=[], system_instruction={"parts": INLINE}), 250_000),
        (
            asked(contents=[{"parts": [{"functionResponse": {"name": "f", "response": {}, "parts": [INLINE]}}]}]),
            250_000,
        ),
        (asked(input=[{"type": "image", "data": "AAAA"}, {"type": "video", "data": "AAAA"}]), 262_500),
        (asked(input={"type": "document", "data": "AAAA"}), 250_000),
        (asked(input=[{"type": "computer_call_output", "output": SCREENSHOT}]), 12_500),
        ({"contents": msgspec.Raw(rb'[{"parts":[{"inline\u0044ata":{"mimeType":"image/png"}}]}]')}, 12_500),
        ({"messages": msgspec.Raw(rb'[{"content":[{"typ\u0065":"image\u005furl"}]}]')}, 12_500),
        (chat({"type": "text", "text": "data:image/png;base64,AAAA"}), 0),
        (chat({"type": "tool_use", "id": "t", "name": "f", "input": {"type": "image"}}), 0),
        ({"messages": msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)}, 0),
    ],
)
def test_media_may_count_more_than_a_hold_bounds_them(request_fields: dict[str, msgspec.Raw], bound: int) -> None:
    """A picture 12 500, all else a quarter of a million, four times which is believed, wherever a dialect has them."""
    assert media_bound(request_fields) == bound


TEXT = chat({"type": "text", "text": "hi"})
PICTURE = chat({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
FILE = chat({"type": "file", "file": {"file_id": "file-1"}})


@pytest.mark.parametrize(
    ("fields", "told_tokens", "believed_tokens"),
    [
        (TEXT, 40_000, 10_000),
        (TEXT, 40_001, 10_000),
        (PICTURE, 90_000, 90_000),
        (PICTURE, 90_001, 10_000),
        (FILE, 40_000, 10_000),
        (FILE, 40_001, 40_001),
        (FILE, 4_000_000_000, 4_000_000_000),
    ],
)
def test_a_figure_is_believed_where_the_request_does_not_bound_it(
    fields: dict[str, msgspec.Raw], told_tokens: int, believed_tokens: int
) -> None:
    """Up to four times the bound nothing has to be believed; beyond it, what is packed or stands elsewhere."""
    assert believed_bound(exchange("openai_chat", fields), told_tokens, 10_000) == believed_tokens


def test_a_figure_is_believed_of_an_answer_that_goes_on_from_another() -> None:
    """The upstream has read that as well."""
    continued = exchange("openai_responses", asked(input="hi"))
    assert believed_bound(continued, 40_001, 10_000) == 10_000
    continued.has_unseen_input = True
    assert believed_bound(continued, 40_001, 10_000) == 40_001


@pytest.mark.parametrize("name", ["args", "arguments", "input_schema", "parameters", "properties", "response"])
def test_what_tools_are_told_and_tell_names_nothing(name: str) -> None:
    """Whatever it looks like; beside it the same is an id."""
    held = {"file_id": "file-1"}
    assert list(references({"a": {name: held}})) == []
    assert list(references({"a": {name: held, **held}})) == [("fileid", "file-1")]


def test_what_an_address_holds_itself_is_no_reference() -> None:
    """A picture may stand in its own address."""
    parts = [{"image_url": {"url": url}} for url in ("data:image/png;base64,AAAA", "https://x.example/1.png")]
    assert list(references({"content": parts})) == [("imageurl.url", "https://x.example/1.png")]


@pytest.mark.parametrize(
    "messages",
    [
        '{"NAME":[TEXTS]}'.replace("NAME", "x" * 1_000_000).replace("TEXTS", '"a",' * 200_000 + '"a"'),
        '{"type":' * 900 + '"TEXT"'.replace("TEXT", "y" * 5_000_000) + "}" * 900,
    ],
    ids=["a long name over many items", "types of types"],
)
def test_a_request_made_to_take_minutes_is_looked_through_at_once(messages: str) -> None:
    """Nothing is read again for each of what stands in it: that took longer than any test may."""
    fields = {"messages": msgspec.Raw(messages.encode())}
    assert not reads_beyond(fields)
    assert [*references({"messages": json.loads(messages)})] == []

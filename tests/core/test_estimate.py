"""Counts made here: bounds are never below the truth, figures that can't be are disputed."""

import json
from typing import Any

import msgspec
import pytest

from relay.core import measure, vocabulary
from relay.core.estimate import estimate_bytes, input_bound, input_estimate, piece_bound, plausible
from relay.core.usage import Iteration, Usage
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.core.dialects.replay import request_fields

PICTURE = "data:image/png;base64," + "A" * 3_000_000
READS_MORE_BY_ITSELF = {
    "gemini/cached-content",
    "anthropic/pause-turn-stream",
    "anthropic/thinking-signature-only-stream",
    "anthropic/web-search-stream",
    "openai-responses/code-interpreter-stream",
    "openai-responses/image-generation-stream",
    "openai-responses/web-search-stream",
}
ASKED = [
    each
    for each in (*STREAMS, *BODIES)
    if each.usage is not None
    and each.usage.source == "upstream"
    and each.outcome != "upstream_error"
    and each.name not in READS_MORE_BY_ITSELF
]


class Counting:
    """A decoder that notes how much it is given."""

    def __init__(self, decoder: msgspec.json.Decoder[Any], read_bytes: list[int]) -> None:
        self._decoder = decoder
        self._read_bytes = read_bytes

    def decode(self, data: bytes) -> Any:
        """Decode, and note."""
        self._read_bytes.append(len(data))
        return self._decoder.decode(data)


def fields(**members: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(member).encode()) for name, member in members.items()}


def user(content: Any) -> dict[str, msgspec.Raw]:
    return fields(messages=[{"role": "user", "content": content}])


@pytest.mark.parametrize("expected", ASKED, ids=lambda each: each.name)
def test_input_bound_is_never_below_what_the_upstream_counted(expected: Expected) -> None:
    """For every recorded request, but those whose server tools read on by themselves."""
    assert expected.usage is not None
    assert input_bound(request_fields(expected.name)) >= expected.usage.all_input_tokens


@pytest.mark.parametrize(("bytes_count", "tokens"), [(0, 0), (1, 1), (18, 5), (36, 10), (37, 11), (3600, 1000)])
def test_text_is_estimated_at_3_6_bytes_a_token(bytes_count: int, tokens: int) -> None:
    """Rounded up, so that no text is free."""
    assert estimate_bytes(bytes_count) == tokens


@pytest.mark.parametrize(("bytes_count", "tokens"), [(1, 1), (4, 2), (11, 3), (12, 7), (100, 51)])
def test_a_short_piece_is_bounded_as_few_tokens_and_a_long_one_by_half_its_bytes(bytes_count: int, tokens: int) -> None:
    """The bound of a stream follows how its upstream cuts it."""
    assert piece_bound(bytes_count) == tokens


def test_a_picture_counts_as_a_picture_not_by_its_bytes() -> None:
    """Three megabytes of base64 are one picture: 4096 tokens and a little text."""
    picture = user([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 3_000_000}}])
    assert input_bound(picture) == 512 + 4096 + 51


@pytest.mark.parametrize(
    "asked",
    [
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PICTURE}]}]},
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": PICTURE}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "A" * 3_000_000}}]}]},
        {"contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "A" * 3_000_000}}]}]},
        {"contents": {"parts": {"inlineData": {"mimeType": "image/png", "data": "A" * 3_000_000}}}},
        {"input": [{"type": "image", "mime_type": "image/png", "data": "A" * 3_000_000}]},
        {"input": {"type": "image", "data": "A" * 3_000_000, "mime_type": "image/png"}},
        {"input": [{"type": "user_input", "content": {"type": "image", "data": "A" * 3_000_000}}]},
        {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": PICTURE}}]},
    ],
)
def test_a_picture_counts_by_number_wherever_its_dialect_puts_it(asked: dict[str, Any]) -> None:
    """In Responses, in a tool's output there, in Gemini's two spellings, with and without lists, and in Interactions."""
    assert 512 + 4096 < input_bound(fields(**asked)) < 512 + 4096 + 100


@pytest.mark.parametrize(
    "asked",
    [
        {"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": "A" * 100_000}}]}]},
        {"contents": [{"parts": [{"inline_data": {"mime_type": "application/json", "data": "A" * 100_000}}]}]},
        {"input": [{"type": "document", "mime_type": "text/csv", "data": "A" * 100_000}]},
    ],
)
def test_a_file_of_text_is_text(asked: dict[str, Any]) -> None:
    """Its model reads it as such, four times as many tokens as a document of the same length has."""
    assert input_bound(fields(**asked)) > 50_000


def test_a_picture_in_anthropics_form_counts_as_a_picture() -> None:
    """The media type stands beside the data there."""
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 3_000_000}
    assert 4096 < input_bound(user([{"type": "image", "source": source}])) < 5000


def test_a_picture_by_address_counts_as_a_picture() -> None:
    """Its bytes never pass by."""
    picture = {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}}
    assert 2 * 4096 < input_bound(user([picture, picture])) < 2 * 4096 + 1000


@pytest.mark.parametrize(
    ("turns", "bound"),
    [
        (rb'[{"content":[{"typ\u0065":"image_url","image_url":{"url":"https://a.example/b.png"}}]}]', 512 + 4096 + 43),
        (rb'[{"content":[{"type":"image\u005Furl","image_url":{"url":"https://a.example/b.png"}}]}]', 512 + 4096 + 43),
        (rb'[{"parts":[{"inline\u0044ata":{"mimeType":"image/png","data":"AAAA"}}]}]', 512 + 4096 + 34),
    ],
)
def test_a_picture_whose_words_are_spelled_with_escapes_counts_as_a_picture(turns: bytes, bound: int) -> None:
    """Upstreams read them all the same."""
    asked = {"contents" if b"parts" in turns else "messages": msgspec.Raw(turns)}
    assert input_bound(asked) == bound


@pytest.mark.parametrize(
    "beside",
    [
        {"mime_type": "text/plain"},
        {"mime_type": "text/plain", "data": ""},
        {"inlineData": {"mimeType": "text/plain"}},
        {"mime_type": 5},
        {"source": 5},
        {"image_url": {"url": "https://a.example/b.png", "type": 5}},
    ],
)
def test_a_picture_stays_one_whatever_stands_beside_it(beside: dict[str, Any]) -> None:
    """Many upstreams skip over what they don't know."""
    picture = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}, **beside}
    result = {"type": "tool_result", "source": 5, "content": [picture]}
    assert 512 + 4096 < input_bound(user([picture])) < 512 + 4096 + 100
    assert 512 + 4096 < input_bound(user([result])) < 512 + 4096 + 150


@pytest.mark.parametrize("text", [r"caf\u00e9", r"\u003cb\u003e \u0026 \u001b", r"\u4f60\u597d"])
def test_escapes_of_what_is_no_letter_cost_no_second_look(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Many programs escape accents or angle brackets, and each part of a long conversation would be decoded for them."""
    read_bytes: list[int] = []
    monkeypatch.setattr(measure, "_READ_TURNS", Counting(measure._READ_TURNS, read_bytes))
    turns = '[{"content":[{"type":"text","text":"..."}]}]'.replace("...", text)
    assert input_bound({"messages": msgspec.Raw(turns.encode())}) == 512 + len(turns) // 2
    assert read_bytes == []


def test_a_document_grows_with_its_length() -> None:
    """A token for 16 bytes of base64."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "A" * 1_600_000}
    assert 100_000 < input_bound(user([{"type": "document", "source": source}])) < 101_000


def test_a_recording_counts_although_its_form_names_no_base64() -> None:
    """OpenAI's input_audio has only data and format."""
    audio = {"type": "input_audio", "input_audio": {"data": "A" * 160_000, "format": "wav"}}
    assert 10_000 < input_bound(user([audio])) < 11_000


def test_talk_about_pictures_is_text() -> None:
    """The words image and base64 alone change nothing but the road to the count."""
    assert input_bound(user("an image in base64, please")) == 512 + 29


def test_text_after_the_mark_of_base64_is_text() -> None:
    """Nobody lowers a hold by writing the mark before a long text."""
    assert input_bound(user(";base64," + "word " * 20_000)) > 50_000


DRESSED = "data:image/png;base64," + "Text_without_a_blank_" * 5000


@pytest.mark.parametrize(
    "request_fields",
    [
        user(DRESSED),
        user([{"type": "text", "text": DRESSED}]),
        user(
            [
                {"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}},
                {"type": "text", "text": DRESSED},
            ]
        ),
        user([{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": DRESSED}}]),
        user([{"type": "document", "source": {"type": "base64", "data": "AAAA"}, "title": DRESSED}]),
        user([{"type": "tool_result", "content": [{"type": "text", "text": DRESSED}]}]),
        user([{"type": "x", "content": [{"type": "image", "source": {"type": "base64", "data": DRESSED}}]}]),
        user([{"type": "image_url", "image_url": {"url": f"https://a.example/?;base64,{DRESSED}"}}]),
        user([{"type": "image_url", "image_url": {"url": DRESSED.replace(";base64", "")}}]),
        user([{"inlineData": {"mimeType": "image/png", "data": DRESSED}}]),
        user("x") | fields(system=DRESSED),
        fields(input=DRESSED),
    ],
)
def test_text_dressed_as_a_picture_is_text(request_fields: dict[str, msgspec.Raw]) -> None:
    """Media count as such only where a vendor reads media from: what a model reads is held for, and never disputed."""
    assert input_bound(request_fields) > 50_000


def test_a_picture_in_a_tools_result_counts_as_a_picture() -> None:
    """Claude Code's screenshots come so."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 3_000_000}}
    assert 4096 < input_bound(user([{"type": "tool_result", "tool_use_id": "t", "content": [picture]}])) < 5000


def test_a_result_within_a_result_is_text_however_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vendor reads media there; and its nesting is not followed, or a megabyte would be read hundreds of times."""
    read_bytes: list[int] = []
    monkeypatch.setattr(measure, "_PARTS", Counting(measure._PARTS, read_bytes))
    content: Any = [{"type": "text", "text": "x" * 100_000}, {"type": "image", "source": {"type": "url", "url": "u"}}]
    for _ in range(300):
        content = [{"type": "tool_result", "tool_use_id": "t", "content": content}]
    asked = user(content)
    assert input_bound(asked) == 512 + len(bytes(asked["messages"])) // 2
    assert sum(read_bytes) < 2 * len(bytes(asked["messages"]))


@pytest.mark.parametrize("name", ["tools", "functions"])
def test_tools_raise_the_bound(name: str) -> None:
    """Upstreams add a text of their own where tools are offered, in the form of old, too."""
    assert input_bound(user("x") | fields(**{name: []})) == input_bound(user("x")) + 1024 + 1


def test_input_is_estimated_by_length_without_the_vocabulary() -> None:
    """Ten tokens for 36 bytes of the request."""
    assert not vocabulary.is_loaded()
    assert input_estimate({"messages": msgspec.Raw(b"[" + b"1" * 70 + b"]")}) == 20


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (user("Hi") | fields(system="Be", temperature=1, tools=[{"type": "t", "name": "f"}]), "Be\nuser\nHi\nf"),
        (fields(instructions="Be", input="Hi", functions=[{"name": "f"}], user="u"), "Be\nHi\nf"),
        (fields(systemInstruction={"parts": [{"text": "Be"}]}, contents=[{"parts": [{"text": "Hi"}]}]), "Be\nHi"),
        (fields(system_instruction="Be", input=[{"type": "text", "text": "Hi"}]), "Be\nHi"),
        (fields(prompt=["Once", "upon"], suffix="end", n=3), "Once\nupon\nend"),
        (fields(model="m", query="q", documents=["a", {"text": "b"}], top_n=1), "q\na\nb"),
    ],
)
def test_with_the_vocabulary_all_that_a_model_reads_is_counted(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, msgspec.Raw], text: str
) -> None:
    """In every dialect, and nothing else of the request."""
    read: list[str] = []

    def count(text: str) -> int:
        read.append(text)
        return 7

    monkeypatch.setattr(vocabulary, "is_loaded", lambda: True)
    monkeypatch.setattr(vocabulary, "count", count)
    assert (input_estimate(asked), read) == (7, [text])


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        (fields(input=[17, 4, 99]), 3),
        (fields(input=[[17, 4], [99]], dimensions=256), 3),
        (fields(prompt=[17, 4], suffix="end", tools=[{"parameters": {"maximum": 9}}]), 2),
    ],
)
def test_tokens_given_by_their_ids_are_counted_beside_the_vocabulary(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, msgspec.Raw], tokens: int
) -> None:
    """One each, beside the 7 that the texts come to."""
    monkeypatch.setattr(vocabulary, "is_loaded", lambda: True)
    monkeypatch.setattr(vocabulary, "count", lambda text: 7)
    assert input_estimate(asked) == 7 + tokens


def test_a_picture_is_estimated_by_number_even_with_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocabulary knows texts alone: 1000 tokens, and a token for 3.6 bytes of the rest."""
    monkeypatch.setattr(vocabulary, "is_loaded", lambda: True)
    picture = user([{"type": "image_url", "image_url": {"url": PICTURE}}])
    assert input_estimate(picture) == 1000 + 29


@pytest.mark.parametrize("odd", [b"1e400", b"[" * 5000 + b"]" * 5000])
def test_what_can_not_be_read_is_counted_by_length(monkeypatch: pytest.MonkeyPatch, odd: bytes) -> None:
    """A number beyond any float, or what is nested too deep."""
    monkeypatch.setattr(vocabulary, "is_loaded", lambda: True)
    messages = b'[{"role":"user","content":[' + odd + b"]}]"
    asked = {"messages": msgspec.Raw(messages)}
    assert input_estimate(asked) == -(-len(messages) * 10 // 36)
    assert input_bound(asked) == 512 + len(messages) // 2


@pytest.mark.parametrize(
    ("usage", "judged"),
    [
        (Usage(input_tokens=8000, output_tokens=400), Usage(input_tokens=8000, output_tokens=400)),
        (Usage(input_tokens=8001), Usage(input_tokens=2000, source="disputed")),
        (Usage(input_tokens=1, cache_read_tokens=8000), Usage(input_tokens=2000, source="disputed")),
        (Usage(input_tokens=10, output_tokens=12001), Usage(input_tokens=10, output_tokens=3000, source="disputed")),
        (
            Usage(input_tokens=8001, unit_count=2, size="512x512", quality="hd"),
            Usage(input_tokens=2000, unit_count=2, size="512x512", quality="hd", source="disputed"),
        ),
        (
            Usage(
                input_tokens=8001,
                audio_input_tokens=500,
                image_input_tokens=7501,
                image_output_tokens=3,
                output_tokens=4,
            ),
            Usage(
                input_tokens=2000,
                audio_input_tokens=500,
                image_input_tokens=1500,
                image_output_tokens=3,
                output_tokens=4,
                source="disputed",
            ),
        ),
        (Usage(input_tokens=9000, web_search_count=1), Usage(input_tokens=9000, web_search_count=1)),
        (Usage(input_tokens=9000, source="estimated"), Usage(input_tokens=9000, source="estimated")),
        (
            Usage(input_tokens=9000, iterations=(Iteration(input_tokens=9000),)),
            Usage(input_tokens=9000, iterations=(Iteration(input_tokens=9000),)),
        ),
    ],
)
def test_figures_above_four_times_the_bound_are_disputed(usage: Usage, judged: Usage) -> None:
    """With an input bound of 2000 and 3000 output tokens asked for."""
    assert plausible(usage, 2000, 3000) == judged


def test_output_is_taken_as_said_where_no_limit_was_asked_for() -> None:
    """There is no bound to hold it against."""
    usage = Usage(input_tokens=10, output_tokens=200_000)
    assert plausible(usage, 2000, None) == usage


def test_small_bounds_dispute_nothing_small() -> None:
    """Thinking may exceed a max_tokens of 10 a hundredfold, honestly."""
    usage = Usage(input_tokens=10, output_tokens=4096)
    assert plausible(usage, 20, 10) == usage

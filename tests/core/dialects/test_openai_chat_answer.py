"""Answers in OpenAI's chat form: what counts as output, as the end, as an error, as usage."""

import json
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.openai_chat import OpenAIChat
from relay.core.dialects.openai_chat_answer import CHOICES_MAX, ChatStreamReader
from relay.core.errors import FailureClass, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Evidence
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, DISGUISED, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields, rules_for

USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
DONE = b"data: [DONE]\n\n"
DEEP_CHOICES = b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def reader(*, usage_asked: bool = True) -> ChatStreamReader:
    return ChatStreamReader(
        exchange("openai_chat"),
        thinking_asked=False,
        is_usage_asked=usage_asked,
        is_reasoning_beside_output=False,
    )


def event(**members: Any) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **members: Any) -> bytes:
    return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}], **members)


@pytest.mark.parametrize(
    ("delta", "is_output"),
    [
        ({"role": "assistant", "content": ""}, False),
        ({"role": "assistant", "content": None, "refusal": ""}, False),
        ({}, False),
        ({"content": "Hi"}, True),
        ({"content": [{"type": "text", "text": "Hi"}]}, True),
        ({"reasoning_content": "Hm"}, True),
        ({"reasoning": "Hm"}, True),
        ({"refusal": "I can't"}, True),
        ({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]}, True),
        ({"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": ""}}]}, True),
        ({"function_call": {"name": "f", "arguments": ""}}, True),
        ({"audio": {"id": "a"}}, True),
        ({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]}, True),
    ],
)
def test_output_is_what_a_customer_can_use(delta: dict[str, Any], is_output: bool) -> None:
    """A role or an empty text commits nothing."""
    along = reader()
    along.feed(chunk(delta))
    assert along.is_output_seen is is_output


@pytest.mark.parametrize("first", [event(choices=[], prompt_filter_results=[{}]), b": keep-alive\n\n"])
def test_what_comes_before_the_answer_passes_and_commits_nothing(first: bytes) -> None:
    """Azure's first chunk, a comment: not output, and not usage though choices are empty."""
    along = reader(usage_asked=False)
    assert along.feed(first) == first
    assert (along.is_output_seen, along.usage()) == (False, None)


def test_the_usage_chunk_is_hidden_from_who_did_not_ask() -> None:
    """Its figures are read all the same."""
    along = reader(usage_asked=False)
    assert along.feed(event(choices=[], usage=USAGE)) == b""
    assert along.usage() == Usage(input_tokens=12, output_tokens=5)


def test_usage_on_a_chunk_with_choices_stays_as_it_is() -> None:
    """DeepSeek's and OpenRouter's last chunk ends the answer; taking it out would hide the end."""
    along = reader(usage_asked=False)
    last = chunk({}, "stop", usage=USAGE)
    assert along.feed(last) == last


def test_the_last_usage_counts_never_the_sum() -> None:
    """Perplexity's is cumulative, Groq sends it twice."""
    along = reader()
    along.feed(chunk({"content": "a"}, usage={"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}))
    along.feed(chunk({"content": "b"}, usage={"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}))
    assert along.usage() == Usage(input_tokens=8, output_tokens=2)


def test_the_end_mark_is_held_back_and_nothing_after_it_passes() -> None:
    """The post commits first; a second stream glued on is not ours."""
    along = reader()
    text = chunk({"content": "Hi"}, "stop")
    assert along.feed(text + DONE + chunk({"content": "more"})) == text
    assert (along.is_ended, along.end, along.feed(chunk({"content": "more"})), along.finish()) == (True, DONE, b"", b"")


@pytest.mark.parametrize("behind", [event(choices=[], usage=USAGE), event(choices=[], x_groq={"usage": USAGE})])
@pytest.mark.parametrize("cut", [0, 1, 60, 200])
def test_usage_behind_the_end_mark_is_read_however_it_is_cut(behind: bytes, cut: int) -> None:
    """Nothing of it passes; rubbish there is passed over, and so is an error: the answer is whole."""
    along = reader()
    raw = chunk({"content": "Hi"}) + chunk({}, "stop") + DONE + b"data: {\n\n" + event(error={"message": "x"}) + behind
    pieces = [raw] if not cut else [raw[start : start + cut] for start in range(0, len(raw), cut)]
    passed = b"".join(map(along.feed, pieces))
    assert passed + along.end == chunk({"content": "Hi"}) + chunk({}, "stop") + DONE
    assert (along.is_ended, along.error, along.usage()) == (True, None, Usage(input_tokens=12, output_tokens=5))


def test_usage_behind_an_error_is_of_no_answer() -> None:
    """The upstream has given the answer up; what was delivered is counted."""
    along = reader()
    along.feed(chunk({"content": "Hi"}) + event(error={"message": "x"}) + event(choices=[], usage=USAGE))
    assert along.error is not None
    assert along.usage() is None


def test_the_end_mark_is_held_back_as_it_was_written() -> None:
    """Without the blank, as Spark writes it."""
    along = reader()
    along.feed(b"data:[DONE]\n\n")
    assert along.end == b"data:[DONE]\n\n"


@pytest.mark.parametrize(
    ("events", "is_ended"),
    [
        ([chunk({"content": "a"}, "stop", usage=USAGE)], True),
        ([chunk({"content": "a"}, "stop"), event(choices=[], usage=USAGE)], True),
        ([chunk({"content": "a"}, "stop")], False),
        ([chunk({"content": "a"}), event(choices=[], usage=USAGE)], False),
        ([chunk({"content": "a"}, "stop"), chunk({"content": "b"}, index=1), event(choices=[], usage=USAGE)], False),
        ([event(choices=[], usage=USAGE)], False),
        ([], False),
    ],
)
def test_a_body_without_end_mark_is_whole_if_all_choices_and_usage_are_there(
    events: list[bytes], is_ended: bool
) -> None:
    """Perplexity sends no [DONE]; then relay writes it."""
    along = reader()
    for one in events:
        along.feed(one)
    along.finish()
    assert (along.is_ended, along.end) == (is_ended, DONE if is_ended else b"")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (event(error={"message": "overloaded", "type": "overloaded_error"}), "overloaded"),
        (event(error={"message": "slow down", "type": "rate_limit_error"}), "throttled"),
        (event(error={"message": "quota", "type": "insufficient_quota"}), "key_dead"),
        (event(error={"message": "too long", "code": "context_length_exceeded"}), "request"),
        (b"event: error\n" + event(error={"message": "no", "type": "invalid_request_error"}), "request"),
        (b"event: error\ndata: not json\n\n", "sick"),
        (event(object="error", message="engine died", code=500), "sick"),
        (event(type="error", error={"type": "overloaded_error", "message": "Overloaded"}), "overloaded"),
        (event(code="invalid-argument", error="Incorrect API key provided"), "sick"),
        (chunk({"content": ""}, error={"code": 429, "message": "later"}), "throttled"),
        (chunk({}, "error", x_groq={"id": "r", "error": "over capacity"}), "sick"),
        (event(code=10013, message="no", sid="s"), "request"),
        (event(choices=None, base_resp={"status_code": 1002, "status_msg": "later"}), "sick"),
    ],
)
def test_an_error_event_is_classed_and_not_passed_on(error: bytes, failure: FailureClass) -> None:
    """Nor is anything after it."""
    along = reader()
    assert along.feed(error + chunk({"content": "more"})) == b""
    assert along.error is not None
    assert (along.error.failure, along.is_ended, along.feed(DONE), along.finish()) == (failure, False, b"", b"")


def test_an_error_of_nothing_is_no_error() -> None:
    """Some relays write the field into every chunk."""
    along = reader()
    text = chunk({"content": "Hi"}, error=None)
    assert along.feed(text) == text
    assert along.error is None


@pytest.mark.parametrize(
    "text",
    [
        chunk({"content": "Hi"}, code=0, message="Success", sid="s"),
        chunk({"content": "Hi"}, code=20000),
        chunk({"content": "Hi"}, base_resp={"status_code": 0, "status_msg": ""}),
        event(choices=[], usage=USAGE, code=20000),
        event(choices=[], base_resp={"status_code": 0}),
    ],
)
def test_a_vendors_own_code_beside_an_answer_is_no_error(text: bytes) -> None:
    """Spark's and MiniMax's say that all is well, and of others nobody knows what they say."""
    along = reader()
    assert along.feed(text) == text
    assert along.error is None


def test_an_answer_that_its_vendor_broke_off_is_truncated() -> None:
    """OpenRouter and Mistral say so by a finish reason."""
    along = reader()
    along.feed(chunk({"content": "Hi"}) + chunk({}, "error") + DONE)
    assert derive_outcome(along.evidence()) == "truncated"


def test_a_blank_behind_the_end_mark_is_no_part_of_it() -> None:
    """It is held back as it was written."""
    along = reader()
    along.feed(chunk({"content": "Hi"}, "stop") + b"data: [DONE] \n\n")
    assert (along.is_ended, along.end) == (True, b"data: [DONE] \n\n")


def test_thinking_inside_the_content_is_thinking() -> None:
    """Mistral's: an answer that is nothing else never came."""
    along = reader()
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    along.feed(chunk({"content": [thought]}) + chunk({}, "length") + DONE)
    assert not along.evidence().is_thinking_finished
    assert derive_outcome(along.evidence()) == "empty"


def test_an_error_after_output_leaves_what_was_delivered() -> None:
    """The outcome is truncated, and the usage beside the error is read."""
    along = reader()
    along.feed(chunk({"content": "Hi"}))
    along.feed(event(error={"code": 502, "message": "gone"}, usage=USAGE))
    assert derive_outcome(along.evidence()) == "truncated"
    assert along.usage() == Usage(input_tokens=12, output_tokens=5)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 12, "completion_tokens": 2.5},
        {"prompt_tokens": "12", "completion_tokens": 5},
        {"prompt_tokens": 2**63, "completion_tokens": 5},
        "seventeen",
    ],
)
def test_usage_that_cannot_be_true_gives_way_to_the_local_bound(usage: object) -> None:
    """512 for a request without fields; 8 for the answer and 1 for its two bytes."""
    along = reader()
    along.feed(chunk({"content": "Hi"}, "stop"))
    along.feed(event(choices=[], usage=usage))
    assert along.usage() == Usage(input_tokens=512, output_tokens=9, source="disputed")


def test_a_chunk_of_unknown_form_passes_and_counts_whole() -> None:
    """What the upstream's choices mean is not guessed, but they were delivered."""
    odd = event(choices=[{"index": "zero", "delta": 5}])
    along = reader()
    assert along.feed(odd) == odd
    assert (along.is_output_seen, along.evidence().output_bytes) == (True, 31)


def test_what_is_no_json_passes_uncounted() -> None:
    """It is the upstream's, and it is no output."""
    along = reader()
    assert along.feed(b"data: <html>\n\n") == b"data: <html>\n\n"
    assert not along.is_output_seen


def test_the_structure_of_an_answer_becomes_evidence() -> None:
    """Thinking, then text, then a stop by length; eleven bytes in all."""
    along = reader()
    along.feed(chunk({"reasoning_content": "Hmm."}) + chunk({"content": "Hi 你"}) + chunk({}, "length") + DONE)
    assert along.evidence() == Evidence(
        stop_reason="length", has_text=True, has_thinking=True, is_end_seen=True, output_bytes=10
    )


def test_thinking_cut_by_the_limit_is_empty() -> None:
    """A chain of thought that never finished is no answer, although the end was seen."""
    along = reader()
    along.feed(chunk({"reasoning_content": "Hmm."}) + chunk({"content": ""}, "length") + DONE)
    assert not along.evidence().is_thinking_finished
    assert derive_outcome(along.evidence()) == "empty"


def test_framed_chunks_count_as_decoded_ones_do() -> None:
    """A hundred chunks of one frame: 500 bytes, two tokens each at most."""
    along = reader()
    along.feed(b"".join(chunk({"content": " word"}) for _ in range(100)))
    assert along.evidence().output_bytes == 500
    assert (along.output_bound_tokens, along.output_counted_tokens) == (208, 139)


@pytest.mark.parametrize(
    ("delta", "beside", "counted"),
    [
        ({"audio": {"data": "AAAA", "transcript": "Hm"}}, {}, (9, 0)),
        ({"images": [{}]}, {}, (3, 3)),
        ({}, {"text": "Hm"}, (9, 0)),
    ],
    ids=["sound", "pictures", "legacy text"],
)
def test_what_stands_beside_the_text_of_each_chunk_counts_each_time(
    delta: dict[str, Any], beside: dict[str, Any], counted: tuple[int, int]
) -> None:
    """Three letters, and three times the rest, though a chunk differs from the one before in its letter alone."""
    along = reader()
    along.feed(b"".join(event(choices=[{"delta": {"content": text, **delta}, **beside}]) for text in "abc"))
    assert (along.evidence().output_bytes, along.evidence().picture_count) == counted


@pytest.mark.parametrize("count", [1, 2])
def test_a_piece_of_a_call_behind_thinking_ends_it(count: int) -> None:
    """Whether its chunk is decoded, as the first of its form is, or only compared with the one before."""
    along = reader()
    begun = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
    along.feed(chunk({"tool_calls": [begun]}) + chunk({"reasoning": "Hm"}))
    along.feed(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}) * count)
    assert along.evidence().is_thinking_finished


@pytest.mark.parametrize("expected", [e for e in BODIES if e.dialect == "openai_chat"], ids=lambda each: each.name)
def test_a_recorded_body_has_its_usage_and_its_ending(expected: Expected) -> None:
    """As the table of recordings says; leading blank lines included."""
    asked = exchange("openai_chat", request_fields(expected.name))
    reading = rules_for(expected).read_body(asked, answer_bytes(expected.name))
    assert (reading.usage, derive_outcome(reading.evidence)) == (expected.usage, expected.outcome)


@pytest.mark.parametrize("name", DISGUISED)
def test_a_recorded_error_with_status_200_is_an_error(name: str) -> None:
    """The customer must not take it for an answer."""
    with pytest.raises(UpstreamStatusError) as failed:
        RULES["openai_chat"].read_body(exchange("openai_chat"), answer_bytes(name))
    assert failed.value.failure == DISGUISED[name]


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"[1]", b'"text"', b"{", b"[" * 100_000, DEEP_CHOICES])
def test_a_body_that_is_no_document_is_broken(body: bytes) -> None:
    """A proxy's page with status 200 is no answer."""
    with pytest.raises(UpstreamBrokenError):
        RULES["openai_chat"].read_body(exchange("openai_chat"), body)


def test_a_document_without_choices_is_an_error() -> None:
    """Whatever it is, it answers nothing."""
    with pytest.raises(UpstreamStatusError):
        RULES["openai_chat"].read_body(exchange("openai_chat"), b'{"ok":true}')


def test_a_body_with_odd_choices_is_an_answer_with_its_usage() -> None:
    """Its figures are read, its text counted whole."""
    body = json.dumps({"choices": [{"message": "Hi"}], "usage": USAGE}).encode()
    reading = RULES["openai_chat"].read_body(exchange("openai_chat"), body)
    assert reading.usage == Usage(input_tokens=12, output_tokens=5)
    assert derive_outcome(reading.evidence) == "complete"


def test_choices_without_number_are_not_remembered() -> None:
    """No request can ask for so many."""
    along = reader()
    for index in range(10 * CHOICES_MAX):
        along.feed(chunk({"content": "Hi"}, finish="stop", index=index))
    assert len(along._finished) == CHOICES_MAX


def test_a_document_behind_output_is_no_answer_of_its_own() -> None:
    """Output has gone out: what stands behind it, unended, is a stream that broke."""
    along = reader()
    along.feed(chunk({"content": "Hi"}))
    along.feed(b'{"error":{"message":"too long","code":"context_length_exceeded"}}')
    assert (along.finish(), along.error, along.is_ended) == (b"", None, False)


@pytest.mark.parametrize("audio", ["", "AAAA", 1, [], {"data": "A" * 6398, "transcript": "four" * 9}])
def test_audio_of_any_form_leaves_the_rest_of_its_chunk_readable(audio: object) -> None:
    """Its words are counted as text, its sound by its length."""
    along = reader()
    along.feed(chunk({"content": "Hi", "audio": audio}, "stop"))
    assert (along.stop_reason, along.usage()) == ("stop", None)
    is_known = isinstance(audio, dict)
    assert (along.output_audio_tokens, along.output_counted_tokens) == ((2, 13) if is_known else (0, 1))


@pytest.mark.parametrize(
    ("annotations", "search_count"),
    [("", 0), ({}, 0), ([None], 0), ([{"type": "file"}], 0), ([1, {"type": "url_citation", "url_citation": {}}], 1)],
)
def test_annotations_of_any_form_leave_the_rest_of_their_chunk_readable(annotations: object, search_count: int) -> None:
    """A page among them took a search; all else of them says nothing."""
    along = reader()
    along.feed(chunk({"content": "Hi", "annotations": annotations}, "stop"))
    assert (along.stop_reason, along.output_counted_tokens) == ("stop", 1)
    assert along.search_count == search_count


SEARCH = {"id": "s", "type": "builtin_function", "function": {"name": "$web_search", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("beside", "calls", "told", "count"),
    [
        ({"search_results": [{"url": "https://a.example"}]}, [], 0, 1),
        ({"web_search": [{"link": "https://a.example"}]}, [], 0, 1),
        ({"search_results": [], "web_search": None}, [], 0, 0),
        ({"search_results": [{"url": "https://a.example"}]}, [], 3, 3),
        ({}, [SEARCH, SEARCH], 1, 2),
    ],
)
def test_searches_are_counted_as_told_or_as_shown_if_that_is_more(
    beside: dict[str, Any], calls: list[dict[str, Any]], told: int, count: int
) -> None:
    """Pages took one search, however many they are; Moonshot's calls one each."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "num_search_queries": told}
    body = {"choices": [{"message": {"content": "Hi", "tool_calls": calls}}], "usage": usage, **beside}
    reading = OpenAIChat().read_body(exchange("openai_chat"), json.dumps(body).encode())
    assert reading.usage == Usage(input_tokens=1, output_tokens=1, web_search_count=count)


@pytest.mark.parametrize("message", [{"reasoning": {}}, {"content": "Hi"}])
def test_a_body_of_any_form_is_read_as_its_channel_counts(message: dict[str, Any]) -> None:
    """Reasoning stands beside the output, also where something in the answer is of another kind than known."""
    usage = {"prompt_tokens": 165, "completion_tokens": 2, "total_tokens": 292}
    body = json.dumps({"choices": [{"index": 0, "message": message}], "usage": usage}).encode()
    reading = OpenAIChat(is_reasoning_beside_output=True).read_body(exchange("openai_chat"), body)
    assert reading.usage == Usage(input_tokens=165, output_tokens=127)


@pytest.mark.parametrize(
    "place",
    [
        {"x_groq": {"usage": USAGE}, "choices": [{"message": {"content": "Hi"}}]},
        {"choices": [{"message": {"content": "Hi"}, "usage": USAGE}]},
    ],
)
def test_the_usage_of_a_body_is_read_wherever_it_stands(place: dict[str, Any]) -> None:
    """As that of a stream is."""
    reading = RULES["openai_chat"].read_body(exchange("openai_chat"), json.dumps(place).encode())
    assert reading.usage == Usage(input_tokens=12, output_tokens=5)

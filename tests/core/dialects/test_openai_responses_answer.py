"""Answers in the form of Responses: what counts as output, as the end, as an error, as usage."""

import json
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.openai_responses_answer import ResponsesStreamReader
from relay.core.errors import FailureClass, UpstreamBrokenError, UpstreamStatusError
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields

RULES_OF_IT = RULES["openai_responses"]


def reader(*, is_kept: bool = True) -> ResponsesStreamReader:
    return ResponsesStreamReader(exchange("openai_responses"), thinking_asked=False, is_kept=is_kept)


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def created(**members: Any) -> bytes:
    return event("response.created", response={"id": "resp_1", "model": "gpt", "status": "in_progress", **members})


def completed(status: str = "completed", **members: Any) -> bytes:
    return event(f"response.{status}", response={"id": "resp_1", "status": status, **members})


TEXT = event("response.output_text.delta", delta="Hi")


@pytest.mark.parametrize(
    ("one", "is_output"),
    [
        (created(), False),
        (event("keepalive"), False),
        (event("response.output_item.added", item={"type": "message", "content": []}), False),
        (event("response.output_item.added", item={"type": "reasoning", "summary": []}), False),
        (event("response.output_item.added", item={"type": "web_search_call"}), False),
        (event("response.content_part.added", part={"type": "output_text", "text": ""}), False),
        (event("response.output_text.delta", delta=""), False),
        (TEXT, True),
        (event("response.refusal.delta", delta="No"), True),
        (event("response.reasoning_summary_text.delta", delta="Hm"), True),
        (event("response.reasoning_text.delta", delta="Hm"), True),
        (event("response.output_item.added", item={"type": "function_call", "arguments": ""}), True),
        (event("response.output_item.added", item={"type": "custom_tool_call", "input": ""}), True),
        (event("response.output_item.added", item={"type": "local_shell_call"}), True),
        (event("response.output_item.added", item={"type": "tool_search_call", "execution": "client"}), True),
        (event("response.output_item.added", item={"type": "tool_search_call", "execution": "server"}), False),
        (event("response.output_item.added", item={"type": "compaction", "encrypted_content": "gA"}), True),
        (event("response.image_generation_call.partial_image", partial_image_b64="aGk="), True),
        (event("response.of_tomorrow", item=3), False),
    ],
)
def test_output_is_what_a_customer_can_use(one: bytes, is_output: bool) -> None:
    """The beginning of a message commits nothing; of a call to the client it does."""
    along = reader()
    assert along.feed(one) == one
    assert along.is_output_seen is is_output


def test_the_text_of_done_events_is_not_counted_again() -> None:
    """Every text comes twice, and with the response three times."""
    along = reader()
    along.feed(TEXT + event("response.output_text.done", text="Hi") + event("response.output_item.done", item={"x": 1}))
    assert along.evidence().output_bytes == 2


@pytest.mark.parametrize(
    ("item", "size", "has_text"),
    [
        ({"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}, 2, True),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, 2, False),
        ({"type": "custom_tool_call", "name": "f", "input": "abc"}, 3, False),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}, 2, False),
        ({"type": "web_search_call", "action": {}}, 0, False),
        ({"type": "of_tomorrow", "content": 3}, 0, False),
    ],
)
def test_an_item_told_only_whole_is_counted(item: dict[str, Any], size: int, has_text: bool) -> None:
    """Without a piece of it before."""
    along = reader()
    begun = event("response.output_item.added", item={"type": item["type"]})
    done = event("response.output_item.done", item=item)
    assert along.feed(begun + done) == begun + done
    assert (along.evidence().output_bytes, along.evidence().has_text) == (size, has_text)


def test_a_call_that_was_never_announced_is_a_call() -> None:
    """Some hosts tell an item only when it is done; one that was announced counts once."""
    done = event("response.output_item.done", item={"type": "function_call", "name": "f", "arguments": "{}"})
    added = event("response.output_item.added", item={"type": "function_call", "name": "f", "arguments": ""})
    never, once = reader(), reader()
    never.feed(created() + done)
    once.feed(created() + added + done)
    assert never.evidence() == once.evidence()
    assert never.evidence().has_tool_call
    assert never.output_counted_tokens == once.output_counted_tokens


def test_an_item_of_a_form_that_is_not_known_is_no_error() -> None:
    """A search for tools has arguments that are no text; the answer beside it is one all the same."""
    items = [
        {"type": "tool_search_call", "arguments": {"q": "x"}},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
    ]
    body = json.dumps({"id": "r", "status": "completed", "output": items}).encode()
    reading = RULES["openai_responses"].read_body(exchange("openai_responses"), body)
    assert (reading.evidence.has_text, reading.evidence.output_bytes) == (True, 2)


@pytest.mark.parametrize(("execution", "outcome"), [("client", "complete"), ("server", "empty")])
def test_a_search_for_tools_that_the_client_makes_is_an_answer(execution: str, outcome: str) -> None:
    """Codex is asked for tools like this, and nothing else comes; a search of the upstream's own is none."""
    found = {"type": "tool_search_call", "execution": execution, "arguments": {"query": "x"}}
    body = json.dumps({"id": "r", "status": "completed", "output": [{"type": "reasoning"}, found]}).encode()
    along = reader()
    along.feed(event("response.output_item.added", item=found) + event("response.output_item.done", item=found))
    along.feed(completed())
    whole = RULES_OF_IT.read_body(exchange("openai_responses"), body)
    assert [derive_outcome(each) for each in (along.evidence(), whole.evidence)] == [outcome] * 2


def test_another_dialects_error_is_one() -> None:
    """A relay in between may know no other; it is not passed on."""
    along = reader()
    assert along.feed(TEXT + b'data: {"error":{"message":"no","type":"server_error"}}\n\n') == TEXT
    assert along.error is not None


def test_numbered_deltas_are_counted_by_their_frame() -> None:
    """As those are that are decoded one by one."""
    along = reader()
    for number, text in enumerate(["Hi", " you", " 你好", "\n"]):
        along.feed(event("response.output_text.delta", delta=text, sequence_number=number, obfuscation="a" * number))
    assert along.evidence().output_bytes == 2 + 4 + 7 + 1


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_the_last_response_is_held_back_as_the_end(status: str) -> None:
    """With OpenRouter's [DONE]; nothing else that comes after it passes."""
    along = reader()
    end = completed(status, usage={"input_tokens": 5, "output_tokens": 2})
    assert along.feed(created() + TEXT + end + TEXT + b"data: [DONE]\n\n" + TEXT) == created() + TEXT
    assert (along.is_ended, along.end) == (True, end + b"data: [DONE]\n\n")
    assert along.usage() == Usage(input_tokens=5, output_tokens=2)


def test_a_body_without_its_last_response_is_not_whole() -> None:
    """However much came before."""
    along = reader()
    along.feed(TEXT)
    along.finish()
    assert (along.is_ended, derive_outcome(along.evidence())) == (False, "truncated")


@pytest.mark.parametrize(
    ("one", "failure"),
    [
        (event("error", code="server_error", message="oh"), "sick"),
        (event("error", error={"code": "rate_limit_exceeded", "message": "slow"}), "throttled"),
        (event("response.failed", response={"error": {"code": "insufficient_quota", "message": "pay"}}), "key_dead"),
        (event("response.failed", response={"error": None}), "sick"),
    ],
)
def test_an_error_is_not_passed_on(one: bytes, failure: FailureClass) -> None:
    """Neither the event `error` nor a failed response: it may speak of our key."""
    along = reader()
    assert along.feed(created() + one + TEXT) == created()
    assert along.error is not None
    assert along.error.failure == failure


@pytest.mark.parametrize(
    ("is_kept", "said", "answer_id"),
    [(True, {}, "resp_1"), (False, {}, None), (True, {"store": False}, None), (False, {"store": True}, "resp_1")],
)
def test_an_answer_is_kept_unless_it_was_told_not_to(
    is_kept: bool, said: dict[str, Any], answer_id: str | None
) -> None:
    """The upstream's own word counts before the request's."""
    along = reader(is_kept=is_kept)
    along.feed(created(**said))
    assert along.answer_id == answer_id


FIGURES = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
DRAWN = {
    "input_tokens": 30,
    "input_tokens_details": {"text_tokens": 12, "image_tokens": 18},
    "output_tokens": 280,
    "output_tokens_details": {"text_tokens": 8, "image_tokens": 272},
    "total_tokens": 310,
}


@pytest.mark.parametrize(
    ("image_gen", "read"),
    [
        (DRAWN, Usage(input_tokens=35, image_input_tokens=18, output_tokens=282, image_output_tokens=272)),
        (
            {
                **DRAWN,
                "cached_tokens": 20,
                "cached_tokens_details": {"cached_text_tokens": 10, "cached_image_tokens": 10},
            },
            Usage(
                input_tokens=15,
                cache_read_tokens=20,
                image_input_tokens=8,
                output_tokens=282,
                image_output_tokens=272,
            ),
        ),
        (
            {"input_tokens": 30, "output_tokens": 272},
            Usage(input_tokens=35, output_tokens=274, image_output_tokens=272),
        ),
        (
            {"input_tokens": 30, "cached_tokens": 30, "input_tokens_details": {"image_tokens": 18}, "output_tokens": 0},
            Usage(input_tokens=5, cache_read_tokens=30, output_tokens=2),
        ),
        (None, Usage(input_tokens=5, output_tokens=2)),
    ],
)
def test_what_the_tool_that_draws_used_stands_beside_the_models_usage(
    image_gen: dict[str, Any] | None, read: Usage
) -> None:
    """Whole and streamed; cached pictures are cached input, and output of no parts is all picture."""
    members: dict[str, Any] = {
        "usage": FIGURES,
        "tool_usage": {"image_gen": image_gen, "web_search": {"num_requests": 0}},
    }
    along = reader()
    along.feed(TEXT + completed(**members))
    body = json.dumps({"id": "r", "status": "completed", "output": [], **members}).encode()
    assert along.usage() == RULES_OF_IT.read_body(exchange("openai_responses"), body).usage == read


def test_a_tools_figure_that_cannot_be_true_gives_way_to_the_local_bound() -> None:
    """As the model's own do."""
    along = reader()
    along.feed(TEXT + completed(usage=FIGURES, tool_usage={"image_gen": {"output_tokens": -1}}))
    assert along.usage() == Usage(input_tokens=512, output_tokens=9, source="disputed")


def test_a_picture_of_the_tool_that_draws_is_output() -> None:
    """1290 tokens of a picture until the upstream tells its own; one that failed is none."""
    drawn = {"type": "image_generation_call", "status": "completed", "result": "aGk="}
    failed = {"type": "image_generation_call", "status": "failed", "result": None}
    along = reader()
    for item in (drawn, failed):
        along.feed(event("response.output_item.added", item={"type": item["type"]}))
        along.feed(event("response.output_item.done", item=item))
    assert (along.output_counted_tokens, along.output_image_tokens) == (1290, 1290)
    body = json.dumps({"id": "r", "status": "completed", "output": [drawn, failed]}).encode()
    reading = RULES_OF_IT.read_body(exchange("openai_responses"), body)
    assert (reading.tally.output_counted_tokens, reading.evidence.picture_count) == (1290, 1)


SEARCHES: list[dict[str, Any]] = [
    {"type": "web_search_call", "action": {"type": "search", "query": "a"}},
    {"type": "web_search_call", "action": {"type": "open_page", "url": "https://a.example"}},
    {"type": "web_search_call", "action": {"type": "find_in_page", "url": "https://a.example", "pattern": "a"}},
    {"type": "web_search_call", "action": "odd"},
    {"type": "web_search_call"},
    {"type": "computer_call", "action": {"type": "search"}},
]


@pytest.mark.parametrize(
    ("tool_usage", "count"),
    [({"web_search": {"num_requests": 1}}, 1), ({"web_search": {"num_requests": 0}}, 0), ({}, 3), (None, 3)],
)
def test_searches_are_those_that_are_billed(tool_usage: dict[str, Any] | None, count: int) -> None:
    """As told; else calls that opened no page and found nothing in one. Whole and streamed."""
    members: dict[str, Any] = {"usage": FIGURES, "tool_usage": tool_usage}
    along = reader()
    for item in SEARCHES:
        along.feed(event("response.output_item.added", item={"type": item["type"]}))
        along.feed(event("response.output_item.done", item=item))
    along.feed(completed(**members))
    body = json.dumps({"id": "r", "status": "completed", "output": SEARCHES, **members}).encode()
    read = Usage(input_tokens=5, output_tokens=2, web_search_count=count)
    assert along.usage() == RULES_OF_IT.read_body(exchange("openai_responses"), body).usage == read


HOSTED: list[dict[str, Any]] = [
    {"type": "code_interpreter_call", "container_id": "cntr_1"},
    {"type": "code_interpreter_call", "container_id": "cntr_1"},
    {"type": "file_search_call", "queries": ["a"]},
    {"type": "code_interpreter_call", "container_id": "cntr_2"},
    {"type": "file_search_call", "queries": ["a"]},
    {"type": "file_search_call", "queries": ["b"]},
]


@pytest.mark.parametrize("container", [{}, {"container_id": None}])
def test_a_container_that_is_told_at_the_end_of_its_run_is_one(container: dict[str, Any]) -> None:
    """Some hosts leave it out where the run begins, or say null."""
    along = reader()
    along.feed(event("response.output_item.added", item={"type": "code_interpreter_call", **container}))
    assert along.tool_counts == {}
    along.feed(event("response.output_item.done", item=HOSTED[0]))
    assert along.tool_counts == {"code_interpreter": 1}


def test_searches_of_stores_are_counted_and_containers_however_often_code_runs_in_them() -> None:
    """Three and two. Whole and streamed; of a stream a container from its beginning on."""
    members: dict[str, Any] = {"usage": FIGURES}
    along = reader()
    along.feed(event("response.output_item.added", item=HOSTED[0]))
    assert along.tool_counts == {"code_interpreter": 1}
    for item in HOSTED:
        along.feed(event("response.output_item.done", item=item))
    along.feed(completed(**members))
    body = json.dumps({"id": "r", "status": "completed", "output": HOSTED, **members}).encode()
    read = Usage(input_tokens=5, output_tokens=2, tool_counts={"file_search": 3, "code_interpreter": 2})
    assert along.usage() == RULES_OF_IT.read_body(exchange("openai_responses"), body).usage == read


@pytest.mark.parametrize(("total", "is_contradicted"), [(7, False), (8, True), (None, False)])
def test_a_total_that_contradicts_its_parts_is_noted(total: int | None, is_contradicted: bool) -> None:
    """5 + 2."""
    along = reader()
    along.feed(TEXT + completed(usage={"input_tokens": 5, "output_tokens": 2, "total_tokens": total}))
    usage = along.usage()
    assert usage is not None
    assert usage.is_total_contradicted is is_contradicted


@pytest.mark.parametrize("usage", [{"input_tokens": -1, "output_tokens": 1}, {"input_tokens": 1, "output_tokens": "9"}])
def test_usage_that_cannot_be_true_gives_way_to_the_local_bound(usage: dict[str, Any]) -> None:
    """512 for a request without fields; 8 for the answer and 1 for its two bytes."""
    along = reader()
    along.feed(TEXT + completed(usage=usage))
    assert along.usage() == Usage(input_tokens=512, output_tokens=9, source="disputed")


@pytest.mark.parametrize(
    "expected", [each for each in BODIES if each.dialect == "openai_responses"], ids=lambda each: each.name
)
def test_a_recorded_response_is_read(expected: Expected) -> None:
    """Its usage and its outcome."""
    asked = exchange("openai_responses", request_fields(expected.name))
    reading = RULES_OF_IT.read_body(asked, answer_bytes(expected.name))
    assert reading.usage == expected.usage
    assert derive_outcome(reading.evidence) == expected.outcome


def test_a_failed_response_is_an_error() -> None:
    """Though its status is 200."""
    body = b'{"id":"r","status":"failed","output":[],"error":{"code":"server_error","message":"oh"}}'
    with pytest.raises(UpstreamStatusError) as failed:
        RULES_OF_IT.read_body(exchange("openai_responses"), body)
    assert failed.value.failure == "sick"


def test_what_is_no_response_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        RULES_OF_IT.read_body(exchange("openai_responses"), b"<html>")


@pytest.mark.parametrize("odd", [b"1e400", b"[" * 5000 + b"]" * 5000])
def test_an_error_beside_what_can_not_be_read_is_one(odd: bytes) -> None:
    """A number beyond any float, or what is nested too deep, hides nothing."""
    along = reader()
    data = b'{"type":"error","code":"rate_limit_exceeded","message":"no","x":' + odd + b"}"
    assert along.feed(b"event: error\ndata: " + data + b"\n\n") == b""
    assert along.error is not None

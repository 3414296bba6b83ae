"""The suite's own readers: they find nothing wrong with the vendors' answers, and much with what is not like them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import Dialect
from relay.plugins.channels.simulator.answer import Kind
from relay.testing import Scene, write_down
from relay.testing.reading import Heard, read
from tests.core.wire import load

CHAT: Dialect = "openai_chat"
RESPONSES: Dialect = "openai_responses"
MESSAGES: Dialect = "anthropic_messages"
GEMINI: Dialect = "gemini_generate"
DIALECTS = (CHAT, RESPONSES, MESSAGES, GEMINI)


def heard(dialect: Dialect, body: bytes | str, *, stream: bool = True, status: int = 200, **more: Any) -> Heard:
    """Read *body* with the content type that it should have."""
    raw = body.encode() if isinstance(body, str) else body
    kind = "text/event-stream" if stream else "application/json"
    return read(dialect, status, kind, raw, stream=stream, **{"is_broken": False, **more})


@pytest.mark.parametrize(
    ("dialect", "name", "stop", "counts"),
    [
        (CHAT, "openai-chat/plain", "stop", (12, 5)),
        (CHAT, "openai-chat/stream-usage", "stop", (12, 5)),
        (CHAT, "openai-chat/stream-no-usage", "stop", (None, None)),
        (CHAT, "openai-chat/tools-parallel-stream", "tool_call", (75, 51)),
        (CHAT, "openai-chat/tools-truncated-stream", "length", (101, 16)),
        (CHAT, "openai-chat/refusal-stream", "refusal", (64, 12)),
        (CHAT, "openai-chat/length-reasoning-empty", "length", (13, 50)),
        (RESPONSES, "openai-responses/plain", "stop", (27, 11)),
        (RESPONSES, "openai-responses/reasoning-summary-stream", "tool_call", (63, 121)),
        (RESPONSES, "openai-responses/keepalive-stream", "stop", (140, 7)),
        (RESPONSES, "openai-responses/refusal-stream", "refusal", (54, 11)),
        (RESPONSES, "openai-responses/incomplete", "length", (14, 50)),
        (MESSAGES, "anthropic/plain", "stop", (17, 6)),
        (MESSAGES, "anthropic/cache-mixed-stream", "stop", (17309, 10)),
        (MESSAGES, "anthropic/thinking-tools-stream", "tool_call", (598, 92)),
        (MESSAGES, "anthropic/refusal-stream", "refusal", (28, 106)),
        (MESSAGES, "anthropic/empty-end-turn", "stop", (697, 2)),
        (GEMINI, "gemini/plain", "stop", (12, 2)),
        (GEMINI, "gemini/thought-parts-stream", "stop", (9, 67)),
        (GEMINI, "gemini/tools-parallel-stream", "tool_call", (70, 101)),
        (GEMINI, "gemini/max-tokens-no-content", "length", (15, 2)),
        (GEMINI, "gemini/safety-block", "refusal", (14, 0)),
    ],
)
def test_a_vendor_s_answer_is_well_formed(dialect: Dialect, name: str, stop: str, counts: tuple[int, int]) -> None:
    """Read to its end, with its reason and all of its figures."""
    recorded = load(name)
    made = heard(dialect, recorded["bytes"], stream="sse" in recorded)
    assert (made.faults, made.is_ended, made.stop) == ([], True, stop)
    assert (made.input_tokens, made.output_tokens) == counts


@pytest.mark.parametrize(
    ("dialect", "name", "code"),
    [
        (CHAT, "openai-chat/err-404-model", "model_not_found"),
        (RESPONSES, "openai-responses/err-400-context", "context_length_exceeded"),
        (MESSAGES, "anthropic/err-401", "authentication_error"),
        (GEMINI, "gemini/err-429", "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_vendor_s_error_is_well_formed(dialect: Dialect, name: str, code: str) -> None:
    """Its code is the machine's word for it."""
    recorded = load(name)
    made = heard(dialect, recorded["bytes"], stream=False, status=recorded["status"])
    assert (made.faults, made.error_code, made.is_ended) == ([], code, False)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        (CHAT, "derived/openai-chat-cut-in-text"),
        (RESPONSES, "derived/responses-cut"),
        (MESSAGES, "derived/anthropic-cut-in-text"),
        (GEMINI, "derived/gemini-cut"),
    ],
)
def test_a_stream_without_its_end_has_not_ended(dialect: Dialect, name: str) -> None:
    """However orderly its body ends."""
    assert not heard(dialect, load(name)["bytes"]).is_ended


@pytest.mark.parametrize(
    ("dialect", "name", "code"),
    [
        (CHAT, "documented/openai-stream-error-midway", "None"),
        (RESPONSES, "openai-responses/failed-stream", "insufficient_quota"),
        (MESSAGES, "documented/anthropic-stream-overloaded-midway", "overloaded_error"),
    ],
)
def test_an_error_in_a_stream_is_heard(dialect: Dialect, name: str, code: str) -> None:
    """In each dialect's own form."""
    assert heard(dialect, load(name)["bytes"]).error_code == code


def test_a_gemini_stream_that_breaks_has_not_ended() -> None:
    """Its end is the end of the body, so a connection that broke is told from it by nothing else."""
    event = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]}
    body = f"data: {json.dumps(event)}\n\n"
    assert [heard(GEMINI, body, is_broken=broken).is_ended for broken in (False, True)] == [True, False]


def chunk(delta: dict[str, Any], finish_reason: str | None = None, **fields: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    document = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(document | fields)}\n\n"


def event(name: str, **fields: Any) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"


def generated(**candidate: Any) -> str:
    return f"data: {json.dumps({'candidates': [{'content': {'parts': []}, **candidate}]})}\n\n"


MESSAGE = {"type": "message", "role": "assistant", "id": "i", "model": "m", "content": [], "usage": {}}
START = event("message_start", message=MESSAGE)
BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
STOP = chunk({}, "stop")
DONE = "data: [DONE]\n\n"
RESPONSE = {"object": "response", "id": "r", "model": "m", "output": []}
CREATED = event("response.created", sequence_number=0, response=RESPONSE)
COMPLETED = RESPONSE | {"status": "completed", "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


@pytest.mark.parametrize(
    ("dialect", "body", "fault"),
    [
        (CHAT, "data: {\n\n", "event 0: expected a JSON object"),
        (CHAT, "data: []\n\n", "event 0: expected a JSON object"),
        (CHAT, b"data: \xff\n\n", "the stream: expected UTF-8"),
        (CHAT, "dater: {}\n\n", "a line of the stream: expected event, data or a comment"),
        (CHAT, STOP + DONE.strip(), "the stream: expected a blank line after the last event"),
        (CHAT, DONE, "[DONE]: expected a finish reason before"),
        (CHAT, STOP + DONE + STOP, "event 2: expected no more"),
        (CHAT, STOP + STOP, "chunk 1: expected no choice after the finish"),
        (CHAT, chunk({}, "done"), "finish_reason: expected one of"),
        (CHAT, chunk({}) + chunk({}, id="d"), "id: expected one for all chunks"),
        (CHAT, chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), "tool_calls.id: expected an id"),
        (CHAT, chunk({}, model=None), "chunk 0.model: expected text, found None"),
        (CHAT, chunk({}, usage={"prompt_tokens": 1, "completion_tokens": -1}), "usage.completion_tokens: expected a count"),
        (CHAT, chunk({}, usage={"prompt_tokens": 1, "total_tokens": 5}), "usage.total_tokens: expected the sum of both"),
        (RESPONSES, event("response.in_progress", sequence_number=0), "the first event: expected response.created"),
        (RESPONSES, CREATED + CREATED, "event 1: sequence_number: expected more than 0, found 0"),
        (RESPONSES, CREATED.replace("event: response.created", "event: x"), "event 0: type: expected x"),
        (RESPONSES, CREATED + event("response.completed", sequence_number=1, response=RESPONSE), "response.status: expected"),
        (
            RESPONSES,
            CREATED
            + event("response.output_text.delta", sequence_number=1, delta="hi")
            + event("response.completed", sequence_number=2, response=COMPLETED),
            "the last event's text: expected 'hi', found ''",
        ),
        (
            RESPONSES,
            event("response.created", sequence_number=0, response=RESPONSE)
            + event("response.output_item.done", sequence_number=1, item={"type": "message"})
            + event("response.completed", sequence_number=2, response=COMPLETED),
            "the last event's output: expected the items told before, found []",
        ),
        (MESSAGES, BLOCK, "the first event: expected message_start"),
        (MESSAGES, START + BLOCK + BLOCK, "content_block_start: expected the block before to be closed"),
        (MESSAGES, START + event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}), "index: expected None"),
        (MESSAGES, START + event("message_stop"), "message_stop: expected a stop reason before"),
        (MESSAGES, START + BLOCK + event("message_delta", delta={}, usage={}), "message_delta: expected every block to be closed"),
        (MESSAGES, START.replace("event: message_start\n", ""), "event 0: type: expected , found message_start"),
        (MESSAGES, START + event("surprise"), "an event: expected one of the API's, found surprise"),
        (GEMINI, ": keep-alive\n\n" + generated(), "the stream: expected no comment"),
        (GEMINI, "event: x\n" + generated(), "event 0: expected no name"),
        (GEMINI, generated(finishReason="DONE"), "finishReason: expected one of"),
        (GEMINI, generated(finishReason="STOP") + generated(), "event 1: expected no candidate after the finish"),
        (GEMINI, DONE, "event 0: expected a JSON object"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_dialect_is_a_fault(dialect: Dialect, body: str | bytes, fault: str) -> None:
    """Said in words, with what was expected and what was found."""
    faults = heard(dialect, body).faults
    assert [one for one in faults if fault in one], faults


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"error":"no"}', b"<html>", b'{"choices":[1]}'])
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("stream", [True, False])
def test_rubbish_is_never_well_formed_and_never_a_crash(
    dialect: Dialect, body: bytes, status: int, stream: bool
) -> None:
    """Faults, or a stream that has not ended."""
    made = heard(dialect, body, status=status, stream=stream)
    assert made.faults or not made.is_ended


@pytest.mark.parametrize(("stream", "kind"), [(True, "application/json"), (False, "text/event-stream")])
def test_a_stream_is_what_was_asked_for(stream: bool, kind: str) -> None:
    """Or else the content type is at fault."""
    made = read(CHAT, 200, kind, b"", stream=stream, is_broken=False)
    assert [fault for fault in made.faults if fault.startswith("content-type: expected")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "stop", "STOP", "message", "tool_use"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)
KINDS: dict[Dialect, Kind] = {
    CHAT: "openai_chat",
    RESPONSES: "openai_responses",
    MESSAGES: "anthropic_messages",
    GEMINI: "gemini_generate",
}
FULL = Scene(dialect=CHAT, stream=True, task="thinking", ending="stop")


def spoilt(document: Any, path: list[int], rubbish: Any) -> Any:
    """Return *document* with *rubbish* in the place of one of its members, found along *path*."""
    if not path or not isinstance(document, dict | list) or not document:
        return rubbish
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = keys[path[0] % len(keys)]
    document[key] = spoilt(document[key], path[1:], rubbish)
    return document


def mistyped(made: Heard) -> list[str]:
    """The names of what is heard and not of its type."""
    texts = ["text", "thinking", "refusal"]
    counts = [name for name in ("input_tokens", "output_tokens") if getattr(made, name) is not None]
    stops = ("stop", "length", "tool_call", "refusal", None)
    return [
        *(name for name in texts if not isinstance(getattr(made, name), str)),
        *(name for name in counts if type(getattr(made, name)) is not int),
        *("calls" for call in made.calls if [type(part) for part in call] != [str, str]),
        *("faults" for fault in made.faults if type(fault) is not str),
        *(["stop"] if made.stop not in stops else []),
    ]


@given(st.sampled_from(DIALECTS), st.integers(0, 30), st.lists(st.integers(0, 9), min_size=1, max_size=5), JSON)
def test_a_member_of_any_type_is_read_without_a_crash(
    dialect: Dialect, place: int, path: list[int], rubbish: Any
) -> None:
    """A whole answer, or one event of a stream, with anything anywhere in it: what is heard has its own types."""
    said = msgspec.structs.replace(FULL.answer(KINDS[dialect], "m"), tool_name="f", tool_arguments="{}", stop="tool")
    (whole,) = write_down(said, stream=False).pieces
    of_whole = heard(dialect, json.dumps(spoilt(json.loads(whole), path, rubbish)), stream=False)
    events = [event.decode() for event in write_down(said, stream=True).pieces]
    head, _, data = events[place % len(events)].partition("data: ")
    if data.strip() != "[DONE]":
        events[place % len(events)] = f"{head}data: {json.dumps(spoilt(json.loads(data), path, rubbish))}\n\n"
    of_stream = heard(dialect, "".join(events))
    assert [mistyped(of_whole), mistyped(of_stream)] == [[], []]

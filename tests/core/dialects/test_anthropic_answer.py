"""Answers in Anthropic's form: what counts as output, as the end, as an error, as usage."""

import json
from typing import Any

import pytest

from relay.core.dialects import RULES, anthropic_answer
from relay.core.dialects.anthropic_answer import FIGURES_MAX, MessagesStreamReader
from relay.core.dialects.anthropic_usage import read_anthropic_usage
from relay.core.errors import FailureClass, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Evidence
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage, UsageSource
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, request_fields


def reader() -> MessagesStreamReader:
    return MessagesStreamReader(exchange("anthropic_messages"), thinking_asked=True, is_kept=False)


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def start(**usage: Any) -> bytes:
    return event("message_start", message={"model": "claude", "content": [], "usage": usage})


def block(index: int = 0, **members: Any) -> bytes:
    return event("content_block_start", index=index, content_block=members)


def delta(index: int = 0, **members: Any) -> bytes:
    return event("content_block_delta", index=index, delta=members)


def last(stop: str = "end_turn", **usage: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": stop}, usage=usage)


STOP = event("message_stop")


@pytest.mark.parametrize(
    ("one", "is_output"),
    [
        (start(input_tokens=1, output_tokens=1), False),
        (event("ping"), False),
        (block(type="text", text=""), False),
        (block(type="thinking", thinking="", signature=""), False),
        (delta(type="signature_delta", signature="c2ln"), False),
        (event("content_block_stop", index=0), False),
        (delta(type="text_delta", text=""), False),
        (delta(type="text_delta", text="Hi"), True),
        (delta(type="thinking_delta", thinking="Hm"), True),
        (delta(type="compaction_delta", content="a summary"), True),
        (block(type="redacted_thinking", data="ZGF0YQ=="), True),
        (block(type="tool_use", id="t", name="f", input={}), True),
        (block(type="server_tool_use", id="t", name="web_search", input={}), True),
        (block(type="web_search_tool_result", tool_use_id="t", content=[]), True),
    ],
)
def test_output_is_what_a_customer_can_use(one: bytes, is_output: bool) -> None:
    """The beginning of an empty block commits nothing; of a tool call it does."""
    along = reader()
    assert along.feed(one) == one
    assert along.is_output_seen is is_output


def test_each_figure_is_overwritten_by_the_last_that_came() -> None:
    """Cumulative, never summed; what message_delta leaves out stays as it was."""
    along = reader()
    along.feed(start(input_tokens=10, cache_read_input_tokens=7, output_tokens=1))
    along.feed(last(output_tokens=20, input_tokens=None) + STOP)
    assert along.usage() == Usage(input_tokens=10, cache_read_tokens=7, output_tokens=20)


def test_an_end_without_final_figures_is_estimated() -> None:
    """message_start's output is that of its first tokens; eleven bytes are four tokens."""
    along = reader()
    along.feed(start(input_tokens=10, output_tokens=1) + delta(type="text_delta", text="Hello there"))
    along.feed(event("message_delta", delta={"stop_reason": "end_turn"}) + STOP)
    assert along.usage() == Usage(input_tokens=10, output_tokens=4, source="estimated")


def test_a_stream_without_figures_has_none() -> None:
    """Then relay counts."""
    along = reader()
    along.feed(delta(type="text_delta", text="Hi") + STOP)
    assert along.usage() is None


@pytest.mark.parametrize(
    "usage", [{"output_tokens": -1}, {"output_tokens": 2.5}, {"output_tokens": "9"}, {"input_tokens": 2**63}]
)
def test_usage_that_cannot_be_true_gives_way_to_the_local_bound(usage: dict[str, Any]) -> None:
    """512 for a request without fields; 8 for the answer and 1 for its two bytes."""
    along = reader()
    along.feed(start(input_tokens=10, output_tokens=1) + delta(type="text_delta", text="Hi") + last(**usage) + STOP)
    assert along.usage() == Usage(input_tokens=512, output_tokens=9, source="disputed")


def test_usage_that_is_no_object_gives_way_to_the_local_bound() -> None:
    """Text in the place of figures is not believed."""
    along = reader()
    along.feed(event("message_delta", delta={"stop_reason": "end_turn"}, usage="nine"))
    assert along.usage() == Usage(input_tokens=512, output_tokens=8, source="disputed")


def test_figures_are_read_anew_only_where_new_ones_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mark of the stream asks for usage and evidence."""
    reads: list[object] = []

    def read_usage(usage: object) -> Usage | None:
        reads.append(usage)
        return read_anthropic_usage(usage)

    monkeypatch.setattr(anthropic_answer, "read_anthropic_usage", read_usage)
    along = reader()
    along.feed(start(input_tokens=10, output_tokens=1) + delta(type="text_delta", text="Hi"))
    early = [along.usage(), along.usage(), along.evidence(), along.usage()]
    along.feed(last(output_tokens=9) + STOP)
    assert (early[0], early[3]) == (Usage(input_tokens=10, output_tokens=1),) * 2
    assert (along.usage(), along.usage(), len(reads)) == (*(Usage(input_tokens=10, output_tokens=9),) * 2, 2)


def test_the_end_mark_is_held_back_and_nothing_after_it_passes() -> None:
    """The post commits first."""
    along = reader()
    text = delta(type="text_delta", text="Hi")
    assert along.feed(text + STOP + text) == text
    assert (along.is_ended, along.end, along.feed(text), along.finish()) == (True, STOP, b"", b"")


def test_a_body_without_end_mark_is_not_whole() -> None:
    """Whatever came before: message_stop is the end."""
    along = reader()
    along.feed(delta(type="text_delta", text="Hi") + last(output_tokens=1))
    along.finish()
    assert (along.is_ended, along.end, derive_outcome(along.evidence())) == (False, b"", "truncated")


@pytest.mark.parametrize(
    ("error_type", "failure"),
    [
        ("overloaded_error", "overloaded"),
        ("api_error", "sick"),
        ("rate_limit_error", "throttled"),
        ("authentication_error", "key_dead"),
        ("billing_error", "key_dead"),
        ("invalid_request_error", "request"),
    ],
)
def test_an_error_event_is_classed_and_not_passed_on(error_type: str, failure: FailureClass) -> None:
    """Nor is anything after it."""
    along = reader()
    assert along.feed(event("error", error={"type": error_type, "message": "x"}) + STOP) == b""
    assert along.error is not None
    assert (along.error.failure, along.is_ended, along.feed(STOP)) == (failure, False, b"")


@pytest.mark.parametrize("odd", [b"data: <html>\n\n", event("content_block_delta", delta=5), event("new_kind", x=1)])
def test_an_event_of_unknown_form_passes_uncounted(odd: bytes) -> None:
    """Kinds of events grow; readers bear them."""
    along = reader()
    assert along.feed(odd) == odd
    assert not along.is_output_seen


def test_another_dialects_error_is_one() -> None:
    """A relay in between may know no other; it is not passed on."""
    along = reader()
    text = start(input_tokens=1) + delta(type="text_delta", text="Hi")
    assert along.feed(text + b'data: {"error":{"message":"no","type":"server_error"}}\n\n') == text
    assert along.error is not None


def test_a_block_of_a_form_that_is_not_known_is_output() -> None:
    """And no error: the message beside it is what it is."""
    content = [{"type": "future", "text": {"a": 1}}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    body = json.dumps({"type": "message", "content": content, "stop_reason": "tool_use"}).encode()
    evidence = RULES["anthropic_messages"].read_body(exchange("anthropic_messages"), body).evidence
    assert (evidence.has_text, evidence.has_tool_call, evidence.stop_reason) == (True, True, "tool_use")


def test_the_structure_of_an_answer_becomes_evidence() -> None:
    """Thinking, then text, then a stop by the limit; six bytes in all."""
    along = reader()
    along.feed(start(input_tokens=1, output_tokens=1) + block(type="thinking", thinking="", signature=""))
    along.feed(delta(type="thinking_delta", thinking="Hmm.") + block(1, type="text", text=""))
    along.feed(delta(1, type="text_delta", text="Hi") + last("max_tokens", output_tokens=9) + STOP)
    assert along.model_returned == "claude"
    assert along.evidence() == Evidence(
        stop_reason="max_tokens",
        has_text=True,
        has_thinking=True,
        is_end_seen=True,
        thinking_asked=True,
        output_bytes=6,
    )


def test_thinking_cut_by_the_limit_is_empty() -> None:
    """A chain of thought that never finished is no answer, although the end was seen."""
    along = reader()
    along.feed(block(type="thinking", thinking="", signature="") + delta(type="thinking_delta", thinking="Hmm."))
    along.feed(last("max_tokens", output_tokens=9) + STOP)
    assert not along.evidence().is_thinking_finished
    assert derive_outcome(along.evidence()) == "empty"


def test_arguments_of_a_tool_call_are_counted_and_are_no_text() -> None:
    """Six bytes, in a frame as well as decoded."""
    along = reader()
    along.feed(block(type="tool_use", id="t", name="f", input={}))
    along.feed(delta(type="input_json_delta", partial_json="") + delta(type="input_json_delta", partial_json="{ab"))
    along.feed(delta(type="input_json_delta", partial_json='"c}'))
    evidence = along.evidence()
    assert (evidence.has_tool_call, evidence.has_text, evidence.output_bytes) == (True, False, 6)


@pytest.mark.parametrize(
    "expected", [e for e in BODIES if e.dialect == "anthropic_messages"], ids=lambda each: each.name
)
def test_a_recorded_body_has_its_usage_and_its_ending(expected: Expected) -> None:
    """As the table of recordings says."""
    asked = exchange("anthropic_messages", request_fields(expected.name))
    reading = RULES["anthropic_messages"].read_body(asked, answer_bytes(expected.name))
    assert (reading.usage, derive_outcome(reading.evidence)) == (expected.usage, expected.outcome)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
        b'{"ok":true}',
        b'{"content":"text"}',
        b"[1]",
    ],
)
def test_another_document_is_an_error(body: bytes) -> None:
    """Although it came with status 200."""
    with pytest.raises(UpstreamStatusError):
        RULES["anthropic_messages"].read_body(exchange("anthropic_messages"), body)


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"{", b'{"x":' + b"[" * 100_000])
def test_a_body_that_is_no_document_is_broken(body: bytes) -> None:
    """A proxy's page with status 200 is no answer."""
    with pytest.raises(UpstreamBrokenError):
        RULES["anthropic_messages"].read_body(exchange("anthropic_messages"), body)


def test_false_figures_of_a_body_give_way_to_the_local_bound() -> None:
    """512 for a request without fields; 8 for the answer, 8 for its block, 1 for two bytes."""
    body = b'{"type":"message","content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":-1,"output_tokens":1}}'
    reading = RULES["anthropic_messages"].read_body(exchange("anthropic_messages"), body)
    assert reading.usage == Usage(input_tokens=512, output_tokens=17, source="disputed")


def test_figures_without_number_are_not_believed() -> None:
    """Of names that change with each event nothing is kept."""
    along = reader()
    along.feed(start(input_tokens=3))
    for number in range(10 * FIGURES_MAX):
        along.feed(event("message_delta", usage={f"n{number}": 1}))
    usage = along.usage()
    assert usage is not None
    assert usage.source == "disputed"
    assert len(along._usage) <= FIGURES_MAX


@pytest.mark.parametrize(
    ("has_unseen_input", "tokens", "source"), [(False, 512, "disputed"), (True, 50_000, "estimated")]
)
def test_input_beside_output_that_was_counted_here_is_judged_by_what_is_known_of_it(
    has_unseen_input: bool, tokens: int, source: UsageSource
) -> None:
    """A talk that the upstream keeps may be longer than any part of it that was sent."""
    asked = exchange("anthropic_messages")
    asked.has_unseen_input = has_unseen_input
    along = MessagesStreamReader(asked, thinking_asked=True, is_kept=True)
    along.feed(start(input_tokens=50_000, output_tokens=1) + delta(type="text_delta", text="Hi") + STOP)
    assert along.usage() == Usage(input_tokens=tokens, output_tokens=1, source=source)


def test_an_event_without_its_name_gets_it() -> None:
    """Anthropic's SDK reads the name alone; every event is looked at, also those whose frame is known."""
    along = reader()
    events = [start(input_tokens=3), *[delta(type="text_delta", text=text) for text in ("a", "b", "c")], last()]
    nameless = [one[one.index(b"\n") + 1 :] for one in events]
    assert [along.feed(one) for one in nameless] == events
    assert along.feed(b": note\n\n") == b": note\n\n"
    along.feed(STOP[STOP.index(b"\n") + 1 :])
    assert along.end == STOP
    assert along.output_counted_tokens == 1


def test_a_name_stands_right_before_its_data() -> None:
    """Also where a blank line too many, or the mark of a byte order, comes before the event."""
    first = start(input_tokens=3)
    nameless = first[first.index(b"\n") + 1 :]
    assert reader().feed(b"\n" + nameless) == first
    assert reader().feed(b"\xef\xbb\xbf" + nameless) == first

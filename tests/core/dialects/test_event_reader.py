"""Every recorded stream passes byte for byte, with its usage and its ending, for every cut."""

import itertools
import random
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.core.dialects import RULES, event_reader
from relay.core.dialects.dialect import NativeReader
from relay.core.exchange import Dialect, Evidence, Outcome
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import STREAMS, Expected
from tests.core.dialects.replay import answer_bytes, as_shown, exchange, read, reader_for

SMALL_BYTES = 1500
EVERY_STREAM = pytest.mark.parametrize("expected", STREAMS, ids=lambda each: each.name)
WHOLE = [each for each in STREAMS if each.outcome in ("complete", "empty", "refused")]

Result = tuple[bytes, bytes, Usage | None, Evidence, int, int]


def result(reader: NativeReader, reads: list[bytes]) -> Result:
    passed = read(reader, reads)
    return (
        passed,
        reader.end,
        reader.usage(),
        reader.evidence(),
        reader.output_bound_tokens,
        reader.output_counted_tokens,
    )


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(set(places)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def whole_events_before_an_error(data: bytes) -> bytes:
    """Return what may pass of *data*: whole events up to the first that is an error."""
    events: list[bytes] = re.findall(rb"(?s).*?\n\r?\n", data)
    errors = [at for at, event in enumerate(events) if b'"error":{' in event]
    return b"".join(events[: errors[0]] if errors else events)


@EVERY_STREAM
def test_a_recorded_stream_passes_byte_for_byte(expected: Expected) -> None:
    """All that came, but the shop's costs, half an event and what stands at or after an error; usage was asked for."""
    data = answer_bytes(expected.name)
    reader = reader_for(expected, usage_asked=True)
    assert read(reader, [data]) + reader.end == as_shown(whole_events_before_an_error(data)) + expected.added.encode()


@EVERY_STREAM
def test_a_recorded_stream_has_its_usage_and_its_ending(expected: Expected) -> None:
    """As the table of recordings says."""
    reader = reader_for(expected, usage_asked=True)
    read(reader, [answer_bytes(expected.name)])
    outcome: Outcome = derive_outcome(reader.evidence())
    assert (reader.usage(), outcome) == (expected.usage, expected.outcome)


@EVERY_STREAM
def test_hiding_the_usage_chunk_changes_nothing_else(expected: Expected) -> None:
    """Where the customer did not ask, the chunk without choices that holds usage is left out, and it alone."""
    data = answer_bytes(expected.name)
    asked, not_asked = reader_for(expected, usage_asked=True), reader_for(expected, usage_asked=False)
    shown, hidden = read(asked, [data]), read(not_asked, [data])
    kept = [event for event in shown.split(b"\n\n") if not (b'"choices":[]' in event and b'_tokens":' in event)]
    assert hidden == b"\n\n".join(kept)
    assert (not_asked.usage(), not_asked.end) == (asked.usage(), asked.end)


@EVERY_STREAM
def test_every_cut_of_a_recorded_stream_gives_the_same(expected: Expected) -> None:
    """Every single cut of a small one; many cuts, and byte by byte, of a larger one."""
    data = answer_bytes(expected.name)
    whole = result(reader_for(expected, usage_asked=False), [data])
    if len(data) <= SMALL_BYTES:
        cuts = [[place] for place in range(1, len(data))]
    else:
        dice = random.Random(expected.name)
        cuts = [[dice.randrange(1, len(data)) for _ in range(count)] for count in (1, 1, 2, 3, 5, 8, 13, 40, 100)]
    for places in cuts:
        assert result(reader_for(expected, usage_asked=False), pieces(data, places)) == whole, places


@EVERY_STREAM
def test_a_recorded_stream_byte_by_byte_gives_the_same(expected: Expected) -> None:
    """The slowest upstream tells the same story; of the longest, the first 20 000 bytes."""
    data = answer_bytes(expected.name)[:20_000]
    one_by_one = [data[place : place + 1] for place in range(len(data))]
    whole = result(reader_for(expected, usage_asked=False), [data])
    assert result(reader_for(expected, usage_asked=False), one_by_one) == whole


def test_every_cut_behind_the_first_event_gives_the_same() -> None:
    """Also one in the name of the next event's field, of an event that is counted or of the end mark."""
    events = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % text for text in (b"Hello", b" there")]
    shown, end = b"".join(events), b"data: [DONE]\n\n"
    for place in range(len(events[0]) + 1, len(shown + end)):
        reader = RULES["openai_chat"].stream_reader(exchange("openai_chat"))
        passed = read(reader, pieces(shown + end, [len(events[0]), place]))
        assert (passed, reader.end, reader.output_counted_tokens) == (shown, end, 4), place


@pytest.mark.parametrize("left", [0, 1], ids=["no line end", "one line end"])
@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
def test_a_stream_is_whole_without_the_blank_line_behind_its_last_event(expected: Expected, left: int) -> None:
    """Not a byte is lost, nor added but where relay writes the end mark that the upstream left out."""
    data = answer_bytes(expected.name)
    bare = data.rstrip(b"\r\n")
    line_end = b"\r\n" if data.endswith(b"\r\n") else b"\n"
    cut = bare + line_end * left
    reader = reader_for(expected, usage_asked=True)
    shown = read(reader, [cut]) + reader.end
    assert shown == as_shown(cut) + (b"\n" * (2 - left) + expected.added.encode() if expected.added else b"")
    assert (reader.is_ended, reader.usage()) == (True, expected.usage)
    assert derive_outcome(reader.evidence()) == expected.outcome
    one_by_one = reader_for(expected, usage_asked=True)
    read(one_by_one, [cut[at : at + 1] for at in range(len(cut))])
    assert (one_by_one.end, one_by_one.usage()) == (reader.end, reader.usage())


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
def test_a_last_event_that_was_cut_is_not_passed_on(expected: Expected) -> None:
    """Half a document is no event, and its stream is not whole."""
    data = answer_bytes(expected.name).rstrip(b"\r\n")
    before, _, last = data.rpartition(b"\n")
    reader = reader_for(expected, usage_asked=True)
    shown = read(reader, [before + b"\n" + last[:-1]])
    assert last[:-1] not in shown
    assert as_shown(data).startswith(shown.rstrip(b"\r\n")) or expected.added


PICTURE = "A" * (5 * 1024 * 1024)
DRAWN: dict[Dialect, dict[str, object]] = {
    "openai_chat": {"choices": [{"delta": {"images": [{"image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]}}]},
    "openai_responses": {
        "type": "response.output_item.done",
        "item": {"type": "image_generation_call", "result": PICTURE},
    },
    "gemini_generate": {
        "candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}}]
    },
}


@pytest.mark.parametrize("dialect", DRAWN)
def test_an_event_can_hold_a_large_picture(dialect: Dialect) -> None:
    """Five megabytes in base64, read 64 KiB at a time."""
    data = b"data: " + msgspec.json.encode(DRAWN[dialect]) + b"\n\n"
    reader = RULES[dialect].stream_reader(exchange(dialect))
    assert b"".join(reader.feed(data[at : at + 65536]) for at in range(0, len(data), 65536)) == data
    assert reader.is_output_seen


def test_an_error_without_the_blank_line_behind_it_is_one() -> None:
    """It is not passed on."""
    reader = RULES["openai_chat"].stream_reader(exchange("openai_chat"))
    chunk = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    assert read(reader, [chunk + b'data: {"error":{"message":"no","type":"server_error"}}']) == chunk
    assert reader.error is not None


def test_an_event_at_the_end_of_a_stream_that_is_not_whole_gets_its_blank_line() -> None:
    """An error event is written behind it."""
    reader = RULES["openai_chat"].stream_reader(exchange("openai_chat"))
    chunk = b'data: {"choices":[{"delta":{"content":"Hi"}}]}'
    assert (read(reader, [chunk]), reader.is_ended) == (chunk + b"\n\n", False)


@EVERY_STREAM
def test_nothing_is_output_before_output_came(expected: Expected) -> None:
    """The reader commits with the first event of text, thinking, refusal or tool call, not before."""
    reader = reader_for(expected, usage_asked=True)
    for event in answer_bytes(expected.name).split(b"\n\n"):
        evidence_before = reader.evidence()
        was_seen = reader.is_output_seen
        reader.feed(event + b"\n\n")
        if reader.is_output_seen and not was_seen:
            assert evidence_before.output_bytes == 0
            assert not evidence_before.has_text
            assert not evidence_before.has_tool_call
            return
    assert reader.evidence().output_bytes == 0


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages"])
@given(data=st.binary(max_size=300), place=st.integers(min_value=0, max_value=300))
def test_garbage_crashes_no_reader_and_cuts_do_not_matter(dialect: Dialect, data: bytes, place: int) -> None:
    """An upstream may send anything."""
    make = RULES[dialect].stream_reader
    whole = result(make(exchange(dialect)), [data])
    assert result(make(exchange(dialect)), [data[:place], data[place:]]) == whole


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "content",
                    "usage",
                    "error",
                    "index",
                    "finish_reason",
                    "tool_calls",
                    "function",
                    "arguments",
                    "message",
                    "type",
                    "text",
                    "content_block",
                    "prompt_tokens",
                    "completion_tokens",
                    "input_tokens",
                    "output_tokens",
                    "iterations",
                    "x_groq",
                    "model",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@given(values=st.lists(JSON_VALUES, max_size=4))
def test_odd_documents_crash_no_reader(dialect: Dialect, values: list[object]) -> None:
    """Known names with values of any kind: usage and evidence can always be told."""
    reader = RULES[dialect].stream_reader(exchange(dialect))
    for value in values:
        for event_type in (b"", b"event: message_delta\n", b"event: content_block_delta\n"):
            reader.feed(event_type + b"data: " + msgspec.json.encode(value) + b"\n\n")
    assert reader.output_counted_tokens >= 0
    assert derive_outcome(reader.evidence())


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["openai-chat/stream-usage", "anthropic/thinking-stream"])
def test_other_line_ends_tell_the_same(name: str, line_end: bytes) -> None:
    """Usage, ending and bytes are those of the stream, whichever line ends it has."""
    expected = next(each for each in STREAMS if each.name == name)
    data = answer_bytes(name).replace(b"\n", line_end)
    reader = reader_for(expected, usage_asked=True)
    assert read(reader, [data]) + reader.end == data
    assert (reader.usage(), derive_outcome(reader.evidence())) == (expected.usage, expected.outcome)


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        (
            "openai_chat",
            b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],'
            b'"usage":{"prompt_tokens":3,"completion_tokens":1<COST>}}\n\ndata: [DONE]\n\n',
        ),
        (
            "openai_responses",
            b'event: response.completed\ndata: {"type":"response.completed","response":{"status":"completed",'
            b'"usage":{"input_tokens":3,"output_tokens":1<COST>}}}\n\n',
        ),
        (
            "anthropic_messages",
            b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3<COST>}}}\n\n'
            b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
            b'"usage":{"output_tokens":1<COST>}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
        ),
    ],
)
@pytest.mark.parametrize(
    "cost", [b',"cost":0.5,"is_byok":false', b',"cost_in_usd_ticks":5', b',"cost":{"total_cost":1}']
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_the_shop_pays_is_cut_out_of_every_event(dialect: Dialect, stream: bytes, cost: bytes, size: int) -> None:
    """Also of the one that is held back; the counts are read all the same."""
    reader = RULES[dialect].stream_reader(exchange(dialect, {"stream_options": msgspec.Raw(b'{"include_usage":true}')}))
    data = stream.replace(b"<COST>", cost)
    shown = read(reader, [data[at : at + size] for at in range(0, len(data), size)]) + reader.end
    usage = reader.usage()
    assert shown == stream.replace(b"<COST>", b"")
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (3, 1)


@pytest.mark.parametrize("name", ["openai-responses/stream", "anthropic/stream"])
@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_an_end_mark_that_the_dialect_does_not_know_is_passed_on_with_the_end(name: str, size: int) -> None:
    """Once, and nothing else of what follows."""
    [expected] = [each for each in STREAMS if each.name == name]
    whole = answer_bytes(name)
    data = whole + b": ping\n\ndata: [DONE]\n\ndata: [DONE]\n\n" + whole
    reader = reader_for(expected, usage_asked=True)
    shown = b"".join(reader.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert shown + reader.end == whole + b"data: [DONE]\n\n"
    assert reader.usage() == expected.usage


@pytest.mark.parametrize("name", ["openai-responses/stream", "anthropic/stream"])
def test_an_end_mark_behind_an_error_is_not_passed_on(name: str) -> None:
    """What failed has no end."""
    [expected] = [each for each in STREAMS if each.name == name]
    reader = reader_for(expected, usage_asked=True)
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    assert reader.feed(error + b"data: [DONE]\n\n") + reader.finish() == b""
    assert (reader.end, reader.is_ended) == (b"", False)


def test_end_marks_without_number_are_held_once() -> None:
    """In whatever spellings they take turns."""
    [expected] = [each for each in STREAMS if each.name == "anthropic/stream"]
    reader = reader_for(expected, usage_asked=True)
    reader.feed(answer_bytes(expected.name))
    end = reader.end
    for _ in range(100):
        reader.feed(b"data: [DONE]\n\ndata:[DONE]\n\n")
    assert reader.end == end + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        ("openai_chat", b'data: {"choices":[],"usage":{"prompt_tokens":-1}}\n\n'),
        (
            "openai_responses",
            b'data: {"type":"response.completed","response":{"usage":{"input_tokens":-1,"output_tokens":1}}}\n\n',
        ),
        (
            "anthropic_messages",
            b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":-1}}}\n\n',
        ),
        (
            "anthropic_messages",
            b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9}}}\n\n'
            b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n',
        ),
        ("gemini_generate", b'data: {"candidates":[],"usageMetadata":{"promptTokenCount":-1}}\n\n'),
    ],
)
def test_a_prompt_is_measured_once_for_figures_that_cannot_be_true(
    dialect: Dialect, event: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every mark of the stream asks for usage and evidence, and a prompt may have millions of words."""
    measured: list[object] = []

    def bound(fields: object) -> int:
        measured.append(fields)
        return 7

    monkeypatch.setattr(event_reader, "input_bound", bound)
    reader = RULES[dialect].stream_reader(exchange(dialect, {"stream_options": msgspec.Raw(b'{"include_usage":true}')}))
    reader.feed(event)
    told = [reader.usage(), reader.usage(), reader.evidence(), reader.usage()]
    assert len(measured) == 1
    assert told[0] == told[3]

"""Text into sound: what is read of a request, what sound counts."""

import json
from typing import Any

import pytest

from relay.core.dialects.speech import Speech
from relay.core.errors import BadRequestError, InsufficientBalanceError, UpstreamStatusError
from relay.core.exchange import Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import exchange


def read(**members: Any) -> Exchange:
    """Return an exchange that read a small request with *members*."""
    made = exchange("audio")
    made.operation = "speech"
    body = {"model": "tts-1", "voice": "alloy", "input": "Héllo", **members}
    Speech().read_request(made, json.dumps(body, ensure_ascii=False).encode())
    return made


def test_a_request_is_read_and_passed_on_but_for_the_model() -> None:
    """Its characters are counted, not its bytes; sound always streams."""
    made = read()
    assert (made.model, made.stream, made.unit_bound, made.unit_estimate) == ("tts-1", True, 5, 5)
    assert made.output_tokens_likely == 18
    request = Speech().prepare(made, "other")
    assert (request.stream, json.loads(request.body())["model"], request.content_type) == (
        True,
        "other",
        "application/json",
    )


@pytest.mark.parametrize(
    ("stream_format", "kind"), [(None, "audio/"), ("audio", "audio/"), ("sse", "text/event-stream")]
)
def test_sound_streams_as_itself_or_in_events(stream_format: str | None, kind: str) -> None:
    """As the request says."""
    assert Speech().stream_type(read(stream_format=stream_format)) == kind


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": ["x"]}, "input"),
        ({"model": None}, "model"),
        ({"stream_format": 1}, "stream_format"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """Before anything is held for it."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


SPOKEN = Usage(input_tokens=3, output_tokens=9, audio_output_tokens=9, unit_count=5, source="estimated")
"""5 characters, 6 bytes, 8 with quotes: 3 tokens of text, 9 of sound."""


def test_every_byte_of_sound_is_output() -> None:
    """Its end in order is its end; it costs its characters, or the tokens they likely make."""
    reader = Speech().stream_reader(read())
    passed = reader.feed(b"\xff\xf3") + reader.feed(b"data: [DONE]\n\n") + reader.finish()
    assert (passed, reader.is_output_seen, reader.is_ended, reader.end) == (
        b"\xff\xf3data: [DONE]\n\n",
        True,
        True,
        b"",
    )
    assert (reader.usage(), derive_outcome(reader.evidence())) == (SPOKEN, "complete")


@pytest.mark.parametrize(("instructions", "tokens"), [("Speak slowly, and as if in doubt.", 12), (None, 3)])
def test_how_to_speak_is_read_as_well(instructions: str | None, tokens: int) -> None:
    """Of 35 bytes with quotes and the 8 of the text, together; what is null is not there."""
    reader = Speech().stream_reader(read(instructions=instructions))
    reader.feed(b"\xff")
    usage = reader.usage()
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.unit_count) == (tokens, 9, 5)


def test_no_byte_of_sound_is_an_empty_answer() -> None:
    """Whatever its status says."""
    reader = Speech().stream_reader(read())
    reader.finish()
    assert (reader.is_output_seen, derive_outcome(reader.evidence())) == (False, "empty")


def test_sound_that_has_not_ended_is_cut() -> None:
    """What follows never came."""
    reader = Speech().stream_reader(read())
    reader.feed(b"\xff")
    assert derive_outcome(reader.evidence()) == "truncated"


DISPUTED = Usage(
    input_tokens=512 + (7 + 7 + 8 + 5) // 2, output_tokens=9, audio_output_tokens=9, unit_count=5, source="disputed"
)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (
            {"input_tokens": 14, "output_tokens": 101},
            Usage(input_tokens=14, output_tokens=101, audio_output_tokens=101, unit_count=5),
        ),
        (
            {"input_tokens": 14, "output_tokens": 4 * 1024},
            Usage(input_tokens=14, output_tokens=4096, audio_output_tokens=4096, unit_count=5),
        ),
        (None, SPOKEN),
        ({"output_tokens": -1}, DISPUTED),
        ({"input_tokens": 14, "output_tokens": 4 * 1024 + 1}, DISPUTED),
        ({"input_tokens": 14, "output_tokens": 2**40}, DISPUTED),
    ],
)
def test_events_tell_what_they_used(usage: Any, counted: Usage) -> None:
    """Where they do not, or lie, it is estimated; four times what the text can make, and 1024, is the most that is believed."""
    reader = Speech().stream_reader(read(stream_format="sse"))
    done = json.dumps({"type": "speech.audio.done", "usage": usage}).encode()
    reader.feed(b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\ndata: ' + done + b"\n\n")
    reader.finish()
    assert (reader.usage(), derive_outcome(reader.evidence())) == (counted, "complete")


def test_a_document_in_place_of_sound_is_an_error() -> None:
    """Nobody asked for one."""
    with pytest.raises(UpstreamStatusError):
        Speech().read_body(read(), b'{"error":{"message":"no"}}')


def test_no_words_are_written_into_sound() -> None:
    """Only a broken connection tells that it is not whole."""
    assert Speech().render_error_event(InsufficientBalanceError("x"), "no", "req-1") == b""

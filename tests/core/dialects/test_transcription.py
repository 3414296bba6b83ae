"""Sound into text: what is read of a request, what answers count."""

import json
from typing import Any

import httpx
import pytest

from relay.core.dialects import RULES
from relay.core.dialects.dialect import DialectRules
from relay.core.dialects.transcription import Transcription
from relay.core.errors import BadRequestError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import answer_bytes, exchange
from tests.core.dialects.test_sound import wave_file

RULES_OF_ALL: tuple[DialectRules, ...] = (
    RULES["audio"],
    Transcription("translation", "/v1/audio/translations"),
)
PACKED = b"ID3" + bytes(64_000)
"""Between 5 and 43 seconds."""


def read(sound: bytes = PACKED, rules: DialectRules = RULES["audio"], **fields: Any) -> Exchange:
    """Return an exchange that read a form with *sound* and *fields*."""
    data = {"model": "whisper-1", **fields}
    request = httpx.Request("POST", "http://x", data=data, files={"file": ("a.mp3", sound)})
    made = exchange("audio", content_type=request.headers["content-type"])
    rules.read_request(made, request.read())
    return made


@pytest.mark.parametrize("rules", RULES_OF_ALL)
def test_a_form_is_read_and_only_the_models_name_is_changed(rules: DialectRules) -> None:
    """The sound stays where it lies."""
    made = read(rules=rules)
    assert (made.model, made.stream, made.unit_bound, made.unit_estimate) == ("whisper-1", False, 43, 5)
    sent, mapped = rules.prepare(made, "whisper-1"), rules.prepare(made, "other")
    assert mapped.body() == sent.body().replace(b"whisper-1", b"other")
    assert mapped.content_type.startswith('multipart/form-data; boundary="')


@pytest.mark.parametrize("word", ["true", "True", "false", ""])
def test_a_stream_is_asked_for_in_words(word: str) -> None:
    """However a client spells its switch; translations have none."""
    assert read(stream=word).stream is (word.lower() == "true")
    assert read(rules=RULES_OF_ALL[1], stream=word).stream is False


@pytest.mark.parametrize(
    ("fields", "sound", "param"),
    [
        ({"model": ""}, PACKED, "model"),
        ({"stream": "maybe"}, PACKED, "stream"),
        ({}, b"", "file"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(fields: dict[str, Any], sound: bytes, param: str) -> None:
    """Before anything is held for it."""
    with pytest.raises(BadRequestError) as refused:
        read(sound, **fields)
    assert refused.value.param == param


def test_json_is_no_form() -> None:
    """The header that says so is to blame."""
    made = exchange("audio", content_type="application/json")
    with pytest.raises(BadRequestError, match="content-type"):
        RULES["audio"].read_request(made, b'{"model":"whisper-1"}')


def test_the_recorded_answer_counts_its_seconds() -> None:
    """And as tokens, for models sold by those, ten of sound a second."""
    reading = RULES["audio"].read_body(read(), answer_bytes("openai-other/transcription-whisper"))
    assert reading.usage == Usage(input_tokens=40, audio_input_tokens=40, unit_count=4)
    assert derive_outcome(reading.evidence) == "complete"


def heard(seconds: int, **noted: Any) -> Usage:
    return Usage(input_tokens=10 * seconds, audio_input_tokens=10 * seconds, unit_count=seconds, **noted)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"text": "Hi", "duration": 8.47}, heard(9)),
        ({"text": "Hi", "duration": "8.470000267028809"}, heard(9)),
        ({"text": "Hi", "duration": 8.47, "usage": {"type": "duration", "seconds": 9}}, heard(9)),
        ({"text": "Hi", "usage": {"type": "duration", "seconds": 0}}, heard(0)),
        ({"text": "Hi"}, heard(5, output_tokens=1, source="estimated")),
        ({"text": "x" * 140}, heard(10, output_tokens=39, source="estimated")),
        ({"text": "x" * 9000}, heard(43, output_tokens=2500, source="estimated")),
        ({"text": "Hi", "usage": {"type": "duration", "seconds": 1e9}}, heard(43, output_tokens=1, source="disputed")),
        ({"text": "Hi", "usage": {"type": "duration", "seconds": -1}}, heard(43, output_tokens=1, source="disputed")),
        (
            {"text": "Hi", "usage": {"type": "duration", "seconds": False}},
            heard(43, output_tokens=1, source="disputed"),
        ),
        ({"text": "x" * 140, "duration": "long"}, heard(43, output_tokens=71, source="disputed")),
        ({"text": "Hi", "usage": {"input_tokens": -3}}, heard(43, output_tokens=1, source="disputed")),
        (
            {
                "text": "Hi",
                "usage": {"input_tokens": 14, "output_tokens": 2, "input_token_details": {"audio_tokens": 9}},
            },
            Usage(input_tokens=14, audio_input_tokens=9, output_tokens=2, unit_count=5),
        ),
        ({"text": "Hi", "usage": {"prompt_audio_seconds": 12}}, heard(12)),
        ({"text": "Hi", "usage": {"prompt_audio_seconds": None, "total_tokens": 89}, "duration": 8.47}, heard(9)),
        (
            {"text": "Hi", "usage": {"prompt_audio_seconds": 1e9, "prompt_tokens": 3}},
            heard(43, output_tokens=1, source="disputed"),
        ),
        (
            {"text": "Hi", "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
            heard(5, output_tokens=1, source="estimated"),
        ),
        (
            {"text": "Hi", "usage": {"prompt_tokens": 610, "completion_tokens": 10, "total_tokens": 620}},
            heard(5, output_tokens=1, source="estimated"),
        ),
        (
            {
                "text": "Hi",
                "usage": {
                    "input_tokens": 640,
                    "output_tokens": 10,
                    "input_token_details": {"audio_tokens": 600},
                    "prompt_tokens": 640,
                    "completion_tokens": 10,
                    "total_tokens": 650,
                    "prompt_audio_seconds": 4,
                },
            },
            Usage(input_tokens=640, audio_input_tokens=600, output_tokens=10, unit_count=4),
        ),
    ],
)
def test_every_way_of_telling_a_length_counts(answer: dict[str, Any], usage: Usage) -> None:
    """Seconds as told, else as the file and the text make likely; never more than the sound can have."""
    body = json.dumps(answer).encode()
    assert RULES["audio"].read_body(read(), body).usage == usage


MISTRAL = {"prompt_audio_seconds": 12, "prompt_tokens": 3, "completion_tokens": 41, "total_tokens": 419}


@pytest.mark.parametrize(
    ("usage", "read_as"),
    [
        (MISTRAL, Usage(input_tokens=378, audio_input_tokens=375, output_tokens=41, unit_count=12)),
        (
            {**MISTRAL, "prompt_tokens_details": {"cached_tokens": 368, "audio_tokens": 375}},
            Usage(input_tokens=10, cache_read_tokens=368, audio_input_tokens=10, output_tokens=41, unit_count=12),
        ),
        (
            {**MISTRAL, "total_tokens": 44, "prompt_tokens_details": {"audio_tokens": 2}},
            Usage(input_tokens=3, audio_input_tokens=2, output_tokens=41, unit_count=12),
        ),
        ({**MISTRAL, "total_tokens": None}, heard(12)),
        ({**MISTRAL, "prompt_tokens": 0, "total_tokens": 41}, heard(12)),
        ({"prompt_audio_seconds": 12}, heard(12)),
    ],
)
def test_mistrals_prompt_leaves_out_the_sound_that_its_total_counts(usage: dict[str, Any], read_as: Usage) -> None:
    """3 + 375 of sound + 41 are 419; whole and streamed, as its events are named."""
    done = {"type": "transcription.done", "text": "Hi", "usage": usage}
    reader = RULES["audio"].stream_reader(read(stream="true"))
    reader.feed(b'data: {"type":"transcription.text.delta","text":"Hi"}\n\n')
    reader.feed(f"event: transcription.done\ndata: {json.dumps(done)}\n\n".encode())
    reader.finish()
    body = json.dumps({"text": "Hi", "usage": usage}).encode()
    assert reader.usage() == RULES["audio"].read_body(read(), body).usage == read_as
    assert derive_outcome(reader.evidence()) == "complete"


def test_a_wave_file_is_as_long_as_it_says() -> None:
    """Whatever was said in it: the length is known, though no upstream told it."""
    reading = RULES["audio"].read_body(read(bytes(wave_file(2.5)), response_format="text"), b"x" * 500)
    assert reading.usage == heard(3, output_tokens=139, source="estimated")


def test_plain_text_is_passed_on_as_such() -> None:
    """SDKs look at the content type before they look for JSON."""
    reading = RULES["audio"].read_body(read(response_format="text"), "你好\n".encode())
    assert (reading.content_type, derive_outcome(reading.evidence)) == ("text/plain; charset=utf-8", "complete")
    assert derive_outcome(RULES["audio"].read_body(read(response_format="text"), b"\n").evidence) == "empty"


@pytest.mark.parametrize("response_format", ["json", "text"])
@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b'{\n  "error": {\n    "message": "no"}}'])
def test_an_error_dressed_as_an_answer_is_an_error(response_format: str, body: bytes) -> None:
    """In either form, however it is written."""
    with pytest.raises(UpstreamStatusError):
        RULES["audio"].read_body(read(response_format=response_format), body)


@pytest.mark.parametrize("text", ["{sighs} Hi", "{}", "[1]", "{" * 100_000])
def test_words_in_braces_are_words(text: str) -> None:
    """What was said may look like anything."""
    assert derive_outcome(RULES["audio"].read_body(read(response_format="text"), text.encode()).evidence) == "complete"


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        RULES["audio"].read_body(read(), b"<html>")


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_recorded_stream_passes_byte_for_byte(size: int) -> None:
    """However it is cut: its end, with the usage, is held back; 37 tokens of sound in, 12 out."""
    raw = answer_bytes("openai-other/transcription-4o-stream")
    reader = RULES["audio"].stream_reader(read(stream="true"))
    passed = b"".join(reader.feed(raw[at : at + size]) for at in range(0, len(raw), size)) + reader.finish()
    assert passed + reader.end == raw
    assert reader.end.startswith(b'data: {"type":"transcript.text.done"')
    assert reader.usage() == Usage(input_tokens=37, audio_input_tokens=37, output_tokens=12, unit_count=5)
    assert derive_outcome(reader.evidence()) == "complete"


def test_a_stream_without_its_end_is_cut() -> None:
    """What was heard is estimated."""
    reader = RULES["audio"].stream_reader(read(stream="true"))
    reader.feed(b'data: {"type":"transcript.text.delta","delta":"Ruby"}\n\n')
    reader.finish()
    assert (reader.is_ended, derive_outcome(reader.evidence())) == (False, "truncated")
    assert reader.usage() == heard(5, source="estimated")


def test_a_stream_that_breaks_tells_why() -> None:
    """The SDKs raise on an error object in an event; what is no event they pass over."""
    assert RULES["audio"].render_error_event(UpstreamBrokenError(), "words", "req-1") == (
        b'data: {"error":{"message":"words","type":"server_error","param":null,"code":"upstream_error"}}\n\n'
    )


def test_hearing_is_held_for() -> None:
    """Twice the tokens of the longest the sound can be, and the frame of a request."""
    made = read()
    assert RULES["audio"].input_bound(made) == 512 + 4 + 2 * 10 * 43
    assert RULES["audio"].input_estimate(made) == 50
    assert made.audio_tokens_bound == 430


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, heard(10, output_tokens=39, source="estimated")),
        ({"input_tokens": -1}, heard(43, output_tokens=77, source="disputed")),
    ],
)
def test_a_streamed_transcript_is_output_without_true_figures(usage: object, told: Usage) -> None:
    """Of 140 bytes, in one piece of 10 and one of 130, some 39 tokens; 3 and 66 at most, and 8 of a frame."""
    reader = RULES["audio"].stream_reader(read(stream="true"))
    pieces = ({"type": "transcript.text.delta", "delta": "x" * count} for count in (10, 130))
    done = {"type": "transcript.text.done", "text": "x" * 140, "usage": usage}
    reader.feed(b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (*pieces, done)))
    reader.finish()
    assert reader.usage() == told

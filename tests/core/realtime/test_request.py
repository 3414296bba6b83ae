"""What of a customer's frames is sent on, and how."""

import json

import pytest

from relay.core.dialects.realtime_events import APPEND, Measure
from relay.core.errors import BadRequestError
from relay.core.exchange import Candidate, Channel
from relay.core.realtime.request import Models, models_of, read_customer_frame

MODELS = Models(asked="gpt-realtime", sent="upstream-rt", transcribing={"transcribe": "upstream-tr"})


def update(**session: object) -> str:
    return json.dumps({"type": "session.update", "session": session})


def test_sound_passes_as_it_came() -> None:
    """Spaces and all."""
    frame = '{ "type":"input_audio_buffer.append",  "audio":"AAAA" }'
    passed = read_customer_frame(frame, MODELS)
    assert (passed.frame, passed.kind, passed.measure) == (frame, APPEND, Measure(sound_chars=4))


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ({"type": "session.update", "session": {"prompt": {"id": "pmpt_1"}}}, "session.prompt"),
        ({"type": "transcription_session.update", "session": {"prompt": {"id": "pmpt_1"}}}, "session.prompt"),
        ({"type": "response.create", "response": {"prompt": {"id": "pmpt_1"}}}, "response.prompt"),
        (
            {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "dear"}}},
            "session.audio.input.transcription.model",
        ),
    ],
)
def test_what_stands_in_the_upstreams_account_is_refused(frame: dict[str, object], param: str) -> None:
    """Its prompts are nobody's whom it sells to; and whatever settings are called, their models are looked at."""
    with pytest.raises(BadRequestError) as caught:
        read_customer_frame(json.dumps(frame), MODELS)
    assert (caught.value.reason, caught.value.param) == ("not_offered", param)


def test_a_prompt_that_is_null_is_none() -> None:
    """As clients write what they leave out."""
    frame = json.dumps({"type": "response.create", "response": {"prompt": None}})
    assert read_customer_frame(frame, MODELS).kind == "response.create"


def test_sound_with_a_second_type_is_read_like_any_other_event() -> None:
    """What is sent is what was looked at."""
    frame = '{"type":"input_audio_buffer.append","audio":"AAAA","type":"response.cancel"}'
    passed = read_customer_frame(frame, MODELS)
    assert (passed.frame, passed.kind) == ('{"type":"response.cancel","audio":"AAAA"}', "response.cancel")


UPDATES = [
    ({"model": "gpt-realtime", "x": 1}, {"model": "upstream-rt", "x": 1}),
    ({"model": "upstream-rt"}, {"model": "upstream-rt"}),
    ({"instructions": "hi"}, {"instructions": "hi"}),
    (
        {"audio": {"input": {"transcription": {"model": "transcribe", "language": "en"}}}},
        {"audio": {"input": {"transcription": {"model": "upstream-tr", "language": "en"}}}},
    ),
    ({"input_audio_transcription": {"model": "transcribe"}}, {"input_audio_transcription": {"model": "upstream-tr"}}),
    ({"audio": {"input": {"transcription": None}}}, {"audio": {"input": {"transcription": None}}}),
    ({"audio": None, "input_audio_transcription": None}, {"audio": None, "input_audio_transcription": None}),
    (
        {"audio": None, "input_audio_transcription": {"model": "transcribe"}},
        {"audio": None, "input_audio_transcription": {"model": "upstream-tr"}},
    ),
    (
        {"audio": {"input": None}, "input_audio_transcription": {"model": "transcribe"}},
        {"audio": {"input": None}, "input_audio_transcription": {"model": "upstream-tr"}},
    ),
]


@pytest.mark.parametrize(("session", "sent"), UPDATES)
def test_models_are_sent_by_the_upstreams_names(session: dict[str, object], sent: dict[str, object]) -> None:
    """In the beta's form and the present one; everything else stays."""
    passed = read_customer_frame(update(**session), MODELS)
    assert json.loads(passed.frame) == {"type": "session.update", "session": sent}


REFUSED = [
    ({"model": "gpt-5"}, "bad_request", "session.model"),
    ({"model": 5}, "bad_request", "session"),
    (
        {"audio": {"input": {"transcription": {"model": "dear"}}}},
        "not_offered",
        "session.audio.input.transcription.model",
    ),
    ({"audio": {"input": {"transcription": {}}}}, "not_offered", "session.audio.input.transcription.model"),
    ({"input_audio_transcription": {"model": "dear"}}, "not_offered", "session.audio.input.transcription.model"),
    (
        {
            "audio": {"input": {"transcription": {"model": "transcribe"}}},
            "input_audio_transcription": {"model": "dear"},
        },
        "not_offered",
        "session.audio.input.transcription.model",
    ),
]


@pytest.mark.parametrize(("session", "code", "param"), REFUSED)
def test_models_that_are_not_sold_are_refused_by_name(session: dict[str, object], code: str, param: str) -> None:
    """An upstream would bill them."""
    with pytest.raises(BadRequestError) as caught:
        read_customer_frame(update(**session), MODELS)
    assert (caught.value.reason, caught.value.param) == (code, param)


@pytest.mark.parametrize("frame", [b"\x00", "", "[]", '{"type":"session.update","session":5}', '{"session":{}}'])
def test_rubbish_is_refused(frame: str | bytes) -> None:
    """And so is what is no text."""
    with pytest.raises(BadRequestError):
        read_customer_frame(frame, MODELS)


def test_a_session_transcribes_by_what_its_channel_sells_the_key_at_a_price() -> None:
    """Not by what has no price, nor by what the key's list leaves out."""
    models = {"rt": "rt-1", "tr": "tr-1", "free": "free-1", "other": "other-1"}
    channel = Channel(name="a", use="x", dialects=("realtime",), models=models, groups=frozenset({"plain"}))
    candidate = Candidate(channel=channel, key_id="a#0", model_sent="rt-1", dialect="realtime")
    found = models_of(candidate, "rt", frozenset({"rt", "tr", "free"}), frozenset({"rt", "tr", "other"}))
    assert found == Models(asked="rt", sent="rt-1", transcribing={"rt": "rt-1", "tr": "tr-1"})
    assert models_of(candidate, "rt", None, frozenset({"tr"})).transcribing == {"tr": "tr-1"}
    assert [found.asked_name(sent) for sent in ("tr-1", "tr", "unknown")] == ["tr", "tr", None]


@pytest.mark.parametrize(
    "session",
    [
        '{"temperature":1e400}',
        '{"audio":"null"}',
        '{"audio":{"input":"null"}}',
        '{"audio":{"input":{"transcription":"null"}}}',
        '{"input_audio_transcription":"NULL"}',
        '{"x":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_settings_that_can_not_be_are_refused_by_name(session: str) -> None:
    """A number beyond any float, a text for an object, what is nested too deep."""
    with pytest.raises(BadRequestError) as caught:
        read_customer_frame('{"type":"session.update","session":' + session + "}", MODELS)
    assert caught.value.param == ("session" if len(session) < 100 else None)


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"session.update"}',
        '{"type":"response.create","response":[1]}',
        '{"type":"x","session":{"model":"gpt-5"}}',
    ],
)
def test_what_no_upstream_can_read_is_the_upstreams_to_refuse(frame: str) -> None:
    """No settings, settings that are none, and settings of an event that has none."""
    assert read_customer_frame(frame, MODELS).frame == frame

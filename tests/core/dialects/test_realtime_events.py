"""Frames of Realtime: what each is by its beginning, and what the few that are read say."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.dialects.realtime_events import (
    Measure,
    ResponseDone,
    SessionFacts,
    delta_length,
    delta_of,
    event_id_of,
    event_type,
    is_plain_append,
    measure_event,
    read_customer_event,
    read_response_done,
    read_response_id,
    read_session,
    read_session_event,
    render_event,
    sound_length,
    with_error,
)
from relay.core.dialects.realtime_usage import read_transcription_usage
from relay.core.errors import BadRequestError
from relay.core.usage import Usage

TOO_DEEP = '{"x":' + "[" * 100_000 + "]" * 100_000 + ',"type":"x","event_id":"a"}'
FRAMES = [
    ('{"type":"response.done"}', "response.done"),
    ('{"event_id":"event_1","type":"response.done","x":1}', "response.done"),
    (' { "event_id" : "e" , "type" : "error" }', "error"),
    ('{"response":{"type":"inner"},"type":"outer"}', "outer"),
    ('{"type":"re\\u0073ponse.done"}', "response.done"),
    ('{"event_id":"a\\"b","type":"x"}', "x"),
    ('{"type":null}', ""),
    ("[]", ""),
    ("", ""),
    ("{" * 5000, ""),
    (TOO_DEEP, ""),
]


@pytest.mark.parametrize(("frame", "kind"), FRAMES)
def test_kind_is_read_at_the_beginning(frame: str, kind: str) -> None:
    """Of a frame that begins otherwise, from the whole."""
    assert event_type(frame) == kind


APPENDS = [
    ('{"type":"input_audio_buffer.append","audio":"AAAA"}', True),
    ('{"event_id":"e","type":"input_audio_buffer.append","audio":"AAAA"}', True),
    ('{"type":"input_audio_buffer.append","audio":"","type":"session.update"}', False),
    ('{"type":"input_audio_buffer.append","audio":"","\\u0074ype":"session.update"}', False),
    ('{"audio":"AAAA","type":"input_audio_buffer.append"}', False),
    ('{"type":"session.update"}', False),
]


@pytest.mark.parametrize(("frame", "is_plain"), APPENDS)
def test_only_what_can_be_nothing_but_sound_passes_unread(frame: str, is_plain: bool) -> None:
    """A second type, however spelt, would be the one that an upstream reads."""
    assert is_plain_append(frame) is is_plain


@given(st.text(), st.text())
def test_a_delta_is_as_long_as_it_is_written(text: str, other: str) -> None:
    """Whatever stands around it."""
    members = {"type": "response.text.delta", "response_id": other, "delta": text, "after": [other]}
    for frame, written in (
        (json.dumps(members), json.dumps(text)),
        (json.dumps(members, ensure_ascii=False, separators=(",", ":")), json.dumps(text, ensure_ascii=False)),
    ):
        assert delta_length(frame) == len(written) - 2


@pytest.mark.parametrize(
    ("frame", "length"), [('{"text":"Hello"}', 4), ('{"delta":{"text":"Hi"}}', 11), ('{"delta":"Hi', 2)]
)
def test_a_delta_that_cannot_be_read_is_not_counted_too_short(frame: str, length: int) -> None:
    """It is taken for nearly all of its frame, or for the rest of it."""
    assert delta_length(frame) == length


def test_what_is_not_there_has_no_length() -> None:
    """Neither a delta nor sound."""
    assert (delta_length("{}"), sound_length("{}")) == (0, 0)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        ('{"event_id":"a"}', "a"),
        ('{"event_id":5}', None),
        ("{}", None),
        ("", None),
        (b"\x00", None),
        ("[" * 5000, None),
        (TOO_DEEP, None),
    ],
)
def test_an_event_may_have_a_name(frame: str | bytes, name: str | None) -> None:
    """Its customer's own."""
    assert event_id_of(frame) == name


DELTAS = [
    ('{"type":"x","response_id":"resp_1","delta":"a"}', "resp_1"),
    ('{"response_id" : "resp_1", "delta" : "a"}', "resp_1"),
    ('{"delta":"\\"response_id\\":\\"no\\"","response_id":"late"}', ""),
    ('{"response_id":"resp_1"}', ""),
    ("", ""),
    (f'{{"response_id":"{"r" * 200}","delta":"a"}}', "r" * 200),
    (f'{{"response_id":"{"r" * 201}","delta":"a"}}', ""),
]


@pytest.mark.parametrize(("frame", "response_id"), DELTAS)
def test_a_delta_names_its_response_before_what_it_says(frame: str, response_id: str) -> None:
    """Nothing that was said is taken for a name."""
    assert delta_of(frame) == response_id


@given(st.text())
def test_rubbish_never_crashes(text: str) -> None:
    """It is something else, or refused by name."""
    assert isinstance(event_type(text), str)
    assert read_response_done(text) == ResponseDone()
    assert read_session_event(text) == SessionFacts()
    assert read_transcription_usage(text) == Usage(source="disputed")
    with suppress(BadRequestError):
        read_customer_event(text)


def test_what_was_read_is_what_is_sent() -> None:
    """The last of repeated members, each byte for byte."""
    kind, fields = read_customer_event('{"type":"a", "type":"b", "x" : [1 , 2.0]}')
    assert (kind, render_event(fields)) == ("b", '{"type":"b","x":[1 , 2.0]}')


@pytest.mark.parametrize("frame", ["", "[]", "{}", '{"type":1}', '{"type":null}'])
def test_a_customers_event_has_a_type(frame: str) -> None:
    """Else it is none."""
    with pytest.raises(BadRequestError) as caught:
        read_customer_event(frame)
    assert caught.value.param == ("type" if frame.startswith("{") else None)


def item(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


HEARD = {"type": "input_audio", "audio": "A" * 640}
SEEN = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 5000}
SAID = {"type": "input_text", "text": "hello"}
MEASURES = [
    ({"type": "input_audio_buffer.append", "audio": "A" * 640}, 0, 640, 0),
    ({"type": "input_audio_buffer.append"}, 0, 0, 0),
    ({"type": "conversation.item.create", "item": item(HEARD)}, 78, 640, 0),
    ({"type": "conversation.item.create"}, 0, 0, 0),
    ({"type": "conversation.item.create", "item": item(SEEN)}, 82, 0, 4096),
    ({"type": "response.create", "response": {"input": [item(HEARD), item(HEARD)]}}, 169, 1280, 0),
    ({"type": "conversation.item.create", "item": {"content": "odd"}}, 17, 0, 0),
    ({"type": "conversation.item.create", "item": 5, "event_id": "x" * 99}, 1, 0, 0),
    ({"type": "response.create"}, 0, 0, 0),
    ({"type": "conversation.item.create", "item": item({"type": "input_audio", "audio": 7})}, 77, 0, 0),
    ({"type": "conversation.item.create", "item": item({"type": "input_text", "audio": "AAAA"})}, 81, 0, 0),
    ({"type": "conversation.item.create", "item": item({"type": "input_image", "image_url": {"url": "x"}})}, 91, 0, 0),
    ({"type": "conversation.item.create", "item": item({"type": "input_text", "image_url": "AAAA"})}, 85, 0, 0),
]


@pytest.mark.parametrize(("event", "text_bytes", "sound_chars", "media_tokens"), MEASURES)
def test_sound_and_pictures_are_measured_apart(
    event: dict[str, Any], text_bytes: int, sound_chars: int, media_tokens: int
) -> None:
    """Their base64 is no text; whatever has no known form is."""
    kind, fields = read_customer_event(json.dumps(event, separators=(",", ":")))
    assert measure_event(kind, fields) == Measure(
        text_bytes=text_bytes, sound_chars=sound_chars, media_tokens=media_tokens
    )


SESSIONS = [
    (b"{}", SessionFacts()),
    (
        b'{"input_audio_format":"g711_ulaw","output_audio_format":"pcm16","input_audio_transcription":{"model":"whisper-1"}}',
        SessionFacts(input_format="g711_ulaw", output_format="pcm16", transcription_model="whisper-1"),
    ),
    (
        b'{"model":"m","audio":{"input":{"format":{"type":"audio/pcmu"},"transcription":{"language":"en"}}}}',
        SessionFacts(model="m", input_format="audio/pcmu", transcription_model=""),
    ),
    (b'{"audio":{"input":{"transcription":null}}}', SessionFacts()),
]


@pytest.mark.parametrize(("session", "facts"), SESSIONS)
def test_settings_are_read_in_both_forms(session: bytes, facts: SessionFacts) -> None:
    """The beta's and the present one."""
    assert read_session(session) == facts


@pytest.mark.parametrize("session", [b"[]", b'{"audio":5}', b'{"model":{}}', b"null"])
def test_settings_of_another_form_are_refused(session: bytes) -> None:
    """What can't be read can't be priced; what an upstream reports so says nothing."""
    with pytest.raises(BadRequestError):
        read_session(session)
    assert read_session_event('{"session":' + session.decode() + "}") == SessionFacts()


DONE: dict[str, Any] = {
    "id": "resp_1",
    "status": "incomplete",
    "status_details": {"type": "incomplete", "reason": "max_output_tokens"},
    "conversation_id": "conv_1",
    "usage": {"input_tokens": 9, "output_tokens": 3, "input_token_details": {"audio_tokens": 7}},
}


def test_the_end_of_a_response_is_read() -> None:
    """How it ended, whether the conversation goes on from it, and its figures."""
    usage = Usage(input_tokens=9, audio_input_tokens=7, output_tokens=3)
    assert read_response_done(json.dumps({"type": "response.done", "response": DONE})) == ResponseDone(
        id="resp_1",
        status="incomplete",
        reason="max_output_tokens",
        is_of_conversation=True,
        usage=usage,
        sound_tokens=7,
    )


@pytest.mark.parametrize("odd", [{"status": 5}, {"status_details": 5}, {"status_details": {"reason": 5, "error": 5}}])
def test_odd_words_about_the_end_lose_no_figures(odd: dict[str, Any]) -> None:
    """They alone are money."""
    done = read_response_done(json.dumps({"response": {**DONE, **odd}}))
    assert done.usage == Usage(input_tokens=9, audio_input_tokens=7, output_tokens=3)


def test_figures_of_a_response_that_can_not_be_true_are_disputed() -> None:
    """Not taken for none at all."""
    done = read_response_done(json.dumps({"response": {**DONE, "usage": {"input_tokens": -1}}}))
    assert (done.usage, done.sound_tokens, done.is_disputed) == (None, 0, True)


def test_another_error_takes_the_place_of_a_responses_own() -> None:
    """And nothing else changes."""
    frame = json.dumps(
        {"type": "response.done", "response": {"status_details": {"error": {"message": "org-1"}}, "x": 1}}
    )
    assert json.loads(with_error(frame, {"message": "ours"})) == {
        "type": "response.done",
        "response": {"status_details": {"error": {"message": "ours"}}, "x": 1},
    }


def test_an_error_is_replaced_beside_a_number_beyond_any_float() -> None:
    """Which stays byte for byte."""
    frame = '{"x":1e400,"response":{"y":1e400,"status_details":{"z":1e400,"error":{}}}}'
    assert with_error(frame, {"message": "ours"}) == frame.replace("{}", '{"message":"ours"}')


def test_the_id_of_a_response_is_read_where_there_is_one() -> None:
    """Whatever event carries the response; one that is too long to be kept is none."""
    told = '{"type":"response.created","response":{"id":"resp_1","status":"in_progress"}}'
    assert (read_response_id(told), read_response_id('{"response":{}}'), read_response_id("[")) == ("resp_1", "", "")
    longest, longer = (f'{{"response":{{"id":"{"r" * length}"}}}}' for length in (200, 201))
    assert (read_response_id(longest), read_response_id(longer)) == ("r" * 200, "")

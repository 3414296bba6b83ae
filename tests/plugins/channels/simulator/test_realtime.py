"""A session of Realtime: what is said to each event, and what it counts."""

import base64
import json
from typing import Any

import pytest

from relay.plugins.channels.simulator.realtime import RealtimeSession

SECOND = base64.b64encode(bytes(48_000)).decode()
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello you"}]}
TEXT = {"type": "response.create", "response": {"output_modalities": ["text"]}}


def said(talk: RealtimeSession, kind: str, **members: Any) -> list[Any]:
    return [json.loads(frame) for frame in talk.hear(json.dumps({"type": kind, **members}))]


def test_a_session_begins_with_its_settings() -> None:
    """And takes others, however deep."""
    talk = RealtimeSession("gpt-realtime")
    [created] = [json.loads(frame) for frame in talk.begin()]
    assert (created["type"], created["session"]["model"]) == ("session.created", "gpt-realtime")
    [updated] = said(talk, "session.update", session={"audio": {"input": {"transcription": {"model": "t"}}}})
    heard = updated["session"]["audio"]["input"]
    assert heard == {"format": {"type": "audio/pcm", "rate": 24_000}, "transcription": {"model": "t"}}


def test_a_response_in_words_counts_its_text() -> None:
    """What was said before is read again by the next."""
    talk = RealtimeSession("m")
    assert [event["type"] for event in said(talk, "conversation.item.create", item=HELLO)] == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    events = [json.loads(frame) for frame in talk.hear(json.dumps(TEXT))]
    words = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert words == "You said: Hello you. This is the simulator speaking."
    usage = events[-1]["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (3, 13, 16)
    again = json.loads(talk.hear(json.dumps(TEXT))[-1])["response"]["usage"]
    assert (again["input_tokens"], again["output_tokens"]) == (16, 13)


def test_a_response_in_sound_counts_both() -> None:
    """A tenth of a second a word, two tokens each."""
    talk = RealtimeSession("m")
    said(talk, "conversation.item.create", item=HELLO)
    events = said(talk, "response.create")
    sound = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    assert {len(base64.b64decode(each)) for each in sound} == {4800}
    details = events[-1]["response"]["usage"]["output_token_details"]
    assert details == {"text_tokens": 13, "audio_tokens": 2 * len(sound)}


def test_sound_is_made_a_turn_and_written_down() -> None:
    """Ten tokens a second, for the response and for the transcription."""
    talk = RealtimeSession("m")
    said(talk, "session.update", session={"audio": {"input": {"transcription": {"model": "t"}}}})
    assert said(talk, "input_audio_buffer.append", audio=SECOND) == []
    events = said(talk, "input_audio_buffer.commit")
    assert [event["type"] for event in events[:3]] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert events[-1]["type"] == "conversation.item.input_audio_transcription.completed"
    assert (events[-1]["transcript"], events[-1]["usage"]["input_tokens"]) == ("1.0 seconds of sound", 10)
    done = json.loads(talk.hear(json.dumps(TEXT))[-1])["response"]
    assert done["usage"]["input_token_details"]["audio_tokens"] == 10


def test_a_cleared_buffer_is_empty() -> None:
    """No turn can be made of it."""
    talk = RealtimeSession("m")
    said(talk, "input_audio_buffer.append", audio=SECOND)
    assert [event["type"] for event in said(talk, "input_audio_buffer.clear")] == ["input_audio_buffer.cleared"]
    assert [event["type"] for event in said(talk, "input_audio_buffer.commit")] == ["error"]


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        '{"type":"unheard.of"}',
        '{"type":"session.update"}',
        '{"type":"input_audio_buffer.append","audio":5}',
        b"\xff",
        '{"type":"session.update","session":' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    ],
)
def test_what_is_no_event_is_an_error_and_the_talk_goes_on(frame: str | bytes) -> None:
    """As OpenAI says it."""
    talk = RealtimeSession("m")
    [error] = [json.loads(each) for each in talk.hear(frame)]
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert said(talk, "response.create")[-1]["type"] == "response.done"

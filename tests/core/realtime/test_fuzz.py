"""Whatever stands in a frame, of a customer or of an upstream: it is refused by name, or the session goes on."""

import json
from functools import cache

import msgspec

from relay.core.dialects.disguised import disguised_error
from relay.core.dialects.realtime_events import (
    event_id_of,
    event_type,
    read_response_done,
    read_session_event,
    with_error,
)
from relay.core.dialects.realtime_usage import read_transcription_usage
from relay.core.dialects.upstream_costs import without_costs
from relay.core.errors import BadRequestError
from relay.core.realtime.context import Context
from relay.core.realtime.request import Models, read_customer_frame
from relay.core.realtime.session import is_about_request
from relay.core.realtime.transcription import plausible_usage
from tests.rubbish import DOCUMENTS, Check, Rubbish, Tokens, a_few, a_million, tokens_of

MODELS = Models(asked="m", sent="s", transcribing={"whisper-1": "w"})
ITEM = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "audio": "AAAA"}],
}
SETTINGS = {
    "model": "m",
    "audio": {"input": {"format": {"type": "audio/pcm"}, "transcription": {"model": "whisper-1"}}},
}
USAGE = {
    "input_tokens": 9,
    "output_tokens": 9,
    "input_token_details": {"cached_tokens": 3, "audio_tokens": 5, "cached_tokens_details": {"audio_tokens": 1}},
    "output_token_details": {"audio_tokens": 3},
}
CUSTOMERS: tuple[dict[str, object], ...] = (
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit", "event_id": "e"},
    {"type": "session.update", "session": SETTINGS},
    {
        "type": "session.update",
        "event_id": "e",
        "session": {"input_audio_transcription": {"model": "whisper-1"}, "temperature": 0.8},
    },
    {"type": "transcription_session.update", "session": {"input_audio_format": "pcm16", "prompt": None}},
    {"type": "conversation.item.create", "item": ITEM},
    {"type": "response.create", "response": {"input": [ITEM], "instructions": "Hi"}},
    {"type": "response.cancel", "event_id": "e", "response_id": "r"},
)
UPSTREAMS: tuple[dict[str, object], ...] = (
    {"type": "session.created", "event_id": "e", "session": SETTINGS},
    {"type": "session.updated", "session": {"input_audio_format": "g711_ulaw", "output_audio_format": "pcm16"}},
    {"type": "input_audio_buffer.speech_started", "audio_start_ms": 10},
    {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 900},
    {"type": "input_audio_buffer.committed", "item_id": "i"},
    {"type": "response.created", "response": {"id": "r"}},
    {"type": "response.output_audio.delta", "response_id": "r", "delta": "AAAA"},
    {"type": "response.output_text.delta", "response_id": "r", "delta": "Hi"},
    {"type": "response.function_call_arguments.delta", "delta": "{}"},
    {
        "type": "response.done",
        "response": {"id": "r", "status": "completed", "conversation_id": "c", "usage": {**USAGE, "cost": 0.1}},
    },
    {
        "type": "response.done",
        "response": {
            "status": "failed",
            "status_details": {"type": "failed", "error": {"code": "bad", "message": "no"}},
        },
    },
    {
        "type": "response.done",
        "response": {"status": "incomplete", "status_details": {"reason": "max_output_tokens"}, "usage": USAGE},
    },
    {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "i",
        "usage": {"type": "duration", "seconds": 3},
    },
    {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "usage": USAGE},
    {"type": "error", "event_id": "e", "error": {"type": "invalid_request_error", "message": "no", "event_id": "e"}},
)


@cache
def tokens(events: tuple[str, ...]) -> tuple[Tokens, ...]:
    return tuple(tokens_of(event.encode()) for event in events)


OF_CUSTOMERS, OF_UPSTREAMS = (tokens(tuple(map(json.dumps, events))) for events in (CUSTOMERS, UPSTREAMS))


def frame_of(rubbish: Rubbish, events: tuple[Tokens, ...]) -> str:
    """Return a frame, which is always text as websockets know it."""
    event = rubbish.pick(events)
    data = rubbish.damaged(event) if rubbish.chance() < 0.7 else b"".join(event)
    return rubbish.sometimes_spoilt(data).decode(errors="replace")


def check_customer(frame: str, context: Context) -> None:
    """Let a customer send *frame*: it is refused by name, or sent on with no other model than the session's."""
    try:
        passed = read_customer_frame(frame, MODELS)
    except BadRequestError:
        event_id_of(frame)
        return
    if passed.kind.endswith("session.update"):
        facts = read_session_event(passed.frame)
        assert facts.model in (None, MODELS.sent)
        assert facts.transcription_model in (None, *MODELS.transcribing.values())
        context.session_changed(facts)
    assert passed.frame is frame or msgspec.json.decode(passed.frame, type=dict[str, msgspec.Raw])
    assert min(passed.measure.text_bytes, passed.measure.sound_chars, passed.measure.media_tokens) >= 0
    context.customer_sent(passed.kind, passed.measure)


def check_upstream(frame: str, context: Context) -> None:
    """Let an upstream send *frame*, and do with it what a session does."""
    kind = event_type(frame)
    if kind == "response.done":
        done = read_response_done(frame)
        context.response_ended(done)
        shown = frame
        if done.error and not is_about_request(disguised_error(msgspec.json.encode({"error": done.error})), frame):
            shown = with_error(frame, {"message": "no"})
            assert read_response_done(shown).error == {"message": "no"}
        assert without_costs(shown.encode()).decode()
    elif kind == "error":
        context.request_failed()
        is_about_request(disguised_error(frame.encode()), frame)
    elif kind == "response.created":
        context.response_began("")
    elif kind.startswith("response.") and kind.endswith(".delta"):
        context.response_sent(kind, frame)
        context.handed_over()
    elif kind.startswith("session."):
        context.session_changed(read_session_event(frame))
    elif kind.startswith("input_audio_buffer."):
        assert context.buffer_changed(kind, frame) >= 0
    else:
        usage = plausible_usage(read_transcription_usage(frame), 3)
        assert 0 <= usage.unit_count < 2**40
        assert 0 <= usage.all_input_tokens < 2**40


def check_frames(seed: bytes, count: int) -> None:
    """Let a session pass *count* frames each way; whatever it counts stays a number that can be held for."""
    rubbish = Rubbish(seed)
    context = Context()
    for _ in range(count):
        check_customer(frame_of(rubbish, OF_CUSTOMERS), context)
        check_upstream(frame_of(rubbish, OF_UPSTREAMS), context)
        bound = context.input_bound
        assert bound.text > 0
        assert bound.sound >= 0
        assert context.output_bound_tokens >= 0
        assert context.output_counted_tokens >= 0
        assert context.delivered_usage(context.output_of(None)).output_tokens >= 0


@a_few(check_frames)
def test_whatever_comes_is_read_or_refused_by_name(check: Check, seed: bytes) -> None:
    """Frames, each way."""
    check(seed, 20)


@a_million(check_frames)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """The same, for `make fuzz`."""
    check(seed, DOCUMENTS)

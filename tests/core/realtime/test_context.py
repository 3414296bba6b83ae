"""What the next response may read and the present one has said, counted on from the upstream's own figures."""

import json

import msgspec
import pytest

from relay.core.dialects.realtime_events import APPEND, Measure, ResponseDone, SessionFacts
from relay.core.realtime.context import RESPONSES_MAX, Context, Input, Output
from relay.core.usage import Usage

from .talks import SECOND_OF_SOUND, event, sound, words

BEGINNING = 512
"""What the upstream's own instructions may be."""
DONE = ResponseDone(
    status="completed",
    is_of_conversation=True,
    usage=Usage(input_tokens=68, cache_read_tokens=64, output_tokens=121),
    sound_tokens=104,
)


def heard(context: Context, seconds: int) -> None:
    for _ in range(seconds):
        context.customer_sent(APPEND, Measure(sound_chars=len(SECOND_OF_SOUND)))


def at(kind: str, ms: int) -> tuple[str, str]:
    name = "audio_start_ms" if kind.endswith("started") else "audio_end_ms"
    return kind, json.dumps({"type": kind, name: ms})


def committed(context: Context) -> None:
    context.buffer_changed("input_audio_buffer.committed", "{}")


def test_a_second_of_sound_is_ten_tokens_heard() -> None:
    """Whether a turn was made of it yet or not."""
    context = Context()
    heard(context, 3)
    assert context.input_bound == Input(text=BEGINNING, sound=30)
    committed(context)
    assert context.input_bound == Input(text=BEGINNING, sound=30)


def test_sound_of_telephones_is_counted_by_its_own_coding() -> None:
    """Eight thousand samples of one byte a second."""
    for told in ("g711_ulaw", "audio/pcmu", "audio/of-tomorrow"):
        context = Context()
        context.session_changed(SessionFacts(input_format=told, output_format=told))
        context.customer_sent(APPEND, Measure(sound_chars=10_666))
        context.response_began("")
        context.response_sent("response.output_audio.delta", sound("A" * 10_666))
        assert (context.input_bound.sound, context.output_counted_tokens) == (10, 20)


def test_silence_before_speech_is_no_input() -> None:
    """Of twenty seconds the upstream heard two."""
    context = Context()
    heard(context, 20)
    context.buffer_changed(*at("input_audio_buffer.speech_started", 17_000))
    context.buffer_changed(*at("input_audio_buffer.speech_stopped", 19_000))
    committed(context)
    assert context.input_bound.sound == 20


def test_a_cleared_buffer_is_no_input() -> None:
    """The customer threw it away."""
    context = Context()
    heard(context, 5)
    context.buffer_changed("input_audio_buffer.cleared", "{}")
    assert context.input_bound.sound == 0


def test_text_and_pictures_are_bounded() -> None:
    """A token every two bytes, and the dearest picture."""
    context = Context()
    context.customer_sent("conversation.item.create", Measure(text_bytes=100, media_tokens=4096))
    assert context.input_bound == Input(text=BEGINNING + 50 + 4096)


def test_the_upstreams_figures_take_the_place_of_ours() -> None:
    """What came while the response was under way is added to them."""
    context = Context()
    context.customer_sent("conversation.item.create", Measure(text_bytes=1000))
    heard(context, 1)
    committed(context)
    context.response_began("")
    heard(context, 2)
    context.response_ended(DONE)
    assert context.input_bound == Input(text=BEGINNING + 149, sound=104 + 20)
    assert (context.open_count, context.output_counted_tokens) == (0, 0)


def test_responses_beside_each_other_read_it_each() -> None:
    """Those asked for count as soon as they are, until they are taken up, refused or done."""
    context = Context()
    for _ in range(3):
        context.customer_sent("response.create", Measure())
    assert context.input_bound.text == 3 * BEGINNING
    context.response_began("")
    context.request_failed()
    assert context.input_bound.text == 2 * BEGINNING
    context.response_began("")
    context.response_ended(ResponseDone())
    context.request_failed()
    assert context.input_bound.text == BEGINNING


def test_a_response_beside_the_conversation_tells_nothing_of_it() -> None:
    """Nor does one without figures: what was added stays added."""
    context = Context()
    context.customer_sent("conversation.item.create", Measure(text_bytes=1000))
    context.response_began("")
    context.response_ended(ResponseDone(status="completed", usage=DONE.usage))
    context.response_began("")
    context.response_ended(ResponseDone(status="completed", is_of_conversation=True))
    assert context.input_bound == Input(text=BEGINNING + 500)


def test_output_is_counted_and_bounded() -> None:
    """Twenty tokens a second of sound, and what its words likely are."""
    context = Context()
    context.response_began("")
    context.response_sent("response.output_audio.delta", sound())
    context.response_sent("response.output_audio_transcript.delta", words("Hello world"))
    assert context.output_counted_tokens == 20 + 4
    assert context.output_bound_tokens == 20 + 3
    context.handed_over()
    said = context.output_of("resp_1")
    assert (said.delivered, said.has_text, said.has_call) == ((11, 64_000), True, False)


def test_output_of_two_responses_is_told_apart() -> None:
    """A hold covers both; what one has said is gone with its end."""
    context = Context()
    context.response_began("")
    context.response_began("")
    for response_id in ("resp_1", "resp_2"):
        context.response_sent("response.output_audio.delta", event("x", response_id=response_id, delta=SECOND_OF_SOUND))
        context.handed_over()
    assert context.output_counted_tokens == 40
    assert context.delivered_usage(context.output_of("resp_1")).output_tokens == 20
    context.response_ended(ResponseDone(id="resp_1"))
    assert context.output_counted_tokens == 20
    context.response_ended(ResponseDone(id="resp_2"))
    context.response_ended(DONE)
    assert (context.open_count, context.output_counted_tokens) == (0, 0)


def test_a_response_that_ended_is_known_until_one_of_its_id_begins_or_speaks() -> None:
    """The last 1024 are; an end without an id may be that of another which is under way."""
    context = Context()
    for index in range(1025):
        context.response_ended(ResponseDone(id=f"resp_{index}"))
    context.response_ended(ResponseDone())
    context.response_began("resp_2")
    context.response_sent("response.output_text.delta", event("x", response_id="resp_3", delta="Hi"))
    ended = [
        context.has_ended(response_id) for response_id in ("resp_0", "resp_1", "resp_2", "resp_3", "resp_1024", "")
    ]
    assert ended == [False, True, False, False, True, False]


def test_an_end_without_an_id_is_known_until_something_begins_or_is_asked_for() -> None:
    """It may then be the end of that; and before one has ended without an id, none has."""
    context = Context()
    context.response_ended(ResponseDone(id="resp_0"))
    known = [context.has_ended("")]
    context.response_ended(ResponseDone())
    known.append(context.has_ended(""))
    context.customer_sent("response.create", Measure())
    known.append(context.has_ended(""))
    context.response_began("resp_1")
    known.append(context.has_ended(""))
    context.response_ended(ResponseDone())
    assert [*known, context.has_ended("")] == [False, True, False, False, True]


def test_who_ends_again_after_speaking_anew_is_known_once() -> None:
    """So that it is forgotten when it begins once more."""
    context = Context()
    for _ in range(2):
        context.response_sent("response.output_text.delta", event("x", response_id="resp_1", delta="Hi"))
        context.response_ended(ResponseDone(id="resp_1"))
    context.response_began("resp_1")
    assert not context.has_ended("resp_1")


def test_an_id_that_is_used_again_by_who_never_says_it_while_speaking_is_another_response() -> None:
    """Its upstream tells no beginnings, and names responses at their ends only."""
    context = Context()
    context.response_ended(ResponseDone(id="resp_1"))
    context.response_sent("response.output_text.delta", event("x", delta="Hi"))
    assert (context.open_count, context.has_ended("resp_1")) == (1, False)


def test_a_response_is_under_way_once_it_begins_or_speaks_until_it_ends() -> None:
    """Whoever began without an id has the one that it speaks with; an end of an unknown id is that of the oldest."""
    context = Context()
    counts: list[int] = []
    for response_id in ("", "resp_2", "resp_2"):
        context.response_began(response_id)
        counts.append(context.open_count)
    for response_id in ("resp_1", "resp_2", "resp_3", ""):
        spoken = event("response.output_audio.delta", response_id=response_id, delta=SECOND_OF_SOUND)
        context.response_sent("response.output_audio.delta", spoken)
        counts.append(context.open_count)
    for response_id in ("resp_2", "resp_x", "resp_1", "resp_3", "resp_4"):
        context.response_ended(ResponseDone(id=response_id))
        counts.append(context.open_count)
    assert counts == [1, 2, 2, 2, 2, 3, 3, 2, 1, 0, 0, 0]


def test_responses_that_begin_without_an_id_are_as_many_and_end_before_those_of_another_id() -> None:
    """By an end whose id none of them told."""
    context = Context()
    for response_id in ("resp_1", "", ""):
        context.response_began(response_id)
    spoken = event("response.output_audio.delta", response_id="resp_1", delta=SECOND_OF_SOUND)
    context.response_sent("response.output_audio.delta", spoken)
    counts: list[tuple[int, int]] = []
    for response_id in ("resp_x", "resp_y", "resp_1"):
        context.response_ended(ResponseDone(id=response_id))
        counts.append((context.open_count, context.output_of("resp_1").sound_chars))
    assert counts == [(2, 64_000), (1, 64_000), (0, 0)]


def test_what_is_said_under_no_id_is_gone_when_nothing_is_under_way() -> None:
    """Until then it is that of a response which said nothing under its own."""
    context = Context()
    context.response_began("resp_1")
    context.response_sent("response.output_audio.delta", event("x", delta=SECOND_OF_SOUND))
    said = [context.output_of("resp_1").sound_chars]
    context.response_ended(ResponseDone(id="resp_1"))
    assert [*said, context.output_of(None).sound_chars] == [64_000, 0]


def test_a_response_that_said_nothing_has_no_output_of_another() -> None:
    """Else it would pay for its words; an end without an id has the words of the oldest."""
    context = Context()
    for response_id in ("resp_1", "resp_2"):
        context.response_began(response_id)
    context.response_sent("response.output_audio.delta", sound())
    said = [context.output_of(response_id).sound_chars for response_id in ("resp_1", "resp_2", "", None)]
    assert said == [64_000, 0, 64_000, 64_000]


def test_deltas_that_name_no_response_belong_to_the_one_that_ends() -> None:
    """As those of whoever copies OpenAI."""
    context = Context()
    context.response_began("")
    context.response_sent("response.function_call_arguments.delta", event("x", delta="{}"))
    context.handed_over()
    said = context.output_of("resp_1")
    assert (said.delivered, said.has_text, said.has_call) == ((2, 0), False, True)


def test_what_was_not_handed_over_is_not_delivered() -> None:
    """A delta that is counted for the hold, and never passed on."""
    context = Context()
    context.response_began("")
    for _ in range(2):
        context.response_sent("response.output_audio.delta", sound())
    assert context.delivered_usage(context.output_of(None)).output_tokens == 0
    context.handed_over()
    assert context.delivered_usage(context.output_of(None)).output_tokens == 40


def test_a_cut_response_is_priced_by_what_was_handed_over() -> None:
    """And by what it read: what the response before read was cached."""
    context = Context()
    context.response_began("")
    context.response_ended(DONE)
    heard(context, 1)
    committed(context)
    context.customer_sent("conversation.item.create", Measure(text_bytes=36))
    context.response_began("")
    context.response_sent("response.output_audio.delta", sound())
    context.handed_over()
    usage = Usage(
        input_tokens=20,
        audio_input_tokens=10,
        cache_read_tokens=253,
        output_tokens=20,
        audio_output_tokens=20,
        source="estimated",
    )
    said = context.output_of(None)
    assert context.delivered_usage(said) == usage
    assert context.delivered_usage(Output()).output_tokens == 0


def test_positions_that_are_none_change_nothing() -> None:
    """The whole buffer is taken for speech."""
    context = Context()
    heard(context, 4)
    context.buffer_changed("input_audio_buffer.speech_started", event("x", audio_start_ms="?"))
    context.buffer_changed("input_audio_buffer.speech_stopped", event("x"))
    committed(context)
    assert context.input_bound.sound == 40


def test_responses_without_number_are_counted_together() -> None:
    """Each of many that never end is counted, and only the first are told apart."""
    context = Context()
    for number in range(3 * RESPONSES_MAX):
        context.response_sent("response.output_text.delta", event("x", response_id=f"resp_{number}", delta="a" * 12))
    context.response_sent("response.output_text.delta", event("x", response_id="r" * 100_000, delta="a" * 12))
    assert context.output_of(None).text_bytes == 12 * (3 * RESPONSES_MAX + 1)
    assert context.output_of(f"resp_{RESPONSES_MAX}").text_bytes == 12 * (2 * RESPONSES_MAX + 1)
    assert len(context._outputs) == RESPONSES_MAX + 1
    assert max(map(len, context._outputs)) < 10


@pytest.mark.parametrize(
    ("needed", "is_covered"),
    [(Input(text=2, sound=3), True), (Input(text=3, sound=3), False), (Input(text=2, sound=4), False)],
)
def test_sound_that_is_left_over_covers_no_text_nor_the_other_way_round(needed: Input, is_covered: bool) -> None:
    """They have prices of their own."""
    assert needed.is_within(Input(text=2, sound=3)) is is_covered


@pytest.mark.parametrize(
    ("told", "chars", "seconds"),
    [
        (None, 0, 0),
        (None, 64_000, 1),
        ("pcm16", 64_001, 2),
        ("audio/pcm", 128_000, 2),
        ("audio/pcmu", 10_666, 1),
        ("audio/pcmu", 10_667, 2),
    ],
)
def test_a_second_of_sound_that_has_begun_counts(told: str | None, chars: int, seconds: int) -> None:
    """What is written down of it is paid by the second, whatever its coding."""
    context = Context()
    context.session_changed(SessionFacts(input_format=told))
    assert context.seconds_heard(chars) == seconds


def test_what_is_committed_became_input_once() -> None:
    """Its transcription is held for by as much."""
    context = Context()
    heard(context, 3)
    assert context.buffer_changed(*at("input_audio_buffer.speech_started", 500)) == 0
    assert context.buffered_chars == 192_000
    assert context.buffer_changed("input_audio_buffer.committed", "{}") == 192_000
    assert context.buffer_changed("input_audio_buffer.committed", "{}") == 0
    assert context.buffered_chars == 0


def test_what_two_responses_read_at_once_is_counted_off_once() -> None:
    """What came meanwhile is still to be read when both have ended."""
    context = Context()
    context.customer_sent("conversation.item.create", Measure(text_bytes=1000))
    context.response_began("")
    context.response_began("")
    context.customer_sent("conversation.item.create", Measure(text_bytes=100))
    context.response_ended(DONE)
    context.response_ended(DONE)
    assert context.input_bound == Input(text=BEGINNING + 50 + 149, sound=104)


def test_a_spoken_answer_is_no_empty_one() -> None:
    """Without a word of its transcript."""
    context = Context()
    context.response_began("")
    context.response_sent("response.output_audio.delta", sound())
    assert context.output_of("resp_1").has_text


def test_of_several_responses_that_are_cut_all_that_was_said_counts() -> None:
    """A text of one and a call of another are neither of them lost by a third."""
    context = Context()
    for response_id, kind in (("a", "output_text"), ("b", "function_call_arguments"), ("c", "new")):
        context.response_began("")
        context.response_sent(f"response.{kind}.delta", event("x", response_id=response_id, delta="{}"))
    said = context.output_of(None)
    assert (said.has_text, said.has_call) == (True, True)


def test_a_refusal_of_what_asked_for_no_response_leaves_those_under_way_counted() -> None:
    """What each of both reads stays held for, sound and text."""
    context = Context()
    heard(context, 1)
    context.response_began("resp_1")
    context.response_began("resp_2")
    both = Input(text=2 * BEGINNING, sound=20)
    assert context.input_bound == both
    context.request_failed()
    assert context.input_bound == both


@pytest.mark.parametrize(("start_ms", "end_ms", "tokens"), [(500, 200, 0), (0, 10_000, 20), (500, 1500, 10)])
def test_speech_is_neither_less_than_nothing_nor_longer_than_what_was_sent(
    start_ms: int, end_ms: int, tokens: int
) -> None:
    """Of two seconds, whatever the upstream says; what was written before stays."""
    context = Context()
    context.customer_sent("conversation.item.create", Measure(text_bytes=20))
    heard(context, 2)
    context.buffer_changed(*at("input_audio_buffer.speech_started", start_ms))
    context.buffer_changed(*at("input_audio_buffer.speech_stopped", end_ms))
    context.buffer_changed(*at("input_audio_buffer.timeout_triggered", 600))
    committed(context)
    assert context.input_bound == Input(text=BEGINNING + 10, sound=tokens)


def test_more_sound_than_there_are_tokens_leaves_no_text() -> None:
    """Its figures contradict each other."""
    context = Context()
    context.response_began("")
    context.response_ended(msgspec.structs.replace(DONE, sound_tokens=1000))
    assert context.input_bound == Input(text=BEGINNING, sound=253)


def test_all_pieces_of_a_response_count() -> None:
    """Of either kind, in either order: a byte is one token at most."""
    context = Context()
    for kind in ("function_call_arguments", "output_text", "new"):
        context.response_sent(f"response.{kind}.delta", event("x", delta="a"))
    context.handed_over()
    said = context.output_of(None)
    assert (said.delivered, said.has_text, said.has_call) == ((3, 0), True, True)
    assert context.output_bound_tokens == 3


def test_text_of_one_response_and_sound_of_another_are_added_up() -> None:
    """Each to its kind."""
    context = Context()
    for frame in (words("Hello"), sound(response_id="resp_2")):
        context.response_sent(
            "response.output_audio.delta" if "audio" in frame else "response.output_text.delta", frame
        )
        context.handed_over()
    assert context.output_of(None).delivered == (5, 64_000)


def test_what_a_response_has_read_is_told_by_its_figures_from_then_on() -> None:
    """Neither its sound nor its pictures are counted beside them; what came meanwhile is."""
    context = Context()
    for _ in range(2):
        heard(context, 2)
        committed(context)
        context.customer_sent("conversation.item.create", Measure(media_tokens=4096))
        context.response_began("")
    context.response_ended(DONE)
    context.response_ended(DONE)
    assert context.input_bound == Input(text=BEGINNING + 149, sound=104)
    heard(context, 1)
    committed(context)
    context.response_began("")
    context.customer_sent("conversation.item.create", Measure(media_tokens=4096))
    heard(context, 1)
    committed(context)
    context.response_ended(DONE)
    assert context.input_bound == Input(text=BEGINNING + 149 + 4096, sound=104 + 10)


def test_an_end_whose_beginning_was_not_told_is_that_of_a_response_which_was_asked_for() -> None:
    """No more is held for it; further ends leave what is asked for later counted."""
    context = Context()
    bounds: list[int] = []
    for _ in range(2):
        context.customer_sent("response.create", Measure())
    bounds.append(context.input_bound.text)
    for response_id in ("", "resp_1", "resp_2"):
        context.response_ended(ResponseDone(id=response_id))
        bounds.append(context.input_bound.text)
    assert context.has_ended("")
    for _ in range(2):
        context.customer_sent("response.create", Measure())
    assert [*bounds, context.input_bound.text] == [2 * BEGINNING, BEGINNING, BEGINNING, BEGINNING, 2 * BEGINNING]

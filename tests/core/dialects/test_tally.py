"""The structure of an answer is noted, and its output counted."""

import pytest

from relay.core.dialects.tally import Tally
from relay.core.exchange import Evidence


def evidence(tally: Tally, reasoning_tokens: int = 0) -> Evidence:
    return tally.make_evidence(is_end_seen=True, thinking_asked=False, reasoning_tokens=reasoning_tokens)


def test_text_is_counted_in_bytes_bound_and_estimate() -> None:
    """Eight tokens for the frame, three for five short bytes and one more; two are estimated."""
    tally = Tally()
    tally.add_text(5)
    assert (tally.is_output_seen, tally.output_bound_tokens, tally.output_counted_tokens) == (True, 10, 2)
    assert evidence(tally) == Evidence(has_text=True, is_end_seen=True, output_bytes=5)


def test_thinking_without_an_answer_is_not_finished() -> None:
    """Left open or unanswered is the same to a customer."""
    tally = Tally()
    tally.add_thinking(9)
    assert evidence(tally) == Evidence(has_thinking=True, is_thinking_finished=False, is_end_seen=True, output_bytes=9)


def test_thinking_with_an_answer_is_finished() -> None:
    """A text or a tool call answers it."""
    tally = Tally()
    tally.note_thinking()
    tally.begin_tool_call()
    assert evidence(tally) == Evidence(has_thinking=True, has_tool_call=True, is_end_seen=True)


def test_thinking_after_an_answer_is_open_again() -> None:
    """What was said before does not answer it."""
    tally = Tally()
    tally.add_text(4)
    tally.note_thinking()
    assert not evidence(tally).is_thinking_finished


def test_hidden_reasoning_counts_as_thinking() -> None:
    """OpenAI shows its tokens alone."""
    assert evidence(Tally(), reasoning_tokens=50) == Evidence(
        has_thinking=True, is_thinking_finished=False, is_end_seen=True
    )


def test_a_tool_call_is_output_before_its_arguments() -> None:
    """Its beginning commits, and counts 40 at most and 8 at least."""
    tally = Tally()
    tally.begin_tool_call()
    assert (tally.is_output_seen, tally.output_bound_tokens, tally.output_counted_tokens) == (True, 48, 8)


def test_a_refusal_is_no_text() -> None:
    """It decides the outcome."""
    tally = Tally()
    tally.add_refusal(4)
    assert evidence(tally) == Evidence(has_refusal=True, is_end_seen=True, output_bytes=4)


@pytest.mark.parametrize(
    ("kind", "base64_bytes", "counted", "audio", "image", "bound"),
    [
        ("image/png", 400_000, 1290, 0, 1290, 8 + 4096),
        ("image", 0, 1290, 0, 1290, 8 + 4096),
        ("audio/L16;rate=24000", 64_000, 20, 20, 0, 8 + 40),
        ("audio", 3199, 0, 0, 0, 8),
        ("video/mp4", 9_000, 0, 0, 0, 8),
    ],
)
def test_media_count_as_their_vendors_count_them(
    kind: str, base64_bytes: int, counted: int, audio: int, image: int, bound: int
) -> None:
    """A picture apiece, sound by its length: 20 tokens a second of 64 000 letters; text goes on counting beside them."""
    tally = Tally()
    tally.add_media(kind, base64_bytes)
    assert (tally.is_output_seen, tally.output_counted_tokens, tally.output_bound_tokens) == (True, counted, bound)
    assert (tally.output_audio_tokens, tally.output_image_tokens) == (audio, image)
    assert evidence(tally).has_text
    tally.add_text(36)
    assert tally.output_counted_tokens == counted + 10


def test_drafts_are_no_pictures_however_many() -> None:
    """A hundred tokens each; pictures alone make figures beyond a limit believable."""
    tally = Tally()
    for _ in range(13):
        tally.add_draft()
    assert (tally.output_counted_tokens, tally.output_image_tokens) == (1300, 1300)
    assert evidence(tally).picture_count == 0
    tally.add_picture()
    assert evidence(tally).picture_count == 1


def test_sound_is_counted_the_same_for_every_cut() -> None:
    """Letters add up before they are tokens."""
    whole, cut = Tally(), Tally()
    whole.add_sound(64_000)
    for _ in range(640):
        cut.add_sound(100)
    assert cut.output_audio_tokens == whole.output_audio_tokens == cut.output_counted_tokens == 20
    assert cut.output_bound_tokens == whole.output_bound_tokens == 48


def test_tools_that_ran_are_told_in_one_order() -> None:
    """However the process hashes their names; what is billed once counts once."""
    tally = Tally()
    for name in ("e", "b", "f", "a", "d", "b", "c", "g"):
        tally.note_tool(name, "answer")
    tally.note_tool("a", object())
    assert list(tally.tool_counts.items()) == [("a", 2), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1), ("g", 1)]

"""Answers that are one document."""

from pathlib import Path

import msgspec
import pytest

from relay.core import whole
from tests.chats import CHAT, LOTS, balances
from tests.shops import PROFILE, reselling
from tests.upstreams import Step, document

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

PADDED = msgspec.json.encode({**CHAT, "padding": "x" * 100_000})
"""An answer that comes in several pieces."""


async def test_a_plain_answer_passes_byte_for_byte_and_is_posted(tmp_path: Path) -> None:
    """1000 tokens in and 500 out at ratio 1 and 4 cost 0.006 credits."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        response = await shop.chat(temperature=0.5)
        log = await shop.log()
        assert (response.status_code, response.json()) == (200, CHAT)
        assert upstream.received[0].document["temperature"] == 0.5
        assert [(row["outcome"], row["charge_nano"], row["input_tokens"], row["output_tokens"]) for row in log] == [
            ("complete", 6_000_000, 1000, 500)
        ]
        assert balances(shop.rows(LOTS)) == (9_994_000_000, 0)


@pytest.mark.parametrize("content_type", ["", "content-type: text/event-stream\r\n"], ids=["untold", "a stream's"])
async def test_an_answer_that_was_not_to_be_streamed_is_whole_whatever_type_it_has(
    tmp_path: Path, content_type: str
) -> None:
    """Some upstreams name none, or the wrong one."""
    [answer] = document(CHAT)
    assert isinstance(answer, bytes)
    told = answer.replace(b"content-type: application/json\r\n", content_type.encode())
    async with reselling(tmp_path, lambda _: [told]) as (_, shop):
        response = await shop.chat()
        [row] = await shop.log()
        assert (response.status_code, response.json()) == (200, CHAT)
        assert (row["outcome"], row["charge_nano"]) == ("complete", 6_000_000)


async def test_a_prompt_that_is_only_to_be_cached_is_paid_for_and_owes_no_answer(tmp_path: Path) -> None:
    """``max_tokens: 0`` asks Anthropic for that: 3 tokens at 3000 nano-credits, 1000 at 3750."""
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 1000, "output_tokens": 0}
    cached = {"type": "message", "role": "assistant", "content": [], "stop_reason": "max_tokens", "usage": usage}
    async with reselling(tmp_path, lambda _: document(cached)) as (upstream, shop):
        response = await shop.messages(max_tokens=0)
        [row] = await shop.log()
        assert (response.json(), upstream.received[0].document["max_tokens"]) == (cached, 0)
        assert (row["outcome"], row["charge_nano"]) == ("complete", 3_759_000)
        assert shop.rows("select * from claim") == []
        # 538 tokens of input, none of output.
        assert shop.rows("select held_nano from reservation") == [{"held_nano": 1_614_000}]


@pytest.mark.parametrize("ending", ["whole", "cut", "late"])
async def test_a_refusal_with_endless_words_stays_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """One that quotes a long prompt back is the customer's, whatever becomes of its words: no other channel is asked."""
    monkeypatch.setattr(whole, "ERROR_BODY_S", 0.1)
    [refusal] = document({"error": {"message": "no " * 50_000, "type": "invalid_request_error"}}, 400)
    assert isinstance(refusal, bytes)
    steps: dict[str, list[Step]] = {"whole": [refusal], "cut": [refusal[:300], "reset"], "late": [refusal[:300], 30.0]}
    async with reselling(tmp_path, lambda _: steps[ending]) as (upstream, shop):
        statuses = [(await shop.chat()).status_code for _ in range(4)]
        assert (statuses, len(upstream.received)) == ([400] * 4, 4)


@pytest.mark.parametrize(("bytes_max", "status"), [(len(PADDED), 200), (len(PADDED) - 1, 502)])
async def test_no_answer_is_larger_than_what_is_held_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_max: int, status: int
) -> None:
    """One byte more, in however many pieces, and it is broken off: nothing of it goes out, and nobody pays for it."""
    monkeypatch.setattr(whole, "BODY_BYTES_MAX", bytes_max)
    head, size = document(PADDED)[0], len(PADDED) // 4
    assert isinstance(head, bytes)
    steps: list[Step] = [head[:-size], 0.01, head[-size:]]
    async with reselling(tmp_path, lambda _: steps) as (_, shop):
        answer = await shop.chat()
        [row] = await shop.log()
    assert answer.status_code == status
    assert (answer.content == PADDED) == (status == 200)
    assert row["charge_nano"] == (6_000_000 if status == 200 else 0)


MEDIA = PROFILE.replace(
    'completion_ratio: "4"',
    'completion_ratio: "4", audio_ratio: "16", audio_completion_ratio: "2", image_completion_ratio: "10"',
    1,
)
SOUND = {"id": "audio_1", "data": "A" * 64_000, "transcript": "Hi", "expires_at": 1}


@pytest.mark.parametrize(
    ("message", "output_nano"),
    [
        ({"content": None, "audio": SOUND}, 20 * 64_000 + 1 * 8_000),
        ({"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}, 1290 * 20_000),
    ],
)  # fmt: skip
async def test_sound_and_pictures_are_priced_as_such_without_figures(
    tmp_path: Path, message: dict[str, object], output_nano: int
) -> None:
    """A second of sound is 20 tokens, with its transcript; a picture 1290."""
    answer = {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    async with reselling(tmp_path, lambda _: document(answer), profile=MEDIA) as (_, shop):
        await shop.chat()
        [row] = await shop.log()
        assert (row["usage_source"], row["charge_nano"]) == ("estimated", row["input_tokens"] * 2000 + output_nano)

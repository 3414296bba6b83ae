"""Which of an upstream's figures are believed, and what stands in for those that can't be true."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.openai_chat import OpenAIChat
from relay.core.dialects.tally import Tally
from relay.core.figures import Figures
from relay.core.usage import Usage
from tests.core.dialects.test_sound import wave_file
from tests.core.dialects.test_transcription import read as form_with
from tests.core.test_settlement import ANSWER, HUGE, MEDIA
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import document, stream


async def test_output_far_beyond_what_the_model_can_give_is_disputed(tmp_path: Path) -> None:
    """Also where the request names no limit: more than four times the price's ``output_tokens_max`` can't be true."""
    profile = PROFILE.replace('completion_ratio: "4"}}', 'completion_ratio: "4", output_tokens_max: 2000}}', 1)
    async with reselling(tmp_path, lambda _: document(HUGE), profile=profile) as (_, shop):
        await shop.chat()
        [row] = await shop.log()
        assert (row["usage_source"], row["charge_nano"]) == ("disputed", 16_020_000)


async def test_an_absurd_figure_is_disputed_where_no_limit_is_known(tmp_path: Path) -> None:
    """Two billion tokens of output for two letters: the customer pays what was seen, the row says so."""
    absurd = {**ANSWER, "usage": {"prompt_tokens": 10, "completion_tokens": 2 * 10**9, "total_tokens": 2 * 10**9 + 10}}
    async with reselling(tmp_path, lambda _: document(absurd)) as (_, shop):
        await shop.chat()
        [row] = await shop.log()
        assert (row["usage_source"], row["output_tokens"], row["charge_nano"]) == ("disputed", 1, 28_000)


async def test_an_absurd_figure_of_a_picture_is_disputed(tmp_path: Path) -> None:
    """However much of it is called picture, it is no more than what one may come to: 6540 tokens at four times the input's price."""
    usage = {"input_tokens": 3, "output_tokens": 2**40, "output_tokens_details": {"image_tokens": 2**40}}
    drawn = {"type": "image_generation.completed", "b64_json": "AAAA", "usage": usage}
    async with reselling(tmp_path, lambda _: stream(f"data: {json.dumps(drawn)}\n\n")) as (_, shop):
        body = {"model": "gpt-4o-mini", "prompt": "A lion", "stream": True}
        await shop.client.post("/v1/images/generations", json=body, headers=shop.headers)
        [row] = await shop.log()
        assert (row["usage_source"], row["output_tokens"], row["outcome"]) == ("disputed", 6540, "complete")
        assert row["charge_nano"] == (row["input_tokens"] + 6540 * 4) * 2000


async def test_more_output_than_any_transcript_has_gives_way_to_what_the_text_can_have(tmp_path: Path) -> None:
    """A token for two bytes."""
    answer = {"text": "x" * 140, "usage": {"input_tokens": 700, "output_tokens": 1_000_001}}
    async with reselling(tmp_path, lambda _: document(answer), profile=MEDIA) as (_, shop):
        files, data = {"file": ("a.wav", bytes(wave_file(70)))}, {"model": "gpt-4o-transcribe"}
        await shop.client.post("/v1/audio/transcriptions", data=data, files=files, headers=shop.headers)
        [row] = await shop.log()
        assert (row["charge_nano"], row["usage_source"]) == (700 * 2000 + 70 * 8000, "disputed")


async def test_a_usage_of_nothing_is_nothing(tmp_path: Path) -> None:
    """The upstream says so in so many words: no estimate takes its place."""
    nothing = {**ANSWER, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}
    async with reselling(tmp_path, lambda _: document(nothing)) as (_, shop):
        await shop.chat()
        [row] = await shop.log()
        assert (row["usage_source"], row["input_tokens"], row["output_tokens"]) == ("upstream", 0, 0)
        assert (row["charge_nano"], row["outcome"]) == (0, "complete")


def reads(tokens: int) -> dict[str, Any]:
    return {**ANSWER, "usage": {"prompt_tokens": tokens, "completion_tokens": 2, "total_tokens": tokens + 2}}


@pytest.mark.parametrize(
    ("part", "told", "charged"),
    [
        ({"type": "text", "text": "x"}, 500_000, 546),
        ({"type": "file", "file": {"file_id": "file-1"}}, 500_000, 500_000),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}, 900_000, 900_000),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}, 2_000_000, 4_663),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, 48_169, 48_169),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, 500_000, 4_662),
    ],
    ids=["text", "by id", "a packed document", "beyond any context", "a dear picture", "beyond any picture"],
)
async def test_what_a_request_refers_to_is_paid_for_and_a_false_figure_is_not(
    tmp_path: Path, part: dict[str, Any], told: int, charged: int
) -> None:
    """The customer's own bytes bound what the upstream may tell only where they are all that it read."""
    async with reselling(tmp_path, lambda _: document(reads(told)), credit="100") as (_, shop):
        answer = await shop.chat(messages=[{"role": "user", "content": [part]}])
        assert answer.status_code == 200
        [entry] = await shop.log()
        assert entry["input_tokens"] == charged
        assert entry["usage_source"] == ("upstream" if charged == told else "disputed")


async def test_a_strangers_request_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring a long one takes its time, which only somebody whose key is known may ask for."""

    def measure(*_: object) -> int:
        raise AssertionError("measured")

    monkeypatch.setattr(OpenAIChat, "input_bound", measure)
    async with serving(tmp_path, "http://127.0.0.1:9") as shop:
        headers = {"authorization": "Bearer sk-unknown"}
        answer = await shop.client.post("/v1/chat/completions", headers=headers, json=shop.chat_body())
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_pictures_that_a_tool_drew_are_beyond_the_limit_that_was_named(tmp_path: Path) -> None:
    """1000 tokens of text and 6240 of a picture: 1010 in and 1002 + 6240 out at 4 times, and nothing is disputed."""
    drawn = {
        "id": "r",
        "status": "completed",
        "output": [{"type": "image_generation_call", "status": "completed", "result": "aGk="}],
        "usage": {"input_tokens": 10, "output_tokens": 1002, "total_tokens": 1012},
        "tool_usage": {"image_gen": {"input_tokens": 1000, "output_tokens": 6240}, "web_search": {"num_requests": 0}},
    }
    body = {"model": "gpt-4o-mini", "input": "draw", "max_output_tokens": 1000}
    profile = PROFILE.replace("base_url: {url}", "base_url: {url}\n    dialects: [openai_chat, openai_responses]", 1)
    async with reselling(tmp_path, lambda _: document(drawn), profile=profile) as (_, shop):
        await shop.client.post("/v1/responses", json=body, headers=shop.headers)
        [row] = await shop.log()
        assert (row["usage_source"], row["output_tokens"]) == ("upstream", 7242)
        assert row["charge_nano"] == (1010 + 7242 * 4) * 2000


def test_who_leaves_before_a_transcript_pays_for_sound() -> None:
    """And not as if it had been text: 70 seconds are 700 tokens."""
    figures = Figures(form_with(bytes(wave_file(70))), RULES["audio"], None)
    left = figures.delivered(0, None, Tally())
    assert left == Usage(input_tokens=700, audio_input_tokens=700, unit_count=70, source="estimated")

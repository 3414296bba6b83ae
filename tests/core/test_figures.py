"""Which of an upstream's figures are believed, and what stands in for those that can't be true."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.dialects.openai_chat import OpenAIChat
from relay.core.dialects.tally import Tally
from relay.core.exchange import Evidence, Operation
from relay.core.figures import Figures
from relay.core.profile.structs import ModelPrice
from relay.core.usage import Iteration, Usage
from tests.core.dialects.replay import exchange
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


def figures_of(price: ModelPrice | None = None, *, operation: Operation = "chat", **members: Any) -> Figures:
    """Return the figures of a request with *members*, of a model sold at *price*."""
    asked = exchange(
        "openai_responses", {name: msgspec.Raw(json.dumps(each).encode()) for name, each in members.items()}
    )
    asked.operation, asked.choice_count, asked.model = operation, members.get("n", 1), members.get("model", "m")
    return Figures(asked, RULES["openai_responses"], price)


@pytest.mark.parametrize(
    ("told", "seen", "output", "delivered"),
    [
        ((0, 0), (30, 0), 20, (20, 0)),
        ((50, 0), (10, 0), 100, (50, 0)),
        ((10, 10), (0, 60), 50, (10, 40)),
        ((0, 80), (0, 10), 100, (0, 80)),
    ],
)
def test_sound_and_pictures_are_no_more_than_all_that_was_delivered(
    told: tuple[int, int], seen: tuple[int, int], output: int, delivered: tuple[int, int]
) -> None:
    """Told or seen, whichever is more: sound, and pictures beside it."""
    so_far, tally = Usage(audio_output_tokens=told[0], image_output_tokens=told[1]), Tally()
    tally.output_audio_tokens, tally.output_image_tokens = seen
    left = figures_of().delivered(output, so_far, tally)
    assert (left.output_tokens, left.audio_output_tokens, left.image_output_tokens) == (output, *delivered)


def test_of_the_tools_that_ran_those_that_were_asked_for_are_paid() -> None:
    """Told or seen; passes of which no end is known are billed together."""
    asked = figures_of(tools=[{"type": "file_search"}, {"type": "code_interpreter"}])
    told = {"file_search": 1, "image_generation": 1}
    so_far = Usage(web_search_count=2, tool_counts=told, iterations=(Iteration(input_tokens=3),))
    tally = Tally()
    tally.search_count = 1
    left = asked.delivered(5, so_far, tally)
    assert (left.tool_counts, left.web_search_count, left.iterations) == ({"file_search": 1}, 2, ())
    assert asked.plausible(Usage(tool_counts=told), Evidence()).tool_counts == {"file_search": 1}


@pytest.mark.parametrize(
    ("price", "operation", "source"),
    [
        (ModelPrice(model_ratio=Fraction(1)), "rerank", "estimated"),
        (ModelPrice(unit_price=Fraction(1)), "rerank", "upstream"),
        (ModelPrice(model_ratio=Fraction(1)), "chat", "upstream"),
        (None, "rerank", "upstream"),
    ],
)
def test_the_input_of_a_ranking_that_is_sold_by_the_token_is_estimated_where_none_is_told(
    price: ModelPrice | None, operation: Operation, source: str
) -> None:
    """Many upstreams count it by the piece only."""
    ranking = figures_of(price, operation=operation, query="x" * 36)
    believed = ranking.plausible(Usage(unit_count=1), Evidence())
    assert (believed.source, believed.input_tokens > 0) == (source, source == "estimated")
    assert ranking.plausible(Usage(input_tokens=7), Evidence()).input_tokens == 7


def test_each_choice_can_be_as_long_as_any_answer() -> None:
    """Where no limit is known, a million tokens for each of two; one more can't be true."""
    asked = figures_of(n=2)
    assert asked.plausible(Usage(output_tokens=2_000_000), Evidence()).source == "upstream"
    assert asked.plausible(Usage(output_tokens=2_000_001), Evidence()).source == "disputed"


@pytest.mark.parametrize(
    ("model", "reasoning", "source"),
    [
        ("gpt-5.6-sol", {"mode": "pro"}, "upstream"),
        ("gpt-5.6-sol", {"mode": "of tomorrow"}, "upstream"),
        ("openai/gpt-5.6-sol-pro", {}, "upstream"),
        ("gpt-6-luna-pro:batch", None, "upstream"),
        ("gpt-5.6-sol", {"mode": "standard"}, "disputed"),
        ("gpt-5.6-sol", {"mode": 1}, "disputed"),
        ("gpt-5.6-sol", {}, "disputed"),
        ("gpt-5.6-sol-prompt", {}, "disputed"),
        ("deepseek-v4-pro", {}, "disputed"),
    ],
)
def test_several_passes_told_as_one_are_believed(model: str, reasoning: dict[str, Any] | None, source: str) -> None:
    """In OpenAI's mode ``pro``, each reads the prompt again, and the limit holds for none but the answer."""
    price = ModelPrice(model_ratio=Fraction(1), output_tokens_max=2000)
    asked = figures_of(price, model=model, input="Hi", reasoning=reasoning)
    assert asked.plausible(Usage(input_tokens=25_000, output_tokens=100), Evidence()).source == source
    assert asked.plausible(Usage(input_tokens=10, output_tokens=20_000), Evidence()).source == source
    assert asked.plausible(Usage(output_tokens=2_000_000), Evidence()).source == "disputed"


def test_a_figure_is_judged_anew_where_it_has_changed() -> None:
    """A file may be of any length: a smaller figure, told before, bounds nothing."""
    asked = figures_of(input=[{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}])
    assert asked.plausible(Usage(input_tokens=10), Evidence()).source == "upstream"
    assert asked.plausible(Usage(input_tokens=500_000), Evidence()).source == "upstream"


def test_who_leaves_before_a_transcript_pays_for_sound() -> None:
    """And not as if it had been text: 70 seconds are 700 tokens."""
    figures = Figures(form_with(bytes(wave_file(70))), RULES["audio"], None)
    left = figures.delivered(0, None, Tally())
    assert left == Usage(input_tokens=700, audio_input_tokens=700, unit_count=70, source="estimated")


def test_no_more_sound_is_estimated_than_input() -> None:
    """Of packed sound only a bound of the seconds is sure, 430 tokens; 5 seconds are likely."""
    left = Figures(form_with(), RULES["audio"], None).delivered(0, None, Tally())
    assert (left.input_tokens, left.audio_input_tokens) == (50, 50)

"""How much is held before anything is sent: the input's bound, and the output the hold covers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from relay.core.errors import LedgerUnavailableError
from relay.core.exchange import RequestRecord
from relay.core.ledger.operations import Posted
from relay.core.settlement import Settlement
from tests.chats import DONE, ROLE, STOP, USAGE, words
from tests.core.dialects.test_sound import wave_file
from tests.shops import PROFILE, Running, reselling
from tests.upstreams import Received, Step, document, stream

ANSWER = {
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}
HUGE = {**ANSWER, "usage": {"prompt_tokens": 10, "completion_tokens": 1_000_000, "total_tokens": 1_000_010}}


async def overrun(shop: Running, paid: str) -> None:
    """Answer far beyond the hold and the balance, then let *paid* credits come in."""
    await shop.chat()
    await shop.log()
    await shop.top_up(paid)


async def held_nano(shop: Running) -> int:
    """Return what the only reservation held."""
    await shop.log()
    [row] = shop.rows("select held_nano from reservation")
    return int(row["held_nano"])


@pytest.mark.parametrize(
    ("fields", "nano"),
    [
        ({}, 33_836_000),  # 534 input, 4096 output at 4 times
        ({"max_tokens": 100}, 1_872_000),  # 536 and 100
        ({"max_tokens": 100, "n": 2}, 2_672_000),  # 536 and twice 100
        ({"max_tokens": 128_000}, 33_842_000),  # 537; what SDKs ask by default is not held
        ({"max_tokens": 100, "reasoning": {"mode": "pro"}}, 33_854_000),  # 543; a limit of each pass, not of all
    ],
)
async def test_a_hold_covers_the_input_and_what_may_come_out(tmp_path: Path, fields: dict[str, Any], nano: int) -> None:
    """At ratio 1 a token costs 2000 nano-credits; 512 tokens are held beyond the text's own."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        await shop.chat(**fields)
        assert await held_nano(shop) == nano


@pytest.mark.parametrize(
    ("fields", "nano"),
    [
        ({"metadata": {"user_id": "ab"}}, 547 * 3000 + 100 * 15_000),
        ({"cache_control": {"type": "ephemeral"}}, 549 * 3750 + 100 * 15_000),
        (
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
            571 * 3750 + 100 * 15_000,
        ),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, 554 * 6000 + 100 * 15_000),
        ({"system": 'the words "cache_control" and "ttl":"1h" alone'}, 566 * 3000 + 100 * 15_000),
    ],
)
async def test_what_is_to_be_cached_is_held_for_at_what_writing_it_costs(
    tmp_path: Path, fields: dict[str, Any], nano: int
) -> None:
    """A quarter more than fresh input for 5 minutes, twice as much for an hour."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        await shop.messages(**fields)
        assert await held_nano(shop) == nano


async def test_a_cache_that_is_cheaper_than_input_lowers_no_hold(tmp_path: Path) -> None:
    """The dearest counts."""
    profile = PROFILE.replace('cache_write_ratio: "1.25"', 'cache_write_ratio: "0.5"', 1)
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=profile) as (_, shop):
        await shop.messages(cache_control={"type": "ephemeral"})
        assert await held_nano(shop) == 549 * 3000 + 100 * 15_000


async def test_a_stream_holds_less_because_its_hold_grows(tmp_path: Path) -> None:
    """1024 tokens of output at first: 536 input and 1024 at 4 times."""
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        await shop.chat(stream=True)
        assert await held_nano(shop) == 9_264_000


async def test_an_account_is_charged_no_more_than_it_has(tmp_path: Path) -> None:
    """An answer of a million tokens takes what is there; the shop bears the rest."""
    async with reselling(tmp_path, lambda _: document(HUGE), credit="0.5") as (_, shop):
        await shop.chat()
        [row] = await shop.log()
        assert (row["charge_nano"], row["overrun_nano"]) == (500_000_000, 7_500_020_000)
        [day] = shop.rows("select overrun_nano from overrun_day")
        assert day == {"overrun_nano": 7_500_020_000}


async def test_after_too_many_overruns_the_full_cap_is_held(tmp_path: Path) -> None:
    """The same request that held 4096 tokens of output holds all 100 000 it asks for."""
    async with reselling(tmp_path, lambda _: document(HUGE), credit="0.5") as (_, shop):
        await overrun(shop, "10")
        await shop.chat(max_tokens=100_000)
        await shop.log(count=2)
        assert [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")] == [
            33_836_000,
            801_074_000,
        ]


async def test_after_too_many_overruns_the_longest_answer_is_held_where_no_limit_is_known(tmp_path: Path) -> None:
    """As much as any model gives, 131 072 tokens: an account that has less is refused, and told so."""
    async with reselling(tmp_path, lambda _: document(HUGE), credit="0.5") as (_, shop):
        await overrun(shop, "1")
        refused = await shop.chat()
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_user_quota")
        await shop.top_up("10")
        await shop.chat()
        await shop.log(count=2)
        held = [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")]
        assert held == [33_836_000, 534 * 2000 + 131_072 * 8000]


async def test_after_too_many_overruns_several_passes_are_held_for_as_the_longest_answer(tmp_path: Path) -> None:
    """A low limit bounds none but one of them: with it, no hold would ever cover what they cost."""
    async with reselling(tmp_path, lambda _: document(HUGE), credit="0.5") as (_, shop):
        await overrun(shop, "10")
        await shop.chat(max_tokens=100, reasoning={"mode": "pro"})
        await shop.log(count=2)
        held = [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")]
        assert held == [33_836_000, 543 * 2000 + 131_072 * 8000]


async def test_after_too_many_overruns_a_stream_is_held_for_in_full_as_well(tmp_path: Path) -> None:
    """What it thinks unseen is told at its end alone: a hold that grows with what is seen would come too late."""
    figures = USAGE.replace(':500,"total_tokens":1500', ':1000000,"total_tokens":1001000')
    async with reselling(tmp_path, lambda _: stream(ROLE + words("Hi") + STOP + figures + DONE), credit="0.5") as (
        _,
        shop,
    ):
        await shop.chat(stream=True)
        await shop.log()
        await shop.top_up("1")
        refused = await shop.chat(stream=True)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_user_quota")
        await shop.top_up("10")
        await shop.chat(stream=True, max_tokens=100_000)
        await shop.log(count=2)
        held = [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")]
        assert held == [9_264_000, 539 * 2000 + 100_000 * 8000]


async def test_after_too_many_overruns_every_choice_is_held_in_full_and_what_writes_nothing_as_ever(
    tmp_path: Path,
) -> None:
    """Two answers are twice as long; a vector has no length."""
    vectors = {"object": "list", "data": [], "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    async with reselling(
        tmp_path, lambda got: document(vectors if "embeddings" in got.path else HUGE), credit="0.5"
    ) as (_, shop):
        await overrun(shop, "100")
        await shop.chat(n=2)
        await shop.log(count=2)
        body = {"model": "gpt-4o-mini", "prompt": "hi"}
        await shop.client.post("/v1/completions", json=body, headers=shop.headers)
        await shop.log(count=3)
        body = {"model": "text-embedding-3-small", "input": "hi"}
        await shop.client.post("/v1/embeddings", json=body, headers=shop.headers)
        await shop.log(count=4)
        _, twice, legacy, vector = (
            row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")
        )
        assert twice == 535 * 2000 + 2 * 131_072 * 8000
        assert legacy == 520 * 2000 + 131_072 * 8000
        assert vector < 20_000


DEAR_CHANNEL = """
from relay import Charge, Plugin, PluginConfig, PriceFacts, hookimpl


class DearChannel(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    def settle(self, facts: PriceFacts, charge: Charge | None) -> Charge | None:
        return charge.plus(*charge.lines) if charge and facts.channel == "openai-b" else None
"""
"""A billing policy by which one channel costs twice as much as another."""


@asynccontextmanager
async def failing_over_to_a_dearer_channel(
    folder: Path, credit: str, *answers: list[Step]
) -> AsyncIterator[tuple[Running, list[int]]]:
    """Serve a shop whose first channel fails after *answers*, and yield it with what was held whenever it was asked."""
    (folder / "dear_channel.py").write_text(DEAR_CHANNEL)
    profile = PROFILE.replace(
        "  - use: billing.token_ratio\n", "  - use: billing.token_ratio\n  - use: ./dear_channel.py\n"
    )
    held: list[int] = []

    def answer(_: Received) -> list[Step]:
        [row] = shop.rows("select held_nano from reservation where state = 'open'")
        held.append(int(row["held_nano"]))
        return [*answers, document({"error": {"message": "down"}}, 500), document(ANSWER)][len(held) - 1]

    async with reselling(folder, answer, profile=profile, credit=credit) as (_, shop):
        yield shop, held


async def test_a_dearer_channel_is_held_for_before_it_is_asked(tmp_path: Path) -> None:
    """What was held for the first, and twice that for the second, which costs twice 10 and 2 at 4 times."""
    async with failing_over_to_a_dearer_channel(tmp_path, "10") as (shop, held):
        assert (await shop.chat()).status_code == 200
        [row] = await shop.log()
        assert held == [33_836_000, 67_672_000]
        assert (row["charge_nano"], row["channel"]) == (72_000, "openai-b")
        assert shop.rows("select held_nano from api_key") == [{"held_nano": 0}]


async def test_a_dearer_channel_that_can_not_be_held_for_is_not_asked(tmp_path: Path) -> None:
    """Nothing is charged, and what was held for the first channel is free again."""
    async with failing_over_to_a_dearer_channel(tmp_path, "0.05") as (shop, held):
        refused = await shop.chat()
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_user_quota")
        assert held == [33_836_000]
        [row] = await shop.log()
        assert (row["charge_nano"], row["outcome"]) == (0, "upstream_error")
        assert shop.rows("select held_nano, spent_nano from api_key") == [{"held_nano": 0, "spent_nano": 0}]


async def test_another_channel_at_the_same_price_is_asked_though_no_hold_can_grow(tmp_path: Path) -> None:
    """What is held already is enough."""
    answers = iter([document({"error": {"message": "down"}}, 500), document(ANSWER)])

    async def extend(*_: object) -> None:
        raise LedgerUnavailableError("the disk is full")

    async with reselling(tmp_path, lambda _: next(answers)) as (_, shop):
        shop.shop.ledger.extend = extend  # type: ignore[method-assign,assignment] # a full disk, for this one call
        assert (await shop.chat()).status_code == 200


async def test_after_too_many_overruns_a_dearer_channel_is_held_for_in_full_as_well(tmp_path: Path) -> None:
    """The first channel for 100 000 tokens at 4 times, the second for twice that."""
    async with failing_over_to_a_dearer_channel(tmp_path, "0.5", document(HUGE)) as (shop, held):
        await overrun(shop, "10")
        assert (await shop.chat(max_tokens=100_000)).status_code == 200
        await shop.log(count=2)
        assert held == [33_836_000, 801_074_000, 1_602_148_000]


PRICES_HOLDS = """
from relay import Charge, ChargeLine, Exact, Plugin, PluginConfig, Usage, hookimpl


class PricesHolds(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    def settle(self, usage: Usage) -> Charge:
        assert usage.source == "bound"
        factors = (("price", Exact("0.001")),)
        return Charge(lines=(ChargeLine(rule="holds", item="output_tokens", count=usage.output_tokens, factors=factors),))
"""
"""A billing plugin that fails wherever an answer is priced: what was quoted for its hold is charged."""


@pytest.mark.parametrize(("credit", "nano"), [("1.5", 1_024_000_000), ("10", 2_048_000_000)])
async def test_an_answer_that_no_plugin_can_price_costs_what_was_held_for(
    tmp_path: Path, credit: str, nano: int
) -> None:
    """1024 tokens at first, at a thousandth each; then 2048, unless that is refused."""
    (tmp_path / "holds.py").write_text(PRICES_HOLDS)
    profile = PROFILE.replace("use: billing.token_ratio", "use: ./holds.py")
    decided = asyncio.Event()

    def ends_once_more_was_asked_for(_: Received) -> Iterator[Step]:
        yield from stream(ROLE + words("word " * 300))[:-1]
        while not decided.is_set():
            yield 0.01
        yield from stream(STOP + DONE)[1:]

    async with reselling(tmp_path, ends_once_more_was_asked_for, profile=profile, credit=credit) as (_, shop):
        extend = shop.shop.ledger.extend

        async def noted(request_id: str, held_nano: int) -> object:
            try:
                return await extend(request_id, held_nano)
            finally:
                decided.set()

        shop.shop.ledger.extend = noted  # type: ignore[method-assign,assignment] # tells when it has decided
        await shop.chat(stream=True)
        [row] = await shop.log()
    assert (row["outcome"], row["charge_nano"], row["overrun_nano"]) == ("complete", nano, 0)


async def test_a_bug_of_ours_after_a_post_that_waits_for_the_disk_frees_no_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is from the hold that the spool books the charge later."""

    async def post(record: RequestRecord) -> Posted:
        return Posted(request_id=record.request_id, charge_nano=record.charge.nano, overrun_nano=0)

    def fails(_: Settlement) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(Settlement, "delivered", fails)
    async with reselling(tmp_path, lambda _: document(ANSWER)) as (_, shop):
        shop.shop.ledger.post = post  # type: ignore[method-assign] # a full disk, for this one call
        assert (await shop.chat()).status_code == 200
    assert shop.rows("select state from reservation") == [{"state": "open"}]


async def test_the_lower_of_two_limits_bounds_the_hold(tmp_path: Path) -> None:
    """The request's own, or the model's: 536 and 100, 537 and 2000 at 4 times."""
    profile = PROFILE.replace('completion_ratio: "4"}}', 'completion_ratio: "4", output_tokens_max: 2000}}', 1)
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=profile) as (_, shop):
        await shop.chat(max_tokens=100)
        await shop.chat(max_tokens=10_000)
        await shop.log(count=2)
        held = [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")]
        assert held == [1_872_000, 17_074_000]


HEARD = {"text_tokens": 0, "audio_tokens": 700}
MEDIA = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  gpt-4o-transcribe: {{model_ratio: "1", completion_ratio: "4", audio_ratio: "3"}}
  gpt-image-1: {{model_ratio: "1", completion_ratio: "2", image_ratio: "5", image_completion_ratio: "4"}}
channels:
  - name: vendor
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gpt-4o-transcribe, gpt-image-1]
    groups: [plain]
"""


async def test_sound_to_transcribe_is_held_for_as_sound(tmp_path: Path) -> None:
    """70 seconds of it are 700 tokens, at 6000 nano-credits; the rest of the bound is text, and 4096 may be written."""
    usage = {"input_tokens": 700, "output_tokens": 280, "input_token_details": HEARD}
    async with reselling(tmp_path, lambda _: document({"text": "Hi", "usage": usage}), profile=MEDIA) as (_, shop):
        files, data = {"file": ("a.wav", bytes(wave_file(70)))}, {"model": "gpt-4o-transcribe"}
        await shop.client.post("/v1/audio/transcriptions", data=data, files=files, headers=shop.headers)
        [row] = await shop.log()
        assert row["charge_nano"] == 700 * 6000 + 280 * 8000
        assert await held_nano(shop) == 700 * 6000 + (700 + 512 + 6) * 2000 + 4096 * 8000


async def test_pictures_to_edit_are_held_for_as_pictures(tmp_path: Path) -> None:
    """8192 tokens each at 10 000 nano-credits; the prompt and what an upstream does not tell are text."""
    usage = {"input_tokens": 9000, "output_tokens": 272, "input_tokens_details": {"image_tokens": 8192}}
    async with reselling(tmp_path, lambda _: document({"data": [{}], "usage": usage}), profile=MEDIA) as (_, shop):
        body = {"model": "gpt-image-1", "prompt": "cat", "quality": "low", "images": [{"image_url": "data:,"}]}
        await shop.client.post("/v1/images/edits", json=body, headers=shop.headers)
        [row] = await shop.log()
        assert row["charge_nano"] == 8192 * 10_000 + 808 * 2000 + 272 * 40_000
        assert await held_nano(shop) == 8192 * 10_000 + (512 + 11 + 1000) * 2000 + 4096 * 40_000

"""PumpkinAPI: every card as on the shop's page, and the rules behind it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import BaseUrl, Group, Profile, Text
from tests.shops import bundled, reselling
from tests.upstreams import document


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(find_profile("pumpkin.yaml")).profile


def text(en: str, zh: str) -> Text:
    return Text(en=en, zh=zh)


PRINTED = "2024-09-14"
"""The day that the page names for all of its prices."""
CARDS = {
    "golden_lily": Group(
        ratio=Fraction("7.535"),
        label=text("Golden Lily", "金色铃兰"),
        icon="🍀",
        kind="direct",
        badge=text("Full Power", "满血无甲"),
        source=text("Enterprise-grade Anthropic native Claude API", "企业级Anthropic 原生claude API"),
        note=text("Includes Stripe payment fees. Very expensive!", "汇率包含stripe支付手续费,非常贵!"),
        price_hint=text("Price varies greatly, no reference available.", "价格差异极大,无法给出参考"),
        stars=Fraction(5),
        reference_date=PRINTED,
    ),
    "lily": Group(
        ratio=Fraction("3.5"),
        label=text("Lily", "铃兰"),
        icon="🍀",
        kind="direct",
        badge=text("Full Power", "满血无甲"),
        source=text(
            "AWS source, discounted official proxy, native Claude API, AWS direct connection",
            "AWS源,折扣价官转,原生claude API,AWS直连",
        ),
        note=text(
            "Price varies greatly, from a few cents to ¥2 per session", "价格差异极大,从单次几分钱到两块钱都有可能"
        ),
        price_hint=text("¥10 ≈ 15-40 Sonnet conversations", "10RMB,sonnet约对话15~40条"),
        stars=Fraction(4),
        reference_date=PRINTED,
    ),
    "hyacinth": Group(
        ratio=Fraction("1.5"),
        label=text("Hyacinth", "风信子"),
        icon="🍇",
        kind="direct",
        badge=text("Full Power", "满血无甲"),
        source=text("Google GCP/AWS Claude, exclusive channels", "谷歌GCP/AWS claude,全独家渠道"),
        price_hint=text("¥10 ≈ 40-100 Sonnet conversations", "10RMB,sonnet约对话40~100条"),
        stars=Fraction("4.5"),
        reference_date=PRINTED,
    ),
    "claude_code": Group(
        ratio=Fraction("1.8"),
        label=text("Claude Code", "Claude Code"),
        icon="🌼",
        kind="direct",
        badge=text("Unrestricted", "无甲"),
        source=text(
            "CC direct, supports tool calling, Claude Code compatible, not reverse-engineered",
            "cc正向,支持工具调用,支持claude code,非逆向",
        ),
        price_hint=text("¥10 ≈ 30-90 Sonnet conversations", "10RMB,sonnet约对话30~90条"),
        stars=Fraction("3.5"),
        reference_date=PRINTED,
    ),
    "bouquet": Group(
        ratio=Fraction("0.5"),
        label=text("Bouquet", "花束"),
        icon="💐",
        kind="mixed",
        source=text(
            "Multi-model mix, Gemini via Vertex AI enterprise, Grok via official reverse",
            "多模型混合,gemini为vertex-ai企业号,grok为官逆",
        ),
        note=text("Supports Gemini 3.0 Pro, Grok 4.1", "gemini支持3.0pro,grok支持4.1"),
        price_hint=text("¥10 ≈ 1000-2000 conversations", "10RMB,约对话1000~2000条"),
        stars=Fraction(4),
        reference_date=PRINTED,
    ),
    "carnation": Group(
        ratio=Fraction("0.3"),
        label=text("Carnation", "石竹"),
        icon="🍃",
        kind="direct",
        badge=text("Filtered", "有审"),
        source=text("Gemini GCP paid key, only 2.5 Pro", "gemini GCP付费key,只有2.5pro"),
        note=text("Control your tokens - cheaper than many session cards", "控制好token比许多次卡还便宜"),
        price_hint=text("¥10 ≈ 1000-2000 conversations", "10RMB,约对话1000~2000条"),
        stars=Fraction(4),
        reference_date=PRINTED,
    ),
    "agave": Group(
        ratio=Fraction(3),
        label=text("Agave", "龙舌兰"),
        icon="🌵",
        kind="direct",
        badge=text("Unfiltered with some restrictions", "无审有甲"),
        source=text("GPT-5 official proxy, unfiltered with some restrictions", "GPT5官转,无审有甲"),
        note=text("GPT-5 temp=1, top_p<1", "gpt-5温度=1,top p<1"),
        price_hint=text("¥10 ≈ 40-60 conversations", "10RMB,约对话40~60条"),
        stars=Fraction("4.5"),
        reference_date=PRINTED,
        base_urls=(
            BaseUrl(
                label=text("For SillyTavern use gpt-5-chat-latest", "酒馆用 gpt-5-chat-latest"),
                url="https://woof.guagua.uk/v1",
            ),
            BaseUrl(label=text("Other frontends", "其他前端端点"), url="https://woof.guagua.uk/"),
        ),
    ),
}


def test_the_seven_groups_stand_in_the_order_of_the_page(profile: Profile) -> None:
    """The cheapest is not first: the page begins with the dearest."""
    assert list(profile.groups) == list(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_card_is_that_of_the_page(profile: Profile, name: str) -> None:
    """Every field, word for word in both languages."""
    assert profile.groups[name] == CARDS[name]


def plugin(profile: Profile, use: str) -> dict[str, Any]:
    return next(entry for entry in profile.plugins if entry["use"] == use)


def test_only_hyacinth_is_compensated(profile: Profile) -> None:
    """All of an empty answer, half of a truncated one, below 1000 tokens or 2000 with thinking."""
    assert plugin(profile, "compensation.empty_truncated") == {
        "use": "compensation.empty_truncated",
        "groups": {"hyacinth": {"empty": "1", "truncated": "0.5"}},
        "output_tokens_max": 1000,
        "output_tokens_max_thinking": 2000,
    }


def test_agave_sets_temperature_and_keeps_top_p_below_one(profile: Profile) -> None:
    """What GPT-5 insists on."""
    assert plugin(profile, "transforms.parameters")["rules"] == [
        {
            "groups": ["agave"],
            "models": ["gpt-5", "gpt-5-chat-latest"],
            "set": {"temperature": 1},
            "at_most": {"top_p": "0.99"},
        }
    ]


@pytest.mark.parametrize(
    ("model", "model_ratio", "completion_ratio", "cache_read_ratio"),
    [
        ("claude-sonnet-4-5", "1.5", "5", "0.1"),
        ("claude-opus-4-5", "2.5", "5", "0.1"),
        ("claude-opus-4-1", "7.5", "5", "0.1"),
        ("claude-haiku-4-5", "0.5", "5", "0.1"),
        ("gemini-3-pro-preview", "1", "6", "0.1"),
        ("gemini-2.5-pro", "0.625", "8", "1"),
        ("grok-4-1", "0.1", "2.5", "1"),
        ("gpt-5", "0.625", "8", "0.1"),
        ("gpt-5-chat-latest", "0.625", "8", "0.1"),
        ("text-embedding-3-small", "0.01", "1", "1"),
        ("gpt-realtime-1.5", "2", "4", "0.1"),
    ],
)
def test_price_follows_the_official_one(
    profile: Profile, model: str, model_ratio: str, completion_ratio: str, cache_read_ratio: str
) -> None:
    """Ratio 1 is two dollars per million tokens of input."""
    price = profile.prices[model]

    assert (price.model_ratio, price.completion_ratio, price.cache_read_ratio) == (
        Fraction(model_ratio),
        Fraction(completion_ratio),
        Fraction(cache_read_ratio),
    )


def test_carnation_sells_nothing_but_gemini_2_5_pro(profile: Profile) -> None:
    """Its card says so."""
    sold = [channel.models for channel in profile.channels if "carnation" in channel.groups]

    assert sold == [("gemini-2.5-pro",)]


def test_sound_and_pictures_are_sold_in_agave(profile: Profile) -> None:
    """By the token, the second and the character, at the vendor's list prices."""
    [channel] = [one for one in profile.channels if one.name == "openai"]
    sold = {"gpt-image-1.5", "gpt-4o-transcribe", "gpt-4o-mini-tts", "whisper-1", "tts-1"}
    assert sold <= set(channel.models)
    assert profile.prices["whisper-1"].unit_price == Fraction("0.006") / 60
    assert profile.prices["tts-1"].unit_price == Fraction(15, 1_000_000)
    picture = profile.prices["gpt-image-1.5"]
    assert (picture.model_ratio, picture.image_ratio, picture.image_completion_ratio) == (
        Fraction("2.5"),
        Fraction("1.6"),
        Fraction(4),
    )


WORDS = "some words " * 300
CLAUDE = (
    "/v1/messages",
    {"max_tokens": 2000, "messages": [{"role": "user", "content": WORDS}]},
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 1200,
            "cache_read_input_tokens": 5000,
            "cache_creation_input_tokens": 1500,
            "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 800,
        },
    },
)
"""1200 + 5000 x 0.1 + 1300 x 1.25 + 200 x 2 + 800 x 5 = 7725 tokens of fresh input."""
GEMINI = (
    "/v1beta/models/{model}:generateContent",
    {"contents": [{"role": "user", "parts": [{"text": WORDS}]}]},
    {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "cachedContentTokenCount": 600,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 100,
            "totalTokenCount": 1120,
        },
    },
)
"""400 + 600 x 0.1 + 120 x 6 = 1180 with Gemini 3, 1000 + 120 x 8 = 1960 with 2.5, which sells nothing as cached."""


def said_in_chat(usage: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the path, request and answer of a chat that used *usage*."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    return (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": WORDS}]},
        {"object": "chat.completion", "choices": [choice], "usage": usage},
    )


GPT = said_in_chat(
    {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 800},
    }
)
"""200 + 800 x 0.1 + 50 x 8 = 680."""
GROK = said_in_chat({"prompt_tokens": 165, "completion_tokens": 2, "total_tokens": 292})
"""165 + 127 x 2.5 = 482.5: its reasoning is only in the total."""
EMBEDDINGS = (
    "/v1/embeddings",
    {"input": WORDS},
    {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
    },
)


@pytest.mark.parametrize(
    ("group", "model", "asked", "charge_nano"),
    [
        ("golden_lily", "claude-sonnet-4-5", CLAUDE, 174_623_625),
        ("lily", "claude-sonnet-4-5", CLAUDE, 81_112_500),
        ("hyacinth", "claude-sonnet-4-5", CLAUDE, 34_762_500),
        ("hyacinth", "claude-sonnet-4-20250514", CLAUDE, 34_762_500),
        ("hyacinth", "claude-opus-4-5", CLAUDE, 57_937_500),
        ("hyacinth", "claude-opus-4-1", CLAUDE, 173_812_500),
        ("hyacinth", "claude-haiku-4-5", CLAUDE, 11_587_500),
        ("claude_code", "claude-sonnet-4-5", CLAUDE, 41_715_000),
        ("bouquet", "gemini-3-pro-preview", GEMINI, 1_180_000),
        ("bouquet", "gemini-2.5-pro", GEMINI, 1_225_000),
        ("bouquet", "grok-4-1", GROK, 48_250),
        ("carnation", "gemini-2.5-pro", GEMINI, 735_000),
        ("agave", "gpt-5", GPT, 2_550_000),
        ("agave", "gpt-5-chat-latest", GPT, 2_550_000),
        ("agave", "text-embedding-3-small", EMBEDDINGS, 60_000),
    ],
)
async def test_every_group_charges_its_price(
    tmp_path: Path, group: str, model: str, asked: tuple[str, dict[str, Any], dict[str, Any]], charge_nano: int
) -> None:
    """Two dollars a million tokens, times the ratios of model and group, to the nano-credit."""
    path, body, answer = asked
    profile = bundled("pumpkin.yaml")
    async with reselling(tmp_path, lambda _: document(answer), profile=profile, group=group) as (_, shop):
        await shop.client.post(path.format(model=model), json={"model": model, **body}, headers=shop.headers)
        [row] = await shop.log()
    assert (row["charge_nano"], row["outcome"]) == (charge_nano, "complete")

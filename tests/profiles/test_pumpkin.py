"""PumpkinAPI: every card as on the shop's page, and the rules behind it."""

from fractions import Fraction
from typing import Any

import pytest

from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import Group, Profile, Text


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(find_profile("pumpkin.yaml")).profile


def text(en: str, zh: str) -> Text:
    return Text(en=en, zh=zh)


CARDS: dict[str, tuple[str, str, str, str, str, str]] = {
    # group: ratio, stars, kind, label zh, badge zh, price hint zh
    "golden_lily": ("7.535", "5", "direct", "金色铃兰", "满血无甲", "价格差异极大,无法给出参考"),
    "lily": ("3.5", "4", "direct", "铃兰", "满血无甲", "10RMB,sonnet约对话15~40条"),
    "hyacinth": ("1.5", "4.5", "direct", "风信子", "满血无甲", "10RMB,sonnet约对话40~100条"),
    "claude_code": ("1.8", "3.5", "direct", "Claude Code", "无甲", "10RMB,sonnet约对话30~90条"),
    "bouquet": ("0.5", "4", "mixed", "花束", "", "10RMB,约对话1000~2000条"),
    "carnation": ("0.3", "4", "direct", "石竹", "有审", "10RMB,约对话1000~2000条"),
    "agave": ("3", "4.5", "direct", "龙舌兰", "无审有甲", "10RMB,约对话40~60条"),
}


def test_the_seven_groups_stand_in_the_order_of_the_page(profile: Profile) -> None:
    """The cheapest is not first: the page begins with the dearest."""
    assert list(profile.groups) == list(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_card_is_that_of_the_page(profile: Profile, name: str) -> None:
    """Ratio, stars, kind, names, badge, hint and the day of the prices."""
    group = profile.groups[name]
    ratio, stars, kind, label, badge, hint = CARDS[name]

    assert (group.ratio, group.stars, group.kind) == (Fraction(ratio), Fraction(stars), kind)
    assert group.label is not None
    assert group.price_hint is not None
    assert (group.label.zh, group.price_hint.zh) == (label, hint)
    assert (group.badge.zh if group.badge else "") == badge
    assert group.reference_date == "2024-09-14"


@pytest.mark.parametrize(("name", "source"), [
    ("golden_lily", text("Enterprise-grade Anthropic native Claude API", "企业级Anthropic 原生claude API")),
    ("lily", text("AWS source, discounted official proxy, native Claude API, AWS direct connection", "AWS源,折扣价官转,原生claude API,AWS直连")),
    ("hyacinth", text("Google GCP/AWS Claude, exclusive channels", "谷歌GCP/AWS claude,全独家渠道")),
    ("claude_code", text("CC direct, supports tool calling, Claude Code compatible, not reverse-engineered", "cc正向,支持工具调用,支持claude code,非逆向")),
    ("bouquet", text("Multi-model mix, Gemini via Vertex AI enterprise, Grok via official reverse", "多模型混合,gemini为vertex-ai企业号,grok为官逆")),
    ("carnation", text("Gemini GCP paid key, only 2.5 Pro", "gemini GCP付费key,只有2.5pro")),
    ("agave", text("GPT-5 official proxy, unfiltered with some restrictions", "GPT5官转,无审有甲")),
])  # fmt: skip
def test_source_is_told_in_both_languages(profile: Profile, name: str, source: Text) -> None:
    """Word for word as printed."""
    assert profile.groups[name].source == source


def test_a_whole_card_holds_everything_the_page_prints(profile: Profile) -> None:
    """Lily, field by field."""
    assert profile.groups["lily"] == Group(
        ratio=Fraction(7, 2),
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
        reference_date="2024-09-14",
    )


def test_agave_has_two_addresses(profile: Profile) -> None:
    """One for SillyTavern with /v1, one for everybody else without."""
    assert [each.url for each in profile.groups["agave"].base_urls] == [
        "https://woof.guagua.uk/v1",
        "https://woof.guagua.uk/",
    ]


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

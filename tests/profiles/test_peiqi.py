"""Peiqi: the page's own formula, names, memberships and prefixes."""

from fractions import Fraction
from pathlib import Path

import pytest

from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import ChannelModel, Profile
from tests.shops import bundled, reselling
from tests.upstreams import document


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(find_profile("peiqi.yaml")).profile


@pytest.mark.parametrize(
    ("model", "model_ratio", "completion_ratio"),
    [
        ("gpt-3.5-turbo", Fraction(3, 4), Fraction(133, 100)),
        ("gpt-4", Fraction(15), Fraction(2)),
        ("gpt-4-32k", Fraction(30), Fraction(2)),
        ("claude-2", Fraction(4), Fraction(3)),
        ("ERNIE-Bot", Fraction(6, 7), Fraction(1)),
        ("chatglm_pro", Fraction(5, 7), Fraction(1)),
        ("SparkDesk", Fraction(9, 7), Fraction(1)),
    ],
)
def test_ratio_is_the_printed_one(
    profile: Profile, model: str, model_ratio: Fraction, completion_ratio: Fraction
) -> None:
    """1.33 is printed for GPT-3.5 and is what is charged, not 4/3."""
    price = profile.prices[model]

    assert (price.model_ratio, price.completion_ratio) == (model_ratio, completion_ratio)


def test_members_pay_less_for_life(profile: Profile) -> None:
    """VIP 9.5 折, SVIP 9 折."""
    ratios = {name: membership.ratio for name, membership in profile.memberships.items()}

    assert ratios == {"default": 1, "vip": Fraction(19, 20), "svip": Fraction(9, 10)}


def test_the_pages_sample_of_a_picture_is_sold(profile: Profile) -> None:
    """It names no model, so OpenAI's default is meant; sizes have prices of their own."""
    price = profile.prices["dall-e-2"]
    assert (price.unit_price, [each.price for each in price.unit_prices]) == (
        Fraction(1, 50),
        [Fraction(2, 125), Fraction(9, 500)],
    )
    assert "images" in profile.endpoints


def test_a_key_reads_its_balance(profile: Profile) -> None:
    """Whoever it was handed on to as well: "可以自由查询您给他分发的 API 额度"."""
    assert "billing" in profile.endpoints


def test_keys_are_issued_with_one_prefix_and_taken_with_two(profile: Profile) -> None:
    """The page's samples write ak- as well."""
    assert (profile.keys.prefix, profile.keys.accepted_prefixes) == ("sk-", ("ak-",))


def test_customers_write_the_names_of_the_page(profile: Profile) -> None:
    """Whatever the vendors call them today."""
    names = {
        model if isinstance(model, str) else model.name for channel in profile.channels for model in channel.models
    }

    assert {"ERNIE-Bot", "chatglm_pro", "SparkDesk", "claude-2", "gpt-3.5-turbo", "gpt-4"} <= names


@pytest.mark.parametrize(
    ("model", "upstream", "base_url"),
    [
        ("ERNIE-Bot", "ernie-3.5-8k", "https://qianfan.baidubce.com/v2/chat/completions"),
        ("chatglm_pro", "glm-4-plus", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        ("SparkDesk", "generalv3", "https://spark-api-open.xf-yun.com"),
        ("hunyuan", "hunyuan-turbos-latest", "https://api.hunyuan.cloud.tencent.com"),
    ],
)
def test_the_vendors_presets_know_todays_names(profile: Profile, model: str, upstream: str, base_url: str) -> None:
    """What customers write is none of the profile's business any more."""
    (channel,) = (each for each in profile.channels if ChannelModel(name=model, upstream=upstream) in each.models)

    assert channel.base_url == base_url


ANSWER = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}


@pytest.mark.parametrize(
    ("group", "model", "charge_nano"),
    [
        ("default", "gpt-3.5-turbo", 1_699_500),
        ("half", "gpt-3.5-turbo", 849_750),
        ("default", "gpt-4", 36_000_000),
        ("half", "gpt-4-32k", 36_000_000),
        ("default", "claude-2", 10_400_000),
        ("default", "ERNIE-Bot", 1_885_714),
        ("half", "ERNIE-Bot", 942_857),
    ],
)
async def test_responses_cost_what_chats_do(tmp_path: Path, group: str, model: str, charge_nano: int) -> None:
    """The page's formula, in nano-dollars: 2000 a quota."""
    profile = bundled("peiqi.yaml")
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=profile, group=group) as (_, shop):
        body = {"model": model, "input": "some words " * 300}
        await shop.client.post("/v1/responses", json=body, headers=shop.headers)
        [row] = await shop.log()
    assert (row["charge_nano"], row["dialect"], row["outcome"]) == (charge_nano, "openai_responses", "complete")

"""Peiqi: the page's own formula, names, memberships and prefixes."""

from fractions import Fraction

import pytest

from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import ChannelModel, Profile


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

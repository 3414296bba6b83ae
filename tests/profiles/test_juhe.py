"""Juhe: the models its page names, at official prices."""

from fractions import Fraction

import pytest

from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import ChannelModel, Profile


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(find_profile("juhe.yaml")).profile


def test_both_lines_sell_at_the_official_price(profile: Profile) -> None:
    """The fast line differs in what a credit costs, which is no part of a charge."""
    assert {name: group.ratio for name, group in profile.groups.items()} == {"default": 1, "fast": 1}


def test_fast_line_has_its_own_accounts(profile: Profile) -> None:
    """ "Pure official": none of its channels serves anyone else."""
    assert [channel.name for channel in profile.channels if "fast" in channel.groups] == ["openai-fast"]


@pytest.mark.parametrize("model", ["gpt-4o-2024-08-06", "claude-3-5-sonnet-20240620", "deepseek-chat", "gpt-4-turbo"])
def test_model_of_the_page_has_a_price(profile: Profile, model: str) -> None:
    """The page's samples work as they stand."""
    assert profile.prices[model].model_ratio is not None


def test_what_is_sold_apiece_costs_the_list_price(profile: Profile) -> None:
    """A picture, a second heard, a character spoken."""
    prices = {name: profile.prices[name].unit_price for name in ("dall-e-3", "whisper-1", "tts-1")}
    assert prices == {"dall-e-3": Fraction(1, 25), "whisper-1": Fraction(1, 10_000), "tts-1": Fraction(3, 200_000)}


def test_only_what_the_shop_sells_is_served(profile: Profile) -> None:
    """One API, OpenAI's, and the balance that the script on the page reads."""
    assert profile.endpoints == ("openai_chat", "embeddings", "images", "audio", "models", "billing")


def test_quotients_stay_exact(profile: Profile) -> None:
    """$1.10 is 110/27 of $0.27."""
    assert profile.prices["deepseek-chat"].completion_ratio == Fraction(110, 27)


def test_deepseek_chat_still_answers_without_thinking(profile: Profile) -> None:
    """Sent as today's model, told not to think."""
    (channel,) = (each for each in profile.channels if each.name == "deepseek")
    (rules,) = (plugin["rules"] for plugin in profile.plugins if plugin["use"] == "transforms.parameters")

    assert channel.models == (ChannelModel(name="deepseek-chat", upstream="deepseek-v4-flash"),)
    assert rules == [{"models": ["deepseek-chat"], "set": {"thinking": {"type": "disabled"}}}]

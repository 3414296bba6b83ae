"""examples/night_rate.py: what a request costs by night, and how the plugin comes into a shop."""

from datetime import UTC, datetime, time
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from examples.night_rate import NightRate, NightRateConfig

from relay import Charge, ChargeLine, PriceFacts
from relay.core.finder import find_plugin
from relay.core.profile.structs import Shop, Text
from tests.examples.installed import install
from tests.services import profile, services

SHANGHAI = profile(shop=Shop(name=Text(en="Test", zh="测试"), timezone="Asia/Shanghai"))
SOURCE = Path(__file__).parent.parent.parent / "examples" / "night_rate.py"
BY_DAY = Charge(
    lines=(ChargeLine(rule="billing.x", item="input_tokens", count=20, factors=(("price", Fraction("0.002")),)),)
)


def facts(at: str) -> PriceFacts:
    """A request that came at *at*, hours and minutes in UTC."""
    return PriceFacts(
        account_id="acct_1",
        key_id="key_1",
        group="plain",
        membership="default",
        dialect="openai_chat",
        operation="chat",
        channel="one",
        model="gpt-4o",
        model_sent="gpt-4o",
        at=datetime.combine(datetime(2026, 11, 23, tzinfo=UTC), time.fromisoformat(at), UTC),
        stream=False,
    )


def nano(at: str, config: NightRateConfig | None = None) -> int:
    """What `BY_DAY`, 0.04 credits, costs at *at*."""
    charge = NightRate(config or NightRateConfig(), services(SHANGHAI)).settle(facts(at), BY_DAY)
    return (charge or BY_DAY).nano


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("15:59:59.999999", 40_000_000),
        ("16:00", 20_000_000),
        ("21:59:59.999999", 20_000_000),
        ("22:00", 40_000_000),
        ("02:00", 40_000_000),
    ],
)
def test_the_night_is_the_shops_own(at: str, expected: int) -> None:
    """From 0:00 to 6:00 in Shanghai is from 16:00 to 22:00 UTC; the first moment is in, the last is out."""
    assert nano(at) == expected


@pytest.mark.parametrize(
    ("at", "expected"), [("14:59", 40_000_000), ("15:00", 10_000_000), ("16:30", 10_000_000), ("17:00", 40_000_000)]
)
def test_a_night_may_begin_before_midnight(at: str, expected: int) -> None:
    """From 23:00 to 1:00 in Shanghai is from 15:00 to 17:00 UTC."""
    assert nano(at, NightRateConfig(share=Fraction("0.25"), start=time(23), until=time(1))) == expected


def test_the_rate_is_a_factor_of_its_own_in_the_bill() -> None:
    """Whoever reads the bill sees why it is half."""
    charge = NightRate(NightRateConfig(), services(SHANGHAI)).settle(facts("16:00"), BY_DAY)
    assert charge is not None
    assert charge.lines[0].factors == (("price", Fraction("0.002")), ("night_rate", Fraction(1, 2)))


def test_what_nobody_has_priced_stays_unpriced() -> None:
    """A discount is no price."""
    assert NightRate(NightRateConfig(), services(SHANGHAI)).settle(facts("16:00"), None) is None


def test_settings_are_read_by_their_names_in_a_profile() -> None:
    """``from`` is a word of Python, so the field has another name than the setting."""
    read = msgspec.convert({"from": "22:30:00", "until": "06:00:00"}, NightRateConfig)
    assert (read.start, read.until, read.share) == (time(22, 30), time(6), Fraction(1, 2))


def test_a_negative_share_is_refused() -> None:
    """Nobody is paid for asking at night."""
    with pytest.raises(ValueError, match="share must not be negative, got -1"):
        NightRateConfig(share=Fraction(-1))


def test_it_is_found_as_a_file_beside_the_profile() -> None:
    """One line of YAML: ``use: ./night_rate.py``."""
    found = find_plugin("./night_rate.py", SOURCE.parent)
    assert (found.plugin_type.__name__, found.file) == ("NightRate", SOURCE)


def test_it_is_found_as_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of YAML: ``use: billing.night_rate``."""
    site = install(SOURCE, "billing.night_rate", "NightRate", tmp_path)
    monkeypatch.syspath_prepend(str(site))
    found = find_plugin("billing.night_rate", tmp_path)
    assert (found.plugin_type.__name__, found.file, found.version) == ("NightRate", site / "night_rate.py", "1.0")

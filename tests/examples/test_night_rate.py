"""examples/night_rate.py: what a request costs by night, and how the plugin comes into a shop."""

import asyncio
import shutil
from datetime import UTC, datetime, time
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from examples.night_rate import NightRate, NightRateConfig

from relay import Charge, ChargeLine, PriceFacts
from relay.core.errors import ProfileError
from relay.core.profile.loader import load_profile
from relay.core.profile.structs import ShopSection, Text
from tests.books import FACTS
from tests.examples.installed import install
from tests.examples.swapped import ANSWER, EXAMPLES, PROFILE, with_plugin
from tests.services import profile, services
from tests.shops import reselling, serving
from tests.upstreams import document

SHANGHAI = profile(shop=ShopSection(name=Text(en="Test", zh="测试"), timezone="Asia/Shanghai"))
SOURCE = EXAMPLES / "night_rate.py"
BY_DAY = Charge(
    lines=(ChargeLine(rule="billing.x", item="input_tokens", count=20, factors=(("price", Fraction("0.002")),)),)
)


def facts(at: str) -> PriceFacts:
    """A request that came at *at*, hours and minutes in UTC."""
    came = datetime.combine(datetime(2026, 11, 23, tzinfo=UTC), time.fromisoformat(at), UTC)
    return msgspec.structs.replace(FACTS, at=came)


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


async def charged(folder: Path, profile: str) -> tuple[int, int]:
    """What one answer costs in a shop of *profile*, and what alice has left of 10 credits."""
    async with reselling(folder, lambda _: document(ANSWER), profile=profile) as (_, shop):
        assert (await shop.chat()).status_code == 200
        (row,) = await shop.log()
        (lot,) = shop.rows("select credit_nano - debit_nano as nano from book where account_id is not null")
        return row["charge_nano"], lot["nano"]


async def test_without_it_a_shop_charges_the_whole_price(tmp_path: Path) -> None:
    """0.006 credits, as the next two tests halve."""
    assert await charged(tmp_path, PROFILE) == (6_000_000, 9_994_000_000)


async def test_a_file_beside_the_profile_is_swapped_in_by_one_line(tmp_path: Path) -> None:
    """A night from 0:00 to 24:00, so that the test holds at any hour: 0.003 credits."""
    shutil.copy(SOURCE, tmp_path)
    profile = with_plugin('{{use: ./night_rate.py, until: "23:59:59.999999"}}')
    assert await charged(tmp_path, profile) == (3_000_000, 9_997_000_000)


async def test_an_installed_package_is_swapped_in_by_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by its entry point: 0.0015 credits at a quarter of the price."""
    site = await asyncio.to_thread(install, SOURCE, "billing.night_rate", "NightRate", tmp_path)
    monkeypatch.syspath_prepend(str(site))
    profile = with_plugin('{{use: billing.night_rate, share: "0.25", until: "23:59:59.999999"}}')
    assert await charged(tmp_path, profile) == (1_500_000, 9_998_500_000)


def test_a_plugin_that_cannot_be_loaded_is_named_with_its_file(tmp_path: Path) -> None:
    """With its place in the profile, and what went wrong."""
    broken = tmp_path / "night_rate.py"
    broken.write_text("from relay import NightRate\n")
    (tmp_path / "shop.yaml").write_text(with_plugin("use: ./night_rate.py").format(url="https://upstream.example"))
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "shop.yaml")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'shop.yaml'}:9:10: plugins[2].use: plugin './night_rate.py' ({broken}): ")
    assert "ImportError" in problem


async def test_a_plugin_that_raises_is_named_with_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The customer reads that a rule of the shop's failed; the log says which line of which file."""
    failing = tmp_path / "night_rate.py"
    source = SOURCE.read_text().replace("if charge is None", "if facts.night is None")
    await asyncio.to_thread(failing.write_text, source)
    async with serving(tmp_path, "http://127.0.0.1:9", profile=with_plugin("use: ./night_rate.py")) as shop:
        response = await shop.chat()
    assert (response.status_code, response.json()["error"]["code"]) == (500, "plugin_error")
    places = [getattr(record, "fields", {}).get("where", "") for record in caplog.records]
    assert any(f"{failing}:" in place for place in places)


async def test_a_plugin_that_answers_wrongly_is_named_with_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has raised nothing, so no line of its file is in any traceback."""
    wrong = tmp_path / "night_rate.py"
    source = SOURCE.read_text().replace('return charge.times("night_rate", self.config.share)', "return 0")
    await asyncio.to_thread(wrong.write_text, source.replace("or not self._is_night(facts)", ""))
    async with serving(tmp_path, "http://127.0.0.1:9", profile=with_plugin("use: ./night_rate.py")) as shop:
        response = await shop.chat()
    assert (response.status_code, response.json()["error"]["code"]) == (500, "plugin_error")
    fields = [getattr(record, "fields", {}) for record in caplog.records if record.msg == "request.failed"]
    assert [(each["plugin"], each["file"]) for each in fields] == [("./night_rate.py", str(wrong))]

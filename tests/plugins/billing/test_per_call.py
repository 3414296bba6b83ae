from fractions import Fraction

import msgspec
import pytest

from relay import Charge, ModelPrice, Usage
from relay.core.exchange import Operation
from relay.core.profile.structs import Group, UnitPrice
from relay.core.usage import UsageSource
from relay.plugins.billing.per_call import PerCall, PerCallConfig
from tests.books import FACTS
from tests.services import profile, services


def settled(
    price: ModelPrice, usage: Usage, charge: Charge | None = None, operation: Operation = "chat"
) -> Charge | None:
    """Price *usage* of a model with *price* for a group with the ratio 1.5."""
    shop = profile(prices={FACTS.model: price}, groups={FACTS.group: Group(ratio=Fraction(3, 2))})
    facts = msgspec.structs.replace(FACTS, operation=operation)
    return PerCall(PerCallConfig(), services(shop)).settle(facts, usage, charge)


PICTURE = ModelPrice(unit_price=Fraction("0.04"))


def test_each_unit_costs_its_price_times_the_groups_ratio() -> None:
    """Two pictures at 0.04 and 1.5: 0.12 credits."""
    charge = settled(PICTURE, Usage(unit_count=2))
    assert charge is not None
    assert charge.nano == 120_000_000
    [line] = charge.lines
    assert (line.rule, line.item, line.count) == ("billing.per_call", "units", 2)


def test_no_picture_costs_nothing_and_is_priced() -> None:
    """A price of zero is a price."""
    charge = settled(PICTURE, Usage(), operation="image_generation")
    assert charge is not None
    assert (charge.nano, charge.lines) == (0, ())


@pytest.mark.parametrize("operation", ["chat", "completion", "compact", "embeddings", "realtime"])
def test_a_request_answered_in_tokens_is_one(operation: Operation) -> None:
    """A chat sold apiece is never free, however few tokens came."""
    charge = settled(PICTURE, Usage(input_tokens=7, output_tokens=3), operation=operation)
    assert charge is not None
    assert charge.nano == 60_000_000


def test_what_others_charged_stays() -> None:
    """Tokens and pictures of one model add up."""
    before = settled(PICTURE, Usage(unit_count=1))
    charge = settled(PICTURE, Usage(unit_count=1), before)
    assert charge is not None
    assert charge.nano == 120_000_000


@pytest.mark.parametrize("source", ["bound", "upstream"])
def test_a_tool_that_the_upstream_bills_apart_is_not_in_the_price_of_a_call(source: UsageSource) -> None:
    """It has no line, so a request that offers it is refused."""
    charge = settled(PICTURE, Usage(tool_counts={"file_search": 1}, source=source))
    assert charge is not None
    assert [(line.item, line.count) for line in charge.lines] == [("units", 1)]


def test_a_group_that_is_not_sold_any_more_has_no_price() -> None:
    """The profile names its ratio, or nobody does."""
    shop = profile(prices={FACTS.model: PICTURE}, groups={})
    assert PerCall(PerCallConfig(), services(shop)).settle(FACTS, Usage(unit_count=1), None) is None


def test_a_model_without_a_unit_price_is_left_to_others() -> None:
    """It is sold by the token."""
    assert settled(ModelPrice(model_ratio=Fraction(1)), Usage(unit_count=1)) is None


DALLE = ModelPrice(
    unit_price=Fraction("0.04"),
    unit_prices=(
        UnitPrice(quality="hd", size="1024x1792", price=Fraction("0.12")),
        UnitPrice(quality="hd", price=Fraction("0.08")),
        UnitPrice(size="1024x1792", price=Fraction("0.08")),
    ),
)


@pytest.mark.parametrize(
    ("asked", "came", "nano"),
    [
        ((None, None), (None, None), 60_000_000),
        (("512x512", "standard"), (None, None), 60_000_000),
        (("1024x1792", None), (None, None), 120_000_000),
        ((None, "hd"), (None, None), 120_000_000),
        (("1024x1792", "hd"), (None, None), 180_000_000),
        (("auto", "auto"), ("1024x1792", "hd"), 180_000_000),
        (("1024x1792", "hd"), ("1024x1024", "standard"), 60_000_000),
    ],
)
def test_size_and_quality_have_their_price(
    asked: tuple[str | None, str | None], came: tuple[str | None, str | None], nano: int
) -> None:
    """What came counts before what was asked for; the first price that fits is taken, else the model's."""
    shop = profile(prices={FACTS.model: DALLE}, groups={FACTS.group: Group(ratio=Fraction(3, 2))})
    facts = msgspec.structs.replace(FACTS, size=asked[0], quality=asked[1])
    usage = Usage(unit_count=1, size=came[0], quality=came[1])
    charge = PerCall(PerCallConfig(), services(shop)).settle(facts, usage, None)
    assert charge is not None
    assert charge.nano == nano


@pytest.mark.parametrize(
    ("size", "quality", "nano"),
    [
        (None, None, 180_000_000),
        ("auto", "auto", 180_000_000),
        ("1024x1792", None, 180_000_000),
        ("1024x1024", "auto", 120_000_000),
        (None, "standard", 120_000_000),
        ("1024x1024", "standard", 60_000_000),
    ],
)
def test_a_hold_covers_whatever_may_come(size: str | None, quality: str | None, nano: int) -> None:
    """Where the request leaves size or quality open, the dearest that fits is held."""
    shop = profile(prices={FACTS.model: DALLE}, groups={FACTS.group: Group(ratio=Fraction(3, 2))})
    facts = msgspec.structs.replace(FACTS, size=size, quality=quality)
    quote = PerCall(PerCallConfig(), services(shop)).settle(facts, Usage(unit_count=1, source="bound"), None)
    assert quote is not None
    assert quote.nano == nano


def quoted(price: ModelPrice, size: str | None, quality: str | None) -> int | None:
    """What is held for one picture, in nano-credits; None where it has no price."""
    shop = profile(prices={FACTS.model: price}, groups={FACTS.group: Group(ratio=Fraction(3, 2))})
    facts = msgspec.structs.replace(FACTS, size=size, quality=quality)
    quote = PerCall(PerCallConfig(), services(shop)).settle(facts, Usage(unit_count=1, source="bound"), None)
    return quote.nano if quote is not None else None


def test_what_is_named_is_held_for_at_its_own_price() -> None:
    """Though the model's other pictures cost a hundred times as much."""
    price = ModelPrice(unit_price=Fraction(1), unit_prices=(UnitPrice(size="512x512", price=Fraction("0.01")),))
    assert quoted(price, "512x512", "standard") == 15_000_000


def test_a_hold_needs_no_price_for_all_others() -> None:
    """The dearest of those that have one is held; where none fits, there is no price, and so no picture."""
    price = ModelPrice(unit_prices=(UnitPrice(size="1024x1792", price=Fraction("0.08")),))
    assert quoted(price, None, None) == 120_000_000
    assert quoted(price, "512x512", None) is None


def test_a_size_without_a_price_is_not_free() -> None:
    """Where the model has no price for all others, it is left unpriced, and so refused."""
    price = ModelPrice(unit_prices=DALLE.unit_prices)
    assert settled(price, Usage(unit_count=1, size="512x512", quality="standard")) is None


def test_a_second_and_a_character_are_priced_to_the_nano_credit() -> None:
    """4 seconds at 0.0001, 22 characters at 0.000015, both times 1.5."""
    heard = settled(ModelPrice(unit_price=Fraction("0.0001")), Usage(unit_count=4))
    spoken = settled(ModelPrice(unit_price=Fraction("0.000015")), Usage(unit_count=22))
    assert heard is not None
    assert spoken is not None
    assert (heard.nano, spoken.nano) == (600_000, 495_000)

from fractions import Fraction

from relay import Charge, ModelPrice, Usage
from relay.core.profile.structs import Group
from relay.plugins.billing.per_call import PerCall, PerCallConfig
from tests.books import FACTS
from tests.services import profile, services


def settled(price: ModelPrice, usage: Usage, charge: Charge | None = None) -> Charge | None:
    """Price *usage* of a model with *price* for a group with the ratio 1.5."""
    shop = profile(prices={FACTS.model: price}, groups={FACTS.group: Group(ratio=Fraction(3, 2))})
    return PerCall(PerCallConfig(), services(shop)).settle(FACTS, usage, charge)


PICTURE = ModelPrice(unit_price=Fraction("0.04"))


def test_each_unit_costs_its_price_times_the_groups_ratio() -> None:
    """Two pictures at 0.04 and 1.5: 0.12 credits."""
    charge = settled(PICTURE, Usage(unit_count=2))
    assert charge is not None
    assert charge.nano == 120_000_000
    [line] = charge.lines
    assert (line.rule, line.item, line.count) == ("billing.per_call", "units", 2)


def test_nothing_delivered_costs_nothing_and_is_priced() -> None:
    """A price of zero is a price."""
    charge = settled(PICTURE, Usage())
    assert charge is not None
    assert (charge.nano, charge.lines) == (0, ())


def test_what_others_charged_stays() -> None:
    """Tokens and pictures of one model add up."""
    before = settled(PICTURE, Usage(unit_count=1))
    charge = settled(PICTURE, Usage(unit_count=1), before)
    assert charge is not None
    assert charge.nano == 120_000_000


def test_a_model_without_a_unit_price_is_left_to_others() -> None:
    """It is sold by the token."""
    assert settled(ModelPrice(model_ratio=Fraction(1)), Usage(unit_count=1)) is None

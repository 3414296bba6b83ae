"""billing.token_ratio: the field's golden vectors, in exact nano-credits, and each line of a charge."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from relay import Charge, ChargeLine, Iteration, ModelPrice, PriceFacts, ToolPrices, Usage, parse_exact
from relay.core.profile.structs import Group
from relay.core.usage import UsageSource
from relay.plugins.billing.token_ratio import TokenRatio, TokenRatioConfig
from tests.books import FACTS
from tests.services import profile, services

PRICES = {
    "gpt-4o": ModelPrice(
        model_ratio=parse_exact("1.25"),
        completion_ratio=Fraction(4),
        cache_read_ratio=parse_exact("0.5"),
        web_search_price=parse_exact("0.01"),
        tool_prices=ToolPrices(code_interpreter=parse_exact("0.03"), file_search=parse_exact("0.0025")),
    ),
    "claude-sonnet-4-5": ModelPrice(
        model_ratio=parse_exact("1.5"), completion_ratio=Fraction(5), cache_read_ratio=parse_exact("0.1")
    ),
    "claude-haiku-4-5": ModelPrice(model_ratio=parse_exact("0.5"), completion_ratio=Fraction(5)),
    "cheap": ModelPrice(model_ratio=parse_exact("0.25"), completion_ratio=Fraction(3)),
    "cheaper": ModelPrice(model_ratio=parse_exact("0.025")),
    "free": ModelPrice(model_ratio=Fraction(0)),
    "overlap": ModelPrice(
        model_ratio=parse_exact("1.25"), completion_ratio=Fraction(4), cache_read_ratio=parse_exact("0.1")
    ),
    "one-api": ModelPrice(model_ratio=parse_exact("0.75"), completion_ratio=parse_exact("4/3")),
    "audio": ModelPrice(
        model_ratio=parse_exact("1.25"),
        completion_ratio=Fraction(4),
        audio_ratio=Fraction(16),
        audio_completion_ratio=Fraction(2),
    ),
    "image": ModelPrice(
        model_ratio=Fraction("2.5"),
        completion_ratio=Fraction(2),
        image_ratio=Fraction("1.6"),
        image_completion_ratio=Fraction(4),
    ),
    "audio-out": ModelPrice(model_ratio=Fraction(1), completion_ratio=Fraction(4), audio_completion_ratio=Fraction(8)),
    "all-kinds": ModelPrice(
        model_ratio=Fraction(1),
        audio_ratio=Fraction(10),
        audio_completion_ratio=Fraction(3),
        image_ratio=Fraction(2),
        image_completion_ratio=Fraction(5),
    ),
    "own-1h": ModelPrice(model_ratio=Fraction(1), cache_write_1h_ratio=Fraction(3)),
    "per-call-only": ModelPrice(web_search_price=Fraction(1)),
}
GROUPS = {
    "plain": Group(ratio=Fraction(1)),
    "hyacinth": Group(ratio=parse_exact("1.5")),
    "carnation": Group(ratio=parse_exact("0.3")),
    "golden-lily": Group(ratio=parse_exact("7.535")),
}
PLUGIN = TokenRatio(TokenRatioConfig(), services(profile(prices=PRICES, groups=GROUPS)))


def facts(model: str, group: str = "plain", **changes: Any) -> PriceFacts:
    fields: dict[str, Any] = {"model_sent": model, "model_returned": None, **changes}
    return msgspec.structs.replace(FACTS, model=model, group=group, **fields)


def charge(model: str, usage: Usage, group: str = "plain", **changes: Any) -> Charge:
    charged = PLUGIN.settle(facts(model, group, **changes), usage, None)
    assert charged is not None
    return charged


@pytest.mark.parametrize(
    ("model", "group", "usage", "nano"),
    [
        pytest.param(
            "gpt-4o", "plain", Usage(input_tokens=800, cache_read_tokens=200, output_tokens=500), 7_250_000, id="1"
        ),
        pytest.param(
            "claude-sonnet-4-5",
            "hyacinth",
            Usage(
                input_tokens=1200,
                cache_read_tokens=5000,
                cache_write_5m_tokens=1000,
                cache_write_1h_tokens=200,
                output_tokens=800,
            ),
            33_075_000,
            id="2",
        ),
        pytest.param(
            "claude-sonnet-4-5",
            "hyacinth",
            Usage(
                input_tokens=1200,
                cache_read_tokens=5000,
                cache_write_5m_tokens=1300,
                cache_write_1h_tokens=200,
                output_tokens=800,
            ),
            34_762_500,
            id="3",
        ),
        pytest.param("cheap", "carnation", Usage(input_tokens=10, output_tokens=10), 6_000, id="4"),
        pytest.param("cheaper", "plain", Usage(input_tokens=1), 50, id="5"),
        pytest.param("cheap", "plain", Usage(input_tokens=2), 1_000, id="6"),
        pytest.param("gpt-4o", "plain", Usage(), 0, id="7"),
        pytest.param("free", "plain", Usage(input_tokens=1000, output_tokens=1000), 0, id="8"),
        pytest.param(
            "overlap",
            "plain",
            Usage(cache_read_tokens=90, cache_write_5m_tokens=50, output_tokens=10),
            278_750,
            id="9",
        ),
        pytest.param(
            "gpt-4o", "plain", Usage(input_tokens=100, output_tokens=50, web_search_count=3), 30_750_000, id="10"
        ),
        pytest.param("gpt-4o", "golden-lily", Usage(input_tokens=900), 16_953_750, id="13"),
        pytest.param("one-api", "plain", Usage(input_tokens=1000, output_tokens=500), 2_500_000, id="15"),
        pytest.param(
            "claude-sonnet-4-5",
            "hyacinth",
            Usage(input_tokens=20_000, output_tokens=1000),
            112_500_000,
            id="16",
        ),
        pytest.param(
            "claude-sonnet-4-5",
            "hyacinth",
            Usage(input_tokens=1000, cache_read_tokens=19_000, output_tokens=1000),
            35_550_000,
            id="17",
        ),
    ],
)
def test_the_fields_golden_vectors_come_out_exactly(model: str, group: str, usage: Usage, nano: int) -> None:
    """A quota is 2000 nano-credits; the ids are the rows of field/relay-platforms.md 1.6, unrounded."""
    assert charge(model, usage, group).nano == nano


def test_every_kind_of_token_is_a_line_with_its_named_factors() -> None:
    """The charge is its own explanation: counts, factors by name, and nothing else."""
    usage = Usage(
        input_tokens=1, cache_read_tokens=2, cache_write_5m_tokens=3, cache_write_1h_tokens=4, output_tokens=5
    )
    start = (("credit_per_quota", Fraction(1, 500_000)), ("model_ratio", Fraction(3, 2)))
    end = ("group_ratio", Fraction(3, 2))
    assert charge("claude-sonnet-4-5", usage, "hyacinth").lines == (
        ChargeLine(rule="billing.token_ratio", item="input_tokens", count=1, factors=(*start, end)),
        ChargeLine(
            rule="billing.token_ratio",
            item="cache_read_tokens",
            count=2,
            factors=(*start, ("cache_read_ratio", Fraction(1, 10)), end),
        ),
        ChargeLine(
            rule="billing.token_ratio",
            item="cache_write_5m_tokens",
            count=3,
            factors=(*start, ("cache_write_ratio", Fraction(5, 4)), end),
        ),
        ChargeLine(
            rule="billing.token_ratio",
            item="cache_write_1h_tokens",
            count=4,
            factors=(*start, ("cache_write_1h_ratio", Fraction(2)), end),
        ),
        ChargeLine(
            rule="billing.token_ratio",
            item="output_tokens",
            count=5,
            factors=(*start, ("completion_ratio", Fraction(5)), end),
        ),
    )


def test_a_one_hour_cache_ratio_of_the_model_is_used_as_it_stands() -> None:
    """1000 tokens x 2000 nano x 3."""
    assert charge("own-1h", Usage(cache_write_1h_tokens=1000)).nano == 6_000_000


def test_a_search_costs_its_price_times_the_groups_ratio() -> None:
    """Two searches of 0.01 in a group of 1.5 are 0.03 credits, whatever the model's ratio."""
    charged = charge("gpt-4o", Usage(web_search_count=2), "hyacinth")
    assert charged.lines == (
        ChargeLine(
            rule="billing.token_ratio",
            item="web_search",
            count=2,
            factors=(("web_search_price", Fraction(1, 100)), ("group_ratio", Fraction(3, 2))),
        ),
    )
    assert charged.nano == 30_000_000


def test_a_hosted_tool_costs_its_price_times_the_groups_ratio() -> None:
    """Three searches of a store at 0.0025 and a container at 0.03, in a group of 1.5: 0.01125 and 0.045 credits."""
    charged = charge("gpt-4o", Usage(tool_counts={"file_search": 3, "code_interpreter": 1}), "hyacinth")
    assert [(line.item, line.count, line.factors) for line in charged.lines] == [
        ("file_search", 3, (("file_search_price", Fraction(1, 400)), ("group_ratio", Fraction(3, 2)))),
        ("code_interpreter", 1, (("code_interpreter_price", Fraction(3, 100)), ("group_ratio", Fraction(3, 2)))),
    ]
    assert charged.nano == 56_250_000


@pytest.mark.parametrize("source", ["bound", "upstream"])
@pytest.mark.parametrize("tool", ["google_maps", "shell"])
def test_a_hosted_tool_without_a_price_has_no_line(tool: str, source: UsageSource) -> None:
    """So a request that offers it is refused; where one ran all the same, the tokens are charged."""
    usage = Usage(input_tokens=1, tool_counts={tool: 1}, source=source)
    assert charge("gpt-4o", usage) == charge("gpt-4o", Usage(input_tokens=1))


def test_what_was_not_used_is_not_on_the_bill() -> None:
    """No search, no line of searches, though they have a price."""
    assert [line.item for line in charge("gpt-4o", Usage(input_tokens=1)).lines] == ["input_tokens"]


def test_searches_without_a_price_cost_nothing() -> None:
    """A model whose profile prices no searches sells them with its tokens."""
    assert charge("claude-sonnet-4-5", Usage(web_search_count=2)).lines == ()


@pytest.mark.parametrize(
    ("model", "usage", "nano"),
    [
        # 100 text + 50 x 16 audio in; 20 x 4 text + 10 x 16 x 2 audio out: 1300 x 1.25 quota.
        (
            "audio",
            Usage(input_tokens=150, audio_input_tokens=50, output_tokens=30, audio_output_tokens=10),
            3_250_000,
        ),
        # Audio input has no ratio, so 150 are text; 20 x 4 text + 10 x 8 audio out: 310 quota.
        (
            "audio-out",
            Usage(input_tokens=150, audio_input_tokens=50, output_tokens=30, audio_output_tokens=10),
            620_000,
        ),
        # No audio ratios at all: 150 + 30 x 3, at 0.25: 60 quota.
        ("cheap", Usage(input_tokens=150, audio_input_tokens=50, output_tokens=30, audio_output_tokens=10), 120_000),
        # gpt-image-1.5 (w:openai-other/image-edit): 27 + 194 x 1.6 in; 143 x 2 text + 272 x 1.6 x 4 out; x 2.5.
        (
            "image",
            Usage(input_tokens=221, image_input_tokens=194, output_tokens=415, image_output_tokens=272),
            11_821_000,
        ),
        # Half of it drawn by a tool beside the model, by text's price where pictures have none: 35 + 274 x 3, at 0.25.
        ("cheap", Usage(input_tokens=35, output_tokens=274, image_output_tokens=272), 428_500),
        # Gemini's picture (w:gemini/image-output): 4 in; 1290 x 1.6 x 4 out; x 2.5. As text: 4 + 1290 x 3, at 0.25.
        ("image", Usage(input_tokens=4, output_tokens=1290, image_output_tokens=1290), 41_300_000),
        ("cheap", Usage(input_tokens=4, output_tokens=1290, image_output_tokens=1290), 1_937_000),
        # More audio than input can't be: 10 x 16 x 1.25 = 200 quota.
        ("audio", Usage(input_tokens=10, audio_input_tokens=50), 400_000),
        # Nor more of both: 60 x 10 + 40 x 2 in, 60 x 10 x 3 + 40 x 2 x 5 out: 2880 quota.
        (
            "all-kinds",
            Usage(
                input_tokens=100,
                audio_input_tokens=60,
                image_input_tokens=70,
                output_tokens=100,
                audio_output_tokens=60,
                image_output_tokens=70,
            ),
            5_760_000,
        ),
    ],
)
def test_audio_is_split_off_where_the_model_prices_it(model: str, usage: Usage, nano: int) -> None:
    """Audio tokens are parts of input and output, never charged beside them."""
    assert charge(model, usage).nano == nano


def test_every_pass_is_charged_at_its_own_models_price() -> None:
    """1000 of the asked model and 1000 of another: 1000 x 1.5 + 1000 x 0.5 = 2000 quota."""
    usage = Usage(
        input_tokens=2000,
        iterations=(
            Iteration(input_tokens=1000, model="claude-sonnet-4-5"),
            Iteration(input_tokens=1000, model="claude-haiku-4-5"),
        ),
    )
    assert charge("claude-sonnet-4-5", usage).nano == 4_000_000


@pytest.mark.parametrize("named", [None, "claude-haiku-4-5", "claude-haiku-4-5-20251001", "unknown"])
def test_a_pass_of_the_asked_model_goes_by_the_name_the_customer_asked_for(named: str | None) -> None:
    """The upstream's own names for the asked model, and names without a price, change nothing."""
    usage = Usage(input_tokens=1000, iterations=(Iteration(input_tokens=1000, model=named),))
    sent = {"model_sent": "claude-haiku-4-5", "model_returned": "claude-haiku-4-5-20251001"}
    assert charge("claude-sonnet-4-5", usage, **sent).nano == 3_000_000


@pytest.mark.parametrize("date", ["", "-20250929", "@20250929"])
def test_a_pass_of_the_model_that_answered_in_the_end_costs_what_that_model_costs(date: str) -> None:
    """The answer as a whole bears its name: 1000 x 0.5 of the asked one, and 1000 x 1.5 of the fallback."""
    usage = Usage(
        input_tokens=2000,
        iterations=(
            Iteration(input_tokens=1000, model="claude-haiku-4-5"),
            Iteration(input_tokens=1000, model=f"claude-sonnet-4-5{date}"),
        ),
    )
    sent = {"model_sent": "claude-haiku-4-5", "model_returned": f"claude-sonnet-4-5{date}"}
    assert charge("claude-haiku-4-5", usage, **sent).nano == 4_000_000


@pytest.mark.parametrize(
    ("model", "nano"),
    [
        ("audio", 2_775_000),  # 150 + 30 x 16 x 2 quota, times 1.25
        ("audio-out", 780_000),  # 150 + 30 x 8 quota
        ("gpt-4o", 675_000),  # 150 + 30 x 4 quota, times 1.25
    ],
)
def test_a_hold_covers_output_of_the_dearest_kind(model: str, nano: int) -> None:
    """Before the answer nobody knows whether it is text or sound."""
    assert charge(model, Usage(input_tokens=150, output_tokens=30, source="bound")).nano == nano


@pytest.mark.parametrize(("model", "group"), [("unknown", "plain"), ("per-call-only", "plain"), ("gpt-4o", "gone")])
def test_what_has_no_price_is_left_unpriced(model: str, group: str) -> None:
    """No ratio of model or group: no charge, which core refuses; never free."""
    assert PLUGIN.settle(facts(model, group), Usage(input_tokens=1), None) is None


def test_lines_are_added_to_an_earlier_policys_charge() -> None:
    """What an earlier plugin charged stays."""
    earlier = ChargeLine(rule="billing.other", item="request", count=1, factors=(("price", Fraction(1)),))
    charged = PLUGIN.settle(facts("cheap"), Usage(input_tokens=2), Charge(lines=(earlier,)))
    assert charged is not None
    assert charged.lines[0] == earlier
    assert charged.nano == 1_000_001_000


def test_the_worth_of_a_quota_is_a_setting() -> None:
    """At 0.00001 credits a quota, 100 tokens at ratio 0.25 are 0.00025 credits."""
    config = TokenRatioConfig(credit_per_quota=parse_exact("0.00001"))
    charged = TokenRatio(config, services(profile(prices=PRICES, groups=GROUPS))).settle(
        facts("cheap"), Usage(input_tokens=100), None
    )
    assert charged is not None
    assert charged.nano == 250_000


def test_a_negative_quota_is_refused() -> None:
    """A setting that would pay customers is an error of the profile."""
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        TokenRatioConfig(credit_per_quota=Fraction(-1))

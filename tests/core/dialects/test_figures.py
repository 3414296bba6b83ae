"""No figure of an upstream is taken on trust."""

from decimal import Decimal

import pytest

from relay.core.dialects.figures import UntrueFigureError, is_other_total, read_figure, read_figures, read_number


@pytest.mark.parametrize("value", [-1, 5.0, "5", True, 2**63, 2**40 + 1, [], {}])
def test_a_figure_that_cannot_be_true_is_refused(value: object) -> None:
    """Negative, broken, text, a truth value, or beyond any count."""
    with pytest.raises(UntrueFigureError):
        read_figure({"prompt_tokens": value}, "prompt_tokens")


@pytest.mark.parametrize(("figures", "count"), [({}, 0), ({"n": None}, 0), ({"n": 0}, 0), ({"n": 2**40}, 2**40)])
def test_a_count_is_read_and_its_absence_is_zero(figures: dict[str, object], count: int) -> None:
    """Absent and null are nothing."""
    assert read_figure(figures, "n") == count


@pytest.mark.parametrize("value", ["usage", 5, [1]])
def test_usage_that_is_no_object_is_refused(value: object) -> None:
    """An upstream that sends text for usage is not believed."""
    with pytest.raises(UntrueFigureError):
        read_figures(value)


@pytest.mark.parametrize(
    ("figures", "is_other"),
    [({}, False), ({"n": None}, False), ({"n": 5}, False), ({"n": 6}, True), ({"n": 0}, True), ({"n": 5.5}, False)],
)
def test_a_total_is_another_only_where_it_is_a_count(figures: dict[str, object], is_other: bool) -> None:
    """It is a check, and no reason to dispute what it is made of."""
    assert is_other_total(figures, "n", 5) is is_other


@pytest.mark.parametrize("text", ["1e99999999999999999999", "-1e99999999999999999999", "1E-99999999999999999999"])
def test_a_number_beyond_any_decimal_is_no_count(text: str) -> None:
    """Nor an error."""
    assert read_number(text) == Decimal("Infinity")

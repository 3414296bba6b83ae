"""compensation.empty_truncated: which endings earn a claim, and which share."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from relay import Claim, Evidence, RequestRecord, Usage
from relay.core.exchange import Outcome
from relay.plugins.compensation.empty_truncated import EmptyTruncated, EmptyTruncatedConfig, Shares
from tests.books import FACTS, record
from tests.services import services

CONFIG = EmptyTruncatedConfig(
    groups={
        "hyacinth": Shares(empty=Fraction(1), truncated=Fraction(1, 2)),
        "empty-only": Shares(empty=Fraction(1)),
        "cut-only": Shares(truncated=Fraction(1, 2)),
    }
)
EMPTY = [Claim(rule="compensation.empty_truncated", kind="empty_reply", share=Fraction(1))]
TRUNCATED = [Claim(rule="compensation.empty_truncated", kind="truncated_reply", share=Fraction(1, 2))]
THINKING = {"has_thinking": True, "thinking_asked": True}


def ended(
    outcome: Outcome, evidence: dict[str, Any], output_tokens: int = 10, group: str = "hyacinth"
) -> RequestRecord:
    return record(
        "req_1",
        facts=msgspec.structs.replace(FACTS, group=group),
        usage=Usage(input_tokens=5, output_tokens=output_tokens),
        outcome=outcome,
        evidence=Evidence(**evidence),
    )


async def claims(checked: RequestRecord) -> list[Claim] | None:
    found = await EmptyTruncated(CONFIG, services()).post_check(checked)
    return None if found is None else list(found)


@pytest.mark.parametrize(
    ("outcome", "evidence", "output_tokens"),
    [
        ("empty", {"is_end_seen": True}, 0),
        ("empty", {"is_end_seen": True, **THINKING, "is_thinking_finished": False}, 5000),
        ("truncated", {**THINKING, "is_thinking_finished": False}, 5000),
        ("truncated", {**THINKING, "has_text": True, "is_thinking_finished": False}, 10),
        ("truncated", {"has_thinking": True, "is_thinking_finished": False}, 1500),
    ],
)
async def test_nothing_or_an_unfinished_chain_of_thought_is_an_empty_reply(
    outcome: Outcome, evidence: dict[str, Any], output_tokens: int
) -> None:
    """C2: however much thinking was counted, the customer has nothing in hand."""
    assert await claims(ended(outcome, evidence, output_tokens)) == EMPTY


@pytest.mark.parametrize(
    ("evidence", "output_tokens"),
    [
        ({"has_text": True}, 1),
        ({"has_text": True}, 999),
        ({"has_tool_call": True}, 999),
        ({"has_refusal": True}, 999),
        ({"has_text": True, "has_thinking": True, "is_thinking_finished": False}, 999),
        ({"has_text": True, **THINKING}, 1000),
        ({"has_text": True, **THINKING}, 1999),
        ({"has_text": True, "thinking_asked": True}, 1999),
    ],
)
async def test_a_short_answer_cut_off_is_a_truncated_reply(evidence: dict[str, Any], output_tokens: int) -> None:
    """C3: strictly below 1000 output tokens, or 2000 where thinking was asked for."""
    assert await claims(ended("truncated", evidence, output_tokens)) == TRUNCATED


@pytest.mark.parametrize(
    ("outcome", "evidence", "output_tokens"),
    [
        ("truncated", {"has_text": True}, 1000),
        ("truncated", {"has_text": True, "has_thinking": True}, 1000),
        ("truncated", {"has_text": True, **THINKING}, 2000),
        ("complete", {"has_text": True, "is_end_seen": True, "stop_reason": "max_tokens"}, 5),
        ("complete", {"has_text": True, "is_end_seen": True}, 0),
        ("refused", {"has_refusal": True, "is_end_seen": True}, 3),
        ("customer_gone", {"has_text": True}, 3),
        ("customer_gone", {}, 0),
        ("upstream_error", {}, 0),
    ],
)
async def test_other_endings_earn_nothing(outcome: Outcome, evidence: dict[str, Any], output_tokens: int) -> None:
    """At the border and beyond, a customer's own limit, a refusal, a hang-up: no claim."""
    assert await claims(ended(outcome, evidence, output_tokens)) is None


async def test_a_group_that_is_not_named_claims_nothing() -> None:
    """C1: only the groups of the policy are compensated."""
    assert await claims(ended("empty", {}, 0, group="lily")) is None


@pytest.mark.parametrize(
    ("outcome", "evidence", "group"),
    [("truncated", {"has_text": True}, "empty-only"), ("empty", {"is_end_seen": True}, "cut-only")],
)
async def test_a_share_of_nothing_is_no_claim(outcome: Outcome, evidence: dict[str, Any], group: str) -> None:
    """A group that compensates empties only is silent about cuts, and the other way round."""
    assert await claims(ended(outcome, evidence, 10, group=group)) is None


@pytest.mark.parametrize(("outcome", "evidence"), [("truncated", {"has_text": True}), ("empty", {})])
async def test_what_the_customer_could_not_pay_for_earns_nothing(outcome: Outcome, evidence: dict[str, Any]) -> None:
    """The shop ended the answer, because the account had no more."""
    assert await claims(ended(outcome, {**evidence, "is_unpaid": True})) is None


@pytest.mark.parametrize("name", ["empty", "truncated"])
@pytest.mark.parametrize("share", [Fraction(-1, 2), Fraction(3, 2)])
def test_a_share_outside_0_to_1_is_refused(name: str, share: Fraction) -> None:
    """A share is a part of the charge."""
    with pytest.raises(ValueError, match=f"^{name} must be from 0 to 1, got {share}$"):
        Shares(**{name: share})

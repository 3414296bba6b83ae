"""``relay bill explain``: the lines of a charge, and what they come to."""

from fractions import Fraction
from typing import Any

import pytest

from relay.core.cli.bill import decimal_of
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.usage import Usage
from tests.books import CREDIT, account, key, record, reserve
from tests.core.cli.counter import Counter


def ask_once(counter: Counter, gift_nano: int, **changes: Any) -> None:
    """Let alice, who has *gift_nano*, ask for what costs 1.25 credits, with a hold of half a credit; *changes* are the record's."""

    async def asking(ledger: SqliteLedger) -> None:
        await ledger.create_account(account("alice", gift_nano=gift_nano))
        await ledger.create_key(key("key_1"))
        await ledger.reserve(reserve("req_1", CREDIT // 2))
        await ledger.post(record("req_1", **changes))

    counter.book(asking)


def test_a_bill_shows_every_factor(counter: Counter) -> None:
    """Exact values, amounts before rounding, and the charge they come to."""
    ask_once(counter, 10 * CREDIT)
    assert counter.ask("bill", "explain", "req_1") == {
        "request_id": "req_1",
        "charge": "1.25",
        "lines": [
            {
                "rule": "billing.x",
                "item": "input_tokens",
                "count": 3,
                "factors": [{"name": "price", "value": "1/3"}],
                "amount": "1",
            },
            {
                "rule": "billing.x",
                "item": "output_tokens",
                "count": 1,
                "factors": [{"name": "price", "value": "0.125"}, {"name": "ratio", "value": "2"}],
                "amount": "0.25",
            },
        ],
    }


def test_people_read_it_as_a_sum(counter: Counter) -> None:
    """Count x factors = amount, line by line."""
    ask_once(counter, 10 * CREDIT)
    assert counter.run("bill", "explain", "req_1").stdout == (
        "input_tokens   3 x 1/3 price              = 1     billing.x\n"
        "output_tokens  1 x 0.125 price x 2 ratio  = 0.25  billing.x\n"
        "charge                                    = 1.25\n"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1, 2**20), "0.00000095367431640625"),
        (Fraction(2, 3), "0.666666666666666667"),
        (Fraction(10**12 + 1, 7), "142857142857.285714285714285714"),
        (Fraction(1, 3 * 10**18), "0"),
    ],
)
def test_an_amount_is_a_decimal_exact_if_it_can_be(amount: Fraction, text: str) -> None:
    """What has no end is cut at 18 places, rounded."""
    assert decimal_of(amount) == text


def test_what_the_shop_bore_is_told_apart(counter: Counter) -> None:
    """An account with 1 credit pays 1 of 1.25; the rest is overrun."""
    ask_once(counter, CREDIT)
    bill = counter.ask("bill", "explain", "req_1")
    assert (bill["charge"], [line["amount"] for line in bill["lines"]]) == ("1", ["1", "0.25"])
    assert counter.run("bill", "explain", "req_1").stdout.splitlines()[-1] == (
        "overrun        not covered, borne by the shop  = 0.25"
    )


def test_what_the_upstream_says_it_charges_is_told_beside_it(counter: Counter) -> None:
    """To people; it is no part of the charge."""
    ask_once(counter, 10 * CREDIT, usage=Usage(input_tokens=3, output_tokens=1, upstream_cost_nano=60_000))
    assert counter.run("bill", "explain", "req_1").stdout.splitlines()[-1] == (
        "upstream       what it says it charges, in USD  = 0.00006"
    )


def test_what_was_given_back_is_told(counter: Counter) -> None:
    """Whoever asks why the account has more than its charges leave finds out here; the charge itself stands."""
    ask_once(counter, 10 * CREDIT)
    counter.open_account("bob")  # opens the ledger anew, which ends what was posted and never handed over
    assert counter.ask("bill", "explain", "req_1")["charge"] == "1.25"
    assert counter.run("bill", "explain", "req_1").stdout.splitlines()[-2:] == [
        "charge                                             = 1.25",
        "given back     as the answer may not have arrived  = 1.25",
    ]


def test_an_unknown_request_is_refused(counter: Counter) -> None:
    """With where the ids stand."""
    ask_once(counter, CREDIT)
    assert counter.refused("bill", "explain", "req_2") == (
        1,
        "error: no request 'req_2' in the log; relay log list shows the ids",
    )

"""The judge: what customers and upstream saw, held against the books after every kill.

Each check yields sentences about what is wrong, so that one kill shows everything it broke.
Source of I1 to I15: field/reliability.md 2.10, and of what may go unbilled: 2.11, read 2026-11-23.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from relay.core.ledger.verify import verify
from tests.torture.books import Bill, Books, Reservation, read_books
from tests.torture.purchases import INPUT_NANO, OUTPUT_NANO, PIECE_TOKENS, Purchase

AWAITED = ("complete", "empty", "refused")
"""Outcomes of an answer that has an end, which the customer may have missed."""
REFUSALS = (403, 502, 503)
"""No credit, no answer from the upstream, no channel left: all that may be said besides 200."""
ALARMS = (
    "request.crashed", "ledger.broken", "group.refused", "recovery.failed", "commit.failed", "spool.refused", "post.failed",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """All there is to judge by."""

    books: Books
    purchases: Sequence[Purchase]
    gifts: dict[str, int]
    """By account name."""
    top_ups: dict[str, tuple[str, int]]
    """Account name and amount of every top-up that was acknowledged, by reference."""
    unmarked_s: float
    """What streams in this time may go unbilled at a kill."""
    holds: dict[str, Reservation]
    """The reservation of each purchase, by its marker."""

    def bill(self, purchase: Purchase) -> Bill | None:
        """Return the log row of a purchase."""
        hold = self.holds.get(purchase.marker)
        return self.books.bills.get(hold.request_id) if hold is not None else None


def judge(
    folder: Path,
    purchases: Sequence[Purchase],
    gifts: dict[str, int],
    top_ups: dict[str, tuple[str, int]],
    unmarked_s: float,
) -> list[str]:
    """Return what is wrong, while nobody buys; empty where every invariant holds."""
    books = read_books(folder / "data")
    holds, problems = match(books.reservations, purchases)
    case = Case(books, purchases, gifts, top_ups, unmarked_s, holds)
    checks = (nothing_open, never_unheld, acknowledged, honest, marked, refunded, money_in, balanced, caps, strangers)
    found = [problem for check in checks for problem in check(case)]
    alarms = [alarm for alarm in ALARMS if alarm in (folder / "relay.log").read_text()]
    return [*verify(folder / "data"), *problems, *found, *(f"relay logged '{alarm}'" for alarm in alarms)]


def match(
    reservations: Sequence[Reservation], purchases: Sequence[Purchase]
) -> tuple[dict[str, Reservation], list[str]]:
    """Tell which reservation is whose: a key buys one thing at a time, so the time at which it was asked tells."""
    by_key: defaultdict[str, list[Purchase]] = defaultdict(list)
    for purchase in sorted(purchases, key=lambda each: each.asked_at):
        by_key[purchase.key_id].append(purchase)
    holds: dict[str, Reservation] = {}
    problems: list[str] = []
    for key_id, group in groupby(reservations, key=lambda each: each.key_id):
        asked = by_key[key_id]
        times = [int(purchase.asked_at * 1000) for purchase in asked]
        for reservation in group:
            place = bisect_right(times, reservation.at_ms) - 1
            purchase = asked[place]
            if place < 0 or (purchase.request_id or reservation.request_id) != reservation.request_id:
                problems.append(f"nobody asked for '{reservation.request_id}'")
            elif purchase.marker in holds:
                problems.append(f"'{purchase.marker}' was reserved twice")
            else:
                holds[purchase.marker] = reservation
    return holds, problems


def nothing_open(case: Case) -> Iterator[str]:
    """I9: after recovery nothing is held, for nobody buys."""
    for reservation in case.books.reservations:
        if reservation.state == "open":
            yield f"I9 '{reservation.request_id}' is still open"
    for key_id, (_, _, held_nano) in case.books.keys.items():
        if held_nano:
            yield f"I9 key '{key_id}' still holds {held_nano}"


def never_unheld(case: Case) -> Iterator[str]:
    """I7: whatever arrived at the upstream was held before, and still is in the books."""
    for purchase in case.purchases:
        if purchase.arrivals and purchase.marker not in case.holds:
            yield f"I7 '{purchase.marker}' arrived at the upstream, and no reservation survived"
        if not all(arrival.is_held for arrival in purchase.arrivals):
            yield f"I7 '{purchase.marker}' arrived at the upstream before its hold was in the books"


def acknowledged(case: Case) -> Iterator[str]:
    """I5, I8: an answer whose end the customer saw is charged once, and exactly what the upstream says."""
    for purchase in case.purchases:
        if purchase.ended_at is None:
            continue
        marker, bill = purchase.marker, case.bill(purchase)
        if purchase.plan.is_stream and purchase.plan.ending != "whole":
            yield f"'{marker}' was cut by the upstream and ended in order"
        elif bill is None:
            yield f"I8 '{marker}' ended before the customer's eyes, and there is no bill"
        elif case.holds[marker].state != "posted" or bill.outcome != "complete":
            yield f"I8 '{marker}' ended before the customer's eyes, and is {case.holds[marker].state}, {bill.outcome}"
        elif bill.total_nano != purchase.plan.charge_nano:
            yield f"I8 '{marker}' was charged {bill.total_nano}, and is worth {purchase.plan.charge_nano}"
        elif case.books.paid.get(case.holds[marker].request_id, 0) != bill.charge_nano:
            yield f"I5 '{marker}' did not pay what its bill says"


def honest(case: Case) -> Iterator[str]:
    """I12: nobody pays for what was never sent, nor more than what the upstream answered."""
    for purchase in case.purchases:
        bill = case.bill(purchase)
        if bill is None or bill.total_nano == 0:
            continue
        marker, plan = purchase.marker, purchase.plan
        if not purchase.arrivals:
            yield f"'{marker}' was charged, and never sent to the upstream"
        if bill.total_nano != INPUT_NANO * bill.input_tokens + OUTPUT_NANO * bill.output_tokens:
            yield f"I12 '{marker}' was charged {bill.total_nano}, which is not the price of its tokens"
        if bill.outcome == "complete" or (purchase.is_all_sent and bill.output_tokens == plan.output_tokens):
            if bill.total_nano != plan.charge_nano:
                yield f"'{marker}' was charged {bill.total_nano}, and the whole answer is worth {plan.charge_nano}"
        elif bill.output_tokens > PIECE_TOKENS * purchase.pieces_sent:
            yield f"'{marker}' was charged for {bill.output_tokens} tokens, and {purchase.pieces_sent} pieces were sent"
        elif bill.input_tokens > max(plan.input_tokens, purchase.request_bytes):
            yield f"'{marker}' was charged for {bill.input_tokens} tokens of input, more than there are bytes in it"


def marked(case: Case) -> Iterator[str]:
    """2.11: what was delivered is billed, but for what streamed since the last mark before a kill."""
    for purchase in case.purchases:
        bill = case.bill(purchase)
        if bill is None or bill.outcome == "complete" or not purchase.pieces_at:
            continue
        is_recovered = case.holds[purchase.marker].is_recovered
        count = purchase.pieces_before(purchase.killed_at - case.unmarked_s if is_recovered else purchase.killed_at)
        expected_tokens = PIECE_TOKENS * count
        if purchase.is_all_sent:
            expected_tokens = min(expected_tokens, purchase.plan.output_tokens)
        if bill.output_tokens < expected_tokens:
            yield (
                f"2.11 '{purchase.marker}' ({bill.outcome}) was billed {bill.output_tokens} tokens, and {count} pieces"
                f" were there by the last mark, {len(purchase.pieces_at)} in all"
            )


def refunded(case: Case) -> Iterator[str]:
    """2.8: what was posted and not delivered is given back, less what was marked; what was delivered only just before the kill may be."""
    for purchase in case.purchases:
        bill = case.bill(purchase)
        if bill is None:
            continue
        hold = case.holds[purchase.marker]
        refund_nano = case.books.refunded.get(hold.request_id, 0)
        is_awaited = bill.outcome in AWAITED and not hold.is_recovered and not purchase.has_left
        marked_nano = INPUT_NANO * hold.marked_input_tokens + OUTPUT_NANO * hold.marked_output_tokens
        expected_nano = max(0, bill.charge_nano - marked_nano)
        if refund_nano not in (0, expected_nano):
            yield f"'{purchase.marker}' paid {bill.charge_nano}, {marked_nano} of it marked, and got {refund_nano} back"
        if is_awaited and purchase.ended_at is None and refund_nano != expected_nano:
            yield f"2.8 '{purchase.marker}' was charged, its end never came, and {refund_nano} was given back"
        is_late = purchase.ended_at is None or purchase.ended_at > purchase.killed_at - case.unmarked_s
        if refund_nano and not is_late:
            yield f"'{purchase.marker}' was delivered long before a kill and given back"


def money_in(case: Case) -> Iterator[str]:
    """I8, I10: every top-up that was acknowledged is there, once, and no other."""
    expected = {reference: nano for reference, (_, nano) in case.top_ups.items()}
    if case.books.top_ups != expected:
        yield f"I10 top-ups differ: {sorted(case.books.top_ups.items() ^ expected.items())}"


def balanced(case: Case) -> Iterator[str]:
    """I2, I15: a balance is what came in, less the charges, and what was given back."""
    expected = {f"acc_{name}": nano for name, nano in case.gifts.items()}
    for name, nano in case.top_ups.values():
        expected[f"acc_{name}"] += nano
    for request_id, bill in case.books.bills.items():
        expected[bill.account_id] += case.books.refunded.get(request_id, 0) - bill.charge_nano
    for account_id, nano in expected.items():
        if case.books.balances[account_id] != nano:
            yield f"I15 account '{account_id}' has {case.books.balances[account_id]}, its movements come to {nano}"
        if nano < 0:
            yield f"I4 account '{account_id}' is overdrawn"


def caps(case: Case) -> Iterator[str]:
    """I14: a key has spent what its requests cost, less what was given back, and no more than its cap."""
    spent: defaultdict[str, int] = defaultdict(int)
    for request_id, bill in case.books.bills.items():
        spent[bill.key_id] += bill.total_nano - case.books.refunded.get(request_id, 0)
    for key_id, (cap_nano, spent_nano, _) in case.books.keys.items():
        if spent_nano != spent[key_id]:
            yield f"I14 key '{key_id}' says {spent_nano} spent, its requests cost {spent[key_id]}"
        if cap_nano is not None and spent_nano > cap_nano:
            yield f"I14 key '{key_id}' spent {spent_nano} of {cap_nano}"


def strangers(case: Case) -> Iterator[str]:
    """Every answer is one that a customer may get, and a refusal for want of credit left no trace."""
    for purchase in case.purchases:
        if purchase.status not in (None, 200, *REFUSALS):
            yield f"'{purchase.marker}' was answered {purchase.status}"
        if purchase.status == 403 and (purchase.arrivals or purchase.marker in case.holds):
            yield f"'{purchase.marker}' was refused, and yet held or sent"

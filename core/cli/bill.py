"""``relay bill``: explains the charge of a request, factor by factor."""

from fractions import Fraction

import click

from ..money import format_exact, format_nano
from ..storage import Bill, Storage
from . import Failure, main
from .arguments import Name
from .desk import Desk, with_desk
from .options import json_option
from .output import print_cells, print_json

PLACES_MAX = 18
"""Decimals shown of an amount that has no finite decimal, such as a third; it is never added up in this form."""


@main.group()
def bill() -> None:
    """Explain what a request cost."""


@bill.command()
@click.argument("request_id", type=Name())
@with_desk
@json_option
def explain(desk: Desk, request_id: str, is_json: bool) -> None:
    """Print every line of the charge of REQUEST_ID: a count, its factors, the amount."""

    async def work(storage: Storage) -> Bill:
        found = await storage.find_bill(request_id)
        if found is None:
            raise Failure(f"error: no request '{request_id}' in the log; relay log list shows the ids")
        return found

    found = desk.read(work)
    if is_json:
        print_json(view_of(found))
    else:
        print_bill(found)


def view_of(found: Bill) -> dict[str, object]:
    """Return *found* as it is printed.

    The charge is what was paid: less than the lines' sum if the shop bore the rest. Amounts of lines are in
    credits, before the charge is rounded; factors are exact: a decimal if there is one, else a fraction such
    as ``4/3``.
    """
    lines = [
        {
            "rule": line.rule,
            "item": line.item,
            "count": line.count,
            "factors": [{"name": name, "value": format_exact(value)} for name, value in line.factors],
            "amount": decimal_of(line.amount),
        }
        for line in found.charge.lines
    ]
    return {"request_id": found.request_id, "charge": format_nano(found.charge_nano), "lines": lines}


def decimal_of(amount: Fraction) -> str:
    """Return *amount* as a plain decimal: exact if there is one, else rounded to 18 places.

    >>> decimal_of(Fraction(3, 8)), decimal_of(Fraction(1, 3))
    ('0.375', '0.333333333333333333')
    """
    exact = format_exact(amount)
    if "/" in exact:
        return format_exact(Fraction(round(amount * 10**PLACES_MAX), 10**PLACES_MAX))
    return exact


def print_bill(found: Bill) -> None:
    """Print a bill: its lines, then the charge, the shop's own share, what was given back, and the upstream's price."""
    lines = []
    for line in found.charge.lines:
        factors = " x ".join(f"{format_exact(value)} {name}" for name, value in line.factors)
        lines.append([line.item, f"{line.count} x {factors}", f"= {decimal_of(line.amount)}", line.rule])
    lines.append(["charge", "", f"= {format_nano(found.charge_nano)}", ""])
    if found.overrun_nano:
        lines.append(["overrun", "not covered, borne by the shop", f"= {format_nano(found.overrun_nano)}", ""])
    if found.returned_nano:
        words = "as the answer may not have arrived"
        lines.append(["given back", words, f"= {format_nano(found.returned_nano)}", ""])
    if found.upstream_cost_nano is not None:
        lines.append(["upstream", "what it says it charges, in USD", f"= {format_nano(found.upstream_cost_nano)}", ""])
    print_cells(lines)

"""``relay account``: open an account, show it, top it up; list all."""

import click

from ..clock import new_id
from ..ledger.operations import CreateAccount, TopUp
from ..ledger.sqlite import SqliteLedger
from ..money import format_nano
from ..storage import Account, Storage
from . import main
from .arguments import Amount, Name
from .desk import ACTOR, Desk, check_known, find_account, now, with_desk
from .options import json_option
from .output import print_row, print_rows


@main.group()
def account() -> None:
    """Open accounts, show and list them, and top them up."""


@account.command()
@click.argument("name", type=Name())
@click.option("--credit", type=Amount(), default="0", metavar="AMOUNT", help="Credits given as a gift.")
@click.option("--membership", default="default", metavar="M", help="Membership of the account. Default: default.")
@with_desk
@json_option
def create(desk: Desk, name: str, credit: int, membership: str, is_json: bool) -> None:
    """Open the account NAME."""
    check_known("membership", membership, desk.profile.memberships)
    operation = CreateAccount(
        account_id=new_id("acct"), name=name, membership=membership, gift_nano=credit, actor=ACTOR
    )

    async def work(ledger: SqliteLedger, storage: Storage) -> Account:
        await ledger.create_account(operation)
        return await find_account(storage, name)

    print_row(view_of(desk.change(work)), is_json=is_json)


@account.command()
@click.argument("name", type=Name())
@with_desk
@json_option
def show(desk: Desk, name: str, is_json: bool) -> None:
    """Print the balance of the account NAME: what is available and what running requests hold."""

    async def work(storage: Storage) -> Account:
        return await find_account(storage, name)

    print_row(view_of(desk.read(work)), is_json=is_json)


@account.command("list")
@with_desk
@json_option
def list_(desk: Desk, is_json: bool) -> None:
    """List the accounts by name, each with its balance."""

    async def work(storage: Storage) -> list[Account]:
        return await storage.list_accounts(now())

    views = [view_of(each) for each in desk.read(work)]
    print_rows(views, is_json=is_json, nothing="no accounts; open one with: relay account create NAME")


@account.command("top-up")
@click.argument("name", type=Name())
@click.argument("amount", type=Amount())
@click.option(
    "--reference", required=True, type=Name(), metavar="REF", help="Id of the payment, which is booked only once."
)
@with_desk
@json_option
def top_up(desk: Desk, name: str, amount: int, reference: str, is_json: bool) -> None:
    """Book AMOUNT credits paid in for the account NAME.

    A second time with the same reference, it moves nothing: repeat it when in doubt whether it worked.
    """
    if amount == 0:
        raise click.BadParameter("expected an amount above 0", param_hint="AMOUNT")
    desk.check_database()

    async def work(ledger: SqliteLedger, storage: Storage) -> Account:
        await find_account(storage, name)
        await ledger.top_up(TopUp(account=name, amount_nano=amount, reference=reference, actor=ACTOR))
        return await find_account(storage, name)

    print_row(view_of(desk.change(work)), is_json=is_json)


def view_of(found: Account) -> dict[str, object]:
    """Return *found* as it is printed; amounts in credits."""
    return {
        "name": found.name,
        "membership": found.membership,
        "balance": format_nano(found.balance_nano),
        "held": format_nano(found.held_nano),
        "available": format_nano(found.available_nano),
    }

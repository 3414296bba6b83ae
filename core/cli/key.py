"""``relay key``: create keys, list them, revoke them, switch them to another group."""

from datetime import datetime, timedelta

import click

from ..clock import new_id
from ..keys import api_key_digest, new_api_key
from ..ledger.operations import CreateKey, RevokeKey, SetKeyGroup
from ..ledger.sqlite import SqliteLedger
from ..money import format_nano
from ..storage import Key, Storage
from . import Failure, main
from .arguments import Amount, Name, Names, Networks, Time, moment_after
from .desk import ACTOR, Desk, find_account, now, with_desk
from .options import json_option
from .output import print_row, print_rows, rfc3339


@main.group()
def key() -> None:
    """Create keys, list them, revoke them, switch them to another group."""


@key.command()
@click.option("--account", required=True, type=Name(), metavar="NAME", help="Account the key spends from.")
@click.option("--name", type=Name(), metavar="N", help="Name of the key, for the customer.")
@click.option(
    "--group", type=Name(), metavar="G", help="Group of the key. Default: the profile's keys.group, or its first group."
)
@click.option(
    "--cap",
    type=Amount(),
    metavar="AMOUNT",
    help="The most the key may spend, in credits; a running answer that costs more than its hold may exceed it.",
)
@click.option("--expires", type=Time(), metavar="TIME", help="When the key expires: RFC 3339, or a span such as 3d.")
@click.option("--models", type=Names(), metavar="A,B", help="The only models that the key may use.")
@click.option("--ips", type=Networks(), metavar="CIDR,...", help="The only addresses that the key may be used from.")
@with_desk
@json_option
def create(
    desk: Desk,
    account: str,
    name: str | None,
    group: str | None,
    cap: int | None,
    expires: datetime | timedelta | None,
    models: tuple[str, ...] | None,
    ips: tuple[str, ...] | None,
    is_json: bool,
) -> None:
    """Create a key and print it. It is shown only this once."""
    expires_at = None if expires is None else moment_after(now(), expires)
    if expires_at is not None and expires_at <= now():
        raise click.BadParameter(f"{rfc3339(expires_at)} is past", param_hint="--expires")
    desk.check_models(models or ())
    api_key = new_api_key(desk.profile.keys.prefix)
    operation = CreateKey(
        key_id=new_id("key"),
        account=account,
        name=name or "",
        digest=api_key_digest(api_key, desk.profile.keys),
        last4=api_key[-4:],
        group=group or desk.profile.default_group,
        cap_nano=cap,
        expires_at=expires_at,
        models=models,
        ips=ips or (),
        actor=ACTOR,
    )
    desk.check_database()

    async def work(ledger: SqliteLedger, storage: Storage) -> Key:
        desk.check_group(operation.group, (await find_account(storage, account)).membership)
        await ledger.create_key(operation)
        return await find_key(storage, operation.key_id)

    made = desk.change(work)
    view = {**view_of(made), "key": api_key}
    print_row(view, is_json=is_json)
    if not is_json:
        click.echo("\nkeep the key now: relay stores only its SHA-256 and can't show it again", err=True)


@key.command("list")
@click.option("--account", type=Name(), metavar="A", help="Only keys of this account.")
@with_desk
@json_option
def list_(desk: Desk, account: str | None, is_json: bool) -> None:
    """List keys, oldest first."""

    async def work(storage: Storage) -> list[Key]:
        if account is not None:
            await find_account(storage, account)
        return await storage.list_keys(account)

    views = [view_of(each) for each in desk.read(work)]
    print_rows(views, is_json=is_json, nothing="no keys; make one with: relay key create --account NAME")


@key.command()
@click.argument("key_id", type=Name())
@with_desk
@json_option
def revoke(desk: Desk, key_id: str, is_json: bool) -> None:
    """Revoke the key KEY_ID: it is refused from its next request on, and running answers end."""
    desk.check_database()

    async def work(ledger: SqliteLedger, storage: Storage) -> Key:
        await find_key(storage, key_id)
        await ledger.revoke_key(RevokeKey(key_id=key_id, actor=ACTOR))
        return await find_key(storage, key_id)

    print_row(view_of(desk.change(work)), is_json=is_json)


@key.command("set-group")
@click.argument("key_id", type=Name())
@click.argument("group", type=Name())
@with_desk
@json_option
def set_group(desk: Desk, key_id: str, group: str, is_json: bool) -> None:
    """Switch the key KEY_ID to GROUP, from its next request on."""
    desk.check_database()

    async def work(ledger: SqliteLedger, storage: Storage) -> Key:
        owner = await find_account(storage, (await find_key(storage, key_id)).account)
        desk.check_group(group, owner.membership)
        await ledger.set_key_group(SetKeyGroup(key_id=key_id, group=group, actor=ACTOR))
        return await find_key(storage, key_id)

    print_row(view_of(desk.change(work)), is_json=is_json)


async def find_key(storage: Storage, key_id: str) -> Key:
    """Return the key *key_id*, or refuse the id."""
    found = await storage.find_key(key_id)
    if found is None:
        raise Failure(f"error: unknown key '{key_id}'; relay key list shows the ids")
    return found


def view_of(found: Key) -> dict[str, object]:
    """Return *found* as it is printed; amounts in credits, None for no cap and no expiry."""
    return {
        "id": found.id,
        "name": found.name,
        "account": found.account,
        "group": found.group,
        "cap": None if found.cap_nano is None else format_nano(found.cap_nano),
        "spent": format_nano(found.spent_nano),
        "expires_at": None if found.expires_at is None else rfc3339(found.expires_at),
        "revoked": found.is_revoked,
        "last4": found.last4,
    }

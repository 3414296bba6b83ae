"""``relay run``: serve a shop, and with ``--demo`` hand out a key and a curl that works."""

import asyncio
import ipaddress
import socket
from pathlib import Path
from types import FrameType

import click
import msgspec
import uvicorn

from ..app import build_app
from ..clock import new_id
from ..keys import api_key_digest, new_api_key
from ..ledger.database import prepare_database
from ..ledger.operations import CreateAccount, CreateKey, RevokeKey
from ..ledger.sqlite import SqliteLedger
from ..money import NANO, format_nano
from ..observe import log_to_stderr
from ..profile.loaded import Loaded
from ..profile.loader import find_profile, for_demo, load_profile, resolve_secrets
from ..profile.record import write_record
from ..shop import Shop
from ..storage import Storage

GRACE_S = 120
"""How long running answers may go on after SIGTERM (field/reliability.md 3, row 65)."""
DEMO_ACCOUNT = "demo"
DEMO_CREDIT_NANO = 100 * NANO


class ShopServer(uvicorn.Server):
    """Says that the shop is open once it is, and at a second signal stops waiting for running answers."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            click.echo(self._announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            for task in self.server_state.tasks:
                task.cancel()
        super().handle_exit(sig, frame)


@click.command()
@click.option(
    "--profile", "name", required=True, metavar="FILE", help="The shop's profile, or the name of a bundled one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder; ./var/PROFILE where absent."
)
@click.option("--demo", "is_demo", is_flag=True, help="Answer with the simulator, on loopback, with a key handed out.")
def run(name: str, host: str, port: int, data: Path | None, *, is_demo: bool) -> None:
    """Serve a shop until SIGTERM."""
    loaded = load_profile(find_profile(name))
    if is_demo:
        if not is_loopback(host):
            raise click.UsageError(f"--demo listens on loopback only, not on '{host}'")
        loaded = msgspec.structs.replace(loaded, profile=for_demo(loaded.profile))
    secrets = resolve_secrets(loaded)
    data = data or Path("var") / (loaded.path.stem + ("-demo" if is_demo else ""))
    log_to_stderr()
    shop = Shop(loaded, data, secrets, is_demo=is_demo)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    announcement = f"relay ready on {address}: {loaded.profile.shop.name.en}, data in {data}"
    if is_demo:
        announcement += "\n" + demo_words(address, loaded, asyncio.run(hand_out_demo_key(loaded, data)))
    else:
        prepare_database(data, is_demo=False)
    write_record(data, loaded)
    config = uvicorn.Config(
        build_app(shop),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    ShopServer(config, announcement).run()


def is_loopback(host: str) -> bool:
    """Say whether *host* can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def hand_out_demo_key(loaded: Loaded, data: Path) -> str:
    """Return a new key of the demo's account, and revoke those of earlier starts."""
    profile = loaded.profile
    async with SqliteLedger.open(data, is_demo=True) as ledger, Storage.open(data) as storage:
        await ledger.create_account(
            CreateAccount(account_id=f"acc_{DEMO_ACCOUNT}", name=DEMO_ACCOUNT, gift_nano=DEMO_CREDIT_NANO, actor="demo")
        )
        for key in await storage.list_keys(DEMO_ACCOUNT):
            if not key.is_revoked:
                await ledger.revoke_key(RevokeKey(key_id=key.id, actor="demo"))
        api_key = new_api_key(profile.keys.prefix)
        await ledger.create_key(
            CreateKey(
                key_id=new_id("key"),
                account=DEMO_ACCOUNT,
                name="demo",
                digest=api_key_digest(api_key, profile.keys),
                last4=api_key[-4:],
                group=demo_group(loaded),
                actor="demo",
            )
        )
    return api_key


def demo_group(loaded: Loaded) -> str:
    """Return the group of the demo's key: the profile's default."""
    return loaded.profile.keys.group or next(iter(loaded.profile.groups))


def demo_words(address: str, loaded: Loaded, api_key: str) -> str:
    """Return the key, and a command that works when pasted."""
    group = demo_group(loaded)
    section = next(one for one in loaded.profile.channels if group in one.groups)
    model = section.models[0] if isinstance(section.models[0], str) else section.models[0].name
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}).decode()
    symbol = loaded.profile.shop.unit.symbol
    return "\n".join(
        [
            f"demo key: {api_key} (account {DEMO_ACCOUNT}, {symbol}{format_nano(DEMO_CREDIT_NANO)} at first, group {group})",
            "",
            f"curl {address}/v1/chat/completions \\",
            f"  -H 'authorization: Bearer {api_key}' \\",
            "  -H 'content-type: application/json' \\",
            f"  -d '{body}'",
        ]
    )

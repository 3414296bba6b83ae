"""``relay run``: serve a shop, and with ``--demo`` hand out a key and a curl that works."""

import asyncio
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec

from ..ledger.database import prepare_database
from ..observe import log_to_stderr
from ..profile.loader import find_profile, for_demo, load_profile, resolve_secrets
from ..profile.record import write_record


@click.command()
@click.option(
    "--profile", "name", required=True, metavar="FILE", help="The shop's profile, or the name of a bundled one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
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
    with ThreadPoolExecutor(max_workers=1) as aside:
        # Making a new database takes as long as importing the server: the two go on at once.
        database = aside.submit(prepare_database, data, is_demo=is_demo)
        from ..demo import demo_words, hand_out_key
        from ..serving import serve
        from ..shop import Shop

        database.result()
    log_to_stderr()
    write_record(data, loaded)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    announcement = f"relay ready on {address}: {loaded.profile.shop.name.en}, data in {data}"
    if is_demo:
        announcement += "\n" + demo_words(address, loaded.profile, asyncio.run(hand_out_key(loaded.profile, data)))
    serve(Shop(loaded, data, secrets, is_demo=is_demo), host=host, port=port, announcement=announcement)


def is_loopback(host: str) -> bool:
    """Say whether *host* can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

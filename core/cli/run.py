"""``relay run``: serve a shop, and with ``--demo`` hand out a key and a curl that works."""

import asyncio
import errno
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec

from ..ledger.database import prepare_database
from ..listening import listen
from ..observe import log_to_stderr
from ..profile.loader import find_profile, for_demo, load_profile, resolve_secrets
from ..profile.record import write_record
from . import Failure
from .options import data_option, resolve_data


@click.command()
@click.option(
    "--profile", "name", required=True, metavar="FILE", help="The shop's profile, or the name of a bundled one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any free one.",
)
@data_option
@click.option(
    "--demo", "is_demo", is_flag=True, help="Answer with the simulator, on loopback only, and print a new key."
)
def run(name: str, host: str, port: int, data: Path | None, *, is_demo: bool) -> None:
    """Serve a shop until SIGTERM."""
    loaded = load_profile(find_profile(name))
    if not host:
        raise click.UsageError("--host is empty; 0.0.0.0 stands for all addresses of this machine")
    if is_demo:
        if not is_loopback(host):
            raise click.UsageError(f"--demo listens on loopback only, not on '{host}'")
        loaded = msgspec.structs.replace(loaded, profile=for_demo(loaded.profile))
    secrets = resolve_secrets(loaded)
    data = resolve_data(data, loaded.path, is_demo=is_demo)
    # First of all: a start that finds its port taken makes no folder, and leaves a running shop its demo key and record.
    with _listen(host, port) as listener:
        with ThreadPoolExecutor(max_workers=1) as aside:
            # Making a new database takes as long as importing the server: the two go on at once.
            database = aside.submit(prepare_database, data, is_demo=is_demo)
            from ..demo import demo_words, hand_out_key
            from ..serving import serve
            from ..shop import Shop

            database.result()
        log_to_stderr()
        write_record(data, loaded)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        announcement = f"relay ready on {address}: {loaded.profile.shop.name.en}, data in {data}"
        if is_demo:
            announcement += "\n" + demo_words(address, loaded.profile, asyncio.run(hand_out_key(loaded.profile, data)))
        serve(Shop(loaded, data, secrets, is_demo=is_demo), listener, announcement=announcement)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except UnicodeError as exc:
        raise Failure(f"error: can't listen on '{host}': it is not a valid host name; choose another --host") from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).partition(" (")[0].lower()
        option = "--port" if exc.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
        raise Failure(f"error: can't listen on '{host}', port {port}: {reason}; choose another {option}") from exc


def is_loopback(host: str) -> bool:
    """Say whether *host* can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

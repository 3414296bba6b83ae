"""The server process around a shop: uvicorn, its signals, and the line that says the shop is open."""

import asyncio
import gc
import signal
import socket
from contextlib import suppress
from types import FrameType

import click
import uvicorn

from .app import build_app
from .face import face_of
from .realtime.face import websocket_face_of
from .shop import Shop

GRACE_S = 120
"""How long running answers may go on after SIGTERM (field/reliability.md 3, row 65)."""

BACKLOG_MAX = 2048
"""Connections that may wait to be taken."""

COLLECT_AFTER_OBJECTS = 10_000
"""How many more objects than before make Python look for cycles among the young ones; its own default is 700."""


class ShopServer(uvicorn.Server):
    """Says that the shop is open once it is, and at a second signal stops waiting for running answers.

    It opens the shop itself: uvicorn would turn what a plugin raises then into a printed traceback.
    """

    def __init__(self, config: uvicorn.Config, shop: Shop, announcement: str) -> None:
        super().__init__(config)
        self._shop = shop
        self._announcement = announcement
        self._told_to_end: set[asyncio.Task[None]] = set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the shop, serve until a signal, close the shop."""
        with self.capture_signals():
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup has it ignored
                signal.signal(signal.SIGHUP, self.handle_exit)
            async with self._shop.opened(), self._shop.ledger.minding_room():
                await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        if self.started:
            spare_collector()
            # A shop whose output nobody takes any more, or whose disk is full, serves all the same.
            with suppress(OSError):
                click.echo(self._announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal; at the second, end running answers with an error event.

        Each is told once: another signal would interrupt what it still has to book and to say. SIGHUP is never a second
        one: where a terminal is closed, the kernel sends it, and the shell once more; systemd can send it behind SIGTERM.
        """
        if self.should_exit and sig != signal.SIGHUP:
            for task in self.server_state.tasks - self._told_to_end:
                task.cancel()
                self._told_to_end.add(task)
        super().handle_exit(sig, frame)


def spare_collector() -> None:
    """Let Python look for cycles more rarely, and never again in what is there already.

    Requests leave hardly any behind, and what was loaded to open the shop stays to the end: looking
    through both was an eighth of what a small request cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; who connects waits until the shop serves.

    Raises:
        OSError: The port is taken, or the address is none of this machine's.
        UnicodeError: It can be no host's name.
    """
    host.encode("idna")  # before there is a socket that would stay open
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG_MAX)


def serve(shop: Shop, listener: socket.socket, *, announcement: str) -> None:
    """Serve *shop* on *listener* until SIGTERM.

    Raises:
        PluginError: A plugin can't be made or opened; names it and its file.

    httptools is the strictest HTTP parser measured (DESIGN 11; field/reliability.md 3, row 44).
    """
    config = uvicorn.Config(
        build_app(shop),
        backlog=BACKLOG_MAX,
        loop="uvloop",
        http=face_of(shop),
        ws=websocket_face_of(shop),
        lifespan="off",
        log_config=None,
        log_level="error",  # not a line for each piece of nonsense that a scanner sends
        access_log=False,
        server_header=False,
        # uvicorn would believe X-Forwarded-For of every peer on loopback, and so open a key's list of addresses.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    # An end by Ctrl-C is an end in order, and no error; uvicorn raises the signal once more behind it.
    with suppress(KeyboardInterrupt):
        ShopServer(config, shop, announcement).run(sockets=[listener])
